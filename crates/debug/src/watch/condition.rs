//! Conditions of breakpoints: an expression whose names and types are looked up once, and that is then asked of a machine
//! in the middle of its run, over a million times a second.
//!
//! What needs more than registers, memory and numbers (a variable in pieces, another process, a member of a virtual
//! base) is not compiled; whoever has the condition then stops and asks a [`super::Watcher`].

use super::{
    arithmetic,
    ast::{Binary, Expression, ExpressionKind as Kind, Name, TypeName, Unary},
    error::{Span, WatchError},
    evaluate::Evaluator,
    grammar::parse,
    operand::{Home, Number, Operand},
    registers::part_of_register,
    scope::{Inside, Scope},
    store::TypeStore,
};
use crate::{
    symbol_provider::SymbolProvider,
    value::{Integer, Place, integer},
};
use std::{fmt, rc::Rc};
use vatlas_space::{
    Target, Va,
    control::{MOMENT_FLAGS, MOMENT_PC, Moment},
};
use vatlas_symbols::{
    Type, TypeId, Variable, VariablePlace,
    type_text::size_of,
    types::{BasicKind, PointerKind},
};

/// Names of registers by their numbers in a [`Moment`].
const REGISTERS: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];

/// A compiled condition.
#[derive(Clone)]
pub struct Condition {
    text: String,
    code: Option<Rc<Code>>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("text", &self.text).field("is_compiled", &self.is_compiled()).finish()
    }
}

impl Condition {
    /// Looks up the names of a condition.
    ///
    /// # Errors
    /// It is no expression.
    pub fn compile(
        target: &dyn Target,
        provider: &dyn SymbolProvider,
        text: &str,
        scope: &Scope,
    ) -> Result<Self, WatchError> {
        let evaluator = Evaluator::new(target, provider);
        let inside = Inside::new(scope);
        let is_type = |name: &str| evaluator.is_type(name, &inside);
        let watch = parse(text, &is_type)?;
        let compiler = Compiler { evaluator: &evaluator, inside: &inside };
        let code = compiler.value(&watch.expression).map(Rc::new);
        Ok(Self { text: watch.expression.to_string(), code })
    }

    /// The condition as it was understood.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it can be asked in the middle of a run.
    pub const fn is_compiled(&self) -> bool {
        self.code.is_some()
    }

    /// Whether it holds; `None` where memory is not at hand, or it is not compiled.
    pub fn holds(&self, moment: &dyn Moment) -> Option<bool> {
        self.code.as_ref()?.run(moment).map(arithmetic::is_true)
    }
}

/// How bytes become a number.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Signed,
    Unsigned,
    Float,
}

/// A compiled expression.
#[derive(Clone, Debug)]
enum Code {
    Number(Number),
    Register {
        number: u8,
        first: u32,
        bits: u32,
    },
    Load {
        at: Box<Self>,
        size: usize,
        reading: Reading,
        /// Lowest bit and bits of a bit field.
        field: Option<(u32, u32)>,
    },
    /// An address: a base, and an index times a size.
    Sum {
        base: Box<Self>,
        index: Box<Self>,
        scale: i64,
    },
    Unary(Unary, Box<Self>),
    Binary(Binary, Box<[Self; 2]>),
    /// The second one, if the first is true or not.
    Both(Box<[Self; 2]>),
    Either(Box<[Self; 2]>),
    Conditional(Box<[Self; 3]>),
    Convert {
        of: Box<Self>,
        width: u32,
        is_signed: bool,
    },
}

impl Code {
    fn run(&self, moment: &dyn Moment) -> Option<Number> {
        Some(match self {
            Self::Number(number) => *number,
            Self::Register { number, first, bits } => {
                let whole = Integer::new(moment.register(*number).into(), 32, false);
                Number::Integer(if *bits == 32 { whole } else { whole.field(*first, *bits) })
            }
            Self::Load { at, size, reading, field } => {
                let va = address(at.run(moment)?);
                let mut bytes = [0; 8];
                if !moment.read(None, Va(va.into()), bytes.get_mut(..*size)?) {
                    return None;
                }
                loaded(bytes.get(..*size)?, *reading, *field)?
            }
            Self::Sum { base, index, scale } => {
                let index = whole(index.run(moment)?)?.wrapping_mul(i128::from(*scale));
                Number::Integer(Integer::new(i128::from(address(base.run(moment)?)).wrapping_add(index), 32, false))
            }
            Self::Unary(operator, of) => arithmetic::unary(*operator, of.run(moment)?).ok()?,
            Self::Binary(operator, of) => arithmetic::binary(*operator, of[0].run(moment)?, of[1].run(moment)?).ok()?,
            Self::Both(of) => {
                let first = arithmetic::is_true(of[0].run(moment)?);
                arithmetic::truth(first && arithmetic::is_true(of[1].run(moment)?))
            }
            Self::Either(of) => {
                let first = arithmetic::is_true(of[0].run(moment)?);
                arithmetic::truth(first || arithmetic::is_true(of[1].run(moment)?))
            }
            Self::Conditional(of) => {
                let first = arithmetic::is_true(of[0].run(moment)?);
                of[if first { 1 } else { 2 }].run(moment)?
            }
            Self::Convert { of, width, is_signed } => {
                Number::Integer(Integer::new(whole(of.run(moment)?)?, *width, *is_signed))
            }
        })
    }
}

fn loaded(bytes: &[u8], reading: Reading, field: Option<(u32, u32)>) -> Option<Number> {
    Some(match reading {
        Reading::Float => Number::Float(match bytes.len() {
            4 => f32::from_le_bytes(*bytes.first_chunk()?).into(),
            _ => f64::from_le_bytes(*bytes.first_chunk()?),
        }),
        Reading::Signed | Reading::Unsigned => {
            let number = integer(bytes, matches!(reading, Reading::Signed))?;
            Number::Integer(field.map_or(number, |(first, bits)| number.field(first, bits)))
        }
    })
}

fn whole(number: Number) -> Option<i128> {
    match number {
        Number::Integer(number) => Some(number.number()),
        Number::Float(_) => None,
    }
}

fn address(number: Number) -> u32 {
    whole(number).map_or(0, |number| number as u32)
}

fn number(value: i128, width: u32, is_signed: bool) -> Code {
    Code::Number(Number::Integer(Integer::new(value, width, is_signed)))
}

/// Where a typed value is.
enum At {
    /// In memory, at an address.
    Memory(Code),
    /// It is a number.
    Value(Code),
}

/// A value with a type.
struct Typed {
    store: Rc<TypeStore>,
    id: TypeId,
    at: At,
}

impl Typed {
    fn stripped(&self) -> Option<(TypeId, Type)> {
        crate::value::strip(&*self.store, self.id).ok()
    }

    /// The number that it is; of an array or a function its address.
    fn number(self) -> Option<Code> {
        let (id, of) = self.stripped()?;
        let at = match (self.at, &of) {
            (At::Memory(at), Type::Array { .. } | Type::Function(_)) => return Some(at),
            (At::Value(code), _) => return Some(code),
            (At::Memory(at), _) => Box::new(at),
        };
        let size = usize::try_from(size_of(&*self.store, id)?).ok();
        let size = size.filter(|size| (1..=8).contains(size));
        let load = |size, reading, field| Some(Code::Load { at, size, reading, field });
        match of {
            Type::Pointer { .. } => load(size?, Reading::Unsigned, None),
            Type::Enumeration(_) => load(size?, Reading::Signed, None),
            Type::Basic { kind: BasicKind::Float, size: 4 | 8, .. } => load(size?, Reading::Float, None),
            Type::Basic { kind, name, .. } => load(size?, reading_of(kind, &name)?, None),
            Type::BitField { target, first_bit, bits } => {
                let (_, whole) = crate::value::strip(&*self.store, target).ok()?;
                let Type::Basic { kind, name, size, .. } = whole else { return None };
                let size = usize::try_from(size).ok().filter(|size| (1..=8).contains(size))?;
                load(size, reading_of(kind, &name)?, Some((first_bit, bits)))
            }
            _ => None,
        }
    }

    /// What it points at, and the address.
    fn pointed_at(self) -> Option<(Rc<TypeStore>, TypeId, Code)> {
        let (id, of) = self.stripped()?;
        let store = Rc::clone(&self.store);
        let target = match of {
            Type::Array { element, .. } => element,
            Type::Function(_) => id,
            Type::Pointer { target, kind: PointerKind::Pointer, .. } => target,
            _ => return None,
        };
        Some((store, target, self.number()?))
    }
}

fn reading_of(kind: BasicKind, name: &str) -> Option<Reading> {
    Some(match kind {
        BasicKind::Signed | BasicKind::Hresult => Reading::Signed,
        BasicKind::Char if !name.starts_with("unsigned") => Reading::Signed,
        BasicKind::Unsigned
        | BasicKind::Bool
        | BasicKind::Char
        | BasicKind::Char8
        | BasicKind::Char16
        | BasicKind::Char32 => Reading::Unsigned,
        BasicKind::Void | BasicKind::Float | BasicKind::Complex => return None,
    })
}

struct Compiler<'a, 'e> {
    evaluator: &'e Evaluator<'a>,
    inside: &'e Inside<'e>,
}

impl Compiler<'_, '_> {
    /// An expression as a number; `None` for what is not compiled.
    fn value(&self, expression: &Expression) -> Option<Code> {
        self.typed(expression)?.number()
    }

    fn boxed(&self, expression: &Expression) -> Option<Box<Code>> {
        self.value(expression).map(Box::new)
    }

    fn plain(&self, code: Code) -> Typed {
        let store = self.evaluator.plain(self.inside);
        let id = store.integer(32, true);
        Typed { store, id, at: At::Value(code) }
    }

    fn typed(&self, expression: &Expression) -> Option<Typed> {
        match &expression.kind {
            Kind::Name(name) => self.name(name, expression),
            Kind::Register(name) => register(name).map(|code| self.plain(code)),
            Kind::Unary(Unary::Dereference, of) => {
                let (store, id, code) = self.typed(of)?.pointed_at()?;
                Some(Typed { store, id, at: At::Memory(code) })
            }
            Kind::Unary(Unary::Address, of) => self.address(of),
            Kind::Unary(operator, of) => Some(self.plain(Code::Unary(*operator, self.boxed(of)?))),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right),
            Kind::Conditional(parts) => {
                let [first, second, third] = &**parts;
                let parts = [self.value(first)?, self.value(second)?, self.value(third)?];
                Some(self.plain(Code::Conditional(Box::new(parts))))
            }
            Kind::Cast(name, of) => self.cast(name, of, expression.span),
            Kind::Member { of, name, is_arrow } => self.member(of, name, *is_arrow, expression.span),
            Kind::Index(parts) => {
                let (store, id, base) = self.typed(&parts[0])?.pointed_at()?;
                let scale = i64::try_from(size_of(&*store, id)?).ok()?;
                let index = self.boxed(&parts[1])?;
                Some(Typed { store, id, at: At::Memory(Code::Sum { base: Box::new(base), index, scale }) })
            }
            Kind::Memory(operator, of) => {
                let size = usize::try_from(operator.size()).ok()?;
                Some(self.plain(Code::Load { at: self.boxed(of)?, size, reading: Reading::Unsigned, field: None }))
            }
            Kind::Poi(of) => {
                let size = usize::try_from(self.evaluator.pointer_size(self.inside.process)).ok()?;
                Some(self.plain(Code::Load { at: self.boxed(of)?, size, reading: Reading::Unsigned, field: None }))
            }
            Kind::Integer { .. }
            | Kind::Float(_)
            | Kind::Character { .. }
            | Kind::Line(_)
            | Kind::SizeOfType(_)
            | Kind::SizeOf(_) => self.constant(expression),
            Kind::Slice(_) | Kind::In(..) => None,
        }
    }

    /// What is the same at every moment.
    fn constant(&self, expression: &Expression) -> Option<Typed> {
        let operand = self.evaluator.expression(expression, self.inside).ok()?;
        self.fixed(&operand, expression.span)
    }

    fn fixed(&self, operand: &Operand, span: Span) -> Option<Typed> {
        let (store, id) = (Rc::clone(&operand.store), operand.id);
        if operand.process != self.inside.process {
            return None;
        }
        if let Some(va) = operand.place.va() {
            return Some(Typed { store, id, at: At::Memory(number(va.0.into(), 32, false)) });
        }
        if !matches!(operand.home, Home::Computed | Home::Constant) {
            return None;
        }
        let value = self.evaluator.number(operand, span).ok()?;
        Some(Typed { store, id, at: At::Value(Code::Number(value)) })
    }

    /// A variable of the function, a register, or a name of a module.
    fn name(&self, name: &Name, expression: &Expression) -> Option<Typed> {
        if name.process.is_some() {
            return None;
        }
        if name.module.is_none() {
            if let Some(found) = self.evaluator.variables(self.inside) {
                if let Some(variable) = found.variables.iter().find(|variable| variable.name == name.path) {
                    let operand = self.evaluator.variable_operand(&found, variable, self.inside);
                    return self.variable(variable, &operand, expression.span);
                }
                // A member of `this`, perhaps.
                if found.variables.iter().any(|variable| variable.name == "this") {
                    return None;
                }
            }
            if let Some(code) = register(&name.path) {
                return Some(self.plain(code));
            }
        }
        self.constant(expression)
    }

    fn variable(&self, variable: &Variable, operand: &Operand, span: Span) -> Option<Typed> {
        let (store, id) = (Rc::clone(&operand.store), operand.id);
        match &variable.place {
            VariablePlace::Static(_) | VariablePlace::Constant(_) => self.fixed(operand, span),
            VariablePlace::Register(name) => {
                let (of, width, is_signed) =
                    (Box::new(register(&name.0)?), size_of(&*store, id)?, is_signed(&store, id));
                let width = u32::try_from(width.checked_mul(8)?).ok().filter(|width| (8..=32).contains(width))?;
                Some(Typed { store, id, at: At::Value(Code::Convert { of, width, is_signed }) })
            }
            VariablePlace::RegisterRelative { register: name, offset } => {
                let base = Box::new(register(&name.0)?);
                let index = Box::new(number((*offset).into(), 64, true));
                Some(Typed { store, id, at: At::Memory(Code::Sum { base, index, scale: 1 }) })
            }
            _ => None,
        }
    }

    fn address(&self, of: &Expression) -> Option<Typed> {
        let typed = self.typed(of)?;
        let At::Memory(code) = typed.at else { return None };
        let id = typed.store.pointer_to(typed.id);
        Some(Typed { store: typed.store, id, at: At::Value(code) })
    }

    fn binary(&self, operator: Binary, left: &Expression, right: &Expression) -> Option<Typed> {
        if let Binary::And | Binary::Or = operator {
            let of = Box::new([self.value(left)?, self.value(right)?]);
            return Some(self.plain(if operator == Binary::And { Code::Both(of) } else { Code::Either(of) }));
        }
        let (one, two) = (self.typed(left)?, self.typed(right)?);
        if let Binary::Add | Binary::Subtract = operator {
            let is_pointer = |typed: &Typed| {
                matches!(typed.stripped(), Some((_, Type::Pointer { .. } | Type::Array { .. } | Type::Function(_))))
            };
            return match (is_pointer(&one), is_pointer(&two)) {
                (false, false) => Some(self.plain(Code::Binary(operator, Box::new([one.number()?, two.number()?])))),
                (true, false) => moved(one, two, operator == Binary::Subtract),
                (false, true) if operator == Binary::Add => moved(two, one, false),
                _ => None,
            };
        }
        Some(self.plain(Code::Binary(operator, Box::new([one.number()?, two.number()?]))))
    }

    fn cast(&self, name: &TypeName, of: &Expression, span: Span) -> Option<Typed> {
        let (store, id) = self.evaluator.type_named(name, span, self.inside).ok()?;
        let (_, to) = crate::value::strip(&*store, id).ok()?;
        let width = u32::try_from(size_of(&*store, id)?.checked_mul(8)?).ok()?;
        let is_signed = match &to {
            Type::Pointer { .. } => false,
            Type::Basic { kind, name, .. } => matches!(reading_of(*kind, name)?, Reading::Signed),
            Type::Enumeration(_) => true,
            _ => return None,
        };
        let code = Code::Convert { of: self.boxed(of)?, width, is_signed };
        Some(Typed { store, id, at: At::Value(code) })
    }

    /// The member as a place in a record at address 0 says how far it is from its beginning.
    fn member(&self, of: &Expression, name: &str, is_arrow: bool, span: Span) -> Option<Typed> {
        let (store, id, base) = if is_arrow {
            self.typed(of)?.pointed_at()?
        } else {
            let typed = self.typed(of)?;
            let At::Memory(code) = typed.at else { return None };
            (typed.store, typed.id, code)
        };
        let record = Operand::new(store, id, Place::Memory(Va(0)), self.inside.process);
        let member = self.evaluator.member_of(&record, name, span).ok()?;
        let index = Box::new(number(member.place.va()?.0.into(), 64, true));
        let at = At::Memory(Code::Sum { base: Box::new(base), index, scale: 1 });
        Some(Typed { store: Rc::clone(&member.store), id: member.id, at })
    }
}

/// A pointer moved by so many elements.
fn moved(pointer: Typed, by: Typed, is_back: bool) -> Option<Typed> {
    let index = Box::new(by.number()?);
    let (store, target, base) = pointer.pointed_at()?;
    let step = i64::try_from(size_of(&*store, target).unwrap_or(1).max(1)).ok()?;
    let scale = if is_back { -step } else { step };
    let id = store.pointer_to(target);
    Some(Typed { store, id, at: At::Value(Code::Sum { base: Box::new(base), index, scale }) })
}

fn is_signed(store: &Rc<TypeStore>, id: TypeId) -> bool {
    match crate::value::strip(&**store, id) {
        Ok((_, Type::Basic { kind, name, .. })) => matches!(reading_of(kind, &name), Some(Reading::Signed)),
        Ok((_, Type::Enumeration(_))) => true,
        _ => false,
    }
}

/// A register, or a part of one.
fn register(name: &str) -> Option<Code> {
    let lower = name.to_ascii_lowercase();
    let whole = |number| Some(Code::Register { number, first: 0, bits: 32 });
    match lower.as_str() {
        "eip" | "pc" | "ip" => return whole(MOMENT_PC),
        "efl" | "eflags" => return whole(MOMENT_FLAGS),
        "sp" | "csp" => return whole(4),
        _ => {}
    }
    let (of, first, bits) = part_of_register(&lower)?;
    let of = format!("e{of}");
    let number = REGISTERS.iter().position(|known| *known == of)?;
    Some(Code::Register { number: u8::try_from(number).ok()?, first, bits })
}

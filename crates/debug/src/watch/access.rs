//! Pointers, members, elements, casts: from one place to another.

use super::{
    arithmetic::as_float,
    ast::{Binary, Expression, TypeName},
    error::{Span, WatchError},
    evaluate::{Evaluation, Evaluator},
    lookup::is_plain,
    operand::{Home, Number, Operand},
    scope::Inside,
};
use crate::{
    symbolize::file_name,
    type_layout::rank,
    value::{Integer, Place, ValueReader, strip},
};
use std::{ops::ControlFlow, rc::Rc};
use vatlas_space::Va;
use vatlas_symbols::{
    SymbolKind, Type, TypeId, Types,
    type_text::size_of,
    types::{BasicKind, Record},
};

/// Elements of a range.
const MOST_ELEMENTS: u64 = 1 << 16;
/// Bases in bases and unnamed records in unnamed records.
const DEEPEST: usize = 16;
/// Functions whose lines are searched.
const MOST_FUNCTIONS: usize = 100_000;

impl Evaluator<'_> {
    /// An array as the pointer to its first element, a function as the pointer to it; anything else as it is.
    pub(super) fn decayed(&self, operand: &Operand, span: Span) -> Evaluation {
        let (id, of) = operand.stripped(span)?;
        let target = match of {
            Type::Array { element, .. } => element,
            Type::Function(_) => id,
            _ => return Ok(operand.clone()),
        };
        let Some(va) = operand.place.va() else {
            return Err(WatchError::of_type(span, "it is not in memory and has no address"));
        };
        let steps = operand.steps.clone();
        Ok(Operand { steps, ..Operand::pointer(&operand.store, target, va, operand.process) })
    }

    /// What a pointer, an array or a reference leads to.
    pub(super) fn dereferenced(&self, operand: &Operand, span: Span) -> Evaluation {
        let pointer = self.decayed(operand, span)?;
        let (_, of) = pointer.stripped(span)?;
        let target = match of {
            Type::Pointer { target, kind, .. } if is_plain(kind) => target,
            Type::Basic { .. } | Type::Enumeration(_) | Type::BitField { .. } => {
                let message = format!("{} is no pointer; a cast says what lies there", pointer.type_name());
                return Err(
                    WatchError::of_type(span, message).suggest(vec!["*(int *)(...)".to_owned(), "DW ...".to_owned()])
                );
            }
            _ => return Err(WatchError::of_type(span, format!("{} is no pointer", pointer.type_name()))),
        };
        if let Ok((_, Type::Basic { kind: BasicKind::Void, .. })) = strip(&*pointer.store, target) {
            let error = WatchError::of_type(span, "nothing says what lies there; a cast does");
            return Err(error.suggest(vec!["*(int *)...".to_owned(), "DW ...".to_owned()]));
        }
        let to = self.as_address(&pointer, span)?;
        Ok(Operand { home: Home::Memory, ..pointer.at(target, Place::Memory(to)) })
    }

    pub(super) fn address(&self, of: &Expression, span: Span, inside: &Inside<'_>) -> Evaluation {
        let operand = self.expression(of, inside)?;
        if let Ok(Type::BitField { .. }) = operand.store.get(operand.id) {
            return Err(WatchError::of_type(span, "a bit field has no address"));
        }
        let Some(va) = operand.place.va() else {
            let message = match &operand.home {
                Home::Register(name) => format!("it lives in {name} and has no address"),
                // The address of a symbol without a type is what it stands for already.
                Home::Computed
                    if operand
                        .steps
                        .iter()
                        .any(|step| matches!(step.source, vatlas_space::Source::SymbolFile { .. })) =>
                {
                    return Ok(operand);
                }
                _ => "it is not in memory and has no address".to_owned(),
            };
            return Err(WatchError::of_type(span, message));
        };
        let steps = operand.steps.clone();
        Ok(Operand { steps, ..Operand::pointer(&operand.store, operand.id, va, operand.process) })
    }

    pub(super) fn member(
        &self,
        of: &Expression,
        name: &str,
        is_arrow: bool,
        span: Span,
        inside: &Inside<'_>,
    ) -> Evaluation {
        let operand = self.expression(of, inside)?;
        let (_, kind) = operand.stripped(of.span)?;
        let is_pointer = matches!(kind, Type::Pointer { .. } | Type::Array { .. });
        let is_record = matches!(kind, Type::Record(_));
        let is_reference =
            matches!(kind, Type::Pointer { kind, .. } if kind != vatlas_symbols::types::PointerKind::Pointer);
        let right = |sign: &str| vec![format!("{of}{sign}{name}")];
        let at_name = Span { start: span.end.saturating_sub(name.len()), end: span.end };
        let record = match (is_arrow, is_pointer) {
            (true, false) if is_record => {
                let message = format!("{} is no pointer: '.' reaches its members", operand.type_name());
                return Err(WatchError::of_type(of.span, message).suggest(right(".")));
            }
            (true, false) => {
                return Err(WatchError::of_type(of.span, format!("{} has no members", operand.type_name())));
            }
            (false, true) if !is_reference => {
                let message = format!("{} is no record: '->' reaches the members behind it", operand.type_name());
                return Err(WatchError::of_type(of.span, message).suggest(right("->")));
            }
            (_, true) => self.dereferenced(&self.bare(operand, inside, of.span), of.span)?,
            (false, false) => operand,
        };
        self.member_of(&record, name, at_name)
    }

    /// A member of a record, of its unnamed parts and of its bases.
    pub(super) fn member_of(&self, record: &Operand, name: &str, span: Span) -> Evaluation {
        let (_, of) = record.stripped(span)?;
        let Type::Record(of) = of else {
            return Err(WatchError::of_type(span, format!("{} has no members", record.type_name())));
        };
        if of.is_forward {
            let message = format!("{} is declared here without its members", of.name);
            return Err(WatchError::of_type(span, message));
        }
        if let Some(found) = self.part(record, &of, name, 0, span)? {
            return Ok(found);
        }
        let mut near: Vec<_> =
            of.members.iter().filter_map(|member| Some((rank(name, &member.name)?, &member.name))).collect();
        near.sort();
        let near = near.into_iter().take(4).map(|(_, name)| name.clone()).collect();
        let error = WatchError::unknown(span, format!("{} {} has no member '{name}'", of.kind, of.name));
        Err(error.suggest(near))
    }

    fn part(
        &self,
        record: &Operand,
        of: &Record,
        name: &str,
        depth: usize,
        span: Span,
    ) -> Result<Option<Operand>, WatchError> {
        let at = |id: TypeId, offset: u64| {
            let place = record.place.plus(offset);
            let place = place.ok_or_else(|| WatchError::missing(span, "the member lies past the last address"))?;
            Ok::<_, WatchError>(record.at(id, place))
        };
        if let Some(member) = of.members.iter().find(|member| member.name == name) {
            return at(member.type_id, member.offset).map(Some);
        }
        if depth == DEEPEST {
            return Ok(None);
        }
        let inner = |operand: Operand| -> Result<Option<Operand>, WatchError> {
            match operand.stripped(span)?.1 {
                Type::Record(of) => self.part(&operand, &of, name, depth + 1, span),
                _ => Ok(None),
            }
        };
        for member in of.members.iter().filter(|member| member.name.is_empty()) {
            if let Some(found) = inner(at(member.type_id, member.offset)?)? {
                return Ok(Some(found));
            }
        }
        for base in &of.bases {
            // Only a base that has the member needs to be found.
            let has = inner(record.at(base.type_id, record.place.clone()))?.is_some();
            if has {
                let reader = ValueReader::new(&*record.store, self.space(record.process), None);
                let offset = reader.base_offset(base, &record.place).map_err(|why| WatchError::missing(span, why))?;
                return inner(at(base.type_id, offset)?);
            }
        }
        Ok(None)
    }

    pub(super) fn index(&self, of: &Expression, index: &Expression, span: Span, inside: &Inside<'_>) -> Evaluation {
        let operand = self.expression(of, inside)?;
        let number = self.whole(index, inside)?;
        self.element(&operand, number, span)
    }

    fn whole(&self, index: &Expression, inside: &Inside<'_>) -> Result<i128, WatchError> {
        let operand = self.expression(index, inside)?;
        match self.number(&operand, index.span)? {
            Number::Integer(number) => Ok(number.number()),
            Number::Float(_) => Err(WatchError::of_type(index.span, "an index is a whole number")),
        }
    }

    fn element(&self, operand: &Operand, index: i128, span: Span) -> Evaluation {
        let (_, of) = operand.stripped(span)?;
        if let Type::Array { element, count, .. } = of {
            if let Some(count) = count
                && !(0..i128::from(count)).contains(&index)
            {
                self.remark(format!("[{index}] lies outside of the {count} elements of {}", operand.type_name()));
            }
            let size = size_of(&*operand.store, element).unwrap_or(0);
            let offset = index.checked_mul(size.into());
            let place = match (&operand.place, offset) {
                (Place::Memory(va), Some(offset)) => moved(*va, offset, operand).map(Place::Memory),
                (place, Some(offset)) => u64::try_from(offset).ok().and_then(|offset| place.plus(offset)),
                _ => None,
            };
            let place = place.ok_or_else(|| WatchError::missing(span, "the element lies outside of the addresses"))?;
            return Ok(operand.at(element, place));
        }
        let step = Number::Integer(Integer::new(index, 64, true));
        let moved = self.moved_pointer(operand, step, false, span)?;
        self.dereferenced(&moved, span)
    }

    /// `x[first..last]`: the elements as an array.
    pub(super) fn slice(&self, parts: &[Expression; 3], span: Span, inside: &Inside<'_>) -> Evaluation {
        let operand = self.expression(&parts[0], inside)?;
        let (first, last) = (self.whole(&parts[1], inside)?, self.whole(&parts[2], inside)?);
        let count = last.checked_sub(first).and_then(|distance| u64::try_from(distance).ok()?.checked_add(1));
        let count = count.filter(|count| *count <= MOST_ELEMENTS).ok_or_else(|| {
            WatchError::of_type(span, format!("a range goes upward and has at most {MOST_ELEMENTS} elements"))
        })?;
        let element = self.element(&operand, first, span)?;
        let each = element.size().ok_or_else(|| WatchError::of_type(span, "the elements have no size"))?;
        let id = element.store.array_of(element.id, count, each);
        Ok(Operand { id, ..element })
    }

    /// `pointer + number`, `number + pointer`, `pointer - number`, `pointer - pointer`; `None` for anything else.
    pub(super) fn pointer_arithmetic(
        &self,
        operator: Binary,
        (left, left_span): (&Operand, Span),
        (right, right_span): (&Operand, Span),
        span: Span,
    ) -> Result<Option<Operand>, WatchError> {
        if !matches!(operator, Binary::Add | Binary::Subtract) {
            return Ok(None);
        }
        let (left, right) = (self.decayed(left, left_span)?, self.decayed(right, right_span)?);
        let is_pointer =
            |operand: &Operand, span| Ok::<_, WatchError>(matches!(operand.stripped(span)?.1, Type::Pointer { .. }));
        match (operator, is_pointer(&left, left_span)?, is_pointer(&right, right_span)?) {
            (Binary::Add, true, false) => {
                let number = self.number(&right, right_span)?;
                self.moved_pointer(&left, number, false, span).map(Some)
            }
            (Binary::Add, false, true) => {
                let number = self.number(&left, left_span)?;
                self.moved_pointer(&right, number, false, span).map(Some)
            }
            (Binary::Subtract, true, false) => {
                let number = self.number(&right, right_span)?;
                self.moved_pointer(&left, number, true, span).map(Some)
            }
            (Binary::Subtract, true, true) => {
                let distance = i128::from(self.as_address(&left, left_span)?.0)
                    - i128::from(self.as_address(&right, right_span)?.0);
                let size = i128::from(self.step(&left, span)?);
                let number = Integer::new(distance / size, self.pointer_width(&left), true);
                Ok(Some(Operand::integer(&left.store, number, left.process)))
            }
            (_, true, true) => Err(WatchError::of_type(span, "two pointers cannot be added")),
            _ => Ok(None),
        }
    }

    /// Bytes from one element to the next; 1 where the type of what is pointed at has no size.
    fn step(&self, pointer: &Operand, span: Span) -> Result<u64, WatchError> {
        let (_, of) = pointer.stripped(span)?;
        let Type::Pointer { target, .. } = of else {
            return Err(WatchError::of_type(span, format!("{} is no pointer and no array", pointer.type_name())));
        };
        Ok(size_of(&*pointer.store, target).unwrap_or(1).max(1))
    }

    fn moved_pointer(&self, pointer: &Operand, by: Number, is_back: bool, span: Span) -> Evaluation {
        let Number::Integer(by) = by else {
            return Err(WatchError::of_type(span, "a pointer is moved by whole numbers only"));
        };
        let pointer = self.decayed(pointer, span)?;
        let step = i128::from(self.step(&pointer, span)?);
        let from = self.as_address(&pointer, span)?;
        let by = if is_back { by.number().wrapping_neg() } else { by.number() };
        let to = by.checked_mul(step).and_then(|offset| moved(from, offset, &pointer));
        let to = to.ok_or_else(|| WatchError::of_type(span, "the pointer leaves the addresses that there are"))?;
        let (_, of) = pointer.stripped(span)?;
        let Type::Pointer { target, .. } = of else { return Ok(pointer) };
        let steps = pointer.steps.clone();
        Ok(Operand { steps, ..Operand::pointer(&pointer.store, target, to, pointer.process) })
    }

    /// `(T)x`.
    pub(super) fn cast(&self, name: &TypeName, operand: &Operand, span: Span, inside: &Inside<'_>) -> Evaluation {
        let (store, id) = self.type_named(name, span, inside)?;
        let (_, of) = strip(&*store, id).map_err(|problem| WatchError::of_type(span, problem))?;
        let (kind, size) = match &of {
            Type::Pointer { size, .. } => (BasicKind::Unsigned, *size),
            Type::Basic { kind, size, .. } if *kind != BasicKind::Void => (*kind, *size),
            Type::Enumeration(_) => (BasicKind::Unsigned, size_of(&*store, id).unwrap_or(4)),
            _ => {
                let error = WatchError::of_type(span, format!("nothing can be cast to {name} itself"));
                return Err(error.suggest(vec![format!("*({name} *)...")]));
            }
        };
        let number = self.number(operand, span)?;
        let bytes = converted(number, kind, size);
        let bytes = bytes.ok_or_else(|| WatchError::of_type(span, format!("numbers cannot be cast to {name}")))?;
        let steps = operand.steps.clone();
        Ok(Operand { steps, ..Operand::computed(&store, id, &bytes, operand.process) })
    }

    /// Where the code of a line begins: in the function of the context, else in any function of the context's source file,
    /// or of the file of the frame.
    pub(super) fn address_of_line(&self, line: u32, span: Span, inside: &Inside<'_>) -> Result<Va, WatchError> {
        let module = self.home_module(inside, span)?;
        let module = module.ok_or_else(|| WatchError::unknown(span, "the process has no modules"))?;
        let symbols = self.names.symbols(module);
        let source = inside.source.as_deref().map(str::to_ascii_lowercase);
        let mut best = None;
        for file in symbols.files() {
            let mut left = MOST_FUNCTIONS;
            file.visit(&mut |symbol| {
                let is_asked = inside.function.as_ref().is_none_or(|function| **function == *symbol.name);
                if symbol.kind == SymbolKind::Function && is_asked {
                    for (rva, _, at) in file.lines_of(symbol) {
                        let name = file_name(&at.file).to_ascii_lowercase();
                        let is_file = source
                            .as_ref()
                            .is_none_or(|source| *source == name || at.file.eq_ignore_ascii_case(source));
                        if at.line == line && is_file && best.is_none_or(|best| rva < best) {
                            best = Some(rva);
                        }
                    }
                    left -= 1;
                }
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if best.is_some() {
                break;
            }
        }
        let rva = best.ok_or_else(|| WatchError::unknown(span, format!("line {line} has no code there")))?;
        let va = module.range.first().checked_add(rva.0.into());
        va.ok_or_else(|| WatchError::missing(span, "past the last address"))
    }

    /// The elements that a pointer or an array is shown with: `p,8`.
    pub(super) fn counted(&self, operand: &Operand, count: u64, span: Span) -> Evaluation {
        let first = self.element(operand, 0, span)?;
        let each = first.size().ok_or_else(|| WatchError::of_type(span, "the elements have no size"))?;
        let id = first.store.array_of(first.id, count.min(MOST_ELEMENTS), each);
        Ok(Operand { id, store: Rc::clone(&first.store), ..first })
    }
}

/// An address so many bytes further; it stays among the addresses of the pointer's width.
fn moved(from: Va, by: i128, operand: &Operand) -> Option<Va> {
    let last = if operand.store.pointer_size() == 4 { i128::from(u32::MAX) } else { i128::from(u64::MAX) };
    let to = i128::from(from.0).checked_add(by).filter(|to| (0..=last).contains(to))?;
    u64::try_from(to).ok().map(Va)
}

/// The bytes of a number as another type; `None` for a type that numbers do not become.
fn converted(number: Number, kind: BasicKind, size: u64) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok().filter(|size| (1..=16).contains(size))?;
    if let BasicKind::Float | BasicKind::Complex = kind {
        return match (kind, size) {
            (BasicKind::Float, 4) => Some((as_float(number) as f32).to_le_bytes().to_vec()),
            (BasicKind::Float, 8) => Some(as_float(number).to_le_bytes().to_vec()),
            _ => None,
        };
    }
    let whole = match number {
        Number::Integer(number) => number.number(),
        Number::Float(number) => number as i128,
    };
    let whole = if kind == BasicKind::Bool { i128::from(super::arithmetic::is_true(number)) } else { whole };
    Some(whole.to_le_bytes()[..size].to_vec())
}

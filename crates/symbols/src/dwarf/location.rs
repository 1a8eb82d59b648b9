//! Where a variable is: DWARF expressions that name a place (DWARF 5 sections 2.5 and 2.6), as plain data.
//!
//! Nothing is computed that needs the registers or the memory of a process: a place is a register, an address, or a
//! register plus a number. What is more than that is told in words.

use super::{
    look::{Look, OpenUnit, Value},
    registers,
    sections::Slice,
};
use crate::{
    types::ConstantValue,
    variable::{RegisterName, VariablePlace},
};
use gimli::{Expression, Operation};

/// Operations of one expression that are looked at.
const MOST_OPERATIONS: usize = 256;

/// What the frame base of a function is, at an address.
#[derive(Clone, Debug)]
pub(super) enum FrameBase {
    /// A register plus bytes.
    Register(RegisterName, i64),
    /// The base that the unwinder finds, plus bytes.
    Unwinder(i64),
    /// Why it is not known.
    Unknown(String),
}

/// How the bytes of a constant are to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Signed(u64),
    Unsigned(u64),
    Float(u64),
    Other,
}

/// What lies on the stack of an expression.
#[derive(Clone, Debug)]
enum Term {
    Number(i128),
    Address(u64),
    Sum(RegisterName, i64),
    Frame(i64),
    Thread(u64),
}

/// Reads expressions of one unit, at one address.
pub(super) struct Locations<'l, 'a> {
    pub look: &'l Look<'a>,
    pub unit: &'l OpenUnit<'a>,
    /// Of the function, and what the canonical frame address is.
    pub base: FrameBase,
    pub cfa: FrameBase,
}

impl<'a> Locations<'_, 'a> {
    /// Where a value of a shape is.
    pub fn place(&self, expression: Expression<Slice<'a>>, shape: Shape) -> VariablePlace {
        let mut operations = expression.operations(self.unit.unit.encoding());
        let mut reader =
            Reader { locations: self, shape, stack: Vec::new(), found: None, pieces: Vec::new(), bytes: 0 };
        for _ in 0..MOST_OPERATIONS {
            match operations.next() {
                Ok(None) => return reader.finish(),
                Ok(Some(operation)) => {
                    if let Err(place) = reader.step(&operation) {
                        return place;
                    }
                }
                Err(cause) => return VariablePlace::Unknown(format!("a damaged expression: {cause}")),
            }
        }
        VariablePlace::Unknown("an expression without end".to_owned())
    }

    /// The value of an expression that gives a frame base.
    pub fn base(&self, expression: Expression<Slice<'a>>) -> FrameBase {
        match self.place(expression, Shape::Other) {
            VariablePlace::Register(register) => FrameBase::Register(register, 0),
            VariablePlace::RegisterRelative { register, offset } => FrameBase::Register(register, offset),
            VariablePlace::FrameRelative { offset } => FrameBase::Unwinder(offset),
            VariablePlace::Unknown(cause) => FrameBase::Unknown(cause),
            _ => FrameBase::Unknown("the frame base is no register".to_owned()),
        }
    }

    fn register(&self, register: gimli::Register) -> RegisterName {
        registers::name(self.look.image.machine, register.0)
    }

    fn from_base(base: &FrameBase, offset: i64) -> Result<Term, VariablePlace> {
        match base {
            FrameBase::Register(register, bytes) => Ok(Term::Sum(register.clone(), bytes.wrapping_add(offset))),
            FrameBase::Unwinder(bytes) => Ok(Term::Frame(bytes.wrapping_add(offset))),
            FrameBase::Unknown(cause) => Err(VariablePlace::Unknown(cause.clone())),
        }
    }
}

struct Reader<'r, 'l, 'a> {
    locations: &'r Locations<'l, 'a>,
    shape: Shape,
    stack: Vec<Term>,
    /// A place that is not on the stack: a register, a value.
    found: Option<VariablePlace>,
    pieces: Vec<(u64, u64, VariablePlace)>,
    /// Where the next piece begins.
    bytes: u64,
}

impl<'a> Reader<'_, '_, 'a> {
    /// One operation; a place when it ends the expression.
    fn step(&mut self, operation: &Operation<Slice<'a>>) -> Result<(), VariablePlace> {
        let locations = self.locations;
        let term = match operation {
            Operation::Nop => return Ok(()),
            Operation::Register { register } => {
                self.found = Some(VariablePlace::Register(locations.register(*register)));
                return Ok(());
            }
            Operation::ImplicitValue { data } => {
                self.found = Some(VariablePlace::Constant(constant_of_bytes(data.slice(), self.shape)));
                return Ok(());
            }
            Operation::StackValue => return self.stack_value(),
            Operation::Piece { size_in_bits, bit_offset } => return self.piece(*size_in_bits, *bit_offset),
            Operation::TLS => self.thread()?,
            Operation::Plus | Operation::Minus => self.combine(matches!(operation, Operation::Minus))?,
            Operation::PlusConstant { value } => {
                self.stack.push(Term::Number((*value).into()));
                self.combine(false)?
            }
            Operation::UnsignedConstant { value } => Term::Number((*value).into()),
            Operation::SignedConstant { value } => Term::Number((*value).into()),
            Operation::Address { address } => Term::Address(*address),
            Operation::AddressIndex { index } | Operation::ConstantIndex { index } => {
                match locations.look.dwarf.address(&locations.unit.unit, *index) {
                    Ok(address) => Term::Address(address),
                    Err(cause) => return Err(VariablePlace::Unknown(format!("an address that is missing: {cause}"))),
                }
            }
            Operation::RegisterOffset { register, offset, .. } => Term::Sum(locations.register(*register), *offset),
            Operation::FrameOffset { offset } => Locations::from_base(&locations.base, *offset)?,
            Operation::CallFrameCFA => Locations::from_base(&locations.cfa, 0)?,
            other => return Err(VariablePlace::Unknown(self.words(other))),
        };
        self.stack.push(term);
        Ok(())
    }

    fn words(&self, operation: &Operation<Slice<'a>>) -> String {
        match operation {
            Operation::EntryValue { expression } => {
                let encoding = self.locations.unit.unit.encoding();
                let first = Expression(*expression).operations(encoding).next();
                match first {
                    Ok(Some(Operation::Register { register })) => {
                        format!("what {} was when the function began", self.locations.register(register).0)
                    }
                    _ => "computed from registers as they were when the function began".to_owned(),
                }
            }
            Operation::ImplicitPointer { .. } => "a pointer to something that was optimized away".to_owned(),
            Operation::Deref { .. } => match self.stack.last() {
                Some(Term::Sum(register, offset)) => format!("through the pointer at {}{offset:+}", register.0),
                _ => "through a pointer".to_owned(),
            },
            other => format!("computed with {}", word(other)),
        }
    }

    fn thread(&mut self) -> Result<Term, VariablePlace> {
        match self.stack.pop() {
            Some(Term::Number(offset)) => Ok(Term::Thread(offset as u64)),
            Some(Term::Address(offset)) => Ok(Term::Thread(offset)),
            _ => Err(VariablePlace::Unknown("in the thread's storage at an unknown offset".to_owned())),
        }
    }

    fn combine(&mut self, is_minus: bool) -> Result<Term, VariablePlace> {
        let (upper, lower) = (self.stack.pop(), self.stack.pop());
        let (term, Some(number)) = (lower, number(upper)) else {
            return Err(VariablePlace::Unknown("a sum of two registers".to_owned()));
        };
        let number = if is_minus { number.wrapping_neg() } else { number };
        match term {
            Some(Term::Number(first)) => Ok(Term::Number(first.wrapping_add(number))),
            Some(Term::Address(address)) => Ok(Term::Address(address.wrapping_add(number as u64))),
            Some(Term::Sum(register, offset)) => Ok(Term::Sum(register, offset.wrapping_add(number as i64))),
            Some(Term::Frame(offset)) => Ok(Term::Frame(offset.wrapping_add(number as i64))),
            Some(Term::Thread(offset)) => Ok(Term::Thread(offset.wrapping_add(number as u64))),
            None => Err(VariablePlace::Unknown("a damaged expression: the stack is empty".to_owned())),
        }
    }

    /// `DW_OP_stack_value`: what is on the stack is the value and not its address.
    fn stack_value(&mut self) -> Result<(), VariablePlace> {
        let unknown = |text: String| Err(VariablePlace::Unknown(text));
        self.found = Some(match self.stack.pop() {
            Some(Term::Number(number)) => VariablePlace::Constant(constant(number, self.shape)),
            Some(Term::Sum(register, 0)) => VariablePlace::Register(register),
            Some(Term::Sum(register, offset)) => return unknown(format!("the value {}{offset:+}", register.0)),
            Some(Term::Address(address)) => {
                return unknown(match self.locations.look.image.rva(address) {
                    Some(rva) => format!("the address {rva:#x} of the image"),
                    None => format!("the address {address:#x}"),
                });
            }
            Some(Term::Frame(_)) => return unknown("an address in the frame".to_owned()),
            Some(Term::Thread(offset)) => return unknown(format!("the address {offset:#x} of the thread's storage")),
            None => return unknown("a damaged expression: the stack is empty".to_owned()),
        });
        Ok(())
    }

    /// `DW_OP_piece`: what was told so far is so many bits of the variable.
    fn piece(&mut self, bits: u64, bit_offset: Option<u64>) -> Result<(), VariablePlace> {
        if !bits.is_multiple_of(8) || bit_offset.is_some_and(|offset| offset != 0) {
            return Err(VariablePlace::Unknown("in pieces of single bits".to_owned()));
        }
        let place = match self.take() {
            // A number on the stack is wider than the piece.
            VariablePlace::Constant(ConstantValue::Bytes(mut bytes)) => {
                bytes.truncate(usize::try_from(bits / 8).unwrap_or(usize::MAX));
                VariablePlace::Constant(ConstantValue::Bytes(bytes))
            }
            other => other,
        };
        self.pieces.push((self.bytes, bits / 8, place));
        self.bytes = self.bytes.saturating_add(bits / 8);
        Ok(())
    }

    /// The place that was told so far.
    fn take(&mut self) -> VariablePlace {
        let term = self.stack.pop();
        self.stack.clear();
        if let Some(place) = self.found.take() {
            return place;
        }
        match term {
            None => VariablePlace::Gone,
            Some(Term::Sum(register, offset)) => VariablePlace::RegisterRelative { register, offset },
            Some(Term::Frame(offset)) => VariablePlace::FrameRelative { offset },
            Some(Term::Thread(offset)) => VariablePlace::ThreadLocal { offset },
            Some(Term::Address(address)) => self.fixed(address),
            Some(Term::Number(address)) => self.fixed(address as u64),
        }
    }

    fn fixed(&self, address: u64) -> VariablePlace {
        match self.locations.look.image.rva(address) {
            Some(rva) => VariablePlace::Static(vatlas_space::Rva(rva)),
            None => VariablePlace::Unknown(format!("the address {address:#x}, outside of the image")),
        }
    }

    fn finish(mut self) -> VariablePlace {
        if self.pieces.is_empty() {
            return self.take();
        }
        match &self.pieces[..] {
            [(0, low, VariablePlace::Register(first)), (at, high, VariablePlace::Register(second))]
                if at == low && low == high =>
            {
                VariablePlace::Registers(first.clone(), second.clone())
            }
            _ => VariablePlace::Pieces(self.pieces),
        }
    }
}

fn number(term: Option<Term>) -> Option<i128> {
    match term? {
        Term::Number(number) => Some(number),
        _ => None,
    }
}

/// A number of an expression as a value of a shape.
pub(super) fn constant(number: i128, shape: Shape) -> ConstantValue {
    constant_of_bytes(&number.to_le_bytes(), shape)
}

/// Bytes as a value of a shape; more bytes than the shape has are cut off.
pub(super) fn constant_of_bytes(bytes: &[u8], shape: Shape) -> ConstantValue {
    let kept = |size: u64| &bytes[..bytes.len().min(usize::try_from(size).unwrap_or(usize::MAX))];
    match shape {
        Shape::Signed(size) if (1..=16).contains(&size) => ConstantValue::Integer(integer(kept(size), true)),
        Shape::Unsigned(size) if (1..=16).contains(&size) => ConstantValue::Integer(integer(kept(size), false)),
        Shape::Float(4) if bytes.len() >= 4 => float(kept(4), |bytes| f32::from_bits(bytes as u32).into()),
        Shape::Float(8) if bytes.len() >= 8 => float(kept(8), f64::from_bits),
        _ => ConstantValue::Bytes(bytes.to_vec()),
    }
}

fn float(bytes: &[u8], value: impl Fn(u64) -> f64) -> ConstantValue {
    ConstantValue::Float(value(integer(bytes, false) as u64))
}

fn integer(bytes: &[u8], is_signed: bool) -> i128 {
    let unsigned = bytes.iter().take(16).rev().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
    let bits = 8 * bytes.len().min(16) as u32;
    let free = 128 - bits;
    match (is_signed, free) {
        (_, 128) => 0,
        (true, _) => ((unsigned << free) as i128) >> free,
        (false, _) => unsigned as i128,
    }
}

/// The value of an attribute, as a constant of a shape; `None` for forms that hold no value.
pub(super) fn constant_of_attribute<'a>(
    look: &Look<'a>,
    unit: &OpenUnit<'a>,
    value: Value<'a>,
    shape: Shape,
) -> Option<ConstantValue> {
    use gimli::AttributeValue as Form;
    Some(match value {
        Form::Data1(number) => plain(number.into(), 1, shape),
        Form::Data2(number) => plain(number.into(), 2, shape),
        Form::Data4(number) => plain(number.into(), 4, shape),
        Form::Data8(number) => plain(number, 8, shape),
        Form::Data16(number) => constant_of_bytes(&number.to_le_bytes(), shape),
        Form::Udata(number) => whole(number.into(), shape),
        Form::Sdata(number) => whole(number.into(), shape),
        Form::Flag(flag) => ConstantValue::Integer(flag.into()),
        Form::Block(bytes) | Form::Exprloc(Expression(bytes)) => constant_of_bytes(bytes.slice(), shape),
        text => ConstantValue::Text(look.text(unit, text)?.into_owned()),
    })
}

/// A number of a form that tells no sign: where it fills a signed type, its upper bit is the sign.
fn plain(number: u64, bytes: u64, shape: Shape) -> ConstantValue {
    match shape {
        Shape::Signed(size) if size > bytes => ConstantValue::Integer(number.into()),
        Shape::Other => ConstantValue::Integer(number.into()),
        _ => constant(number.into(), shape),
    }
}

/// A number of a form that tells its sign.
fn whole(number: i128, shape: Shape) -> ConstantValue {
    match shape {
        Shape::Float(_) | Shape::Unsigned(_) | Shape::Signed(_) => constant(number, shape),
        Shape::Other => ConstantValue::Integer(number),
    }
}

/// The name of an operation, for a text.
pub(super) fn word(operation: &Operation<Slice>) -> String {
    let text = format!("{operation:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

//! Variables: from where the debug information says that one is to its bytes.

use super::{
    operand::{Home, Operand},
    registers::register,
    scope::FrameContext,
    store::TypeStore,
    wide,
};
use crate::value::{Bytes, Place};
use std::rc::Rc;
use vatlas_space::{Module, PointerWidth, ProcessIndex, Rva, Source, Step, Va, WideRegister};
use vatlas_symbols::{TypeId, VariablePlace, type_text::size_of, types::ConstantValue, variable::RegisterName};

/// Pieces of pieces.
const DEEPEST: usize = 4;
/// Bytes of a variable that is not in one piece.
const LARGEST: u64 = 1 << 16;

/// Where a variable is looked for.
pub(super) struct Finding<'a> {
    pub frame: Option<&'a FrameContext>,
    pub module: &'a Module,
    pub process: ProcessIndex,
    /// The address of a place in the module's image.
    pub va_of: &'a dyn Fn(Rva) -> Option<Va>,
    /// Address of the module's thread storage, or why it is not known.
    pub thread_storage: &'a dyn Fn() -> Result<Va, String>,
    /// Floating-point and vector registers, where the frame is the innermost one.
    pub wide: &'a [WideRegister],
    /// Reads memory.
    pub read: &'a dyn Fn(&Place, u64) -> Bytes,
}

impl Finding<'_> {
    /// The variable as an operand.
    pub fn operand(&self, store: &Rc<TypeStore>, id: TypeId, place: &VariablePlace) -> Operand {
        let size = size_of(&**store, id).unwrap_or(0).min(LARGEST);
        let (place, home, finding) = self.place(place, size, 0);
        let mut operand = Operand::new(Rc::clone(store), id, place, self.process);
        operand.home = home;
        operand.steps.push(Step::new(finding, Source::Deduced("debug information and the frame's registers")));
        operand
    }

    fn place(&self, place: &VariablePlace, size: u64, depth: usize) -> (Place, Home, String) {
        let missing = |why: String| (Place::here(Bytes::missing(size, why.clone())), Home::Computed, why);
        match place {
            VariablePlace::Register(name) => self.in_registers(&[name], size),
            VariablePlace::Registers(low, high) => self.in_registers(&[low, high], size),
            VariablePlace::RegisterRelative { register, offset } => match self.register(register) {
                Ok((value, _)) => {
                    at(value.wrapping_add_signed(*offset), &format!("{}{}", register.0, signed(*offset)), self.mask())
                }
                Err(why) => missing(why),
            },
            VariablePlace::FrameRelative { offset } => match self.frame.and_then(|frame| frame.frame_base) {
                Some(base) => {
                    at(base.0.wrapping_add_signed(*offset), &format!("frame base{}", signed(*offset)), self.mask())
                }
                None => missing("the base of the frame is not known".to_owned()),
            },
            VariablePlace::Static(rva) => match (self.va_of)(*rva) {
                Some(va) => (Place::Memory(va), Home::Memory, format!("it lies at {}+{rva}", self.module.name())),
                None => missing("past the last address".to_owned()),
            },
            VariablePlace::ThreadLocal { offset } => match (self.thread_storage)() {
                Ok(front) => at(
                    front.0.wrapping_add(*offset),
                    &format!("the thread's storage at {front} + {offset:#x}"),
                    u64::MAX,
                ),
                Err(why) => missing(why),
            },
            VariablePlace::Constant(value) => {
                (Place::here(constant(value, size)), Home::Constant, "the compiler knows the value".to_owned())
            }
            VariablePlace::Indirect { pointer, offset } if depth < DEEPEST => {
                self.indirect(pointer, *offset, size, depth)
            }
            VariablePlace::Indirect { .. } => {
                missing("it is behind too many pointers: the symbol file is damaged".to_owned())
            }
            VariablePlace::Pieces(pieces) if depth < DEEPEST => self.pieces(pieces, size, depth),
            VariablePlace::Pieces(_) => missing("it is in pieces of pieces: the symbol file is damaged".to_owned()),
            VariablePlace::Gone => missing("optimized away here".to_owned()),
            VariablePlace::Unknown(what) => missing(what.clone()),
        }
    }

    /// In memory, where a pointer at another place says.
    fn indirect(&self, pointer: &VariablePlace, offset: i64, size: u64, depth: usize) -> (Place, Home, String) {
        let width = self.frame.and_then(|frame| frame.registers.machine.width()).unwrap_or(PointerWidth::Bits64);
        let (place, _, finding) = self.place(pointer, width.bytes() as u64, depth + 1);
        let bytes = (self.read)(&place, width.bytes() as u64);
        match bytes.all().and_then(|bytes| width.pointer(&bytes)) {
            Some(to) => {
                let what =
                    format!("{finding}, where {to} lies{}", if offset == 0 { String::new() } else { signed(offset) });
                at(to.0.wrapping_add_signed(offset), &what, self.mask())
            }
            None => {
                let why = format!("the pointer to it: {}", bytes.reason.unwrap_or_default());
                (Place::here(Bytes::missing(size, why.clone())), Home::Computed, why)
            }
        }
    }

    fn mask(&self) -> u64 {
        let width = self.frame.and_then(|frame| frame.registers.machine.width());
        width.map_or(u64::MAX, |width| width.last().0)
    }

    fn register(&self, name: &RegisterName) -> Result<(u64, u32), String> {
        let frame = self.frame.ok_or_else(|| "its function is not running in this frame".to_owned())?;
        let found = register(&frame.registers, &name.0.to_ascii_lowercase());
        let (number, _) = found.ok_or_else(|| format!("register {} is not known in this frame", name.0))?;
        Ok((number.bits as u64, number.width))
    }

    fn wide(&self, name: &RegisterName) -> Option<Vec<u8>> {
        wide::bytes(self.frame?.registers.machine, self.wide, &name.0)
    }

    /// The bytes of registers one behind the other, the lowest first.
    fn in_registers(&self, names: &[&RegisterName], size: u64) -> (Place, Home, String) {
        let mut bytes = Bytes::default();
        for name in names {
            match self.register(name) {
                Err(_) if let Some(known) = self.wide(name) => bytes.bytes.extend(known.into_iter().map(Some)),
                Ok((value, width)) => {
                    let known = &value.to_le_bytes()[..(width as usize / 8).clamp(1, 8)];
                    bytes.bytes.extend(known.iter().copied().map(Some));
                }
                Err(why) => {
                    bytes.bytes.extend([None; 8]);
                    bytes.reason.get_or_insert(why);
                }
            }
        }
        let names: Vec<_> = names.iter().map(|name| name.0.clone()).collect();
        let names = names.join(", ");
        let bytes = bytes.part(0, size.max(1));
        (Place::here(bytes), Home::Register(names.clone()), format!("it lives in {names}"))
    }

    fn pieces(&self, pieces: &[(u64, u64, VariablePlace)], size: u64, depth: usize) -> (Place, Home, String) {
        let mut whole = Bytes::missing(size, "a piece of it was optimized away here");
        let mut registers = Vec::new();
        for (offset, length, place) in pieces {
            let length = (*length).min(size);
            let (place, home, _) = self.place(place, length, depth + 1);
            if let Home::Register(name) = home {
                registers.push(name);
            }
            let part = (self.read)(&place, length);
            let first = usize::try_from(*offset).unwrap_or(usize::MAX);
            for (slot, byte) in whole.bytes.iter_mut().skip(first).zip(part.bytes) {
                *slot = byte;
            }
        }
        if !whole.bytes.contains(&None) {
            whole.reason = None;
        }
        let home = if registers.is_empty() { Home::Memory } else { Home::Register(registers.join(", ")) };
        (Place::here(whole), home, format!("it is in {} pieces", pieces.len()))
    }
}

fn at(address: u64, what: &str, mask: u64) -> (Place, Home, String) {
    let va = Va(address & mask);
    (Place::Memory(va), Home::Memory, format!("{what} is {va}"))
}

fn signed(offset: i64) -> String {
    if offset < 0 { format!("-{:#x}", offset.unsigned_abs()) } else { format!("+{offset:#x}") }
}

/// The bytes of a constant, as many as its type has.
pub(super) fn constant(value: &ConstantValue, size: u64) -> Bytes {
    let all = match value {
        ConstantValue::Integer(number) => Bytes::known(&number.to_le_bytes()),
        ConstantValue::Float(number) if size == 4 => Bytes::known(&(*number as f32).to_le_bytes()),
        ConstantValue::Float(number) => Bytes::known(&number.to_le_bytes()),
        ConstantValue::Text(text) => Bytes::known(text.as_bytes()),
        ConstantValue::Bytes(bytes) => Bytes::known(bytes),
    };
    if size == 0 { all } else { all.part(0, size) }
}

//! `UNWIND_INFO`: the prologue of a function, instruction by instruction, to be undone.
//!
//! ```text
//! byte 0   version (3 bits), flags (5 bits)      byte 1   size of the prologue
//! byte 2   count of codes (2 bytes each)         byte 3   frame register (4 bits), its offset / 16 (4 bits)
//! codes    offset of the end of the instruction; operation (4 bits), information (4 bits)
//!          at an even count: the RUNTIME_FUNCTION of the parent when UNW_FLAG_CHAININFO is set
//! ```

use super::{RuntimeFunction, read_entry};
use crate::stack::{
    register_file::{RegisterFile, x86_number},
    surroundings::Surroundings,
};
use vatlas_space::Va;

/// The caller, as unwind data tell it.
pub(super) struct Unwound {
    pub registers: RegisterFile,
    /// Where the return address is stored.
    pub place: Va,
    /// The processor pushed the frame: the caller was interrupted.
    pub is_interrupted: bool,
}

/// Why a function could not be unwound.
pub(super) enum Fault {
    /// A word of the stack cannot be read.
    Stack(Va),
    /// The unwind data cannot be read, or make no sense.
    Data,
    /// A register that is needed is not known.
    Register,
}

/// Most links of a chain, in either direction.
const LONGEST_CHAIN: usize = 32;

const PUSH_NONVOL: u8 = 0;
const ALLOC_LARGE: u8 = 1;
const ALLOC_SMALL: u8 = 2;
const SET_FPREG: u8 = 3;
const SAVE_NONVOL: u8 = 4;
const SAVE_NONVOL_FAR: u8 = 5;
/// In version 2; in version 1 the former `UWOP_SAVE_XMM`, of two slots.
const EPILOG: u8 = 6;
/// In version 2; in version 1 the former `UWOP_SAVE_XMM_FAR`, of three slots.
const SPARE: u8 = 7;
const SAVE_XMM128: u8 = 8;
const SAVE_XMM128_FAR: u8 = 9;
const PUSH_MACHFRAME: u8 = 10;

/// Unwind information as it is in the image.
struct UnwindInfo {
    version: u8,
    prologue_size: u8,
    /// Register and the bytes that it lies above the stack pointer.
    frame: Option<(usize, u64)>,
    codes: Vec<[u8; 2]>,
    parent: Option<RuntimeFunction>,
}

impl UnwindInfo {
    fn read(around: &Surroundings, base: Va, entry: RuntimeFunction) -> Option<Self> {
        let entry = resolve(around, base, entry)?;
        let at = base.checked_add(entry.unwind.into())?;
        let [version_flags, prologue_size, count, frame] = around.u32(at)?.to_le_bytes();
        let (version, flags) = (version_flags & 7, version_flags >> 3);
        if !matches!(version, 1 | 2) {
            return None;
        }
        let mut bytes = vec![0; usize::from(count) * 2];
        around.space().read_exact(at.checked_add(4)?, &mut bytes).ok()?;
        let codes = bytes.chunks_exact(2).map(|code| [code[0], code[1]]).collect();
        let even = u64::from(count).next_multiple_of(2);
        let parent = match flags & 4 {
            0 => None,
            _ => Some(read_entry(around, at.checked_add(4 + 2 * even)?)?),
        };
        let frame = (frame & 0xf != 0).then_some((usize::from(frame & 0xf), u64::from(frame >> 4) * 16));
        Some(Self { version, prologue_size, frame, codes, parent })
    }

    fn slot(&self, number: usize) -> Option<u32> {
        self.codes.get(number).map(|code| u16::from_le_bytes(*code).into())
    }

    /// The slots of the operation at `number`; `None` for one that is not known.
    fn slots(&self, number: usize) -> Option<usize> {
        let [_, operation] = self.codes.get(number)?;
        Some(match (operation & 0xf, operation >> 4) {
            (PUSH_NONVOL | ALLOC_SMALL | SET_FPREG | PUSH_MACHFRAME, _) => 1,
            (ALLOC_LARGE, 0) | (SAVE_NONVOL | SAVE_XMM128, _) => 2,
            (ALLOC_LARGE, 1) | (SAVE_NONVOL_FAR | SAVE_XMM128_FAR, _) => 3,
            // The list of epilogues is filled up to an even number of slots; the filler is empty.
            (EPILOG, _) if self.version == 2 => match self.slot(number + 1) {
                Some(0) => 2,
                _ => 1,
            },
            (EPILOG, _) => 2,
            (SPARE, _) => 3,
            _ => return None,
        })
    }
}

/// An entry whose unwind address is odd stands for another entry.
fn resolve(around: &Surroundings, base: Va, mut entry: RuntimeFunction) -> Option<RuntimeFunction> {
    for _ in 0..LONGEST_CHAIN {
        if entry.unwind & 1 == 0 {
            return Some(entry);
        }
        entry = read_entry(around, base.checked_add(u64::from(entry.unwind & !1))?)?;
    }
    None
}

/// The frame register of a function, and the bytes that it lies above the stack pointer.
pub(super) fn frame_register(
    around: &Surroundings,
    base: Va,
    entry: RuntimeFunction,
) -> Result<Option<(usize, u64)>, Fault> {
    UnwindInfo::read(around, base, entry).map(|info| info.frame).ok_or(Fault::Data)
}

/// Whether an entry is a further piece of another function.
pub(super) fn is_chained(around: &Surroundings, base: Va, entry: RuntimeFunction) -> bool {
    entry.unwind & 1 != 0 || UnwindInfo::read(around, base, entry).is_some_and(|info| info.parent.is_some())
}

/// Undoes what has run of the prologue, and of those of the parents the whole.
pub(super) fn unwind(
    around: &Surroundings,
    registers: &RegisterFile,
    base: Va,
    entry: RuntimeFunction,
) -> Result<Unwound, Fault> {
    let mut frame = Frame { around, registers: registers.clone(), machine_frame: None };
    let begin = base.checked_add(entry.begin.into()).ok_or(Fault::Data)?;
    let mut done = registers.pc.offset_from(begin);
    let mut next = Some(entry);
    for _ in 0..LONGEST_CHAIN {
        let Some(entry) = next else { return frame.finish() };
        let info = UnwindInfo::read(around, base, entry).ok_or(Fault::Data)?;
        let in_prologue = done.filter(|done| *done < u64::from(info.prologue_size));
        frame.undo(&info, in_prologue)?;
        if frame.machine_frame.is_some() {
            return frame.finish();
        }
        done = None;
        next = info.parent;
    }
    Err(Fault::Data)
}

struct Frame<'s, 'a, 't> {
    around: &'s Surroundings<'a, 't>,
    registers: RegisterFile,
    /// Where the processor's own frame is, once it is reached.
    machine_frame: Option<Va>,
}

impl Frame<'_, '_, '_> {
    /// Undoes the codes of one `UNWIND_INFO`; with `done` only those of instructions that end by that offset.
    fn undo(&mut self, info: &UnwindInfo, done: Option<u64>) -> Result<(), Fault> {
        let has_run = |offset: u8| done.is_none_or(|done| u64::from(offset) <= done);
        let is_frame_set = info.codes.iter().any(|[offset, code]| code & 0xf == SET_FPREG && has_run(*offset));
        let frame_base = match info.frame {
            Some(frame) if is_frame_set || done.is_none() => self.frame_base(frame)?,
            _ => self.registers.sp(),
        };
        let mut number = 0;
        while let Some([offset, code]) = info.codes.get(number) {
            let slots = info.slots(number).ok_or(Fault::Data)?;
            if has_run(*offset) || matches!(code & 0xf, EPILOG | SPARE) {
                self.undo_code(info, number, frame_base)?;
            }
            if self.machine_frame.is_some() {
                return Ok(());
            }
            number += slots;
        }
        Ok(())
    }

    fn undo_code(&mut self, info: &UnwindInfo, number: usize, frame_base: Va) -> Result<(), Fault> {
        let Some([_, code]) = info.codes.get(number) else { return Err(Fault::Data) };
        let (operation, information) = (code & 0xf, code >> 4);
        let operand = |index: usize| info.slot(number + index).ok_or(Fault::Data);
        let far = || Ok(operand(1)? | operand(2)? << 16);
        match operation {
            PUSH_NONVOL => {
                let value = self.read(self.registers.sp())?;
                self.registers.set(information.into(), Some(value.0));
                // `pop rsp` does not happen; a code that says so would send the walk anywhere.
                if usize::from(information) == x86_number::SP {
                    return Err(Fault::Data);
                }
                self.add_to_sp(8)
            }
            ALLOC_LARGE if information == 0 => self.add_to_sp(u64::from(operand(1)?) * 8),
            ALLOC_LARGE => self.add_to_sp(far()?.into()),
            ALLOC_SMALL => self.add_to_sp(u64::from(information) * 8 + 8),
            SET_FPREG => {
                let base = self.frame_base(info.frame.ok_or(Fault::Data)?)?;
                self.registers.set_sp(base);
                Ok(())
            }
            SAVE_NONVOL => self.restore(information, frame_base, u64::from(operand(1)?) * 8),
            SAVE_NONVOL_FAR => self.restore(information, frame_base, far()?.into()),
            PUSH_MACHFRAME => {
                // An error code may lie below: instruction pointer, segment, flags, stack pointer, segment.
                let place = self.registers.sp().checked_add(u64::from(information & 1) * 8).ok_or(Fault::Data)?;
                self.machine_frame = Some(place);
                Ok(())
            }
            // XMM registers are not followed; epilogues are found in the code.
            _ => Ok(()),
        }
    }

    fn restore(&mut self, register: u8, base: Va, offset: u64) -> Result<(), Fault> {
        if usize::from(register) == x86_number::SP {
            return Err(Fault::Data);
        }
        let value = self.read(base.checked_add(offset).ok_or(Fault::Data)?)?;
        self.registers.set(register.into(), Some(value.0));
        Ok(())
    }

    fn frame_base(&self, (register, offset): (usize, u64)) -> Result<Va, Fault> {
        let value = self.registers.get(register).ok_or(Fault::Register)?;
        Va(value).checked_sub(offset).ok_or(Fault::Data)
    }

    fn add_to_sp(&mut self, bytes: u64) -> Result<(), Fault> {
        let sp = self.registers.sp().checked_add(bytes).ok_or(Fault::Data)?;
        self.registers.set_sp(sp);
        Ok(())
    }

    fn read(&self, va: Va) -> Result<Va, Fault> {
        self.around.pointer(va, self.registers.width()).ok_or(Fault::Stack(va))
    }

    /// Takes the return address, or what the processor pushed.
    fn finish(mut self) -> Result<Unwound, Fault> {
        let is_interrupted = self.machine_frame.is_some();
        let place = self.machine_frame.unwrap_or(self.registers.sp());
        self.registers.pc = self.read(place)?;
        let sp = match is_interrupted {
            true => self.read(place.checked_add(24).ok_or(Fault::Data)?)?,
            false => place.checked_add(8).ok_or(Fault::Data)?,
        };
        self.registers.set_sp(sp);
        forget_volatile(&mut self.registers);
        Ok(Unwound { registers: self.registers, place, is_interrupted })
    }
}

/// Forgets what calls do not preserve.
pub(super) fn forget_volatile(registers: &mut RegisterFile) {
    use x86_number::{BP, BX, DI, R12, SI};
    registers.keep(|number| matches!(number, BX | BP | SI | DI) || number >= R12);
}

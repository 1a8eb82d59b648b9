//! From what records say of a variable's place to where it is: with the registers of the processor and the frame of
//! the function.

use super::{
    super::{
        PdbFile, registers,
        registers::{FrameBase, VIRTUAL_FRAME},
    },
    range::{Covering, RangePlace},
    record::{Form, FrameProc},
};
use crate::variable::{RegisterName, VariableKind, VariablePlace};
use vatlas_space::{Machine, Rva};

/// `CV_REG_EDXEAX`: a pair that has a number.
const EDX_EAX: u16 = 212;

/// How a function addresses its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bases {
    local: FrameBase,
    parameter: FrameBase,
    /// Bytes of the frame, where they are told.
    pub(super) frame_size: Option<u32>,
}

impl Bases {
    /// Without `S_FRAMEPROC` a function of x86 that has a frame pointer uses it, and of others nothing is known.
    pub(super) fn new(machine: Machine, frame_proc: Option<FrameProc>, has_frame_pointer: bool) -> Self {
        let base = |bits: Option<u32>| match bits {
            Some(bits) if bits != 0 => FrameBase::from_bits(machine, bits),
            _ if machine == Machine::X86 && has_frame_pointer => FrameBase::Register("ebp"),
            _ => FrameBase::Virtual,
        };
        Self {
            local: base(frame_proc.map(|frame| frame.local_base)),
            parameter: base(frame_proc.map(|frame| frame.parameter_base)),
            frame_size: frame_proc.map(|frame| frame.size),
        }
    }

    /// Whether an offset from the stack or frame pointer lies above the frame, where the caller put the arguments.
    pub(super) fn is_above_frame(&self, machine: Machine, offset: i32) -> bool {
        let return_address = match machine {
            Machine::X64 => 8,
            Machine::X86 => 4,
            _ => 0,
        };
        self.frame_size.is_some_and(|size| i64::from(offset) >= i64::from(size) + return_address)
    }
}

/// What places are made with.
pub(super) struct Placing<'a> {
    pub(super) file: &'a PdbFile,
    pub(super) machine: Machine,
    pub(super) bases: Bases,
}

impl Placing<'_> {
    /// The place of a variable, and whether it is told by a record that holds from the end of the prologue on.
    pub(super) fn place(&self, form: &Form, ranges: &[Covering], kind: VariableKind) -> (VariablePlace, bool) {
        let place = match form {
            Form::Ranges(_) | Form::StaticInRanges => return self.of_ranges(ranges, kind),
            Form::FrameRelative(offset) => self.frame_relative(*offset, kind),
            Form::RegisterRelative(register, offset) => self.register_relative(*register, *offset),
            Form::Indirect(register, offset, second) => self.indirect(*register, *offset, *second),
            Form::Register(register) => self.register(*register),
            Form::Registers(registers) => self.registers(registers),
            Form::Static(place) => return (self.static_place(place.section, place.offset), false),
            Form::Thread(place) => return (self.thread_place(place.section, place.offset), false),
            Form::Constant(value) => return (VariablePlace::Constant(value.clone()), false),
            Form::Unknown(what) => VariablePlace::Unknown((*what).to_owned()),
        };
        (place, true)
    }

    /// The first range that has the whole variable; one that the compiler is sure of first, one for the full scope
    /// last. Or else the parts, each in the first range that has it.
    fn of_ranges(&self, ranges: &[Covering], kind: VariableKind) -> (VariablePlace, bool) {
        let whole = ranges.iter().filter(|range| range.part.is_none());
        if let Some(range) = whole.min_by_key(|range| (range.is_everywhere, range.may_have_no_name)) {
            return (self.of_range(range, kind), range.is_everywhere);
        }
        let mut parts: Vec<(u32, VariablePlace)> = Vec::new();
        for range in ranges {
            let Some(offset) = range.part.filter(|offset| parts.iter().all(|(known, _)| known != offset)) else {
                continue;
            };
            parts.push((offset, self.of_range(range, kind)));
        }
        parts.sort_by_key(|(offset, _)| *offset);
        if parts.is_empty() {
            return (VariablePlace::Gone, false);
        }
        let ends: Vec<_> = parts.iter().skip(1).map(|(offset, _)| Some(*offset)).chain([None]).collect();
        let sized = parts.into_iter().zip(ends).map(|((offset, place), end)| {
            let limit = end.map_or(u64::MAX, |end| u64::from(end - offset));
            let size = match &place {
                VariablePlace::Register(register) => registers::size(self.machine, &register.0),
                _ => u64::MAX,
            };
            (u64::from(offset), size.min(limit), place)
        });
        (VariablePlace::Pieces(sized.collect()), false)
    }

    fn of_range(&self, range: &Covering, kind: VariableKind) -> VariablePlace {
        match range.place {
            RangePlace::Register(register) => self.register(register),
            RangePlace::FrameRelative(offset) => self.relative(self.base(kind), offset),
            RangePlace::RegisterRelative(register, offset) => self.register_relative(register, offset),
            RangePlace::Indirect(register, offset, second) => self.indirect(register, offset, second),
            RangePlace::Program(program) => VariablePlace::Unknown(format!("what program {program:#x} computes")),
        }
    }

    fn base(&self, kind: VariableKind) -> FrameBase {
        if kind == VariableKind::Parameter { self.bases.parameter } else { self.bases.local }
    }

    /// What lies where the caller's frame pointer or the return address lie is an argument that was optimized away.
    fn frame_relative(&self, offset: i32, kind: VariableKind) -> VariablePlace {
        if offset == 0 { VariablePlace::Gone } else { self.relative(self.base(kind), offset) }
    }

    fn relative(&self, base: FrameBase, offset: i32) -> VariablePlace {
        let offset = offset.into();
        match base {
            FrameBase::Virtual => VariablePlace::FrameRelative { offset },
            FrameBase::Register(name) => {
                VariablePlace::RegisterRelative { register: RegisterName(name.to_owned()), offset }
            }
        }
    }

    fn register_relative(&self, register: u16, offset: i32) -> VariablePlace {
        if register == VIRTUAL_FRAME {
            return self.relative(FrameBase::Virtual, offset);
        }
        match self.name(register) {
            // As above: there is the return address, or the caller's frame pointer.
            Ok(name)
                if offset == 0
                    && (name.0 == "ebp" || self.is_stack_pointer(&name) && self.bases.frame_size == Some(0)) =>
            {
                VariablePlace::Gone
            }
            Ok(register) => VariablePlace::RegisterRelative { register, offset: offset.into() },
            Err(unknown) => unknown,
        }
    }

    fn is_stack_pointer(&self, name: &RegisterName) -> bool {
        matches!((self.machine, name.0.as_str()), (Machine::X86, "esp") | (Machine::X64, "rsp"))
    }

    fn indirect(&self, register: u16, offset: i32, second: i32) -> VariablePlace {
        match self.register_relative(register, offset) {
            unknown @ VariablePlace::Unknown(_) => unknown,
            pointer => VariablePlace::Indirect { pointer: Box::new(pointer), offset: second.into() },
        }
    }

    fn name(&self, register: u16) -> Result<RegisterName, VariablePlace> {
        let name = registers::name(self.machine, register).map(RegisterName);
        name.ok_or_else(|| VariablePlace::Unknown(format!("register {register} of {}", self.machine)))
    }

    fn pair(&self, low: u16, high: u16) -> VariablePlace {
        match (self.name(low), self.name(high)) {
            (Ok(low), Ok(high)) => VariablePlace::Registers(low, high),
            (Err(unknown), _) | (_, Err(unknown)) => unknown,
        }
    }

    fn register(&self, register: u16) -> VariablePlace {
        match self.name(register) {
            Ok(name) => VariablePlace::Register(name),
            Err(_) if self.machine == Machine::X86 && register == EDX_EAX => self.pair(17, 19),
            // The old way to write a pair.
            Err(_) if self.machine == Machine::X86 && (0x100..30_000).contains(&register) => {
                self.pair(register & 0xff, register >> 8)
            }
            Err(unknown) => unknown,
        }
    }

    fn registers(&self, registers: &[u16]) -> VariablePlace {
        match registers {
            [one] => self.register(*one),
            [high, low] => self.pair(*low, *high),
            more => {
                let names: Result<Vec<_>, _> = more.iter().map(|register| self.name(*register)).collect();
                match names {
                    Ok(names) => VariablePlace::Unknown(format!(
                        "registers {}",
                        names.iter().map(|name| name.0.as_str()).collect::<Vec<_>>().join(":")
                    )),
                    Err(unknown) => unknown,
                }
            }
        }
    }

    fn static_place(&self, section: u16, offset: u32) -> VariablePlace {
        let linked = self.file.addresses.linked(section, offset);
        let piece = linked.and_then(|linked| self.file.addresses.pieces(linked, 1).first().copied());
        match piece {
            Some(piece) => VariablePlace::Static(Rva(piece.rva)),
            None => {
                VariablePlace::Unknown(format!("offset {offset:#x} of section {section}, which is not in the image"))
            }
        }
    }

    /// What each thread's storage begins as lies in a section of its own.
    fn thread_place(&self, section: u16, offset: u32) -> VariablePlace {
        if self.file.addresses.is_thread_section(section) {
            VariablePlace::ThreadLocal { offset: offset.into() }
        } else {
            VariablePlace::Unknown(format!("thread storage that begins as offset {offset:#x} of section {section}"))
        }
    }
}

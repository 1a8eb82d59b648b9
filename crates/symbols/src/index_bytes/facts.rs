//! What a table says as a whole: kind, identity, processor, base, problems; as bytes.
//!
//! Numbers are words of 32 bits, a text its length and its bytes. The name of the file is not kept: it is what the
//! opener calls it today. Places of problems that begin with it are kept without it.

use crate::symbol_file::{FileKind, Identity, Origin};
use std::sync::Arc;
use vatlas_space::{Guid, Machine, Problem, Severity, Va};

const KINDS: [FileKind; 9] = [
    FileKind::Pdb,
    FileKind::Dwarf,
    FileKind::Breakpad,
    FileKind::MsvcMap,
    FileKind::GnuMap,
    FileKind::Listing,
    FileKind::Coff,
    FileKind::Exports,
    FileKind::FunctionTable,
];
/// By number, from 1; 0 is none, and others have this bit beside their own number.
const MACHINES: [Machine; 5] = [Machine::X86, Machine::X64, Machine::Arm, Machine::Arm64, Machine::Mips];
const OTHER_MACHINE: u32 = 1 << 16;

/// What a table says as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Facts {
    pub(crate) origin: Origin,
    pub(crate) machine: Option<Machine>,
    pub(crate) image_base: Option<Va>,
    pub(crate) problems: Vec<Problem>,
}

impl Facts {
    /// As bytes; `None` for what has no number.
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        let mut writer = Writer::default();
        writer.number(KINDS.iter().position(|kind| *kind == self.origin.kind)?);
        writer.identity(self.origin.identity);
        writer.word(match self.machine {
            None => 0,
            Some(Machine::Other(number)) => OTHER_MACHINE | u32::from(number),
            Some(machine) => u32::try_from(MACHINES.iter().position(|known| *known == machine)?).ok()? + 1,
        });
        writer.word(u32::from(self.image_base.is_some()));
        writer.long(self.image_base.unwrap_or_default().0);
        for problem in &self.problems {
            let rest = problem.place.strip_prefix(&*self.origin.file);
            let hint = problem.hint.as_deref();
            writer.word(u32::from(problem.severity == Severity::Damage));
            writer.word(u32::from(rest.is_some()));
            writer.text(rest.unwrap_or(&problem.place));
            writer.text(&problem.cause);
            writer.word(u32::from(hint.is_some()));
            writer.text(hint.unwrap_or_default());
        }
        Some(writer.0)
    }

    /// Of bytes, for a file called `file`; `None` where they mean nothing.
    pub(crate) fn read(bytes: &[u8], file: &str) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = *KINDS.get(reader.word()? as usize)?;
        let origin = Origin { file: file.into(), kind, identity: reader.identity()? };
        let machine = match reader.word()? {
            0 => None,
            other if other & OTHER_MACHINE != 0 => Some(Machine::Other(u16::try_from(other ^ OTHER_MACHINE).ok()?)),
            number => Some(*MACHINES.get(number as usize - 1)?),
        };
        let (has_base, base) = (reader.flag()?, reader.long()?);
        let mut problems = Vec::new();
        while !reader.0.is_empty() {
            problems.push(reader.problem(&origin.file)?);
        }
        Some(Self { origin, machine, image_base: has_base.then_some(Va(base)), problems })
    }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn word(&mut self, word: u32) {
        self.0.extend(word.to_le_bytes());
    }

    fn long(&mut self, long: u64) {
        self.0.extend(long.to_le_bytes());
    }

    /// A number that is small by its nature; one that is not has no meaning to the reader.
    fn number(&mut self, number: usize) {
        self.word(u32::try_from(number).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn identity(&mut self, identity: Option<Identity>) {
        match identity {
            None => self.word(0),
            Some(Identity::Guid { guid, age }) => {
                self.word(1);
                self.word(guid.data1);
                self.word((u32::from(guid.data2) << 16) | u32::from(guid.data3));
                self.0.extend(guid.data4);
                self.word(age);
            }
            Some(Identity::Signature { signature, age }) => [2, signature, age].into_iter().for_each(|n| self.word(n)),
            Some(Identity::TimeDateStamp(stamp)) => [3, stamp].into_iter().for_each(|n| self.word(n)),
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        [false, true].get(self.word()? as usize).copied()
    }

    fn text(&mut self) -> Option<&str> {
        let size = self.word()? as usize;
        let (text, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn identity(&mut self) -> Option<Option<Identity>> {
        Some(match self.word()? {
            0 => None,
            1 => {
                let (data1, both, data4) = (self.word()?, self.word()?, self.array()?);
                let guid = Guid { data1, data2: (both >> 16) as u16, data3: both as u16, data4 };
                Some(Identity::Guid { guid, age: self.word()? })
            }
            2 => Some(Identity::Signature { signature: self.word()?, age: self.word()? }),
            3 => Some(Identity::TimeDateStamp(self.word()?)),
            _ => return None,
        })
    }

    fn problem(&mut self, file: &Arc<str>) -> Option<Problem> {
        let severity = if self.flag()? { Severity::Damage } else { Severity::Note };
        let front = if self.flag()? { &**file } else { "" };
        let place = format!("{front}{}", self.text()?);
        let cause = self.text()?.to_owned();
        let (has_hint, hint) = (self.flag()?, self.text()?.to_owned());
        Some(Problem { place, cause, hint: has_hint.then_some(hint), severity })
    }
}

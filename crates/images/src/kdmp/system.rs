//! The system, the exception, the bucket: streams of one record each.

use super::{
    context::{ThreadContexts, contexts},
    elements::ElementTable,
    raw::{stream, u32_at},
    reader::{Part, Reader},
};
use vatlas_space::{Fact, Host, Machine, OsFamily, StreamEntry, Va};

/// `CE_DUMP_SYSTEM_INFO`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SystemInfo {
    /// `ProcessorArchitecture`.
    pub architecture: u16,
    /// How many processors.
    pub processors: u32,
    /// Type, level, revision and family of the processor.
    pub processor: [u32; 4],
    /// Major version, minor version, build number.
    pub version: [u32; 3],
    /// `PlatformId`: 3 is Windows CE.
    pub platform_id: u32,
    /// Locale of the user.
    pub lcid: u32,
    /// Who made the device: parts of `OEMString`.
    pub oem: Vec<String>,
    /// `SupportFlags`.
    pub support_flags: u32,
    /// Machine number as in PE images.
    pub machine: u16,
    /// Names of the platform: `PocketPC`.
    pub platforms: Vec<String>,
    /// Versions of the platform: major, minor.
    pub platform_versions: Vec<[u32; 2]>,
    /// `InstructionSet`; absent in older files.
    pub instruction_set: Option<u32>,
}

/// Versions of a platform that are read.
const MOST_PLATFORMS: usize = 16;

/// Reads the system stream.
pub(super) fn system(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Option<SystemInfo> {
    let part = reader.part(streams, stream::SYSTEM_INFO)?;
    let size = usize::from(reader.u16(part, 0)?);
    // An older header may be shorter: what it does not hold is not there.
    let word = |reader: &mut Reader<'_>, at: usize| if at + 4 <= size { reader.u32(part, at) } else { None };
    let half = |reader: &mut Reader<'_>, at: usize| if at + 2 <= size { reader.u16(part, at) } else { None };
    let number = |reader: &mut Reader<'_>, at: usize| word(reader, at).unwrap_or(0);
    let oem = number(reader, 0x28);
    let platform = number(reader, 0x34);
    let (count, versions) = (number(reader, 0x38), number(reader, 0x3c));
    let level = u32::from(half(reader, 0x0c).unwrap_or(0));
    let revision = u32::from(half(reader, 0x0e).unwrap_or(0));
    Some(SystemInfo {
        architecture: half(reader, 2).unwrap_or(u16::MAX),
        processors: number(reader, 4),
        processor: [number(reader, 8), level, revision, number(reader, 0x10)],
        version: [number(reader, 0x14), number(reader, 0x18), number(reader, 0x1c)],
        platform_id: number(reader, 0x20),
        lcid: number(reader, 0x24),
        oem: reader.texts(oem),
        support_flags: number(reader, 0x2c),
        machine: half(reader, 0x30).unwrap_or(0),
        platforms: reader.texts(platform),
        platform_versions: platform_versions(reader, part, count, versions),
        instruction_set: word(reader, 0x40),
    })
}

fn platform_versions(reader: &mut Reader<'_>, part: Part, count: u32, rva: u32) -> Vec<[u32; 2]> {
    if rva == 0 || count == 0 {
        return Vec::new();
    }
    let count = count.min(MOST_PLATFORMS as u32);
    let start = usize::try_from(rva).unwrap_or(usize::MAX);
    let place = format!("{}: platform versions", part.place());
    let records = reader.records(&place, start, 8, count);
    records.iter().filter_map(|record| Some([u32_at(record, 0)?, u32_at(record, 4)?])).collect()
}

impl SystemInfo {
    /// The processor: by its number in PE images, else by `ProcessorArchitecture`.
    pub fn machine(&self) -> Machine {
        match self.machine {
            0x014c => Machine::X86,
            0x0162 | 0x0166 | 0x0168 | 0x0169 | 0x0266 | 0x0366 | 0x0466 => Machine::Mips,
            0x01c0 | 0x01c2 | 0x01c4 => Machine::Arm,
            0 => match self.architecture {
                0 => Machine::X86,
                1 => Machine::Mips,
                4 => Machine::Other(0x1a6),
                5 => Machine::Arm,
                other => Machine::Other(other),
            },
            other => Machine::Other(other),
        }
    }

    /// The system as other targets tell it.
    pub fn host(&self) -> Host {
        let oem = self.oem.join(", ");
        Host {
            os: OsFamily::WindowsCe,
            version: self.version,
            service_pack: (!oem.is_empty()).then(|| format!("({oem})")),
            machine: self.machine(),
            processors: u8::try_from(self.processors).unwrap_or(u8::MAX),
        }
    }

    /// Every field.
    pub fn facts(&self) -> Vec<Fact> {
        let hex = |number: u32| format!("{number:#x}");
        let [major, minor, build] = self.version;
        let [kind, level, revision, family] = self.processor;
        let mut facts = vec![
            ("ProcessorArchitecture", self.architecture.to_string()),
            ("NumberOfProcessors", self.processors.to_string()),
            ("ProcessorType", hex(kind)),
            ("ProcessorLevel", level.to_string()),
            ("ProcessorRevision", revision.to_string()),
            ("ProcessorFamily", family.to_string()),
            ("Version", format!("{major}.{minor}.{build}")),
            ("PlatformId", self.platform_id.to_string()),
            ("LCID", hex(self.lcid)),
            ("OEMString", self.oem.join(", ")),
            ("SupportFlags", hex(self.support_flags)),
            ("Machine", hex(self.machine.into())),
            ("PlatformType", self.platforms.join(", ")),
            (
                "PlatformVersion",
                self.platform_versions.iter().map(|[a, b]| format!("{a}.{b}")).collect::<Vec<_>>().join(", "),
            ),
        ];
        facts.extend(self.instruction_set.map(|set| ("InstructionSet", format!("{set:#010x}"))));
        facts.into_iter().map(|(label, value)| Fact { label: label.to_owned(), value }).collect()
    }
}

/// `CE_DUMP_EXCEPTION` with the contexts behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExceptionInfo {
    /// Bit 0 first chance, 1 captured on the device, 2 `ReportFault`, 3 the thread is the dump's focus.
    pub flags: u16,
    /// Handles of the current process, the thread and the owner process, then the same three at the moment of capture.
    pub handles: [u32; 6],
    /// Exception code.
    pub code: u32,
    /// Exception flags.
    pub exception_flags: u32,
    /// Address of the instruction, as the process calls it: in slot-0 form up to CE 5.
    pub address: Va,
    /// Parameters.
    pub parameters: Vec<u32>,
    /// Registers of the thread.
    pub contexts: ThreadContexts,
    /// The contexts as a table of one element.
    pub table: ElementTable,
}

/// Reads the exception stream.
pub(super) fn exception(reader: &mut Reader<'_>, streams: &[StreamEntry], machine: Machine) -> Option<ExceptionInfo> {
    const MOST_PARAMETERS: u32 = 15;
    let part = reader.part(streams, stream::EXCEPTION)?;
    let header = usize::from(reader.u16(part, 0)?);
    let size = usize::from(reader.u16(part, 2)?);
    let has_contexts = reader.u16(part, 4)? > 0;
    let flags = reader.u16(part, 6)?;
    let mut handles = [0; 6];
    for (index, handle) in handles.iter_mut().enumerate() {
        *handle = reader.u32(part, 8 + 4 * index)?;
    }
    let word = |reader: &mut Reader<'_>, at: usize| reader.u32(part, header.saturating_add(at));
    let (code, exception_flags) = (word(reader, 0)?, word(reader, 4)?);
    let address = word(reader, 0x0c)?;
    let count = word(reader, 0x10)?.min(MOST_PARAMETERS);
    let parameters = (0..count as usize).filter_map(|index| word(reader, 0x14 + 4 * index)).collect();
    let table = has_contexts.then(|| ElementTable::read(reader, part, header.saturating_add(size))).flatten();
    let table = table.unwrap_or_default();
    let element = table.element(reader.bytes, 0);
    let found = element.map(|element| contexts(&element, &table.columns, machine, Some(address)));
    Some(ExceptionInfo {
        flags,
        handles,
        code,
        exception_flags,
        address: Va(address.into()),
        parameters,
        contexts: found.unwrap_or_default(),
        table,
    })
}

/// Meanings of the bits of [`ExceptionInfo::flags`] (Microsoft documentation).
const EXCEPTION_FLAGS: [&str; 4] = ["first chance", "CaptureDumpFileOnDevice", "ReportFault", "focus thread"];

impl ExceptionInfo {
    /// Every field but the record itself.
    pub fn facts(&self) -> Vec<Fact> {
        const HANDLES: [&str; 6] = [
            "CurrentProcessId",
            "ThreadId",
            "OwnerProcessId",
            "CaptureAPICurrentProcessId",
            "CaptureAPIThreadId",
            "CaptureAPIOwnerProcessId",
        ];
        let names = EXCEPTION_FLAGS.iter().enumerate().filter(|(bit, _)| self.flags >> bit & 1 != 0);
        let names: Vec<_> = names.map(|(_, name)| *name).collect();
        let flags = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        let flags = Fact { label: "Flags".to_owned(), value: format!("{:#x}{flags}", self.flags) };
        let handles = HANDLES.into_iter().zip(self.handles);
        let handles = handles.map(|(label, handle)| Fact { label: label.to_owned(), value: format!("{handle:#010x}") });
        std::iter::once(flags).chain(handles).collect()
    }
}

/// `CE_DUMP_BUCKET_PARAMETERS`: what error reports are sorted by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BucketParameters {
    /// Kind of event, `WinCE501bException`.
    pub event: String,
    /// 1 on a debug build of the system.
    pub debug: u32,
    /// Name, time stamp and two words of version of the application, the module and the owner.
    pub parts: [BucketPart; 3],
    /// Bytes from the base of the module to the instruction.
    pub offset: u32,
}

/// One file of a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BucketPart {
    /// File name.
    pub name: String,
    /// Time stamp of its header.
    pub stamp: u32,
    /// Version.
    pub version: [u32; 2],
}

/// Reads the bucket stream.
pub(super) fn bucket(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Option<BucketParameters> {
    let part = reader.part(streams, stream::BUCKET_PARAMETERS)?;
    let size = usize::from(reader.u16(part, 0)?);
    let word = |reader: &mut Reader<'_>, at: usize| if at + 4 <= size { reader.u32(part, at) } else { None };
    let named = |reader: &mut Reader<'_>, at: usize| -> Option<BucketPart> {
        let name = word(reader, at)?;
        Some(BucketPart {
            name: reader.text(name).unwrap_or_default(),
            stamp: word(reader, at + 4)?,
            version: [word(reader, at + 8)?, word(reader, at + 12)?],
        })
    };
    let (application, module) = (named(reader, 0x0c), named(reader, 0x1c));
    let owner = named(reader, 0x30);
    let event = word(reader, 4)?;
    Some(BucketParameters {
        event: reader.text(event).unwrap_or_default(),
        debug: word(reader, 8).unwrap_or(0),
        parts: [application.unwrap_or_default(), module.unwrap_or_default(), owner.unwrap_or_default()],
        offset: word(reader, 0x2c).unwrap_or(0),
    })
}

impl BucketParameters {
    /// Every field.
    pub fn facts(&self) -> Vec<Fact> {
        let fact = |label: &str, value: String| Fact { label: label.to_owned(), value };
        let mut facts = vec![fact("EventType", self.event.clone()), fact("fDebug", self.debug.to_string())];
        for (prefix, part) in ["App", "Mod", "Owner"].into_iter().zip(&self.parts) {
            let [ms, ls] = part.version;
            let version = format!("{}.{}.{}.{}", ms >> 16, ms & 0xffff, ls >> 16, ls & 0xffff);
            facts.push(fact(&format!("{prefix}Name"), part.name.clone()));
            facts.push(fact(&format!("{prefix}Stamp"), format!("{:#010x}", part.stamp)));
            facts.push(fact(&format!("{prefix}Ver"), version));
        }
        facts.push(fact("Offset", format!("{:#x}", self.offset)));
        facts
    }
}

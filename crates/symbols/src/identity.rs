//! Does a symbol file belong to a module? Never a bare no: both sides are named.

use crate::symbol_file::Identity;
use vatlas_space::{DebugRecord, Guid, Module};

/// What a symbol file says about the build that it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileIdentity {
    /// GUID, signature or time stamp; `None` when the file does not say.
    pub identity: Option<Identity>,
    /// `SizeOfImage`, of an image.
    pub size_of_image: Option<u32>,
}

impl From<Option<Identity>> for FileIdentity {
    fn from(identity: Option<Identity>) -> Self {
        Self { identity, size_of_image: None }
    }
}

/// Whether a symbol file belongs to a module, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It does; what is equal.
    Match(String),
    /// One of the two does not say enough; which.
    Unknown(String),
    /// It belongs to another build; what differs.
    Mismatch(String),
}

/// Whether a file with `found` belongs to `wanted`.
///
/// A PDB 7.0 must have the GUID of the module's debug record and its age: an incremental link keeps the GUID and counts
/// the age up, so equal GUIDs with different ages are two builds, and symbol servers refuse one for the other. What has
/// a time stamp only must have that of the image header; an image also its size.
pub fn judge(wanted: &Module, found: &FileIdentity) -> Verdict {
    match found.identity {
        None => Verdict::Unknown("cannot be checked: the file does not say which build it belongs to".to_owned()),
        Some(Identity::TimeDateStamp(stamp)) => judge_stamp(wanted, stamp, found.size_of_image),
        Some(Identity::Guid { guid, age }) => judge_guid(wanted, guid, age),
        Some(Identity::Signature { signature, age }) => judge_signature(wanted, signature, age),
    }
}

fn judge_stamp(wanted: &Module, stamp: u32, size: Option<u32>) -> Verdict {
    if stamp == 0 || wanted.time_date_stamp == 0 {
        let who = if stamp == 0 { "the file" } else { "the module" };
        return Verdict::Unknown(format!("cannot be checked: {who} has no time stamp"));
    }
    if stamp != wanted.time_date_stamp {
        return Verdict::Mismatch(format!(
            "it has the time stamp {stamp:08x}, the module {:08x}",
            wanted.time_date_stamp
        ));
    }
    match size {
        Some(size) if u64::from(size) != wanted.range.size() => Verdict::Mismatch(format!(
            "the time stamp {stamp:08x} is equal, but its image takes {size:#x} bytes, the module {:#x}",
            wanted.range.size()
        )),
        Some(_) => Verdict::Match(format!("time stamp {stamp:08x} and size are equal")),
        None => Verdict::Match(format!("time stamp {stamp:08x} is equal")),
    }
}

fn judge_guid(wanted: &Module, guid: Guid, age: u32) -> Verdict {
    let found = Identity::Guid { guid, age };
    match &wanted.debug_record {
        Some(DebugRecord::Pdb70 { guid: wanted_guid, age: wanted_age, .. }) if *wanted_guid == guid => {
            if age == *wanted_age {
                return Verdict::Match(format!("{found} is equal"));
            }
            Verdict::Mismatch(format!(
                "the GUID {guid} is equal, but it has age {age}, the module wants age {wanted_age}: another link of it"
            ))
        }
        Some(DebugRecord::ElfBuildId(id)) => match build_id_guid(id) {
            Some(wanted) if wanted == guid => Verdict::Match(format!("build id {guid} is equal")),
            Some(wanted) => Verdict::Mismatch(format!("it has {found}, the module's build id begins {wanted}")),
            None => unknown_record(found),
        },
        Some(DebugRecord::Other { .. }) | None => unknown_record(found),
        Some(record) => differs(found, record),
    }
}

fn judge_signature(wanted: &Module, signature: u32, age: u32) -> Verdict {
    let found = Identity::Signature { signature, age };
    match &wanted.debug_record {
        Some(DebugRecord::Pdb20 { signature: wanted_signature, age: wanted_age, .. })
            if *wanted_signature == signature =>
        {
            if age == *wanted_age {
                return Verdict::Match(format!("{found} is equal"));
            }
            Verdict::Mismatch(format!(
                "the signature {signature:08x} is equal, but it has age {age}, the module wants age {wanted_age}: \
                 another link of it"
            ))
        }
        Some(DebugRecord::Other { .. }) | None => unknown_record(found),
        Some(record) => differs(found, record),
    }
}

fn unknown_record(found: Identity) -> Verdict {
    Verdict::Unknown(format!("cannot be checked: it has {found}, and the module does not say which it wants"))
}

fn differs(found: Identity, record: &DebugRecord) -> Verdict {
    let wanted = wanted_by(record).map_or_else(|| "another kind of file".to_owned(), |wanted| wanted.to_string());
    Verdict::Mismatch(format!("it has {found}, the module wants {wanted}"))
}

/// The identity that a debug record asks for; `None` when it is of another kind.
pub fn wanted_by(record: &DebugRecord) -> Option<Identity> {
    match *record {
        DebugRecord::Pdb70 { guid, age, .. } => Some(Identity::Guid { guid, age }),
        DebugRecord::Pdb20 { signature, age, .. } => Some(Identity::Signature { signature, age }),
        DebugRecord::ElfBuildId(ref id) => build_id_guid(id).map(|guid| Identity::Guid { guid, age: 0 }),
        DebugRecord::Other { .. } => None,
    }
}

/// Breakpad names ELF files by the first sixteen bytes of their build id, taken as a little-endian GUID of age 0.
fn build_id_guid(id: &[u8]) -> Option<Guid> {
    let bytes: [u8; 16] = id.get(..16)?.try_into().ok()?;
    let [a, b, c, d, e, f, g, h, data4 @ ..] = bytes;
    Some(Guid {
        data1: u32::from_le_bytes([a, b, c, d]),
        data2: u16::from_le_bytes([e, f]),
        data3: u16::from_le_bytes([g, h]),
        data4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_space::{Va, VaRange};

    const GUID: Guid = Guid { data1: 0x1122_3344, data2: 0x5566, data3: 0x7788, data4: [1, 2, 3, 4, 5, 6, 7, 8] };
    const OTHER: Guid = Guid { data1: 0xaa, ..GUID };

    fn module(time_date_stamp: u32, debug_record: Option<DebugRecord>) -> Module {
        let range = VaRange::sized(Va(0x40_0000), 0x5000).unwrap();
        Module {
            path: "app.exe".to_owned(),
            range,
            data: None,
            time_date_stamp,
            checksum: 0,
            version: None,
            debug_record,
        }
    }

    fn check(wanted: &Module, identity: Option<Identity>, expected: &str) {
        check_image(wanted, &FileIdentity::from(identity), expected);
    }

    fn check_image(wanted: &Module, found: &FileIdentity, expected: &str) {
        let told = match judge(wanted, found) {
            Verdict::Match(why) => format!("match: {why}"),
            Verdict::Unknown(why) => format!("unknown: {why}"),
            Verdict::Mismatch(why) => format!("mismatch: {why}"),
        };
        assert_eq!(told, expected);
    }

    fn pdb70(guid: Guid, age: u32) -> Option<DebugRecord> {
        Some(DebugRecord::Pdb70 { guid, age, name: "app.pdb".to_owned() })
    }

    #[test]
    fn a_guid_and_its_age_must_both_be_equal() {
        let wanted = module(1, pdb70(GUID, 2));
        let found = |guid, age| Some(Identity::Guid { guid, age });
        check(&wanted, found(GUID, 2), "match: 11223344-5566-7788-0102-030405060708 age 2 is equal");
        let told = "mismatch: the GUID 11223344-5566-7788-0102-030405060708 is equal, but it has age 3, the module \
                    wants age 2: another link of it";
        check(&wanted, found(GUID, 3), told);
        let told = "mismatch: it has 000000aa-5566-7788-0102-030405060708 age 2, the module wants \
                    11223344-5566-7788-0102-030405060708 age 2";
        check(&wanted, found(OTHER, 2), told);
        let told = "unknown: cannot be checked: it has 11223344-5566-7788-0102-030405060708 age 2, and the module does \
                    not say which it wants";
        check(&module(1, None), found(GUID, 2), told);
        check(&module(1, Some(DebugRecord::Other { signature: 0, size: 0 })), found(GUID, 2), told);
    }

    #[test]
    fn a_signature_and_its_age_must_both_be_equal() {
        let record = |signature, age| Some(DebugRecord::Pdb20 { signature, age, name: String::new() });
        let found = Some(Identity::Signature { signature: 0x3fab_cdef, age: 7 });
        check(&module(1, record(0x3fab_cdef, 7)), found, "match: 3fabcdef age 7 is equal");
        let told = "mismatch: the signature 3fabcdef is equal, but it has age 7, the module wants age 1: another link \
                    of it";
        check(&module(1, record(0x3fab_cdef, 1)), found, told);
        let told = "mismatch: it has 3fabcdef age 7, the module wants 00000001 age 7";
        check(&module(1, record(1, 7)), found, told);
        let told = "mismatch: it has 3fabcdef age 7, the module wants 11223344-5566-7788-0102-030405060708 age 1";
        check(&module(1, pdb70(GUID, 1)), found, told);
        let told = "unknown: cannot be checked: it has 3fabcdef age 7, and the module does not say which it wants";
        check(&module(1, None), found, told);
    }

    #[test]
    fn a_time_stamp_must_be_that_of_the_image() {
        let found = |stamp| Some(Identity::TimeDateStamp(stamp));
        let wanted = module(0x49f0_0000, None);
        check(&wanted, found(0x49f0_0000), "match: time stamp 49f00000 is equal");
        check(&wanted, found(1), "mismatch: it has the time stamp 00000001, the module 49f00000");
        check(&wanted, found(0), "unknown: cannot be checked: the file has no time stamp");
        check(&module(0, None), found(1), "unknown: cannot be checked: the module has no time stamp");
        let told = "unknown: cannot be checked: the file does not say which build it belongs to";
        check(&wanted, None, told);
        let image = |size| FileIdentity { identity: found(0x49f0_0000), size_of_image: Some(size) };
        check_image(&wanted, &image(0x5000), "match: time stamp 49f00000 and size are equal");
        let told = "mismatch: the time stamp 49f00000 is equal, but its image takes 0x6000 bytes, the module 0x5000";
        check_image(&wanted, &image(0x6000), told);
    }

    #[test]
    fn breakpad_shortens_a_build_id() {
        let id: Vec<u8> = vec![0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x77, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9];
        let wanted = module(0, Some(DebugRecord::ElfBuildId(id)));
        let found = |guid| Some(Identity::Guid { guid, age: 0 });
        check(&wanted, found(GUID), "match: build id 11223344-5566-7788-0102-030405060708 is equal");
        let told = "mismatch: it has 000000aa-5566-7788-0102-030405060708 age 0, the module's build id begins \
                    11223344-5566-7788-0102-030405060708";
        check(&wanted, found(OTHER), told);
    }
}

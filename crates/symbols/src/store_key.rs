//! Where a symbol store keeps a file: `name/id/name`, or with two tiers `na/name/id/name`. SSQP and SymSrv agree on it.
//!
//! A key is made of names that stand in a dump, and a dump is hostile: only the last component of a path becomes part
//! of a key, and none that would lead elsewhere.

use crate::symbol_file::Identity;
use vatlas_space::{DebugRecord, Guid, Module};

/// Longer names are not taken by the usual file systems.
const LONGEST_NAME: usize = 255;
/// Names that are devices on Windows, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
/// The same with a digit after them.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// The place of a file in a symbol store.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StoreKey {
    folder: String,
    id: String,
    file: String,
}

impl StoreKey {
    /// The key of an image: `TimeDateStamp` in eight digits and `SizeOfImage` without padding. `None` for a name that
    /// is no safe file name.
    pub fn of_image(name: &str, time_date_stamp: u32, size_of_image: u32) -> Option<Self> {
        Self::new(name, format!("{time_date_stamp:08X}{size_of_image:x}"))
    }

    /// The key of a PDB: GUID or signature, and age. `None` for a name that is no safe file name, and for the identity
    /// of an image.
    pub fn of_pdb(name: &str, identity: &Identity) -> Option<Self> {
        Self::new(name, pdb_id(identity)?)
    }

    /// The key of the Breakpad file that was made of a PDB: `app.pdb/ID/app.sym`.
    pub fn of_breakpad(pdb: &str, identity: &Identity) -> Option<Self> {
        let key = Self::of_pdb(pdb, identity)?;
        let file = format!("{}.sym", stem_of(&key.folder, "pdb"));
        Some(Self { file, ..key })
    }

    /// The key of the PDB that a module names in its debug record.
    pub fn of_module_pdb(module: &Module) -> Option<Self> {
        let record = module.debug_record.as_ref()?;
        Self::of_pdb(pdb_name(record)?, &crate::identity::wanted_by(record)?)
    }

    /// The key of the image of a module; `None` when its time stamp is not known.
    pub fn of_module_image(module: &Module) -> Option<Self> {
        let size = u32::try_from(module.range.size()).ok()?;
        if module.time_date_stamp == 0 {
            return None;
        }
        Self::of_image(module.name(), module.time_date_stamp, size)
    }

    fn new(name: &str, id: String) -> Option<Self> {
        let name = safe_file_name(name)?.to_owned();
        Some(Self { folder: name.clone(), id, file: name })
    }

    /// Name of the file.
    pub fn file_name(&self) -> &str {
        &self.file
    }

    /// The parts of its path below the root, from left to right; `two_tier` for a store with `index2.txt` in its root.
    pub fn parts(&self, two_tier: bool) -> Vec<&str> {
        // The tier has two letters, of a name of one letter that one.
        let tier = self.folder.char_indices().nth(2).map_or(&*self.folder, |(end, _)| &self.folder[..end]);
        let parts = [&*self.folder, &self.id, &self.file];
        two_tier.then_some(tier).into_iter().chain(parts).collect()
    }

    /// The path below the root of a store with one tier, as in the address of a server.
    pub fn path(&self) -> String {
        self.parts(false).join("/")
    }

    /// The address of the file on a server. What has a meaning in addresses is written as `%20`.
    pub fn url(&self, server: &str) -> String {
        let path: String = self.path().bytes().map(url_byte).collect();
        format!("{}/{path}", server.trim_end_matches('/'))
    }
}

fn url_byte(byte: u8) -> String {
    match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'.' | b'_' | b'-' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// The file name that a debug record gives, with whatever path the linker wrote.
pub fn pdb_name(record: &DebugRecord) -> Option<&str> {
    match record {
        DebugRecord::Pdb70 { name, .. } | DebugRecord::Pdb20 { name, .. } => Some(name),
        DebugRecord::ElfBuildId(_) | DebugRecord::Other { .. } => None,
    }
}

/// GUID in 32 digits, or signature in eight, and the age without padding.
fn pdb_id(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Guid { guid, age } => Some(format!("{}{age:x}", guid_digits(guid))),
        Identity::Signature { signature, age } => Some(format!("{signature:08X}{age:x}")),
        Identity::TimeDateStamp(_) => None,
    }
}

fn guid_digits(guid: &Guid) -> String {
    let last: String = guid.data4.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{:08X}{:04X}{:04X}{last}", guid.data1, guid.data2, guid.data3)
}

/// The name of a packed file: the last character is an underscore, `foo.pd_`.
pub fn packed_name(name: &str) -> String {
    let mut packed = name.to_owned();
    packed.pop();
    packed.push('_');
    packed
}

/// A name without its extension, when it is this one.
fn stem_of<'a>(name: &'a str, extension: &str) -> &'a str {
    match name.rsplit_once('.') {
        Some((stem, found)) if found.eq_ignore_ascii_case(extension) && !stem.is_empty() => stem,
        _ => name,
    }
}

/// The last component of a path, if it can be the name of a file on every system: no `..`, no separator or other
/// character with a meaning, no device. Nor one that begins with a dot: the tier of a store is the first two letters,
/// and of `..x` these lead out of it.
pub fn safe_file_name(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next()?;
    let has_meaning = |letter: char| letter.is_control() || "<>:\"|?*".contains(letter);
    let is_safe = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.contains(has_meaning)
        && !name.starts_with('.')
        && !name.ends_with(['.', ' '])
        && !is_device(name);
    is_safe.then_some(name)
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    let numbers = NUMBERED_DEVICES.iter().filter_map(|device| stem.strip_prefix(*device));
    let is_numbered = |number: &str| number.chars().count() == 1 && number.chars().all(char::is_numeric);
    DEVICES.contains(&&*stem) || numbers.into_iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_space::{Va, VaRange};

    const GUID: Guid = Guid {
        data1: 0x497b_72f6,
        data2: 0x390a,
        data3: 0x44fc,
        data4: [0x87, 0x8e, 0x5a, 0x2d, 0x63, 0xb6, 0xcc, 0x4b],
    };

    fn check(key: Option<StoreKey>, expected: Option<&str>) {
        assert_eq!(key.map(|key| key.path()).as_deref(), expected);
    }

    #[test]
    fn keys_are_those_of_the_specification() {
        // The examples of SSQP, which is without regard to case.
        let image = StoreKey::of_image("foo.exe", 0x542d_5742, 0x32000);
        check(image, Some("foo.exe/542D574232000/foo.exe"));
        let pdb = |name: &str, age| StoreKey::of_pdb(name, &Identity::Guid { guid: GUID, age });
        check(pdb("foo.pdb", 1), Some("foo.pdb/497B72F6390A44FC878E5A2D63B6CC4B1/foo.pdb"));
        check(pdb("C:\\out/foo.pdb", 0x1a), Some("foo.pdb/497B72F6390A44FC878E5A2D63B6CC4B1a/foo.pdb"));
        let old = StoreKey::of_pdb("old.pdb", &Identity::Signature { signature: 0x3b7d_8453, age: 2 });
        check(old, Some("old.pdb/3B7D84532/old.pdb"));
        check(StoreKey::of_image("a.dll", 0x12, 0x1000), Some("a.dll/000000121000/a.dll"));
        check(StoreKey::of_pdb("a.map", &Identity::TimeDateStamp(1)), None);
    }

    #[test]
    fn breakpad_files_lie_beside_the_pdb() {
        let key = |name| StoreKey::of_breakpad(name, &Identity::Guid { guid: GUID, age: 1 });
        check(key("foo.pdb"), Some("foo.pdb/497B72F6390A44FC878E5A2D63B6CC4B1/foo.sym"));
        check(key("libfoo.so"), Some("libfoo.so/497B72F6390A44FC878E5A2D63B6CC4B1/libfoo.so.sym"));
    }

    #[test]
    fn a_store_may_have_two_tiers() {
        let parts = |name: &str| {
            let key = StoreKey::of_image(name, 1, 0x1000).unwrap();
            key.parts(true).into_iter().map(str::to_owned).collect::<Vec<_>>().join("/")
        };
        assert_eq!(parts("ntdll.dll"), "nt/ntdll.dll/000000011000/ntdll.dll");
        assert_eq!(parts("x"), "x/x/000000011000/x");
        assert_eq!(parts("éàü.dll"), "éà/éàü.dll/000000011000/éàü.dll");
        assert_eq!((packed_name("foo.pdb"), packed_name("fé")), ("foo.pd_".to_owned(), "f_".to_owned()));
    }

    #[test]
    fn a_module_names_what_belongs_to_it() {
        let range = VaRange::sized(Va(0x40_0000), 0x5000).unwrap();
        let mut module = Module {
            path: "C:\\x\\app.exe".to_owned(),
            range,
            data: None,
            time_date_stamp: 0x49f0_0000,
            checksum: 0,
            version: None,
            debug_record: Some(DebugRecord::Pdb70 { guid: GUID, age: 2, name: "D:\\o\\main.pdb".to_owned() }),
        };
        let pdb = StoreKey::of_module_pdb(&module);
        check(pdb.clone(), Some("main.pdb/497B72F6390A44FC878E5A2D63B6CC4B2/main.pdb"));
        check(StoreKey::of_module_image(&module), Some("app.exe/49F000005000/app.exe"));
        let url = |server| pdb.as_ref().map(|key| key.url(server)).unwrap();
        assert_eq!(url("https://a.test/x/"), "https://a.test/x/main.pdb/497B72F6390A44FC878E5A2D63B6CC4B2/main.pdb");
        module.time_date_stamp = 0;
        module.debug_record = None;
        check(StoreKey::of_module_pdb(&module), None);
        check(StoreKey::of_module_image(&module), None);
        let key = StoreKey::of_image("a b#é.dll", 1, 1).unwrap();
        assert_eq!(key.url("s"), "s/a%20b%23%C3%A9.dll/000000011/a%20b%23%C3%A9.dll");
    }

    #[test]
    fn a_hostile_name_leads_nowhere() {
        let safe = |name: &'static str| safe_file_name(name);
        assert_eq!(safe("..\\..\\etc/passwd"), Some("passwd"));
        assert_eq!(safe("\\\\host\\share\\a.pdb"), Some("a.pdb"));
        assert_eq!(safe("a..b.pdb"), Some("a..b.pdb"));
        assert_eq!(safe("comb.pdb"), Some("comb.pdb"));
        let refused = [
            "",
            ".",
            "..",
            "a/..",
            "a\\",
            "x\\.",
            "a\0b",
            "a\nb.pdb",
            "c:a.pdb",
            "a.pdb:stream",
            "a*",
            "a.",
            "a ",
            "nul",
            "NUL.pdb",
            "con .txt",
            "Com1.dll",
            "lpt9",
            "com¹.pdb",
            "..x.pdb",
            "...]",
            ".hidden",
        ];
        for name in refused {
            assert_eq!(safe(name), None, "{name:?}");
        }
        assert_eq!(safe_file_name(&"a".repeat(256)), None);
    }
}

//! Objects as the object manager keeps them: a header with type and counts before each body, names in directories.

use super::memory::{KernelMemory, PAGE, Reader, field};
use std::collections::{BTreeMap, BTreeSet};
use vatlas_rules::nt::structures::{
    DIRECTORY_BUCKETS, directory_entry, eprocess, ethread, file_object, object_directory, object_header, object_name,
    object_type, section_object, symbolic_link,
};
use vatlas_space::{SystemObject, Va};

/// `FilePointer` of a control area, `Type` of a file object.
const FILE_POINTER: u32 = 0x24;
const FILE_TYPE: u16 = 5;
/// Directories inside each other.
const DEEPEST: usize = 16;
/// Named objects that are looked at.
const MOST: usize = 1 << 16;
/// Bytes of a name that is read.
const LONGEST: u16 = 0x2000;

/// What was found out on the way and is asked for again.
#[derive(Default)]
pub(super) struct Names {
    /// Names of types by the address of their `OBJECT_TYPE`.
    types: BTreeMap<Va, Option<String>>,
    /// Drives by the device that they lead to; known when it is asked for.
    drives: Option<Vec<(String, String)>>,
}

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// The text of a `UNICODE_STRING`.
    pub(super) fn unicode_string(self, at: Va) -> Option<String> {
        let length = (self.kernel_u32(at)? as u16).min(LONGEST) & !1;
        let text = self.kernel_pointer(at.checked_add(4)?)?;
        let mut bytes = vec![0; length.into()];
        self.read_mapped(self.roots.directory, text, &mut bytes)?;
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        Some(String::from_utf16_lossy(&units))
    }

    fn object_word(self, body: Va, offset: u32) -> Option<u32> {
        self.kernel_u32(body.checked_sub(object_header::BYTES.into())?.checked_add(offset.into())?)
    }

    /// The name of an object's type.
    fn type_name(self, body: Va, names: &mut Names) -> Option<String> {
        let kind = Va(self.object_word(body, object_header::TYPE).filter(|kind| *kind != 0)?.into());
        let name = || self.unicode_string(field(kind, object_type::NAME)?);
        names.types.entry(kind).or_insert_with(name).clone()
    }

    /// The `OBJECT_HEADER_NAME_INFO` of an object.
    fn name_info(self, body: Va) -> Option<Va> {
        let offset = self.object_word(body, object_header::NAME_INFO)? & 0xff;
        (offset != 0).then(|| body.checked_sub((object_header::BYTES + offset).into()))?
    }

    /// The full path of an object that has a name.
    fn object_path(self, body: Va) -> Option<String> {
        let mut path = String::new();
        let mut at = body;
        for _ in 0..DEEPEST {
            let info = self.name_info(at)?;
            let Some(directory) = self.kernel_pointer(field(info, object_name::DIRECTORY)?) else {
                // Only the root is in no directory, and is where all paths begin.
                let is_root = self.roots.root_directory.map_or(!path.is_empty(), |root| root == at);
                return is_root.then(|| if path.is_empty() { "\\".to_owned() } else { path });
            };
            let name = self.unicode_string(field(info, object_name::NAME)?)?;
            path = format!("\\{name}{path}");
            at = directory;
        }
        None
    }

    /// Type of an object, and its name: its own, or what stands for one.
    pub(super) fn object_names(self, body: Va, names: &mut Names) -> (Option<String>, Option<String>) {
        let kind = self.type_name(body, names);
        let name = match kind.as_deref() {
            Some("File") => self.file_path(body, names),
            Some("Process") => self.process_title(body),
            Some("Thread") => self.thread_title(body),
            Some("Section") => self.object_path(body).or_else(|| self.section_file(body)),
            _ => self.object_path(body),
        };
        (kind, name)
    }

    fn process_title(self, process: Va) -> Option<String> {
        let name: [u8; 16] = self.kernel(field(process, eprocess::IMAGE_FILE_NAME)?)?;
        let name = String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
        let id = self.kernel_u32(field(process, eprocess::UNIQUE_PROCESS_ID)?)?;
        Some(format!("{name} ({id})"))
    }

    fn thread_title(self, thread: Va) -> Option<String> {
        let process = self.kernel_pointer(field(thread, ethread::THREADS_PROCESS)?)?;
        let title = self.process_title(process)?;
        let id = self.kernel_u32(field(thread, ethread::CID + 4)?)?;
        Some(format!("{} ({id})", title.rsplit_once(" (").map_or(title.as_str(), |(name, _)| name)))
    }

    /// The file behind a section without a name.
    fn section_file(self, section: Va) -> Option<String> {
        let segment = self.kernel_pointer(field(section, section_object::SEGMENT)?)?;
        // A segment begins with its control area.
        self.control_area_file(self.kernel_pointer(segment)?)
    }

    /// The path of the file behind a control area.
    pub(super) fn control_area_file(self, area: Va) -> Option<String> {
        let file = || {
            // The low three bits are a reference count in later systems.
            let file = Va((self.kernel_u32(field(area, FILE_POINTER)?)? & !7).into());
            let is_file = self.kernel_u32(field(file, file_object::TYPE)?)? as u16 == FILE_TYPE;
            is_file.then(|| self.file_path(file, &mut Names::default()))?
        };
        file().or_else(|| self.memory.file_name(area))
    }

    /// The path of a file object: with the drive that leads to its device, else with the device.
    fn file_path(self, file: Va, names: &mut Names) -> Option<String> {
        let name = self.unicode_string(field(file, file_object::FILE_NAME)?).unwrap_or_default();
        let device = self.kernel_pointer(field(file, file_object::DEVICE_OBJECT)?);
        let device = device.and_then(|device| self.object_path(device)).unwrap_or_default();
        let drives = names.drives.get_or_insert_with(|| self.drives());
        let drive = drives.iter().find(|(target, _)| *target == device).map(|(_, drive)| drive.clone());
        let path = drive.unwrap_or(device) + &name;
        Some(path).filter(|path| !path.is_empty())
    }

    /// Devices that letters lead to: what is in `\??`.
    fn drives(self) -> Vec<(String, String)> {
        let Some(root) = self.roots.root_directory else { return Vec::new() };
        let named = |directory: Va, wanted: &str| {
            let entries = self.directory_entries(directory);
            entries.into_iter().find(|body| self.own_name(*body).as_deref() == Some(wanted))
        };
        let Some(links) = named(root, "??").or_else(|| named(root, "GLOBAL??")) else { return Vec::new() };
        let drive = |body: Va| {
            let name = self.own_name(body).filter(|name| name.len() == 2 && name.ends_with(':'))?;
            Some((self.unicode_string(field(body, symbolic_link::LINK_TARGET)?)?, name))
        };
        self.directory_entries(links).into_iter().filter_map(drive).collect()
    }

    fn own_name(self, body: Va) -> Option<String> {
        self.unicode_string(field(self.name_info(body)?, object_name::NAME)?)
    }

    /// The bodies of the objects in a directory.
    fn directory_entries(self, directory: Va) -> Vec<Va> {
        let mut found = Vec::new();
        for bucket in 0..DIRECTORY_BUCKETS {
            let head = field(directory, object_directory::BUCKETS + 4 * bucket);
            let mut next = head.and_then(|head| self.kernel_pointer(head));
            while let Some(entry) = next.filter(|_| found.len() < MOST) {
                found.extend(field(entry, directory_entry::OBJECT).and_then(|at| self.kernel_pointer(at)));
                next = field(entry, directory_entry::CHAIN_LINK).and_then(|at| self.kernel_pointer(at));
            }
        }
        found
    }

    /// The objects with names, from the root directory on, by path.
    pub(super) fn named_objects(self) -> Vec<SystemObject> {
        let Some(root) = self.roots.root_directory else { return Vec::new() };
        let mut names = Names::default();
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([root]);
        let mut waiting = vec![(root, "\\".to_owned())];
        found.extend(self.system_object(root, "\\".to_owned(), &mut names));
        while let Some((directory, path)) = waiting.pop() {
            for body in self.directory_entries(directory) {
                let Some(name) = self.own_name(body).filter(|_| seen.len() < MOST) else { continue };
                if !seen.insert(body) {
                    continue;
                }
                let path = format!("{}\\{name}", path.trim_end_matches('\\'));
                let Some(object) = self.system_object(body, path, &mut names) else { continue };
                if object.type_name == "Directory" && object.name.len() < PAGE as usize {
                    waiting.push((body, object.name.clone()));
                }
                found.push(object);
            }
        }
        found.sort_by_key(|object| object.name.to_uppercase());
        found
    }

    fn system_object(self, body: Va, name: String, names: &mut Names) -> Option<SystemObject> {
        Some(SystemObject {
            type_name: self.type_name(body, names)?,
            name,
            handle_count: self.object_word(body, object_header::HANDLE_COUNT)?,
            pointer_count: self.object_word(body, object_header::POINTER_COUNT)?,
        })
    }
}

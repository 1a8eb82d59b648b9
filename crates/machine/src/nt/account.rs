//! Who has the commit charge, to the page; and the open handles of a process.

use crate::nt::System;
use crate::nt::objects::{Body, ObjectId};
use crate::nt::process::ProcessIndex;

/// What has a part of the commit charge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitOwner {
    /// Private memory of a process, and pages of views that are private or would be when written.
    Memory(u32),
    /// Page tables and the page directory of a process.
    PageTables(u32),
    /// A process whose address space is not gone yet although it has ended.
    Ended,
    /// Sections of the page file, and of images with pages that processes share and write.
    Sections,
    /// The kernel: pools, stacks, tables.
    Kernel,
}

/// An open handle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenHandle {
    /// Its value.
    pub value: u32,
    /// Type of the object.
    pub type_name: &'static str,
    /// Path of the object, or of its file, where it has one.
    pub name: Option<String>,
    /// What it may be used for.
    pub access: u32,
    /// Handles of the object, of all processes.
    pub handles: u32,
    /// References to it.
    pub references: u32,
}

impl System {
    /// The parts of the commit charge: owner, by process id, and pages. Their sum is the whole.
    pub fn commit_parts(&self) -> Vec<(CommitOwner, u32)> {
        let mut parts = Vec::new();
        for space in self.memory.spaces() {
            let memory = self.memory.space(space);
            // A directory is charged, too.
            let (own, tables) = (memory.committed_pages(), memory.charged_tables() + 1);
            let owner = self.processes.iter().find(|process| process.space == space && !process.is_gone);
            match owner {
                Some(process) => {
                    parts.push((CommitOwner::Memory(process.id), own));
                    parts.push((CommitOwner::PageTables(process.id), tables));
                }
                None => parts.push((CommitOwner::Ended, own + tables)),
            }
        }
        let sections = self.memory.areas().map(|(_, area)| area.committed()).sum();
        parts.push((CommitOwner::Sections, sections));
        parts.push((CommitOwner::Kernel, self.memory.kernel_pages()));
        parts
    }

    /// The open handles of a process, by its id.
    pub fn open_handles(&self, id: u32) -> Vec<OpenHandle> {
        let process = self.processes.iter().find(|process| process.id == id && !process.is_gone);
        let Some(process) = process else { return Vec::new() };
        let open = process.handles.iter();
        open.filter_map(|(value, entry)| self.open_handle_of(value, entry.object, entry.access)).collect()
    }

    fn open_handle_of(&self, value: u32, object: ObjectId, access: u32) -> Option<OpenHandle> {
        let object = self.objects.get(object)?;
        Some(OpenHandle {
            value,
            type_name: object.body.kind().name(),
            name: object.name.clone().or_else(|| self.name_of_body(&object.body)),
            access,
            handles: object.handles,
            references: object.references,
        })
    }

    /// What stands for a name where an object has none of its own.
    fn name_of_body(&self, body: &Body) -> Option<String> {
        let process_name = |index: ProcessIndex| self.processes.get(index.0).map(|process| process.name.clone());
        match body {
            Body::File(file) => {
                let files = self.files.borrow();
                files.identity(*file).ok().and_then(|identity| files.path_of(identity)).map(|path| format!("C:{path}"))
            }
            Body::Section(section) => self.section_path(section.control_area()).map(|path| format!("C:{path}")),
            Body::Process(index) => process_name(*index),
            _ => None,
        }
    }
}

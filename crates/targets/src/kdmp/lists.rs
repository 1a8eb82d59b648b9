//! Every field of a record, as the dump itself names and prints it.

use super::facts;
use vatlas_images::kdmp::{ContextPart, Kdmp};
use vatlas_space::{Fact, Module, ThreadId};

/// The lists of a dump, and the file that holds their elements.
pub(super) struct Lists<'d> {
    pub dump: &'d Kdmp,
    pub file: &'d [u8],
}

impl Lists<'_> {
    /// The system, and what error reports are sorted by.
    pub fn system(&self) -> Vec<Fact> {
        let dump = self.dump;
        let fact = |label: &str, value: String| Fact { label: label.to_owned(), value };
        let mut facts = vec![fact("Version of the format", dump.version.to_string())];
        facts.extend(dump.system.iter().flat_map(|system| system.facts()));
        facts.extend(
            dump.bucket
                .iter()
                .flat_map(|bucket| bucket.facts())
                .map(|found| Fact { label: format!("Bucket {}", found.label), ..found }),
        );
        facts.extend(dump.physical.iter().map(|memory| {
            let value = format!("{:#x} bytes at {:#010x} of the file", memory.size, memory.offset.0);
            fact(&format!("Physical memory {:#010x}", memory.first.0), value)
        }));
        facts
    }

    /// The exception, and its contexts.
    pub fn exception(&self) -> Vec<Fact> {
        let Some(exception) = &self.dump.exception else { return Vec::new() };
        let contexts = exception.contexts.parts.iter().map(context);
        exception.facts().into_iter().chain(contexts).collect()
    }

    /// A process, by its place in the list.
    pub fn process(&self, record: Option<usize>) -> Vec<Fact> {
        facts(record.and_then(|record| self.dump.processes.table.element(self.file, record)))
    }

    /// A thread, and what its contexts are called.
    pub fn thread(&self, thread: ThreadId) -> Vec<Fact> {
        let record = self.dump.threads.records.iter().position(|record| record.handle == thread.0);
        let mut facts = facts(record.and_then(|record| self.dump.threads.table.element(self.file, record)));
        let contexts = self.dump.contexts.get(&thread.0);
        facts.extend(contexts.iter().flat_map(|contexts| &contexts.parts).map(context));
        facts
    }

    /// A module: the first of its name and size.
    pub fn module(&self, module: &Module) -> Vec<Fact> {
        let mut records = self.dump.modules.records.iter();
        let record =
            records.position(|record| record.name == module.path && u64::from(record.size) == module.range.size());
        facts(record.and_then(|record| self.dump.modules.table.element(self.file, record)))
    }
}

/// A context: what it is called, and where it is.
fn context(part: &ContextPart) -> Fact {
    Fact { label: part.label.clone(), value: format!("{} bytes at {:#x} of the file", part.place.1, part.place.0) }
}

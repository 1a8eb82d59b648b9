//! The objects of a system and how they belong together: processes, threads, modules, sections, files, handles.
//!
//! ```text
//! Process 1-* Thread     Process 1-* Module     Process 1-* Handle     Handle *-1 object
//! Process *-* Section (a view is a descriptor)  Section *-0..1 File    Module *-1 Section
//! ```

use std::collections::BTreeMap;
use vatlas_space::{Process, ProcessIndex, RegionKind, Target, Va};

/// Most objects that are listed.
const MOST: usize = 1 << 18;

/// A class of objects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectClass {
    /// A process.
    Process,
    /// A thread.
    Thread,
    /// An image in the address space of a process, or in the kernel half of all.
    Module,
    /// What several processes may map: a control area.
    Section,
    /// A file behind a section, or one that somebody has open.
    File,
    /// A handle of a process.
    Handle,
    /// Any other object that is named or open: an event, a mutex, a device, a driver.
    Object,
}

impl ObjectClass {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] =
        [Self::Process, Self::Thread, Self::Module, Self::Section, Self::File, Self::Handle, Self::Object];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Thread => "thread",
            Self::Module => "module",
            Self::Section => "section",
            Self::File => "file",
            Self::Handle => "handle",
            Self::Object => "object",
        }
    }

    /// The class of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name().eq_ignore_ascii_case(name))
    }
}

/// One object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectNode {
    /// Its class.
    pub class: ObjectClass,
    /// What tells it from others of its class: an id, an address, a handle, a path.
    pub key: String,
    /// Its name, where it has one.
    pub name: String,
    /// The type of an [`ObjectClass::Object`], and of what a handle names.
    pub type_name: Option<String>,
    /// What else is known: rights, counts, sizes.
    pub facts: String,
}

/// One object belongs to another: their numbers, and what the second is to the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectLink {
    /// The one that has.
    pub from: usize,
    /// What it has.
    pub to: usize,
    /// `has`, `maps`, `names`, `is of`.
    pub word: &'static str,
}

/// All objects of a target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObjectModel {
    /// The objects, by class.
    pub nodes: Vec<ObjectNode>,
    /// How they belong together.
    pub links: Vec<ObjectLink>,
    /// The target does not list handles.
    pub lacks_handles: bool,
}

impl ObjectModel {
    /// Objects of a class.
    pub fn count(&self, class: ObjectClass) -> usize {
        self.nodes.iter().filter(|node| node.class == class).count()
    }

    /// What an object has, by its number.
    pub fn links_from(&self, from: usize) -> impl Iterator<Item = &ObjectLink> {
        self.links.iter().filter(move |link| link.from == from)
    }

    /// Who has an object.
    pub fn links_to(&self, to: usize) -> impl Iterator<Item = &ObjectLink> {
        self.links.iter().filter(move |link| link.to == to)
    }

    fn add(&mut self, class: ObjectClass, key: String, name: &str, facts: String) -> usize {
        self.nodes.push(ObjectNode { class, key, name: name.to_owned(), type_name: None, facts });
        self.nodes.len() - 1
    }

    fn link(&mut self, from: usize, to: usize, word: &'static str) {
        let link = ObjectLink { from, to, word };
        if !self.links.contains(&link) {
            self.links.push(link);
        }
    }
}

/// What was met already: modules and sections by address, files by name.
#[derive(Default)]
struct Known {
    modules: BTreeMap<(Va, String), usize>,
    sections: BTreeMap<Va, usize>,
    files: BTreeMap<String, usize>,
    objects: BTreeMap<(String, String), usize>,
}

/// The objects of a target, and how they belong together.
pub fn objects(target: &dyn Target) -> ObjectModel {
    let mut model = ObjectModel::default();
    let mut known = Known::default();
    for (number, process) in target.processes().iter().enumerate() {
        if model.nodes.len() > MOST {
            break;
        }
        let id = process.id.map_or_else(|| format!("#{number}"), |id| id.to_string());
        let facts = format!("{} threads, {} modules", process.threads.len(), process.modules.len());
        let at = model.add(ObjectClass::Process, id, process.name.as_deref().unwrap_or_default(), facts);
        add_parts(&mut model, &mut known, process, at);
        add_sections(&mut model, &mut known, target, ProcessIndex(number), at);
        add_handles(&mut model, &mut known, target, ProcessIndex(number), at);
    }
    add_named(&mut model, &mut known, target);
    model.lacks_handles = model.count(ObjectClass::Handle) == 0;
    model
}

fn add_parts(model: &mut ObjectModel, known: &mut Known, process: &Process, owner: usize) {
    for thread in &process.threads {
        let facts = format!("priority {}", thread.priority);
        let at =
            model.add(ObjectClass::Thread, thread.id.to_string(), thread.name.as_deref().unwrap_or_default(), facts);
        model.link(owner, at, "has");
    }
    for module in &process.modules {
        let base = module.range.first();
        let at = *known.modules.entry((base, module.path.clone())).or_insert_with(|| {
            let facts = format!("{} bytes", module.range.size());
            model.add(ObjectClass::Module, base.text(process.width), module.name(), facts)
        });
        model.link(owner, at, "has");
    }
}

fn add_sections(model: &mut ObjectModel, known: &mut Known, target: &dyn Target, process: ProcessIndex, owner: usize) {
    let Some(system) = target.system() else { return };
    let modules: Vec<(Va, usize)> = known.modules.iter().map(|((base, _), at)| (*base, *at)).collect();
    for vad in system.vads(process) {
        let Some(area) = vad.control_area else { continue };
        let name = vad.file.as_deref().unwrap_or_default();
        let at = *known.sections.entry(area).or_insert_with(|| {
            let facts = if vad.kind == RegionKind::Image { "image" } else { "data" };
            model.add(ObjectClass::Section, format!("{:#010x}", area.0), name, facts.to_owned())
        });
        model.link(owner, at, "maps");
        if !name.is_empty() {
            let file = *known
                .files
                .entry(name.to_owned())
                .or_insert_with(|| model.add(ObjectClass::File, name.to_owned(), name, String::new()));
            model.link(at, file, "is of");
        }
        for (_, module) in modules.iter().filter(|(base, _)| *base == vad.range.first()) {
            model.link(*module, at, "is of");
        }
    }
}

fn add_handles(model: &mut ObjectModel, known: &mut Known, target: &dyn Target, process: ProcessIndex, owner: usize) {
    let (handles, _) = target.handles(process);
    for handle in handles {
        let kind = handle.type_name.clone().unwrap_or_default();
        let name = handle.object_name.clone().unwrap_or_default();
        let facts = format!("access {:#x}", handle.granted_access);
        let at = model.add(ObjectClass::Handle, format!("{:#x}", handle.value), &name, facts);
        model.nodes[at].type_name = handle.type_name.clone();
        model.link(owner, at, "has");
        if name.is_empty() {
            continue;
        }
        let object = match kind.as_str() {
            "Process" | "Thread" => found(model, &kind, &name),
            "File" => Some(
                *known
                    .files
                    .entry(name.clone())
                    .or_insert_with(|| model.add(ObjectClass::File, name.clone(), &name, String::new())),
            ),
            _ => Some(*known.objects.entry((kind.clone(), name.clone())).or_insert_with(|| {
                let facts = format!("{} handles, {} references", handle.handle_count, handle.pointer_count);
                let at = model.add(ObjectClass::Object, name.clone(), &name, facts);
                model.nodes[at].type_name = Some(kind.clone());
                at
            })),
        };
        if let Some(object) = object {
            model.link(at, object, "names");
        }
    }
}

/// The process or thread that a handle's name tells: `ask.exe (256)`.
fn found(model: &ObjectModel, kind: &str, name: &str) -> Option<usize> {
    let class = ObjectClass::of_name(kind)?;
    let id = name.rsplit_once('(').and_then(|(_, id)| id.strip_suffix(')')).unwrap_or(name);
    let by_id = model.nodes.iter().position(|node| node.class == class && node.key == id);
    // A name alone tells a process when it is the only one of that name.
    let is_called = |(_, node): &(usize, &ObjectNode)| node.class == class && !name.is_empty() && node.name == name;
    let mut called = model.nodes.iter().enumerate().filter(is_called).map(|(number, _)| number);
    by_id.or_else(|| called.next().filter(|_| called.next().is_none()))
}

fn add_named(model: &mut ObjectModel, known: &mut Known, target: &dyn Target) {
    for object in target.system().map(|system| system.objects()).unwrap_or_default() {
        let key = (object.type_name.clone(), object.name.clone());
        if known.objects.contains_key(&key) {
            continue;
        }
        let facts = format!("{} handles, {} references", object.handle_count, object.pointer_count);
        let at = model.add(ObjectClass::Object, object.name.clone(), &object.name, facts);
        model.nodes[at].type_name = Some(object.type_name);
        known.objects.insert(key, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names() {
        for class in ObjectClass::ALL {
            assert_eq!(ObjectClass::of_name(&class.name().to_uppercase()), Some(class));
        }
        assert_eq!(ObjectClass::of_name("pen"), None);
    }

    #[test]
    fn a_link_is_kept_once() {
        let mut model = ObjectModel::default();
        let process = model.add(ObjectClass::Process, "4".to_owned(), "System", String::new());
        let module = model.add(ObjectClass::Module, "0x804d7000".to_owned(), "ntoskrnl.exe", String::new());
        model.link(process, module, "has");
        model.link(process, module, "has");
        assert_eq!((model.links_from(process).count(), model.links_to(module).count()), (1, 1));
        assert_eq!((model.count(ObjectClass::Module), found(&model, "Process", "System (4)")), (1, Some(process)));
    }
}

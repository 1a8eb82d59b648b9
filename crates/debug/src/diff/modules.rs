//! Modules that were loaded, unloaded, moved or replaced between two targets.

use std::collections::BTreeMap;
use vatlas_space::{Module, Process};

/// How a module that both have differs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ModuleDifference {
    /// It is loaded at another base.
    pub moved: bool,
    /// It is another build: size, time stamp, checksum, file version or symbol record differ.
    pub other_version: bool,
    /// It came from another folder.
    pub other_path: bool,
}

/// A module that differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModuleChange<'t> {
    /// Only A has it: it was unloaded since.
    OnlyInA(&'t Module),
    /// Only B has it: it was loaded since.
    OnlyInB(&'t Module),
    /// Both have it, and it is not the same.
    Changed {
        /// In A.
        a: &'t Module,
        /// In B.
        b: &'t Module,
        /// How it differs.
        difference: ModuleDifference,
    },
}

impl<'t> ModuleChange<'t> {
    /// The module, as A has it where A has it.
    pub const fn module(&self) -> &'t Module {
        match self {
            Self::OnlyInA(module) | Self::OnlyInB(module) | Self::Changed { a: module, .. } => module,
        }
    }
}

/// Compares the modules of two processes by name without case. Of several with one name those at the same base
/// belong together, the rest in order of base. The changes are in order of name, then of base.
pub fn diff_modules<'t>(a: &'t Process, b: &'t Process) -> Vec<ModuleChange<'t>> {
    let mut names: BTreeMap<String, [Vec<&Module>; 2]> = BTreeMap::new();
    for (side, process) in [a, b].into_iter().enumerate() {
        for module in &process.modules {
            names.entry(module.name().to_lowercase()).or_default()[side].push(module);
        }
    }
    let mut changes: Vec<_> = names.into_values().flat_map(|[a, b]| same_name(a, b)).collect();
    changes.sort_by_cached_key(|change| (change.module().name().to_lowercase(), change.module().range.first()));
    changes
}

/// The changes among modules of one name.
fn same_name<'t>(mut a: Vec<&'t Module>, mut b: Vec<&'t Module>) -> Vec<ModuleChange<'t>> {
    let base = |module: &&Module| module.range.first();
    a.sort_by_key(base);
    b.sort_by_key(base);
    let mut pairs = Vec::new();
    a.retain(|a| match b.binary_search_by_key(&a.range.first(), base) {
        Ok(place) => {
            pairs.push((*a, b.remove(place)));
            false
        }
        Err(_) => true,
    });
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    pairs.extend(std::iter::from_fn(|| if a.len() > 0 && b.len() > 0 { a.next().zip(b.next()) } else { None }));
    let changed = pairs.into_iter().filter_map(|(a, b)| {
        let difference = difference(a, b);
        (difference != ModuleDifference::default()).then_some(ModuleChange::Changed { a, b, difference })
    });
    changed.chain(a.map(ModuleChange::OnlyInA)).chain(b.map(ModuleChange::OnlyInB)).collect()
}

fn difference(a: &Module, b: &Module) -> ModuleDifference {
    ModuleDifference {
        moved: a.range.first() != b.range.first(),
        other_version: a.range.size() != b.range.size()
            // Writers that do not know a time stamp or a checksum write zero.
            || differ(&told(a.time_date_stamp), &told(b.time_date_stamp))
            || differ(&told(a.checksum), &told(b.checksum))
            || differ(&a.version, &b.version)
            || differ(&a.debug_record, &b.debug_record),
        other_path: a.path.to_lowercase() != b.path.to_lowercase(),
    }
}

fn told(number: u32) -> Option<u32> {
    Some(number).filter(|number| *number != 0)
}

/// Whether both are known and differ.
fn differ<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
    a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a != b)
}

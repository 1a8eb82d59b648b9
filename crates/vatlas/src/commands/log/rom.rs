//! The device's ROM image beside a log.

use crate::{failure::Failure, open::map_file, output::Output};
use std::path::Path;
use vatlas_debug::ce_crash::{RomModuleAt, RomModules};
use vatlas_images::rom::section_names;
use vatlas_space::{LayoutName, Problem, Severity, Target, VaRange};
use vatlas_targets::RomTarget;

/// Opens the image and warns about what could not be read of it.
///
/// # Errors
/// It cannot be read, or no table of contents is in it.
pub fn open(path: &Path, output: &Output) -> Result<RomTarget, Failure> {
    let bytes = map_file(path)?;
    let target = RomTarget::open(bytes);
    let target = target.map_err(|problem| Problem { place: format!("--rom {}", path.display()), ..problem })?;
    let is_damage = |problem: &&Problem| problem.severity == Severity::Damage;
    output.warn(&target.problems().iter().filter(is_damage).cloned().collect::<Vec<_>>());
    Ok(target)
}

/// Its modules, as crashes are explained with them.
pub fn modules(target: &RomTarget) -> RomModules {
    let layout = target.processes().first().and_then(|process| process.layout);
    let modules = target.modules().map(|(module, found, is_program)| {
        let sections = found.sections.iter().zip(section_names(found));
        let sections = sections.filter_map(|(section, name)| {
            Some((VaRange::sized(section.real, section.size.into())?, section.rva, name))
        });
        RomModuleAt { module: module.clone(), sections: sections.collect(), is_program }
    });
    let layout = layout.map_or(LayoutName::Ce5, |layout| layout.name);
    RomModules { layout, modules: modules.collect() }
}

//! Modules by the ROM image of the device, which says for every section where it is at run time.
//!
//! ```text
//! kernel, slot 1      the address is the same in every process
//! DLL in slot 0       the address less the base of the process's slot; the same DLL for every process
//! EXE                 the same, but every process has its own: only the one of the process's name
//! offset              place in section + rva of section: counted from the base, headers included, as CE 5 prints it
//! ```

use super::{CrashContext, Owner};
use vatlas_rules::ce::slot;
use vatlas_space::{LayoutName, Module, Rva, Source, Step, Va, VaRange};

/// What says so.
pub(super) const ROM: Source = Source::Stream("ROM image");

/// A module of a ROM image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomModuleAt {
    /// The module: its base and size.
    pub module: Module,
    /// Its sections: where they are at run time, where in the image, and their names.
    pub sections: Vec<(VaRange, Rva, String)>,
    /// Whether it is the EXE of a process, which other processes do not see.
    pub is_program: bool,
}

/// All modules of a ROM image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomModules {
    /// The rules of the version that it is for.
    pub layout: LayoutName,
    /// The modules.
    pub modules: Vec<RomModuleAt>,
}

/// An address in a module of the ROM.
pub(super) struct RomPlace<'a> {
    pub module: &'a Module,
    /// Bytes from the base of the image.
    pub offset: u32,
    /// The section, where it lies in one.
    pub section: Option<&'a str>,
    /// The address as the image has it.
    pub form: Va,
}

impl RomModules {
    /// The module of this name whose image begins at `base`, which may be an address in the slot of a process.
    pub(super) fn of(&self, name: &str, base: Va) -> Option<&RomModuleAt> {
        let form = self.form(base);
        let is_there = |at: &&RomModuleAt| [base, form].contains(&at.module.range.first());
        self.modules.iter().filter(is_there).find(|at| at.module.name().eq_ignore_ascii_case(name))
    }

    /// The slot-0 form of an address in the slot of a process.
    fn form(&self, va: Va) -> Va {
        if self.layout.has_slots() { slot::zero_based(va) } else { va }
    }

    /// All modules of a name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RomModuleAt> {
        self.modules.iter().filter(move |at| at.module.name().eq_ignore_ascii_case(name))
    }

    /// The module that has an address in the crash's process.
    pub(super) fn place(&self, va: Va, owner: &Owner) -> Option<RomPlace<'_>> {
        let slot = slot::slot_of(va).filter(|slot| self.layout.has_slots() && slot.process().is_some());
        let form = self.form(va);
        let is_own = |at: &RomModuleAt| {
            let is_of_process = owner.name.as_deref().is_some_and(|name| at.module.name().eq_ignore_ascii_case(name));
            let is_own_slot = slot.is_none() || owner.slot.is_none() || slot == owner.slot;
            !at.is_program || is_of_process && is_own_slot
        };
        let visible = || self.modules.iter().filter(|at| is_own(at));
        let in_section = visible().find_map(|at| {
            let (range, rva, name) = at.sections.iter().find(|(range, _, _)| range.contains(form))?;
            let offset = rva.checked_add(u32::try_from(form.0 - range.first().0).ok()?)?;
            Some(RomPlace { module: &at.module, offset: offset.0, section: Some(name), form })
        });
        in_section.or_else(|| {
            let at = visible().find(|at| at.module.range.contains(form))?;
            let offset = u32::try_from(at.module.range.offset_of(form)?).ok()?;
            Some(RomPlace { module: &at.module, offset, section: None, form })
        })
    }
}

/// The module of a register's value, with the step that says so.
pub(super) fn place<'a>(
    what: &str,
    va: Va,
    owner: &Owner,
    context: &CrashContext<'a>,
    steps: &mut Vec<Step>,
) -> Option<RomPlace<'a>> {
    let place = context.rom?.place(va, owner)?;
    let (module, base) = (place.module.name(), place.module.range.first());
    let reduced = if place.form == va { String::new() } else { format!(" = {} of the process", place.form) };
    let section = place.section.map(|name| format!(" in its section {name}")).unwrap_or_default();
    let finding = format!(
        "{what} {:08x}{reduced} is {module}+{:#x}{section}, counted from the base {base} of its image, headers included; \
         in a linker map it is preferred load address + {:#x} in column Rva+Base",
        va.0, place.offset, place.offset
    );
    steps.push(Step::new(finding, ROM));
    Some(place)
}

/// Whether the base of a module that the device printed is that of the ROM image: another one is told.
pub(super) fn compare(register: &str, name: &str, base: Va, context: &CrashContext<'_>, steps: &mut Vec<Step>) {
    let Some(rom) = context.rom else { return };
    let Some(other) = rom.named(name).next().map(|at| at.module.range.first()) else { return };
    let finding = match rom.of(name, base) {
        Some(_) => format!("{register}: the ROM image has {name} at the same base {other}"),
        None => format!(
            "{register}: the ROM image has {name} at {other}, not at {base}: the device runs another build, or a copy of \
             the module that is not in ROM; the image's own names are not used"
        ),
    };
    steps.push(Step::new(finding, ROM));
}

//! A crash that Windows CE printed, explained: whose it is, what failed, where in the code, what the bad address is.
//!
//! The rules are those of `vatlas_rules`; this joins them with what one text says, and keeps the steps.

mod advice;
mod bad_address;
mod code;
mod group;
mod owner;
mod rom;
#[cfg(test)]
mod tests;

pub use advice::advice;
pub use bad_address::{BadAddress, BadKind};
pub use code::{CodePlace, ModuleAt, ModuleSource};
pub use group::{CrashGroup, CrashGroups};
pub use owner::Owner;
pub use rom::{RomModuleAt, RomModules};

use crate::symbol_provider::SymbolProvider;
use vatlas_rules::{
    ModuleList,
    ce::{
        exception::{CeException, ce_exception, machine_of_exception},
        fault_status::{FaultStatus, fault_status},
    },
    statement::support_text,
};
use vatlas_space::{CrashForm, CrashText, LayoutName, Machine, Source, Step, Va};

/// What is known besides the text.
#[derive(Clone, Copy)]
pub struct CrashContext<'a> {
    /// The layout that the user names; else the form of the text decides.
    pub layout: Option<LayoutName>,
    /// Modules and processes of the device.
    pub list: &'a ModuleList,
    /// The modules of the device's ROM image.
    pub rom: Option<&'a RomModules>,
    /// Where symbols come from.
    pub symbols: &'a dyn SymbolProvider,
}

/// What the text itself says, as a source.
pub(crate) const TEXT: Source = Source::Stream("crash text");

/// A crash explained.
#[derive(Clone, PartialEq, Debug)]
pub struct CrashExplanation {
    /// The rules that addresses were read by.
    pub layout: LayoutName,
    /// The processor, as far as the text shows it.
    pub machine: Option<Machine>,
    /// What sort of exception it is.
    pub exception: CeException,
    /// The process and its slot.
    pub owner: Owner,
    /// Why the processor refused, where it is printed (ARM, up to CE 5).
    pub status: Option<FaultStatus>,
    /// PC and RA in the code.
    pub code: Vec<CodePlace>,
    /// What the bad address is; `None` when none is printed or it says nothing.
    pub bad_address: Option<BadAddress>,
    /// One sentence: what happened.
    pub headline: String,
    /// What to look at next, best first.
    pub advice: Vec<String>,
    /// How all this was found.
    pub steps: Vec<Step>,
}

impl CrashExplanation {
    /// PC or RA.
    pub fn code_at(&self, register: &str) -> Option<&CodePlace> {
        self.code.iter().find(|place| place.register == register)
    }
}

/// Explains a crash.
pub fn explain_crash(crash: &CrashText, context: &CrashContext<'_>) -> CrashExplanation {
    let mut steps = Vec::new();
    let layout = layout(crash, context, &mut steps);
    let machine = machine(crash);
    let exception = ce_exception(crash.kind.as_deref(), crash.number, machine);
    let owner = owner::find(crash, layout, exception, context.list, &mut steps);
    let status = status(crash, exception, machine, &mut steps);
    let code = code::find(crash, machine, &owner, context, &mut steps);
    let mut bad_address =
        bad_address::find(crash, exception, status, layout, machine, &owner, context.list, &mut steps);
    if let Some(bad) = bad_address.as_mut().filter(|bad| bad.null_offset.is_none()) {
        bad.module = rom::place("BVA", bad.va, &owner, context, &mut steps).map(|place| ModuleAt::of_rom(&place));
    }
    let mut explanation = CrashExplanation {
        layout,
        machine,
        exception,
        owner,
        status,
        code,
        bad_address,
        headline: String::new(),
        advice: Vec::new(),
        steps,
    };
    explanation.headline = headline(crash, &explanation);
    explanation.advice = advice(crash, &explanation, context.rom.is_some());
    explanation
}

fn layout(crash: &CrashText, context: &CrashContext<'_>, steps: &mut Vec<Step>) -> LayoutName {
    if let Some(layout) = context.layout {
        steps.push(Step::new(format!("addresses are read by the rules of {layout}"), Source::User));
        return layout;
    }
    let (layout, because) = match (crash.form, crash.is_number_hex) {
        (CrashForm::Ce5 | CrashForm::Short | CrashForm::Headless, _) if context.rom.is_some_and(has_slots) => {
            let layout = context.rom.map_or(LayoutName::Ce5, |rom| rom.layout);
            let finding = format!("rules of {layout}: the kernel of the ROM image was built for it");
            steps.push(Step::new(finding, rom::ROM));
            return layout;
        }
        (CrashForm::Ce6, true) => (LayoutName::Ce7, "the number of the exception is printed with 0x, as CE 7 does"),
        (CrashForm::Ce6, false) => (LayoutName::Ce6, "CE 6 and 7 print thread and process as handles"),
        (CrashForm::Ce5, _) => (LayoutName::Ce5, "systems up to CE 5 print AKY and the addresses of their structures"),
        (CrashForm::Headless, _) if crash.field("AKY").is_some() => {
            (LayoutName::Ce5, "only systems up to CE 5 print AKY")
        }
        (CrashForm::Headless, _) if crash.field("SP").is_some() => (LayoutName::Ce6, "CE 6 and 7 print SP"),
        (CrashForm::Short | CrashForm::Headless, _) => (LayoutName::Ce5, "nothing shows the version; CE 5 is taken"),
    };
    steps.push(Step::new(format!("rules of {layout}: {because}"), Source::Deduced("the form of the text")));
    layout
}

fn has_slots(rom: &RomModules) -> bool {
    rom.layout.has_slots()
}

/// The processor: by its registers, its fault status, its names for exceptions.
fn machine(crash: &CrashText) -> Option<Machine> {
    if ["Eax", "Eip", "EIP"].iter().any(|name| crash.field(name).is_some()) {
        return Some(Machine::X86);
    }
    if crash.field("FSR").is_some() {
        return Some(Machine::Arm);
    }
    // Up to CE 5, ARM prints the fault status behind key and bad address. The x86 device of the machine does not.
    let has_no_status = ["AKY", "BVA"].iter().all(|name| crash.field(name).is_some());
    machine_of_exception(crash.kind.as_deref(), crash.number).filter(|found| *found != Machine::Arm || !has_no_status)
}

fn status(
    crash: &CrashText,
    exception: CeException,
    machine: Option<Machine>,
    steps: &mut Vec<Step>,
) -> Option<FaultStatus> {
    let raw = crash.value("FSR").filter(|_| machine == Some(Machine::Arm))?;
    if !exception.has_bad_address() {
        let finding = format!("FSR {raw:08x} and BVA are not of this exception: no access failed");
        steps.push(Step::new(finding, Source::Deduced("the kind of the exception")));
        return None;
    }
    let status = fault_status(raw);
    let finding = format!("FSR {raw:08x}: {} ({})", status.words(), support_text(status.support));
    steps.push(Step::new(finding, TEXT));
    Some(status)
}

fn headline(crash: &CrashText, explanation: &CrashExplanation) -> String {
    let kind = crash.kind.as_deref().unwrap_or("a crash without heading");
    let process = explanation.owner.name.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    let pc = explanation.code_at("PC").map(|pc| format!(" at {}", pc.text())).unwrap_or_default();
    let what = match &explanation.bad_address {
        Some(bad) => format!(": {}", bad.text),
        None => match explanation.exception {
            CeException::Other => String::new(),
            exception => format!(": {}", exception.sentence()),
        },
    };
    format!("{kind}{process}{pc}{what}")
}

/// An address of the text.
pub(crate) fn va(value: u32) -> Va {
    Va(value.into())
}

//! PC and RA in the code: module and offset, function and line.
//!
//! ```text
//! printed:   PC=03f74680(coredll.dll+0x00014680)      offset from the base of the image, headers included
//! base       = address - offset                       03f60000
//! map file   Rva+Base column = preferred base + offset        never the 0001:xxxxxxxx column, which begins behind the headers
//! ```

use super::{
    CrashContext, Owner, TEXT,
    rom::{self, RomPlace},
    va,
};
use crate::symbolize::{SymbolAnswer, plus, stem};
use vatlas_rules::{ce::slot, value_look::text_in};
use vatlas_space::{
    CrashField, CrashText, Machine, Module, PointerWidth, PrintedModule, Rva, Source, Step, Va, VaRange,
};
use vatlas_symbols::Name;

/// A module and a place in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleAt {
    /// Name.
    pub name: String,
    /// Base of its image.
    pub base: Va,
    /// Bytes from the base.
    pub offset: u32,
    /// What says so.
    pub source: ModuleSource,
}

impl ModuleAt {
    /// A place in a module of the ROM image.
    pub(super) fn of_rom(place: &RomPlace<'_>) -> Self {
        let (name, base) = (place.module.name().to_owned(), place.module.range.first());
        Self { name, base, offset: place.offset, source: ModuleSource::Rom }
    }
}

/// What says that an address is in a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModuleSource {
    /// The device printed it.
    Printed,
    /// The user's list of modules.
    List,
    /// The device's ROM image.
    Rom,
}

impl ModuleSource {
    /// A word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Printed => "printed",
            Self::List => "list",
            Self::Rom => "rom",
        }
    }
}

/// PC or RA.
#[derive(Clone, PartialEq, Debug)]
pub struct CodePlace {
    /// `PC` or `RA`.
    pub register: &'static str,
    /// The address.
    pub va: Va,
    /// The module there.
    pub module: Option<ModuleAt>,
    /// What its symbols say.
    pub symbol: Option<SymbolAnswer>,
    /// Why there is no name, or what the value looks like.
    pub remark: Option<String>,
}

impl CodePlace {
    /// Function, else module and offset, else the address.
    pub fn text(&self) -> String {
        let named = self.symbol.as_ref().filter(|symbol| symbol.lookup.is_inside).map(SymbolAnswer::text);
        let module = || self.module.as_ref().map(|module| format!("{}{}", module.name, plus(module.offset)));
        named.or_else(module).unwrap_or_else(|| self.va.to_string())
    }

    /// `file.c:12`, where it is known.
    pub fn line(&self) -> Option<String> {
        self.symbol.as_ref().filter(|symbol| symbol.lookup.is_inside)?.line()
    }
}

/// Places of PC and RA.
pub(super) fn find(
    crash: &CrashText,
    machine: Option<Machine>,
    owner: &Owner,
    context: &CrashContext<'_>,
    steps: &mut Vec<Step>,
) -> Vec<CodePlace> {
    let fields = [("PC", crash.pc()), ("RA", crash.field("RA"))];
    let places = fields
        .into_iter()
        .filter_map(|(register, field)| Some(place(register, field?, machine, owner, context, steps)));
    places.collect()
}

fn place(
    register: &'static str,
    field: &CrashField,
    machine: Option<Machine>,
    owner: &Owner,
    context: &CrashContext<'_>,
    steps: &mut Vec<Step>,
) -> CodePlace {
    let va = va(field.value);
    let module = printed(register, field, steps);
    if let Some(at) = &module {
        rom::compare(register, &at.name, at.base, context, steps);
    }
    let module = module.or_else(|| listed(register, va, field, owner, context, steps)).or_else(|| {
        let place = rom::place(register, va, owner, context, steps)?;
        Some(ModuleAt::of_rom(&place))
    });
    let found = module.as_ref().map_or(Ok(None), |at| named(register, at, machine, context, steps));
    let (symbol, refused) = match found {
        Ok(symbol) => (symbol, None),
        Err(other) => (None, Some(other)),
    };
    let text = text_in(va, PointerWidth::Bits32).filter(|_| module.is_none());
    let remark = match (&module, &symbol) {
        (None, _) if text.is_some() => {
            text.map(|text| format!("no code is here: the value is the text \"{text}\", so memory was overwritten"))
        }
        (None, _) if va.0 < 0x1_0000 => Some("no code is here: a null function pointer was called".to_owned()),
        (None, _) if field.module == Some(PrintedModule::Outside) => {
            Some("in no module: generated code (.NET), or no code at all".to_owned())
        }
        (None, _) if context.rom.is_some() => {
            Some("in no module of the ROM image: a module that was loaded from a file system, or no code".to_owned())
        }
        (None, _) => Some(
            "the device printed no module; its ROM image (--rom) or a module list (--modules) may have it".to_owned(),
        ),
        (Some(_), None) if refused.is_some() => {
            refused.map(|other| format!("the symbols that were found are for {other}, the crash is not"))
        }
        (Some(_), None) => Some("no symbols were found for the module".to_owned()),
        (Some(_), Some(symbol)) if !symbol.lookup.is_inside => {
            Some(format!("no symbol here; the nearest below is {}", symbol.name.plain))
        }
        _ => None,
    };
    CodePlace { register, va, module, symbol, remark }
}

/// The module that the device printed.
fn printed(register: &str, field: &CrashField, steps: &mut Vec<Step>) -> Option<ModuleAt> {
    let Some(PrintedModule::Inside { module, offset }) = &field.module else { return None };
    let Some(base) = field.value.checked_sub(*offset) else {
        let finding = format!("{register}: {module}+{offset:#x} cannot be: the offset is larger than the address");
        steps.push(Step::new(finding, TEXT));
        return None;
    };
    let finding = format!(
        "{register} {:08x} is {module}+{offset:#x}, counted from the base of its image, headers included: base {base:08x}; \
         in a linker map it is preferred load address + {offset:#x} in column Rva+Base",
        field.value
    );
    steps.push(Step::new(finding, TEXT));
    Some(ModuleAt { name: module.clone(), base: va(base), offset: *offset, source: ModuleSource::Printed })
}

/// The module of the user's list: as it is, else, in a process's slot, at its slot-0 form.
fn listed(
    register: &str,
    va: Va,
    field: &CrashField,
    owner: &Owner,
    context: &CrashContext<'_>,
    steps: &mut Vec<Step>,
) -> Option<ModuleAt> {
    let zero = slot::slot_of(va).and_then(|slot| slot.process()).map(|_| slot::zero_based(va));
    let forms = [Some(va), zero.filter(|_| owner.slot.is_some())];
    let is_own = |process: &Option<String>| match (process, &owner.name) {
        (Some(listed), Some(name)) => listed.eq_ignore_ascii_case(name),
        _ => true,
    };
    let (form, module) = forms.into_iter().flatten().find_map(|form| {
        let fits = |module: &&vatlas_rules::ListedModule| module.image.contains(form) && is_own(&module.process);
        Some((form, context.list.modules.iter().find(fits)?))
    })?;
    let base = module.image.first();
    let offset = u32::try_from(form.offset_from(base)?).ok()?;
    let reduced = if form == va { String::new() } else { format!(" = {form} of the process") };
    let finding =
        format!("{register} {:08x}{reduced} lies {offset:#x} above the base {base} of {}", field.value, module.name);
    steps.push(Step::new(finding, Source::User));
    Some(ModuleAt { name: module.name.clone(), base, offset, source: ModuleSource::List })
}

/// So far a module reaches of which only an address is known.
const UNKNOWN_SIZE: u64 = 1 << 25;

/// Function and line. A return address stands behind the call: the byte before it is asked, so that a call at the end of
/// a function does not get the name of the next one. Symbols of another processor are refused: it is given instead.
fn named(
    register: &'static str,
    at: &ModuleAt,
    machine: Option<Machine>,
    context: &CrashContext<'_>,
    steps: &mut Vec<Step>,
) -> Result<Option<SymbolAnswer>, Machine> {
    let Some(module) = module_of(at, context) else { return Ok(None) };
    let symbols = context.symbols.symbols(&module);
    let back = u32::from(register == "RA" && at.offset > 0);
    let Some(mut lookup) = symbols.lookup(Rva(at.offset - back)) else { return Ok(None) };
    let file = symbols.files().iter().find(|file| *file.origin() == lookup.origin);
    let of_file = file.and_then(|file| file.machine());
    if let (Some(of_file), Some(machine)) = (of_file, machine)
        && ![machine, Machine::Other(0)].contains(&of_file)
    {
        return Err(of_file);
    }
    lookup.offset = lookup.offset.saturating_add(back);
    let machine = of_file.or(machine).unwrap_or(Machine::Other(0));
    let name = Name::of(&lookup.symbol, &lookup.origin, machine);
    let found = format!("{register}: {} at {}+{:#x}", name.plain, stem(&at.name), lookup.symbol.rva.0);
    let step = Step::new(found, Source::SymbolFile { name: lookup.origin.to_string() });
    steps.push(step.clone());
    Ok(Some(SymbolAnswer { module, rva: Rva(at.offset), lookup, name, type_name: None, steps: vec![step] }))
}

/// The module as symbols are asked for it: that of the ROM image; else its name, its base, and a size that the list may
/// know.
fn module_of(at: &ModuleAt, context: &CrashContext<'_>) -> Option<Module> {
    if let Some(found) = context.rom.and_then(|rom| rom.of(&at.name, at.base)) {
        return Some(found.module.clone());
    }
    let listed = context.list.modules.iter().find(|listed| listed.name.eq_ignore_ascii_case(&at.name));
    let size = listed.map_or(UNKNOWN_SIZE, |listed| listed.image.size());
    let room = u64::from(u32::MAX).checked_sub(at.base.0)?.saturating_add(1);
    let range = VaRange::sized(at.base, size.min(room))?;
    Some(Module {
        path: at.name.clone(),
        range,
        data: None,
        time_date_stamp: 0,
        checksum: 0,
        version: None,
        debug_record: None,
    })
}

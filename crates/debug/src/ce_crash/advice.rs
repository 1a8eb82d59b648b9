//! What to look at next, from what was found.

use super::{BadAddress, BadKind, CodePlace, CrashExplanation};
use vatlas_rules::ce::{exception::CeException, fault_status::FaultReason};
use vatlas_space::{CrashText, PrintedModule};

/// Proposals, best first; `has_rom` when the device's ROM image was looked at.
pub fn advice(crash: &CrashText, explanation: &CrashExplanation, has_rom: bool) -> Vec<String> {
    let mut advice = Vec::new();
    about_code(crash, explanation, has_rom, &mut advice);
    if let Some(bad) = &explanation.bad_address {
        advice.extend(about_address(bad, explanation));
    }
    if let Some(active) = &explanation.owner.vm_active {
        advice.push(format!(
            "the code worked for {active}: look at what that process asked for, and at pointers that it passed"
        ));
    }
    advice
}

fn about_code(crash: &CrashText, explanation: &CrashExplanation, has_rom: bool, advice: &mut Vec<String>) {
    let (pc, ra) = (explanation.code_at("PC"), explanation.code_at("RA"));
    let has_module = |place: Option<&CodePlace>| place.is_some_and(|place| place.module.is_some());
    if explanation.exception == CeException::Raised {
        advice.push(
            "PC is where the system raises exceptions: the code that asked for it is further up the stack, near RA or \
             above it"
                .to_owned(),
        );
    } else if let (Some(pc), false, true) = (pc, has_module(pc), has_module(ra)) {
        let to = ra.map(CodePlace::text).unwrap_or_default();
        let why = match pc.va.0 < 0x1_0000 {
            true => "a call through a bad function pointer or object",
            false => "PC lies in no module",
        };
        advice.push(format!("{why}: look at the call before RA, {to}"));
    }
    let is_text = |place: &CodePlace| place.remark.as_ref().is_some_and(|remark| remark.contains("is the text"));
    if let Some(ra) = ra.filter(|ra| is_text(ra)) {
        advice.push(format!(
            "RA {} is data: heap or stack was overwritten before; look for who writes that text, and check the heap",
            ra.va
        ));
    }
    let unnamed = explanation.code.iter().find(|place| place.module.is_some() && place.symbol.is_none());
    if let Some(module) = unnamed.and_then(|place| place.module.as_ref()) {
        advice.push(format!("--symbols with the map or PDB of {} names the function", module.name));
    }
    let is_bare = |name: &str| crash.field(name).is_some_and(|field| field.module.is_none());
    let printed_none = is_bare("PC") && !has_module(pc);
    if printed_none {
        let with_rom = "a module that is not in ROM: --modules with the device's module list finds it";
        let without = "--rom with the device's ROM image, or --modules with a list, finds the module; before CE 5 none is printed";
        advice.push(if has_rom { with_rom } else { without }.to_owned());
    }
    if pc.is_some_and(|pc| pc.module.is_none() && pc.va.0 >= 0x1_0000) && outside(crash, "PC") && !has_module(ra) {
        advice.push(
            "neither PC nor RA lies in a module: generated code of .NET, where such exceptions are often caught and \
             become NullReferenceException"
                .to_owned(),
        );
    }
}

fn outside(crash: &CrashText, name: &str) -> bool {
    crash.field(name).is_some_and(|field| field.module == Some(PrintedModule::Outside))
}

fn about_address(bad: &BadAddress, explanation: &CrashExplanation) -> Option<String> {
    let at = explanation.code_at("PC").map(CodePlace::text).unwrap_or_else(|| "PC".to_owned());
    let text = match bad.kind {
        BadKind::Null if bad.va.0 == explanation.code_at("PC").map_or(u64::MAX, |pc| pc.va.0) => return None,
        BadKind::Null => match bad.null_offset {
            Some(0) | None => format!("which pointer used at {at} can be null?"),
            Some(offset) => format!("which pointer used at {at} can be null? the member {offset:#x} bytes in it was used"),
        },
        BadKind::Misaligned => format!("which cast to a pointer of larger things (DWORD, WCHAR) is used at {at}? packed data need UNALIGNED"),
        BadKind::Text => "a structure was overwritten with text: look for a string that is too long for its place".to_owned(),
        BadKind::Fill => "memory was used before it was set, or after it was freed".to_owned(),
        BadKind::Kernel => match explanation.status.map(|status| status.reason) {
            Some(FaultReason::Permission) => {
                "a thread in user mode may not touch the kernel's half: a wild pointer, or code that needs kernel mode"
                    .to_owned()
            }
            _ => "the address is the kernel's: a wild pointer, or a mapping that is gone".to_owned(),
        },
        BadKind::ForeignSlot => {
            "a pointer of another process was used: it must be mapped (MapPtrToProcess, MapCallerPtr) and the access key \
             must open its slot; if neither process knows the other, the pointer is wild"
                .to_owned()
        }
        BadKind::OwnMemory => "memory of the process that is not there (any more): freed, never committed, or past the end of a \
                               buffer"
            .to_owned(),
        BadKind::Shared => "was the shared memory or mapped file closed before this use?".to_owned(),
        BadKind::Other => return None,
    };
    Some(text)
}

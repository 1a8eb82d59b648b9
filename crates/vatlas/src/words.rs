//! Phrases that several commands use: times, faults, registers.

use crate::{ce_words::api_call_words, draw::palette, json};
use anstyle::{Ansi256Color, Style};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use vatlas_debug::{
    crash::{Crash, FaultAddress},
    symbolize::Symbolizer,
    usage::{Usage, UsageKind},
    usage_index::UsageIndex,
};
use vatlas_space::{FileVersion, Module, PointerWidth, Va};

/// Seconds since 1970 as a date in UTC, `2004-08-04T06:14:40Z`.
pub fn utc(seconds: u32) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds.into()).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{seconds} seconds after 1970"))
}

/// `1 problem`, `2 problems`.
pub fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// A use in words. What belongs to the 32-bit side of a 64-bit process says so: a WOW64 thread has two stacks.
pub fn usage_words(usage: &Usage, width: PointerWidth) -> String {
    let (Usage::Stack { machine, .. } | Usage::Teb { machine, .. } | Usage::Peb { machine }) = usage else {
        return usage.to_string();
    };
    match (machine.width(), width) {
        (Some(PointerWidth::Bits32), PointerWidth::Bits64) => format!("32-bit {usage}"),
        _ => usage.to_string(),
    }
}

/// Function and line where symbols tell, else as [`whereabouts`].
pub fn named_whereabouts(index: &UsageIndex<'_>, symbolizer: &Symbolizer<'_>, va: Va) -> String {
    symbolizer.text(va).unwrap_or_else(|| whereabouts(index, va))
}

/// Module and offset, or what else the address is.
pub fn whereabouts(index: &UsageIndex<'_>, va: Va) -> String {
    let call = index.api_call(va).map(|call| format!("API call {}", api_call_words(call)));
    if let Some(call) = call {
        return call;
    }
    match index.module_offset(va) {
        Some((module, offset)) => format!("{}+{offset:#x}", module.name()),
        None => usage_words(&index.at(va).usage, index.process().width),
    }
}

/// The version of a module; some writers put zeros where they know none.
pub fn version(module: &Module) -> Option<FileVersion> {
    module.version.filter(|version| version.0 != [0; 4])
}

/// `write to 0x6c6c6548`, with how the address is known when the record does not have it.
pub fn fault_words(crash: &Crash, fault: FaultAddress, width: PointerWidth) -> String {
    let access = crash.access.map_or("access to".to_owned(), |access| match access {
        vatlas_rules::Access::Read => "read from".to_owned(),
        vatlas_rules::Access::Write => "write to".to_owned(),
        vatlas_rules::Access::Execute => "execution of".to_owned(),
    });
    match fault {
        FaultAddress::Reported(va) => format!("{access} {}", va.text(width)),
        FaultAddress::FromOperand(va) => {
            format!("{access} {} (from the instruction's operand; the processor does not report it)", va.text(width))
        }
    }
}

/// A crash as JSON.
pub fn crash_json(crash: &Crash, width: PointerWidth) -> Value {
    let fault = crash.fault.map(|fault| {
        let source = match fault {
            FaultAddress::Reported(_) => "reported",
            FaultAddress::FromOperand(_) => "operand",
        };
        json!({ "address": json::va(fault.va(), width), "source": source })
    });
    json!({
        "thread": crash.thread.0,
        "code": json::hex32(crash.code),
        "name": crash.name,
        "sentence": crash.sentence,
        "note": crash.note,
        "access": crash.access.map(|access| access.to_string()),
        "fault": fault,
        "pc": json::va(crash.pc, width),
        "sp": crash.sp.map(|sp| json::va(sp, width)),
        "steps": json::steps(&crash.steps),
    })
}

/// The style of a sort of use in tables: the colour that it has in pictures; free and unknown stay plain.
pub fn kind_style(kind: UsageKind) -> Style {
    match kind {
        UsageKind::Free | UsageKind::Unknown => Style::new().dimmed(),
        kind => Style::new().fg_color(Some(Ansi256Color(palette::colour(kind).xterm()).into())),
    }
}

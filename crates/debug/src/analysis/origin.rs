//! Exceptions that stand for no failure: dumps written on request, messages to a debugger.

use crate::crash::Crash;
use vatlas_space::{OsFamily, Target};

/// Codes of Windows that only tell a debugger or a crash reporter something: a simulated exception of Crashpad, the name
/// of a thread, text for the debugger.
const WINDOWS: [u32; 4] = [0x0517_a7ed, 0x406d_1388, 0x4001_0006, 0x4001_000a];
/// Breakpad and Crashpad on Linux: `MD_EXCEPTION_CODE_LIN_DUMP_REQUESTED`.
const LINUX: [u32; 1] = [0xffff_ffff];
/// Crashpad on macOS: `kMachExceptionSimulated`.
const MAC: [u32; 1] = [0x4350_7378];

/// Whether the exception stands for no failure.
pub(super) fn is_request(target: &dyn Target, crash: &Crash) -> bool {
    let codes: &[u32] = match target.host().map(|host| host.os) {
        Some(OsFamily::Linux | OsFamily::Android) => &LINUX,
        Some(OsFamily::MacOs | OsFamily::Ios) => &MAC,
        _ => &WINDOWS,
    };
    codes.contains(&crash.code)
}

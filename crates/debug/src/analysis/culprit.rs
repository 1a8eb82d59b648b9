//! Who is probably to blame: the first frame that belongs neither to the system nor to a runtime library.

use super::call_frame::AnalyzedStack;
use crate::{stack::Trust, symbolize::file_name};

/// The frame that is probably to blame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Culprit {
    /// Number of the frame.
    pub frame: usize,
    /// Whether the frame is more than a guess.
    pub is_likely: bool,
    /// Why this one.
    pub reason: String,
}

/// Functions of run-time libraries that may be linked into a program: they end it, or copy what their caller told.
const RUNTIME: [&str; 38] = [
    "abort",
    "raise",
    "exit",
    "_exit",
    "terminate",
    "std::terminate",
    "__std_terminate",
    "_purecall",
    "_CxxThrowException",
    "_invoke_watson",
    "_invalid_parameter",
    "_invalid_parameter_noinfo",
    "_invalid_parameter_noinfo_noreturn",
    "_wassert",
    "_assert",
    "__assert_fail",
    "__report_gsfailure",
    "__report_rangecheckfailure",
    "__report_securityfailure",
    "__stack_chk_fail",
    "__fortify_fail",
    "__debugbreak",
    "__chkstk",
    "_chkstk",
    "_alloca_probe",
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "memchr",
    "strlen",
    "strcpy",
    "strncpy",
    "strcat",
    "strcmp",
    "wcslen",
    "wcscpy",
    "wcscat",
];

/// Modules of Windows and Windows CE, wherever they lie.
const SYSTEM: [&str; 22] = [
    "ntdll.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "user32.dll",
    "gdi32.dll",
    "win32u.dll",
    "advapi32.dll",
    "rpcrt4.dll",
    "ole32.dll",
    "combase.dll",
    "wow64.dll",
    "wow64cpu.dll",
    "wow64win.dll",
    "ucrtbase.dll",
    "ucrtbased.dll",
    "msvcrt.dll",
    "coredll.dll",
    "kcoredll.dll",
    "k.coredll.dll",
    "nk.exe",
    "mmtimer.dll",
    "toolhelp.dll",
];

/// Folders of Windows in which no program keeps its own DLLs.
const WINDOWS_FOLDERS: [&str; 4] = ["\\system32\\", "\\syswow64\\", "\\sysnative\\", "\\winsxs\\"];

/// Folders of systems of the Unix family.
const UNIX_FOLDERS: [&str; 9] =
    ["/lib/", "/lib32/", "/lib64/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/", "/system/", "/apex/", "/usr/libexec/"];

/// Whether a module belongs to the system: by its folder, or by its name. A program is never one of them, wherever it is.
pub(super) fn is_system_module(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = file_name(&path);
    if SYSTEM.contains(&name) || is_runtime_library(name) {
        return true;
    }
    let is_program = name.ends_with(".exe");
    let in_windows = !is_program && WINDOWS_FOLDERS.iter().any(|folder| path.contains(folder));
    let is_library = [".so", ".dylib"].iter().any(|end| name.contains(end)) || path.contains(".framework/");
    let in_unix = is_library && UNIX_FOLDERS.iter().any(|folder| path.starts_with(folder));
    in_windows || in_unix || ["linux-gate", "linux-vdso", "[vdso]"].iter().any(|front| name.starts_with(front))
}

/// `msvcr90.dll`, `msvcp140.dll`, `vcruntime140.dll`, `libc.so.6`, `libc-2.31.so`
fn is_runtime_library(name: &str) -> bool {
    let numbered = |front: &str| {
        let rest = name.strip_prefix(front).and_then(|rest| rest.strip_suffix(".dll"));
        rest.is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    let of_unix = ["libc.so", "libc-2", "libpthread", "ld-linux", "ld-2", "libstdc++.so", "libc++_shared.so"];
    numbered("msvcr")
        || numbered("msvcp")
        || numbered("vcruntime")
        || of_unix.iter().any(|front| name.starts_with(front))
}

/// The first frame that is neither of the system nor of a runtime library's. Above it may be the place where a jump
/// that went `astray` ended: that place did nothing.
pub(super) fn culprit(stack: &AnalyzedStack, astray: bool) -> Option<Culprit> {
    let is_runtime = |function: &Option<String>| {
        function.as_deref().is_some_and(|name| RUNTIME.contains(&name) || name.starts_with("std::"))
    };
    let is_own = |(_, frame): &(usize, &super::AnalyzedFrame)| {
        frame.name.module.is_some() && !frame.is_system && !is_runtime(&frame.name.function)
    };
    let (number, frame) = stack.frames.iter().enumerate().find(is_own)?;
    let first = match number {
        0 => "the instruction is outside of the system's modules",
        _ => "the first frame outside of the system's modules and runtime functions",
    };
    let nowhere =
        |(above, frame): (usize, &super::AnalyzedFrame)| frame.name.module.is_none() && !(above == 0 && astray);
    let is_after_unknown = stack.frames.iter().enumerate().take(number).any(nowhere);
    let doubt = match frame.frame.trust {
        Trust::Guess => "; the frame is a guess: it may be left over from an earlier call",
        _ if is_after_unknown => "; above it is code of which no module is known",
        Trust::Likely if number > 0 => "; frames may be missing before it",
        _ => "",
    };
    let is_likely = frame.frame.trust >= Trust::Likely && !is_after_unknown;
    Some(Culprit { frame: number, is_likely, reason: format!("{first}{doubt}") })
}

#[cfg(test)]
mod tests {
    use super::is_system_module;

    #[test]
    fn modules_of_the_system() {
        for (path, expected) in [
            ("C:\\WINDOWS\\system32\\ntdll.dll", true),
            ("ntdll.dll", true),
            ("C:\\Windows\\WinSxS\\x86_microsoft.windows.common-controls\\comctl32.dll", true),
            ("C:\\Windows\\System32\\notepad.exe", false),
            ("C:\\Program Files\\dial\\dial.dll", false),
            ("C:\\Program Files\\dial\\MSVCR90.dll", true),
            ("C:\\Program Files\\dial\\msvcreader.dll", false),
            ("\\Windows\\coredll.dll", true),
            ("\\Windows\\dial.dll", false),
            ("/lib/x86_64-linux-gnu/libc-2.31.so", true),
            ("/usr/lib/dial/dial", false),
            ("/opt/dial/libdial.so", false),
            ("/System/Library/Frameworks/AppKit.framework/Versions/C/AppKit", true),
            ("linux-gate.so", true),
        ] {
            assert_eq!(is_system_module(path), expected, "{path}");
        }
    }
}

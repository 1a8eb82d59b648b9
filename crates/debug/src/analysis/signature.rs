//! The signature of a crash: the functions of the trusted frames, without offsets, so that it survives a new build.

use super::call_frame::AnalyzedStack;
use crate::{stack::Trust, symbolize::stem, usage_index::UsageIndex};

/// Entries; deeper frames tell crashes apart by who called, not by what failed.
const MOST: usize = 32;
/// Stands for a function without a name.
const UNNAMED: &str = "?";

/// Functions by which the system brings an exception to its handlers: they stand above the one that failed.
const DISPATCH: [&str; 22] = [
    "KiUserExceptionDispatcher",
    "KiUserExceptionDispatch",
    "KiRaiseUserExceptionDispatcher",
    "RtlDispatchException",
    "RtlRaiseException",
    "RtlRaiseStatus",
    "RtlpExecuteHandlerForException",
    "RtlpCallVectoredHandlers",
    "RtlReportException",
    "RtlReportFatalFailure",
    "ExecuteHandler",
    "ExecuteHandler2",
    "RaiseException",
    "UnhandledExceptionFilter",
    "NtRaiseException",
    "ZwRaiseException",
    "NtRaiseHardError",
    "_CxxThrowException",
    "__C_specific_handler",
    "_except_handler3",
    "_except_handler4",
    "_XcptFilter",
];

/// `module!function` of the trusted frames, innermost first, inlined functions included. A frame that repeats the one
/// before it is left out: recursion is one crash, however deep.
pub(super) fn signature(index: &UsageIndex<'_>, stack: &AnalyzedStack) -> Vec<String> {
    // File names of Windows have no case.
    let is_windows = index.process().layout.is_some();
    let mut entries: Vec<String> = Vec::new();
    for frame in stack.frames.iter().take_while(|frame| frame.frame.trust >= Trust::Likely) {
        let module = frame.name.module.as_deref().map_or(UNNAMED, stem);
        let module = if is_windows { module.to_ascii_lowercase() } else { module.to_owned() };
        let own = frame.name.function.as_deref();
        if own.is_some_and(|name| DISPATCH.contains(&name)) {
            continue;
        }
        let inlined = frame.name.inlined.iter().map(|(function, _)| function.as_str());
        for function in inlined.chain([own.unwrap_or(UNNAMED)]) {
            let entry = format!("{module}!{function}");
            if entries.last() != Some(&entry) {
                entries.push(entry);
            }
        }
    }
    entries.truncate(MOST);
    entries
}

//! Exceptions of Windows in words: name, sentence, kind of access, faulting address.
//!
//! Codes and parameters as Microsoft documents them (`EXCEPTION_RECORD`, `ntstatus.h`, Visual C++ run-time library).

use crate::nt::fast_fail::{fast_fail_meaning, fast_fail_name};
use std::{borrow::Cow, fmt};
use vatlas_space::Va;

/// What the processor wanted to do with an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// Read.
    Read,
    /// Write.
    Write,
    /// Execute: data execution prevention refused it.
    Execute,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
        })
    }
}

/// An exception in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExceptionWords {
    /// Name of the code, `STATUS_ACCESS_VIOLATION`; the code in hexadecimal when it has no name.
    pub name: Cow<'static, str>,
    /// What happened, one sentence for people.
    pub sentence: String,
    /// What the processor wanted to do, for faults on an address.
    pub access: Option<Access>,
    /// The address it wanted to use, when the record has it.
    pub faulting_address: Option<Va>,
    /// What a reader should know besides.
    pub note: Option<&'static str>,
}

/// `STATUS_ACCESS_VIOLATION`.
pub const ACCESS_VIOLATION: u32 = 0xc000_0005;
const IN_PAGE_ERROR: u32 = 0xc000_0006;
const GUARD_PAGE_VIOLATION: u32 = 0x8000_0001;
const STACK_OVERFLOW: u32 = 0xc000_00fd;
const STACK_BUFFER_OVERRUN: u32 = 0xc000_0409;
const CPP_EXCEPTION: u32 = 0xe06d_7363;
const SET_THREAD_NAME: u32 = 0x406d_1388;

/// Code, name, sentence.
const TABLE: &[(u32, &str, &str)] = &[
    (0x4000_0015, "STATUS_FATAL_APP_EXIT", "the program ended itself (abort)"),
    (0x4000_001e, "STATUS_WX86_SINGLE_STEP", "a 32-bit process under WOW64 took a single step"),
    (0x4000_001f, "STATUS_WX86_BREAKPOINT", "a 32-bit process under WOW64 reached a breakpoint"),
    (0x4001_0005, "DBG_CONTROL_C", "Ctrl+C was pressed in the console"),
    (0x4001_0006, "DBG_PRINTEXCEPTION_C", "the program sent text to the debugger"),
    (0x4001_0008, "DBG_CONTROL_BREAK", "Ctrl+Break was pressed in the console"),
    (0x4001_000a, "DBG_PRINTEXCEPTION_WIDE_C", "the program sent text to the debugger"),
    (0x406d_1388, "MS_VC_EXCEPTION", "a thread told the debugger its name"),
    (0x0517_a7ed, "simulated exception", "the crash reporter wrote the dump on request; nothing failed"),
    (0x0eed_fade, "Delphi exception", "a Delphi or C++Builder exception was raised"),
    (0x8000_0001, "STATUS_GUARD_PAGE_VIOLATION", "a guard page was touched"),
    (0x8000_0002, "STATUS_DATATYPE_MISALIGNMENT", "an access to an address that is not aligned for its size"),
    (0x8000_0003, "STATUS_BREAKPOINT", "a breakpoint instruction was reached"),
    (0x8000_0004, "STATUS_SINGLE_STEP", "one instruction was executed, or a hardware breakpoint was hit"),
    (0x8000_0026, "STATUS_LONGJUMP", "longjmp unwinds the stack"),
    (0x8000_0029, "STATUS_UNWIND_CONSOLIDATE", "C++ exception handling unwinds the stack"),
    (0xc000_0005, "STATUS_ACCESS_VIOLATION", "access violation"),
    (0xc000_0006, "STATUS_IN_PAGE_ERROR", "a page could not be read in"),
    (0xc000_0008, "STATUS_INVALID_HANDLE", "a handle that is not valid was used, and the process asked to be told"),
    (0xc000_000d, "STATUS_INVALID_PARAMETER", "a parameter is not valid"),
    (0xc000_0017, "STATUS_NO_MEMORY", "no memory was left for the request"),
    (0xc000_001d, "STATUS_ILLEGAL_INSTRUCTION", "the processor does not know the instruction"),
    (0xc000_001e, "STATUS_INVALID_LOCK_SEQUENCE", "a lock prefix stands before an instruction that cannot have it"),
    (0xc000_0025, "STATUS_NONCONTINUABLE_EXCEPTION", "execution was continued after an exception that forbids it"),
    (0xc000_0026, "STATUS_INVALID_DISPOSITION", "an exception handler returned a value that does not exist"),
    (0xc000_008c, "STATUS_ARRAY_BOUNDS_EXCEEDED", "an index lies outside its array"),
    (0xc000_008d, "STATUS_FLOAT_DENORMAL_OPERAND", "a floating-point operand is denormal"),
    (0xc000_008e, "STATUS_FLOAT_DIVIDE_BY_ZERO", "floating-point division by zero"),
    (0xc000_008f, "STATUS_FLOAT_INEXACT_RESULT", "a floating-point result is not exact"),
    (0xc000_0090, "STATUS_FLOAT_INVALID_OPERATION", "a floating-point operation is not valid"),
    (0xc000_0091, "STATUS_FLOAT_OVERFLOW", "a floating-point result is too large"),
    (0xc000_0092, "STATUS_FLOAT_STACK_CHECK", "the floating-point stack overflowed or underflowed"),
    (0xc000_0093, "STATUS_FLOAT_UNDERFLOW", "a floating-point result is too small"),
    (0xc000_0094, "STATUS_INTEGER_DIVIDE_BY_ZERO", "integer division by zero"),
    (0xc000_0095, "STATUS_INTEGER_OVERFLOW", "an integer result is too large"),
    (0xc000_0096, "STATUS_PRIVILEGED_INSTRUCTION", "an instruction that only the kernel may execute"),
    (0xc000_00fd, "STATUS_STACK_OVERFLOW", "the thread used up its stack"),
    (0xc000_0135, "STATUS_DLL_NOT_FOUND", "a DLL that the program needs was not found"),
    (0xc000_0138, "STATUS_ORDINAL_NOT_FOUND", "a DLL does not export a function of the number that the program needs"),
    (0xc000_0139, "STATUS_ENTRYPOINT_NOT_FOUND", "a DLL does not export a function that the program needs"),
    (0xc000_0142, "STATUS_DLL_INIT_FAILED", "the initialization of a DLL failed"),
    (0xc000_0194, "STATUS_POSSIBLE_DEADLOCK", "a wait for a critical section timed out"),
    (0xc000_02b4, "STATUS_FLOAT_MULTIPLE_FAULTS", "several floating-point faults at once"),
    (0xc000_02b5, "STATUS_FLOAT_MULTIPLE_TRAPS", "several floating-point traps at once"),
    (0xc000_0374, "STATUS_HEAP_CORRUPTION", "the heap found its own data corrupted"),
    (0xc000_0409, "STATUS_STACK_BUFFER_OVERRUN", "the program stopped itself at once (__fastfail)"),
    (0xc000_0417, "STATUS_INVALID_CRUNTIME_PARAMETER", "a C run-time function was called with an invalid parameter"),
    (0xc000_041d, "STATUS_FATAL_USER_CALLBACK_EXCEPTION", "an exception was not handled in a callback from the kernel"),
    (0xc000_0420, "STATUS_ASSERTION_FAILURE", "an assertion failed"),
    (0xc000_0602, "STATUS_FAIL_FAST_EXCEPTION", "the program asked to be ended at once (RaiseFailFastException)"),
    (0xc06d_007e, "VCPP_EXCEPTION(ERROR_MOD_NOT_FOUND)", "a delay-loaded DLL was not found"),
    (0xc06d_007f, "VCPP_EXCEPTION(ERROR_PROC_NOT_FOUND)", "a delay-loaded DLL does not export the function"),
    (0xe043_4352, "CLR exception", "a .NET exception was raised"),
    (0xe043_4f4d, "CLR exception (before .NET 4)", "a .NET exception was raised"),
    (0xe06d_7363, "Visual C++ exception", "a C++ exception was thrown"),
];

/// The words for a Windows exception code with its parameters.
pub fn exception_words(code: u32, parameters: &[u64]) -> ExceptionWords {
    let row = TABLE.iter().find(|row| row.0 == code);
    let mut words = ExceptionWords {
        name: row.map_or_else(|| format!("{code:08X}").into(), |row| row.1.into()),
        sentence: row.map_or_else(|| unnamed(code), |row| row.2.to_owned()),
        access: None,
        faulting_address: None,
        note: None,
    };
    match code {
        ACCESS_VIOLATION | IN_PAGE_ERROR | GUARD_PAGE_VIOLATION | STACK_OVERFLOW => {
            add_access(&mut words, code, parameters);
        }
        STACK_BUFFER_OVERRUN => add_fast_fail(&mut words, parameters),
        CPP_EXCEPTION => add_cpp(&mut words, parameters),
        SET_THREAD_NAME => words.note = Some("a debugger that knows the convention continues; nothing failed"),
        _ => {}
    }
    words
}

/// The sentence for a code without a name: at least what its bits say.
fn unnamed(code: u32) -> String {
    let severity = match code >> 30 {
        0 => "success",
        1 => "information",
        2 => "warning",
        _ => "error",
    };
    let author = if code & 0x2000_0000 == 0 { "the system" } else { "a program" };
    format!("code {code:08X} has no name here; its bits say: {severity}, defined by {author}")
}

fn add_access(words: &mut ExceptionWords, code: u32, parameters: &[u64]) {
    let [kind, address, ..] = *parameters else {
        words.note = Some("the record does not say which access failed");
        return;
    };
    words.access = match kind {
        0 => Some(Access::Read),
        1 => Some(Access::Write),
        8 => Some(Access::Execute),
        _ => None,
    };
    let Some(access) = words.access else {
        words.note = Some("the kind of access is none of read, write and execute: the record may be damaged");
        return;
    };
    if code == ACCESS_VIOLATION && address == u64::MAX {
        words.sentence = format!("{}: {access} of an address that the record does not tell", words.sentence);
        words.note = Some(
            "all ones stand for no address: x64 reports it so when a pointer is non-canonical, \
             so look at the instruction and its registers; a pointer of -1 looks the same",
        );
        return;
    }
    words.faulting_address = Some(Va(address));
    words.sentence = format!("{}: {access} at {}", words.sentence, Va(address));
    match (code, parameters.get(2)) {
        (IN_PAGE_ERROR, Some(status)) => words.sentence += &format!(", status {status:08X}"),
        (ACCESS_VIOLATION, _) => words.note = access_note(access, address),
        _ => {}
    }
}

fn access_note(access: Access, address: u64) -> Option<&'static str> {
    match (access, address) {
        (Access::Execute, _) => Some("the page is not executable, or nothing is there: a jump or call went astray"),
        (Access::Read, 0) => Some(
            "a null pointer; or, on x64, a non-canonical one whose address was not reported: look at the instruction",
        ),
        (_, 0) => Some("a null pointer"),
        (_, 1..=0xffff) => Some("in the null partition: a null pointer with an offset"),
        _ => None,
    }
}

fn add_fast_fail(words: &mut ExceptionWords, parameters: &[u64]) {
    let Some(&subcode) = parameters.first() else { return };
    let name = fast_fail_name(subcode).map(|name| format!(" (FAST_FAIL_{name})")).unwrap_or_default();
    words.sentence += &format!(", subcode {subcode}{name}");
    if let Some(meaning) = fast_fail_meaning(subcode) {
        words.sentence += &format!(": {meaning}");
    }
}

/// First parameter of a Visual C++ exception: one of three versions of the record.
const CPP_MAGIC: std::ops::RangeInclusive<u64> = 0x1993_0520..=0x1993_0522;

fn add_cpp(words: &mut ExceptionWords, parameters: &[u64]) {
    if let [magic, object, type_info, ..] = *parameters
        && CPP_MAGIC.contains(&magic)
    {
        words.sentence += &match (object, type_info) {
            (0, 0) => " again (rethrown, no object in the record)".to_owned(),
            _ => format!("; the object is at {}, its type at {}", Va(object), Va(type_info)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u32, parameters: &[u64], expected: &str) {
        let words = exception_words(code, parameters);
        assert_eq!(format!("{}: {}", words.name, words.sentence), expected);
    }

    fn check_fault(parameters: &[u64], access: Option<Access>, address: Option<u64>, note: Option<&str>) {
        let words = exception_words(ACCESS_VIOLATION, parameters);
        assert_eq!((words.access, words.faulting_address), (access, address.map(Va)));
        match note {
            Some(part) => assert!(words.note.is_some_and(|note| note.contains(part)), "{:?}", words.note),
            None => assert_eq!(words.note, None),
        }
    }

    #[test]
    fn sentences() {
        let av = "STATUS_ACCESS_VIOLATION: access violation";
        check(0xc000_0005, &[1, 0x45], &format!("{av}: write at 0x00000045"));
        check(0xc000_0005, &[0, u64::MAX], &format!("{av}: read of an address that the record does not tell"));
        check(0xc000_0005, &[], av);
        check(
            0xc000_0006,
            &[0, 0x40_1000, 0xc000_000e],
            "STATUS_IN_PAGE_ERROR: a page could not be read in: read at 0x00401000, status C000000E",
        );
        check(0xc000_00fd, &[1, 0x32ffc], "STATUS_STACK_OVERFLOW: the thread used up its stack: write at 0x00032ffc");
        check(
            0xc000_0409,
            &[3],
            "STATUS_STACK_BUFFER_OVERRUN: the program stopped itself at once (__fastfail), subcode 3 \
             (FAST_FAIL_CORRUPT_LIST_ENTRY): a doubly linked list is corrupted",
        );
        check(
            0xc000_0409,
            &[9999],
            "STATUS_STACK_BUFFER_OVERRUN: the program stopped itself at once (__fastfail), subcode 9999",
        );
        check(
            0xe06d_7363,
            &[0x1993_0520, 0x12_f000, 0x41_2000],
            "Visual C++ exception: a C++ exception was thrown; the object is at 0x0012f000, its type at 0x00412000",
        );
        check(0xe123_4567, &[], "E1234567: code E1234567 has no name here; its bits say: error, defined by a program");
    }

    #[test]
    fn faults_on_an_address() {
        check_fault(&[0, 0x1234_5678], Some(Access::Read), Some(0x1234_5678), None);
        check_fault(&[1, 0], Some(Access::Write), Some(0), Some("null pointer"));
        check_fault(&[0, 0], Some(Access::Read), Some(0), Some("non-canonical"));
        check_fault(&[0, 0x45], Some(Access::Read), Some(0x45), Some("with an offset"));
        check_fault(&[8, 0x1_0000], Some(Access::Execute), Some(0x1_0000), Some("not executable"));
        check_fault(&[0, u64::MAX], Some(Access::Read), None, Some("non-canonical"));
        check_fault(&[7, 5], None, None, Some("damaged"));
        check_fault(&[0], None, None, Some("does not say"));
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<u32> = TABLE.iter().map(|row| row.0).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn fast_fail_names() {
        assert_eq!(fast_fail_name(0), Some("LEGACY_GS_VIOLATION"));
        assert_eq!(fast_fail_name(10), Some("GUARD_ICALL_CHECK_FAILURE"));
        assert_eq!(fast_fail_name(16), None);
        assert_eq!(fast_fail_name(50), Some("HEAP_METADATA_CORRUPTION"));
        assert_eq!(fast_fail_name(u64::MAX), None);
    }
}

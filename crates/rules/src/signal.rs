//! Crash codes of other systems in words: Linux signals and macOS exceptions, as crash reporters write them into dumps.
//!
//! Dumps of those systems are only named, so this is a table and no more. Sources: `signal(7)`, `mach/exception_types.h`.

/// Number, name, sentence.
const LINUX: &[(u32, &str, &str)] = &[
    (1, "SIGHUP", "the terminal went away"),
    (2, "SIGINT", "interrupted from the keyboard"),
    (3, "SIGQUIT", "quit from the keyboard"),
    (4, "SIGILL", "the processor does not know the instruction"),
    (5, "SIGTRAP", "a breakpoint instruction or a single step"),
    (6, "SIGABRT", "the program ended itself (abort)"),
    (7, "SIGBUS", "an access that the bus cannot do: unaligned, or behind the end of a mapped file"),
    (8, "SIGFPE", "an arithmetic fault, mostly integer division by zero"),
    (9, "SIGKILL", "killed"),
    (11, "SIGSEGV", "an access to memory that is not mapped or not allowed"),
    (13, "SIGPIPE", "a write to a pipe that nobody reads"),
    (15, "SIGTERM", "asked to end"),
    (16, "SIGSTKFLT", "a stack fault of the coprocessor"),
    (24, "SIGXCPU", "the limit of processor time is used up"),
    (25, "SIGXFSZ", "the limit of file size is reached"),
    (31, "SIGSYS", "a system call that is not allowed or does not exist"),
    (0xffff_ffff, "DUMP_REQUESTED", "the dump was written on request; nothing failed"),
];

const MACH: &[(u32, &str, &str)] = &[
    (1, "EXC_BAD_ACCESS", "an access to memory that is not mapped or not allowed"),
    (2, "EXC_BAD_INSTRUCTION", "the processor does not know the instruction"),
    (3, "EXC_ARITHMETIC", "an arithmetic fault"),
    (4, "EXC_EMULATION", "an instruction that has to be emulated"),
    (5, "EXC_SOFTWARE", "raised by software, for example abort"),
    (6, "EXC_BREAKPOINT", "a breakpoint instruction or a single step"),
    (7, "EXC_SYSCALL", "a system call"),
    (8, "EXC_MACH_SYSCALL", "a Mach system call"),
    (9, "EXC_RPC_ALERT", "a remote call alert"),
    (10, "EXC_CRASH", "the process ended abnormally"),
    (11, "EXC_RESOURCE", "a resource limit was reached"),
    (12, "EXC_GUARD", "a guarded resource was misused"),
    (13, "EXC_CORPSE_NOTIFY", "the process is kept for inspection after its end"),
    (0x4350_7378, "simulated exception", "the crash reporter wrote the dump on request; nothing failed"),
];

fn find(table: &'static [(u32, &str, &str)], number: u32) -> Option<(&'static str, &'static str)> {
    table.iter().find(|row| row.0 == number).map(|row| (row.1, row.2))
}

/// Name and sentence of a signal of Linux or Android; `None` when it is not one that ends programs.
pub fn signal_words(number: u32) -> Option<(&'static str, &'static str)> {
    find(LINUX, number)
}

/// Name and sentence of a Mach exception of macOS or iOS.
pub fn mach_words(number: u32) -> Option<(&'static str, &'static str)> {
    find(MACH, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(signal_words(11).map(|words| words.0), Some("SIGSEGV"));
        assert_eq!(signal_words(6).map(|words| words.0), Some("SIGABRT"));
        assert_eq!(signal_words(77), None);
        assert_eq!(mach_words(1).map(|words| words.0), Some("EXC_BAD_ACCESS"));
        assert_eq!(mach_words(0), None);
    }
}

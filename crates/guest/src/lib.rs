//! The system libraries that run inside the machine, as files: `guest/bin`, built from `guest/` by `cargo xtask guest`.
//!
//! They are PE images with the names and exports of Windows XP's; all code in them is ours. Whoever starts the machine
//! gives them to it as the contents of `C:\WINDOWS\system32`.

pub mod ce;

/// `ntdll.dll`: the system calls, the loader, heaps, exceptions, strings. Loaded at 7C900000h.
pub static NTDLL: &[u8] = include_bytes!("../../../guest/bin/ntdll.dll");

/// `kernel32.dll`: Win32 over `ntdll.dll`. Loaded at 7C800000h.
pub static KERNEL32: &[u8] = include_bytes!("../../../guest/bin/kernel32.dll");

/// `msvcrt.dll`: the C run-time over `kernel32.dll`. Loaded at 77C10000h.
pub static MSVCRT: &[u8] = include_bytes!("../../../guest/bin/msvcrt.dll");

/// `psapi.dll`: lists of processes and modules, and what they use. Loaded at 76BF0000h.
pub static PSAPI: &[u8] = include_bytes!("../../../guest/bin/psapi.dll");

/// `ntoskrnl.exe`: the kernel's image, whose exports drivers call. Loaded at 804D7000h.
pub static NTOSKRNL: &[u8] = include_bytes!("../../../guest/bin/ntoskrnl.exe");

/// `hal.dll`: interrupt request levels and spin locks. Loaded at 806CE000h.
pub static HAL: &[u8] = include_bytes!("../../../guest/bin/hal.dll");

/// `user32.dll`: texts and message boxes for programs without windows. Loaded at 7E410000h.
pub static USER32: &[u8] = include_bytes!("../../../guest/bin/user32.dll");

/// `advapi32.dll`: security identifiers, random numbers, an empty registry. Loaded at 77DD0000h.
pub static ADVAPI32: &[u8] = include_bytes!("../../../guest/bin/advapi32.dll");

/// Every library with its file name.
pub static LIBRARIES: [(&str, &[u8]); 8] = [
    ("ntdll.dll", NTDLL),
    ("kernel32.dll", KERNEL32),
    ("msvcrt.dll", MSVCRT),
    ("psapi.dll", PSAPI),
    ("user32.dll", USER32),
    ("advapi32.dll", ADVAPI32),
    ("ntoskrnl.exe", NTOSKRNL),
    ("hal.dll", HAL),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[track_caller]
    fn check(library: &[u8], base: u32) {
        assert!(library.starts_with(b"MZ"));
        let headers = u32_at(library, 0x3c) as usize;
        assert_eq!(&library[headers..headers + 4], b"PE\0\0");
        assert_eq!(u32_at(library, headers + 8), 0, "a time stamp would make every build another file");
        assert_eq!(u32_at(library, headers + 0x34), base);
    }

    #[test]
    fn libraries_have_their_bases_and_no_time_stamp() {
        check(NTDLL, 0x7c90_0000);
        check(KERNEL32, 0x7c80_0000);
        check(MSVCRT, 0x77c1_0000);
        check(NTOSKRNL, 0x804d_7000);
        check(HAL, 0x806c_e000);
        check(PSAPI, 0x76bf_0000);
        check(USER32, 0x7e41_0000);
        check(ADVAPI32, 0x77dd_0000);
    }
}

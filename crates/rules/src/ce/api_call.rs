//! Addresses that stand for API calls on Windows CE for ARM: decode one into its API set and method.
//!
//! ```text
//! address = BASE - ((set << 8) | method) * 4        BASE = F0010000 up to CE 5, F1020000 on CE 6
//! ```
//!
//! A thread that jumps to such an address takes a prefetch abort, and the kernel makes the call. Sources: public hook
//! samples, words found on crashed stacks. The bases of other processors and of CE 7 are not established.

use std::fmt;
use vatlas_space::{LayoutName, Va};

/// Base address of API calls up to CE 5 on ARM.
pub const BASE_CE5: Va = Va(0xf001_0000);

/// Base address of API calls of CE 6 on ARM.
pub const BASE_CE6: Va = Va(0xf102_0000);

/// Number of API sets that an address can name.
const SETS: u64 = 64;

const SET_NAMES: &[(u8, &str)] = &[
    (0, "WIN32"),
    (1, "CURTHREAD"),
    (2, "CURPROC"),
    (3, "KWIN32"),
    (4, "HT_EVENT"),
    (5, "HT_MUTEX"),
    (6, "HT_APISET"),
    (7, "HT_FILE"),
    (8, "HT_FIND"),
    (9, "HT_DBFILE"),
    (10, "HT_DBFIND"),
    (11, "HT_SOCKET"),
    (12, "HT_INTERFACE"),
    (13, "HT_SEMAPHORE"),
    (14, "HT_FSMAP"),
    (15, "HT_WNETENUM"),
    (16, "GDI"),
    (17, "WMGR"),
    (18, "WNET"),
    (19, "COMM"),
    (20, "FILESYS_APIS"),
    (21, "SHELL"),
    (22, "DEVMGR_APIS"),
    (23, "TAPI"),
    (24, "PATCHER"),
    (26, "SERVICES"),
];

/// Methods confirmed by public code for CE 4.2 and 5.
const METHODS: &[(u8, u8, &str)] = &[
    (0, 3, "VirtualAlloc"),
    (0, 4, "VirtualFree"),
    (0, 5, "VirtualProtect"),
    (0, 87, "NKTerminateThread"),
    (0, 99, "KernelIoControl"),
    (0, 108, "SetKMode"),
    (0, 170, "KernelLibIoControl"),
    (20, 9, "CreateFileW"),
    (20, 23, "RegOpenKeyExW"),
];

/// Methods confirmed by public code for CE 6; numbers differ between versions.
const METHODS_CE6: &[(u8, u8, &str)] = &[(0, 39, "KernelIoControl"), (0, 40, "KernelLibIoControl")];

/// An API call: an API set and a method of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiCall {
    /// Number of the API set.
    pub set: u8,
    /// Number of the method in the set.
    pub method: u8,
    /// Name of the set, when established for the version.
    pub set_name: Option<&'static str>,
    /// Name of the method, when public code confirms it for the version.
    pub method_name: Option<&'static str>,
}

impl fmt::Display for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "API set {}", self.set)?;
        if let Some(name) = self.set_name {
            write!(f, " ({name})")?;
        }
        write!(f, " method {}", self.method)?;
        match self.method_name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

/// The API call that an address stands for on ARM under these rules; `None` when it stands for none.
pub fn decode(va: Va, layout: LayoutName) -> Option<ApiCall> {
    let base = match layout {
        LayoutName::Ce3 | LayoutName::Ce4 | LayoutName::Ce5 | LayoutName::Wm6 => BASE_CE5,
        LayoutName::Ce6 => BASE_CE6,
        _ => return None,
    };
    let below = base.offset_from(va)?;
    let index = below / 4;
    if !below.is_multiple_of(4) || index >= SETS << 8 {
        return None;
    }
    let (set, method) = ((index >> 8) as u8, (index & 0xff) as u8);
    let methods = match layout {
        LayoutName::Ce6 => METHODS_CE6,
        // Public code confirms the numbers for CE 4.2 and 5 only.
        LayoutName::Ce3 => &[],
        _ => METHODS,
    };
    let sets = if layout == LayoutName::Ce6 { &[] } else { SET_NAMES };
    Some(ApiCall {
        set,
        method,
        set_name: sets.iter().find(|(number, _)| *number == set).map(|(_, name)| *name),
        method_name: methods.iter().find(|row| (row.0, row.1) == (set, method)).map(|row| row.2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(va: u64, layout: LayoutName, expected: Option<&str>) {
        assert_eq!(decode(Va(va), layout).map(|call| call.to_string()).as_deref(), expected, "{va:x}");
    }

    #[test]
    fn published_calls() {
        check(0xf000_afdc, LayoutName::Ce5, Some("API set 20 (FILESYS_APIS) method 9 (CreateFileW)"));
        check(0xf000_afa4, LayoutName::Wm6, Some("API set 20 (FILESYS_APIS) method 23 (RegOpenKeyExW)"));
        check(0xf000_fe50, LayoutName::Ce4, Some("API set 0 (WIN32) method 108 (SetKMode)"));
        check(0xf000_fe3c, LayoutName::Ce5, Some("API set 0 (WIN32) method 113"));
        check(0xf000_fe38, LayoutName::Ce5, Some("API set 0 (WIN32) method 114"));
        check(0xf000_bbe0, LayoutName::Ce5, Some("API set 17 (WMGR) method 8"));
        check(0xf000_e3f8, LayoutName::Ce5, Some("API set 7 (HT_FILE) method 2"));
    }

    #[test]
    fn versions_differ() {
        check(0xf101_ff64, LayoutName::Ce6, Some("API set 0 method 39 (KernelIoControl)"));
        check(0xf000_afdc, LayoutName::Ce3, Some("API set 20 (FILESYS_APIS) method 9"));
        check(0xf000_afdc, LayoutName::Ce6, None);
        check(0xf000_afdc, LayoutName::Nt32, None);
    }

    #[test]
    fn ends_of_the_range() {
        check(0xf001_0000, LayoutName::Ce5, Some("API set 0 (WIN32) method 0"));
        check(0xf001_0004, LayoutName::Ce5, None);
        check(0xf000_0004, LayoutName::Ce5, Some("API set 63 method 255"));
        check(0xf000_0000, LayoutName::Ce5, None);
        check(0xf000_afdd, LayoutName::Ce5, None);
    }
}

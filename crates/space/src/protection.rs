//! Page protection in the words and values of Windows (`PAGE_*`, Microsoft documentation of `VirtualProtect`).

use std::fmt;

/// A `PAGE_*` value: one base protection and modifiers. Zero stands for none, as in a reserved region.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Protection(pub u32);

/// Base protections and modifiers, in the order of their values.
const WORDS: [(u32, &str); 11] = [
    (0x001, "PAGE_NOACCESS"),
    (0x002, "PAGE_READONLY"),
    (0x004, "PAGE_READWRITE"),
    (0x008, "PAGE_WRITECOPY"),
    (0x010, "PAGE_EXECUTE"),
    (0x020, "PAGE_EXECUTE_READ"),
    (0x040, "PAGE_EXECUTE_READWRITE"),
    (0x080, "PAGE_EXECUTE_WRITECOPY"),
    (0x100, "PAGE_GUARD"),
    (0x200, "PAGE_NOCACHE"),
    (0x400, "PAGE_WRITECOMBINE"),
];

impl Protection {
    /// No access at all.
    pub const NOACCESS: Self = Self(0x01);
    /// Read only.
    pub const READONLY: Self = Self(0x02);
    /// Read and write.
    pub const READWRITE: Self = Self(0x04);
    /// Read; a write makes a private copy.
    pub const WRITECOPY: Self = Self(0x08);
    /// Execute only.
    pub const EXECUTE: Self = Self(0x10);
    /// Execute and read.
    pub const EXECUTE_READ: Self = Self(0x20);
    /// Execute, read and write.
    pub const EXECUTE_READWRITE: Self = Self(0x40);
    /// Execute and read; a write makes a private copy.
    pub const EXECUTE_WRITECOPY: Self = Self(0x80);
    /// Modifier: the first access raises `STATUS_GUARD_PAGE_VIOLATION`.
    pub const GUARD: Self = Self(0x100);

    /// Whether a read succeeds. A guard page counts as its base protection does.
    pub const fn is_readable(self) -> bool {
        self.0 & 0xee != 0
    }

    /// Whether a write succeeds, if need be into a private copy.
    pub const fn is_writable(self) -> bool {
        self.0 & 0xcc != 0
    }

    /// Whether code may run.
    pub const fn is_executable(self) -> bool {
        self.0 & 0xf0 != 0
    }

    /// Whether a write goes to a private copy of the page.
    pub const fn is_copy_on_write(self) -> bool {
        self.0 & 0x88 != 0
    }

    /// Whether this is a guard page.
    pub const fn is_guard(self) -> bool {
        self.0 & Self::GUARD.0 != 0
    }

    /// Four letters for tables: read, write (`c` for copy on write), execute, guard; `-` for each that is absent.
    pub fn letters(self) -> String {
        let write = match (self.is_writable(), self.is_copy_on_write()) {
            (_, true) => 'c',
            (true, false) => 'w',
            (false, false) => '-',
        };
        let flag = |set, letter| if set { letter } else { '-' };
        [flag(self.is_readable(), 'r'), write, flag(self.is_executable(), 'x'), flag(self.is_guard(), 'g')]
            .iter()
            .collect()
    }
}

impl fmt::Display for Protection {
    /// The Windows words, joined by `|`; bits without a name in hexadecimal; `none` for zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        let mut separator = "";
        for (bit, word) in WORDS {
            if self.0 & bit != 0 {
                write!(f, "{separator}{word}")?;
                separator = "|";
            }
        }
        let unnamed = self.0 & !0x7ff;
        if unnamed != 0 {
            write!(f, "{separator}{unnamed:#x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: u32, letters: &str, words: &str) {
        assert_eq!(Protection(value).letters(), letters);
        assert_eq!(Protection(value).to_string(), words);
    }

    #[test]
    fn letters_and_words() {
        check(0x00, "----", "none");
        check(0x01, "----", "PAGE_NOACCESS");
        check(0x02, "r---", "PAGE_READONLY");
        check(0x04, "rw--", "PAGE_READWRITE");
        check(0x08, "rc--", "PAGE_WRITECOPY");
        check(0x10, "--x-", "PAGE_EXECUTE");
        check(0x20, "r-x-", "PAGE_EXECUTE_READ");
        check(0x40, "rwx-", "PAGE_EXECUTE_READWRITE");
        check(0x80, "rcx-", "PAGE_EXECUTE_WRITECOPY");
        check(0x104, "rw-g", "PAGE_READWRITE|PAGE_GUARD");
        check(0x4000_0004, "rw--", "PAGE_READWRITE|0x40000000");
    }
}

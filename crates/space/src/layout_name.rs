//! Names of the layouts: which operating system's rules say what a range of addresses is for.

use crate::address::{PointerWidth, Va};
use std::{fmt, str::FromStr};

/// A set of rules for a whole address space; `rules` holds the rules themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LayoutName {
    /// Windows CE 3.0 and earlier: slots, the kernel in slot 1.
    Ce3,
    /// Windows CE .NET 4.x: slots, ROM DLL code in slot 1.
    Ce4,
    /// Windows CE 5.x: as 4.x, resource DLLs in slot 63.
    Ce5,
    /// Windows Mobile 6.x (a CE 5.2 kernel).
    Wm6,
    /// Windows Embedded CE 6.0: 2 GB for each process.
    Ce6,
    /// Windows Embedded Compact 7 and 2013.
    Ce7,
    /// 32-bit Windows NT, 2 GB for the process and 2 GB for the kernel.
    Nt32,
    /// 32-bit Windows NT started with `/3GB`.
    Nt32ThreeGb,
    /// 32-bit Windows NT with physical address extension.
    Nt32Pae,
    /// A 32-bit process on 64-bit Windows.
    Wow64,
    /// 64-bit Windows on x64.
    Nt64,
}

impl LayoutName {
    /// All layouts, oldest family first.
    pub const ALL: [Self; 11] = [
        Self::Ce3,
        Self::Ce4,
        Self::Ce5,
        Self::Wm6,
        Self::Ce6,
        Self::Ce7,
        Self::Nt32,
        Self::Nt32ThreeGb,
        Self::Nt32Pae,
        Self::Wow64,
        Self::Nt64,
    ];

    /// The name as the user types it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ce3 => "ce3",
            Self::Ce4 => "ce4",
            Self::Ce5 => "ce5",
            Self::Wm6 => "wm6",
            Self::Ce6 => "ce6",
            Self::Ce7 => "ce7",
            Self::Nt32 => "nt32",
            Self::Nt32ThreeGb => "nt32-3gb",
            Self::Nt32Pae => "nt32-pae",
            Self::Wow64 => "wow64",
            Self::Nt64 => "nt64",
        }
    }

    /// Bits of an address in this space. A WOW64 space is 64 bits wide: the 64-bit half of the process
    /// lives in it too.
    pub const fn width(self) -> PointerWidth {
        match self {
            Self::Wow64 | Self::Nt64 => PointerWidth::Bits64,
            _ => PointerWidth::Bits32,
        }
    }

    /// Whether these are rules of Windows CE.
    pub const fn is_ce(self) -> bool {
        matches!(self, Self::Ce3 | Self::Ce4 | Self::Ce5 | Self::Wm6 | Self::Ce6 | Self::Ce7)
    }

    /// Whether processes live in 32 MB slots.
    pub const fn has_slots(self) -> bool {
        matches!(self, Self::Ce3 | Self::Ce4 | Self::Ce5 | Self::Wm6)
    }
}

impl fmt::Display for LayoutName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LayoutName {
    type Err = String;

    /// Accepts the names of [`LayoutName::as_str`] in any case, and `ce` for `ce5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.to_ascii_lowercase();
        if wanted == "ce" {
            return Ok(Self::Ce5);
        }
        Self::ALL.into_iter().find(|name| name.as_str() == wanted).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|name| name.as_str()).collect();
            format!("no layout is called '{text}'; known are {}", known.join(", "))
        })
    }
}

/// The layout of one process: the rules, and what the process itself decides of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LayoutChoice {
    /// Which rules.
    pub name: LayoutName,
    /// The highest address that this process may use, where the system lets it differ between processes
    /// (only a large-address-aware image gets more than 2 GB).
    pub highest_user: Option<Va>,
}

impl LayoutChoice {
    /// The layout with the user limit that its rules give by default.
    pub const fn usual(name: LayoutName) -> Self {
        Self { name, highest_user: None }
    }
}

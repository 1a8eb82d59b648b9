//! A layout: areas that tile a whole address space, chosen by name and by what the process may use.

use crate::{
    area::{Area, tile},
    ce::{flat_map, slot_map},
    nt::{x64_map, x86_map},
};
use vatlas_space::{LayoutChoice, LayoutName, Va};

/// A layout of one address space.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Which rules.
    pub name: LayoutName,
    /// The highest address that the process may use under these rules.
    pub highest_user: Va,
    /// The areas from address 0 to the last address of the space, without gap or overlap.
    pub areas: Vec<Area>,
}

impl Layout {
    /// The area that contains `va`; `None` when `va` has more bits than this space.
    pub fn area_at(&self, va: Va) -> Option<&Area> {
        let after = self.areas.partition_point(|area| area.range.first() <= va);
        self.areas[..after].last().filter(|area| area.range.contains(va))
    }

    /// What these rules are for, a phrase for a heading.
    pub const fn title(&self) -> &'static str {
        title(self.name)
    }
}

/// What the rules of this name are for, a phrase for a heading.
pub const fn title(name: LayoutName) -> &'static str {
    match name {
        LayoutName::Ce3 => "Windows CE 3.0 and earlier: 32 MB slots, kernel in slot 1",
        LayoutName::Ce4 => "Windows CE .NET 4.x: 32 MB slots, ROM DLL code in slot 1",
        LayoutName::Ce5 => "Windows CE 5.x: 32 MB slots, ROM DLL code in slot 1, resource DLLs in slot 63",
        LayoutName::Wm6 => "Windows Mobile 6.x: 32 MB slots as in CE 5.2, more DLLs in slots 60 and 61",
        LayoutName::Ce6 => "Windows Embedded CE 6.0: 2 GB for each process",
        LayoutName::Ce7 => "Windows Embedded Compact 7 and 2013: 2 GB for each process",
        LayoutName::Nt32 => "32-bit Windows NT on x86: 2 GB for the process, 2 GB for the kernel",
        LayoutName::Nt32ThreeGb => "32-bit Windows NT on x86 with /3GB: up to 3 GB for the process",
        LayoutName::Nt32Pae => "32-bit Windows NT on x86 with physical address extension",
        LayoutName::Wow64 => "32-bit process on 64-bit Windows (x64)",
        LayoutName::Nt64 => "64-bit Windows on x64",
    }
}

/// The layout of this name for a process with this user limit.
///
/// The limit counts only where the system lets processes differ (`nt32-3gb`, `wow64`, `nt64`). It is rounded up to
/// the end of its 64 KB block and kept between `7FFEFFFF` and the highest that the rules allow; without one,
/// `nt32-3gb` and `wow64` take the 2 GB of an image that is not large-address-aware.
pub fn layout(choice: LayoutChoice) -> Layout {
    let highest_user = highest_user(choice);
    let name = choice.name;
    let rows = match name {
        LayoutName::Ce3 | LayoutName::Ce4 | LayoutName::Ce5 | LayoutName::Wm6 => slot_map::rows(name),
        LayoutName::Ce6 | LayoutName::Ce7 => flat_map::rows(name),
        LayoutName::Nt32 | LayoutName::Nt32ThreeGb | LayoutName::Nt32Pae => x86_map::rows(name, highest_user.0),
        LayoutName::Wow64 => x64_map::wow64_rows(highest_user.0),
        LayoutName::Nt64 => x64_map::native_rows(highest_user.0),
    };
    Layout { name, highest_user, areas: tile(rows, name.width().last()) }
}

/// `MmHighestUserAddress` of a process with 2 GB (Microsoft documentation).
const TWO_GB_LIMIT: u64 = 0x7ffe_ffff;

fn highest_user(choice: LayoutChoice) -> Va {
    let (usual, most) = match choice.name {
        LayoutName::Ce3 | LayoutName::Ce4 | LayoutName::Ce5 | LayoutName::Wm6 => return Va(0x7fff_ffff),
        LayoutName::Ce6 | LayoutName::Ce7 => return Va(0x7fef_ffff),
        LayoutName::Nt32 | LayoutName::Nt32Pae => return Va(TWO_GB_LIMIT),
        LayoutName::Nt32ThreeGb => (TWO_GB_LIMIT, 0xbffe_ffff),
        LayoutName::Wow64 => (TWO_GB_LIMIT, 0xfffe_ffff),
        LayoutName::Nt64 => (0x7fff_fffe_ffff, 0x7fff_fffe_ffff),
    };
    let wanted = choice.highest_user.map_or(usual, |va| va.0 | 0xffff);
    Va(wanted.clamp(TWO_GB_LIMIT, most))
}

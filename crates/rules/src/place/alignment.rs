//! How an address is aligned, and why that matters.

use crate::statement::{
    Statement,
    Support::{self, Founding},
};
use vatlas_space::{LayoutName, Machine, Source, Va};

/// How an address is aligned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alignment {
    /// The largest of 1, 2, 4, 8 and 16 bytes of which the address is a multiple.
    pub bytes: u64,
    /// What follows from it.
    pub statement: Statement,
}

impl Alignment {
    /// Whether a 4-byte value can lie here on every processor.
    pub const fn is_dword(&self) -> bool {
        self.bytes >= 4
    }
}

/// `IMAGE_FILE_MACHINE_SH4`.
const SH4: Machine = Machine::Other(0x1a6);

const SUPPORT: &[Support] = &[Founding];

/// The alignment of `va`.
pub(super) fn of(va: Va, layout: LayoutName, machine: Option<Machine>) -> Alignment {
    let bytes = 1 << va.0.trailing_zeros().min(4);
    let digit = va.0 & 0xf;
    let rule = format!("the last digit is {digit:X}, and aligned addresses end in 0, 4, 8 or C");
    let (text, because) = if bytes >= 4 {
        (format!("{bytes}-byte aligned: a 4-byte value can be here"), rule)
    } else {
        let text = "not 4-byte aligned: hardly the address of a pointer or another 4-byte value";
        (text.to_owned(), format!("{rule}{}", processors(layout, machine)))
    };
    let statement =
        Statement { text: text.into(), because: because.into(), source: Source::Layout(layout), support: SUPPORT };
    Alignment { bytes, statement }
}

/// What the processor does with an unaligned 4-byte access.
fn processors(layout: LayoutName, machine: Option<Machine>) -> &'static str {
    match (machine, layout) {
        (Some(Machine::X86 | Machine::X64), _) => "; x86 and x64 take others too, only slower",
        (Some(Machine::Arm | Machine::Mips | SH4), _) => "; this processor cannot read 4 bytes elsewhere in one access",
        (Some(_), _) => "",
        (None, LayoutName::Nt32 | LayoutName::Nt32ThreeGb | LayoutName::Nt32Pae) => {
            "; x86 takes others too, only slower"
        }
        (None, LayoutName::Wow64 | LayoutName::Nt64) => "; x64 takes others too, only slower",
        (None, _) => "; x86 takes others too, but other processors (ARM, MIPS, SH) fault",
    }
}

//! Calls among instructions: where one comes back to, and which call may have come back to an address.

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use vatlas_space::Va;

/// Lengths of calls: by register 2, by register and displacement 3 and 6, direct 5, by memory 6 and 7.
const LENGTHS: [u64; 5] = [5, 6, 2, 3, 7];

/// An instruction that goes elsewhere and comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallSite {
    /// Where it is.
    pub va: Va,
    /// The instruction behind it.
    pub next: Va,
    /// A repeated string instruction: it comes back to itself until it is done.
    pub is_repeated: bool,
}

/// The call or repeated instruction at an address of 32-bit x86 code; `None` for any other.
pub fn call_at(va: Va, bytes: &[u8]) -> Option<CallSite> {
    let instruction = Decoder::with_ip(32, bytes, va.0, DecoderOptions::NONE).decode();
    let is_call = matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
    let is_repeated =
        instruction.is_string_instruction() && (instruction.has_rep_prefix() || instruction.has_repne_prefix());
    if instruction.is_invalid() || !is_call && !is_repeated {
        return None;
    }
    Some(CallSite { va, next: Va(instruction.next_ip()), is_repeated })
}

/// Where a call may be that comes back to `va`: `read` gives the bytes at an address.
pub fn calls_before(va: Va, read: &dyn Fn(Va, &mut [u8]) -> bool) -> Vec<Va> {
    let is_call = |length: &u64| {
        let at = va.checked_sub(*length)?;
        let mut bytes = [0; 8];
        let bytes = bytes.get_mut(..usize::try_from(*length).ok()?)?;
        let site = if read(at, bytes) { call_at(at, bytes) } else { None };
        site.filter(|site| site.next == va && !site.is_repeated).map(|_| at)
    };
    LENGTHS.iter().filter_map(is_call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_what_looks_like_one() {
        let at = |bytes: &[u8]| call_at(Va(0x40_1000), bytes).map(|site| (site.next.0, site.is_repeated));
        assert_eq!(at(&[0xe8, 0, 0, 0, 0]), Some((0x40_1005, false)));
        assert_eq!(at(&[0xff, 0xd0]), Some((0x40_1002, false)));
        assert_eq!(at(&[0xff, 0x15, 0, 0, 0x50, 0]), Some((0x40_1006, false)));
        assert_eq!(at(&[0xf3, 0xa4]), Some((0x40_1002, true)));
        assert_eq!(at(&[0xff, 0xe0]), None);
        assert_eq!(at(&[0xc3]), None);
        assert_eq!(at(&[0xe8, 0]), None);
        let code = [0x90, 0x90, 0x90, 0xe8, 0, 0, 0, 0];
        let read = |va: Va, bytes: &mut [u8]| {
            let start = va.0 as usize;
            code.get(start..start + bytes.len()).is_some_and(|part| {
                bytes.copy_from_slice(part);
                true
            })
        };
        assert_eq!(calls_before(Va(8), &read), [Va(3)]);
        assert!(calls_before(Va(3), &read).is_empty());
    }
}

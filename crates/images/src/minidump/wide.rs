//! Wide registers: SSE and NEON from the fixed part of a context, AVX and the shadow stack from its XSTATE.

use minidump::{MinidumpContext, MinidumpRawContext, MinidumpSystemInfo};
use scroll::{Endian, Pread};
use vatlas_space::WideRegister;

/// Registers of `bytes`, the whole context as the dump holds it.
pub(super) fn registers(bytes: &[u8], system: &MinidumpSystemInfo) -> Vec<WideRegister> {
    let Ok(context) = MinidumpContext::read(bytes, Endian::Little, system, None) else { return Vec::new() };
    match &context.raw {
        MinidumpRawContext::X86(raw) => {
            let xstate = Xstate::find(bytes, X86_CONTEXT_SIZE, raw.context_flags);
            vectors(&raw.extended_registers, 8, xstate.as_ref())
        }
        MinidumpRawContext::Amd64(raw) => {
            let xstate = Xstate::find(bytes, X64_CONTEXT_SIZE, raw.context_flags);
            vectors(&raw.float_save, 16, xstate.as_ref())
        }
        MinidumpRawContext::Arm64(raw) => neon(&raw.float_regs),
        MinidumpRawContext::OldArm64(raw) => neon(&raw.float_regs),
        _ => Vec::new(),
    }
}

/// Bytes of `CONTEXT`, after which a `CONTEXT_EX` follows.
const X86_CONTEXT_SIZE: usize = 716;
const X64_CONTEXT_SIZE: usize = 1232;

/// Flag of a context that has an XSTATE behind it.
const CONTEXT_XSTATE: u32 = 0x40;

/// The XMM registers in an `FXSAVE` image begin here (Intel SDM volume 1, 10.5.1).
const FXSAVE_XMM: usize = 160;

/// XSAVE component numbers and sizes in bytes, lowest first (Intel SDM volume 1, 13.4): the upper halves of
/// the YMM registers are number 2, user CET state number 11.
const COMPONENTS: [(u32, usize); 9] =
    [(2, 256), (3, 64), (4, 64), (5, 64), (6, 512), (7, 1024), (8, 128), (9, 8), (11, 16)];
const AVX: u32 = 2;
const CET_USER: u32 = 11;

/// The XSAVE area of a context: header words and the components behind them.
struct Xstate<'a> {
    present: u64,
    compacted: u64,
    components: &'a [u8],
}

impl<'a> Xstate<'a> {
    /// `CONTEXT_EX` holds three chunks {offset from itself, length}; the third is the XSAVE area without its
    /// legacy part: 64 bytes of header, then components in compacted form.
    fn find(bytes: &'a [u8], context_size: usize, flags: u32) -> Option<Self> {
        if flags & CONTEXT_XSTATE == 0 {
            return None;
        }
        let word = |offset: usize| bytes.pread_with::<u32>(context_size + offset, Endian::Little).ok();
        let offset = usize::try_from(word(16)? as i32).ok()?;
        let start = context_size.checked_add(offset)?;
        let area = bytes.get(start..start.checked_add(word(20)? as usize)?.min(bytes.len()))?;
        Some(Self {
            present: area.pread_with(0, Endian::Little).ok()?,
            compacted: area.pread_with(8, Endian::Little).ok()?,
            components: area.get(64..)?,
        })
    }

    /// A component's bytes, when it is present: behind those of lower number that the area has room for.
    fn component(&self, wanted: u32) -> Option<&'a [u8]> {
        const IS_COMPACTED: u64 = 1 << 63;
        if self.compacted & IS_COMPACTED == 0 || self.present >> wanted & 1 == 0 {
            return None;
        }
        let mut offset = 0;
        for (number, size) in COMPONENTS {
            if number == wanted {
                return self.components.get(offset..offset + size);
            }
            if self.compacted >> number & 1 != 0 {
                offset += size;
            }
        }
        None
    }
}

/// `xmm` registers, or `ymm` where the upper halves are at hand, and the shadow-stack pointer.
fn vectors(fxsave: &[u8; 512], count: usize, xstate: Option<&Xstate<'_>>) -> Vec<WideRegister> {
    let upper = xstate.and_then(|xstate| xstate.component(AVX));
    let lanes = |bytes: &[u8], index: usize| bytes.get(index * 16..index * 16 + 16).map(<[u8]>::to_vec);
    let mut registers: Vec<WideRegister> = (0..count)
        .filter_map(|index| {
            let mut bytes = lanes(&fxsave[FXSAVE_XMM..], index)?;
            let high = upper.and_then(|upper| lanes(upper, index));
            let name = if high.is_some() { "ymm" } else { "xmm" };
            bytes.extend(high.into_iter().flatten());
            Some(WideRegister { name: format!("{name}{index}"), bytes })
        })
        .collect();
    // IA32_U_CET, then the shadow-stack pointer IA32_PL3_SSP.
    if let Some(cet) = xstate.and_then(|xstate| xstate.component(CET_USER)) {
        registers.push(WideRegister { name: "cet".into(), bytes: cet[..8].to_vec() });
        registers.push(WideRegister { name: "ssp".into(), bytes: cet[8..].to_vec() });
    }
    registers
}

fn neon(registers: &[u128; 32]) -> Vec<WideRegister> {
    let bytes = registers.iter().map(|value| value.to_le_bytes().to_vec());
    bytes.enumerate().map(|(index, bytes)| WideRegister { name: format!("v{index}"), bytes }).collect()
}

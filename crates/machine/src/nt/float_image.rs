//! Floating-point registers in memory: the 512 bytes of `fxsave`, and the 112 bytes of `FLOATING_SAVE_AREA`.
//!
//! A thread's are at the top of its kernel stack while another one has the processor; a `CONTEXT` has both forms.

use crate::cpu::{F80, Fpu};

/// Bytes of the form of `fxsave`.
pub(crate) const FX_BYTES: usize = 512;
/// Bytes of `FLOATING_SAVE_AREA`.
pub(crate) const SAVE_AREA_BYTES: usize = 112;
/// Bits of MXCSR that exist.
const MXCSR_MASK: u32 = 0xffbf;
/// Bits of the control word that exist, and the one that is always set.
const CONTROL_MASK: u16 = 0x1f3f;
const CONTROL_FIXED: u16 = 0x40;

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..at + N) {
        place.copy_from_slice(&value);
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn double(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

const fn top(status: u16) -> usize {
    (status >> 11 & 7) as usize
}

/// The form of `fxsave`: registers from the top of the stack, a bit for each that is used.
pub(crate) fn encode_fx(fpu: &Fpu) -> [u8; FX_BYTES] {
    let mut bytes = [0; FX_BYTES];
    put(&mut bytes, 0, fpu.control.to_le_bytes());
    put(&mut bytes, 2, fpu.status.to_le_bytes());
    put(&mut bytes, 4, u16::from(!fpu.empty).to_le_bytes());
    put(&mut bytes, 6, fpu.last_opcode.to_le_bytes());
    put(&mut bytes, 8, fpu.last_instruction.to_le_bytes());
    put(&mut bytes, 16, fpu.last_operand.to_le_bytes());
    put(&mut bytes, 24, fpu.mxcsr.to_le_bytes());
    put(&mut bytes, 28, MXCSR_MASK.to_le_bytes());
    for number in 0..8 {
        let value = fpu.st[(top(fpu.status) + number) & 7];
        put(&mut bytes, 32 + 16 * number, value.mantissa.to_le_bytes());
        put(&mut bytes, 40 + 16 * number, value.sign_exponent.to_le_bytes());
        put(&mut bytes, 160 + 16 * number, fpu.xmm[number].to_le_bytes());
    }
    bytes
}

/// Reads the form of `fxsave`. Bits that do not exist are dropped.
pub(crate) fn decode_fx(bytes: &[u8; FX_BYTES]) -> Fpu {
    let mut fpu = Fpu {
        control: word(bytes, 0) & CONTROL_MASK | CONTROL_FIXED,
        status: word(bytes, 2),
        empty: !bytes[4],
        last_opcode: word(bytes, 6) & 0x7ff,
        last_instruction: double(bytes, 8),
        last_operand: double(bytes, 16),
        mxcsr: double(bytes, 24) & MXCSR_MASK,
        ..Fpu::default()
    };
    for number in 0..8 {
        fpu.st[(top(fpu.status) + number) & 7] = F80 {
            mantissa: u64::from_le_bytes(array(bytes, 32 + 16 * number)),
            sign_exponent: word(bytes, 40 + 16 * number),
        };
        fpu.xmm[number] = u128::from_le_bytes(array(bytes, 160 + 16 * number));
    }
    fpu
}

/// `FLOATING_SAVE_AREA`: what `fsave` writes for 32-bit code, then `Cr0NpxState`. SSE is not in it.
pub(crate) fn encode_save_area(fpu: &Fpu) -> [u8; SAVE_AREA_BYTES] {
    let mut bytes = [0; SAVE_AREA_BYTES];
    put(&mut bytes, 0, (u32::from(fpu.control) | 0xffff_0000).to_le_bytes());
    put(&mut bytes, 4, (u32::from(fpu.status) | 0xffff_0000).to_le_bytes());
    put(&mut bytes, 8, (u32::from(tag_word(fpu)) | 0xffff_0000).to_le_bytes());
    put(&mut bytes, 12, fpu.last_instruction.to_le_bytes());
    put(&mut bytes, 16, (u32::from(fpu.last_opcode) << 16).to_le_bytes());
    put(&mut bytes, 20, fpu.last_operand.to_le_bytes());
    for number in 0..8 {
        let value = fpu.st[(top(fpu.status) + number) & 7];
        put(&mut bytes, 28 + 10 * number, value.mantissa.to_le_bytes());
        put(&mut bytes, 36 + 10 * number, value.sign_exponent.to_le_bytes());
    }
    bytes
}

/// Reads `FLOATING_SAVE_AREA` into the x87 half; SSE stays.
pub(crate) fn decode_save_area(bytes: &[u8; SAVE_AREA_BYTES], fpu: &mut Fpu) {
    fpu.control = word(bytes, 0) & CONTROL_MASK | CONTROL_FIXED;
    fpu.status = word(bytes, 4);
    let tags = word(bytes, 8);
    fpu.empty = (0..8).fold(0, |empty, number| empty | u8::from(tags >> (2 * number) & 3 == 3) << number);
    fpu.last_instruction = double(bytes, 12);
    fpu.last_opcode = (double(bytes, 16) >> 16) as u16 & 0x7ff;
    fpu.last_operand = double(bytes, 20);
    for number in 0..8 {
        fpu.st[(top(fpu.status) + number) & 7] = F80 {
            mantissa: u64::from_le_bytes(array(bytes, 28 + 10 * number)),
            sign_exponent: word(bytes, 36 + 10 * number),
        };
    }
}

/// Two bits a register: valid 0, zero 1, special 2, empty 3.
fn tag_word(fpu: &Fpu) -> u16 {
    let tag = |(number, value): (usize, &F80)| match value {
        _ if fpu.empty >> number & 1 != 0 => 3,
        F80 { mantissa: 0, sign_exponent } if sign_exponent & 0x7fff == 0 => 1,
        F80 { mantissa, sign_exponent } => match sign_exponent & 0x7fff {
            0 | 0x7fff => 2,
            _ if mantissa >> 63 == 0 => 2,
            _ => 0,
        },
    };
    fpu.st.iter().enumerate().fold(0, |word, (number, value)| word | tag((number, value)) << (2 * number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Fpu {
        let mut fpu = Fpu { status: 5 << 11 | 0x41, empty: 0x1f, mxcsr: 0x1f85, ..Fpu::default() };
        fpu.st[5] = F80 { mantissa: 0xc000_0000_0000_0000, sign_exponent: 0x4000 };
        fpu.st[6] = F80::ZERO;
        fpu.st[7] = F80::INDEFINITE;
        fpu.xmm[3] = 0x0123_4567_89ab_cdef;
        (fpu.last_instruction, fpu.last_operand, fpu.last_opcode) = (0x40_1000, 0x12_ff00, 0x123);
        fpu
    }

    #[test]
    fn both_forms_come_back() {
        let fpu = sample();
        let bytes = encode_fx(&fpu);
        assert_eq!(decode_fx(&bytes), fpu);
        assert_eq!(bytes[32..42], [0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0x40], "the top comes first");
        let area = encode_save_area(&fpu);
        assert_eq!(word(&area, 8), 0b1001_0011_1111_1111);
        let mut back = Fpu { xmm: fpu.xmm, mxcsr: fpu.mxcsr, ..Fpu::default() };
        decode_save_area(&area, &mut back);
        assert_eq!(back, fpu);
    }
}

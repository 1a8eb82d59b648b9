//! The 512 bytes of `fxsave`, as named registers, from them, and as the `FLOATING_SAVE_AREA` of an x86 `CONTEXT`.
//!
//! ```text
//! 00 control word  02 status word  04 a bit for each register that is used  06 opcode  08 instruction  10 operand
//! 18 MXCSR  20 st0 to st7, 10h bytes each, 10 of them used, from the top of the stack  A0 xmm0 to xmm7
//! ```
//! Intel SDM volume 1, 10.5.1; `FLOATING_SAVE_AREA`: `winnt.h`.

use vatlas_space::WideRegister;

/// Bytes of the image.
pub const FX_BYTES: usize = 512;
/// Where x87 registers and SSE registers begin.
const X87: usize = 0x20;
const SSE: usize = 0xa0;
/// Fields besides the two files of registers: name, place, bytes.
const FIELDS: [(&str, usize, usize); 7] = [
    ("fctrl", 0, 2),
    ("fstat", 2, 2),
    ("fused", 4, 1),
    ("fop", 6, 2),
    ("fip", 8, 4),
    ("fdp", 0x10, 4),
    ("mxcsr", 0x18, 4),
];

/// Name, place and size of every register.
fn places() -> impl Iterator<Item = (String, usize, usize)> {
    let fields = FIELDS.iter().map(|(name, at, size)| ((*name).to_owned(), *at, *size));
    let x87 = (0..8).map(|number| (format!("st{number}"), X87 + 16 * number, 10));
    let sse = (0..8).map(|number| (format!("xmm{number}"), SSE + 16 * number, 16));
    fields.chain(x87).chain(sse)
}

/// The registers of an image.
pub fn registers(image: &[u8; FX_BYTES]) -> Vec<WideRegister> {
    let register = |(name, at, size): (String, usize, usize)| WideRegister {
        name,
        bytes: image.get(at..at + size).unwrap_or_default().to_vec(),
    };
    places().map(register).collect()
}

/// The image of registers; `None` when the x87 registers are not among them.
pub fn of_registers(registers: &[WideRegister]) -> Option<[u8; FX_BYTES]> {
    let mut image = [0; FX_BYTES];
    for (name, at, size) in places() {
        let register = registers.iter().find(|register| register.name == name && register.bytes.len() == size)?;
        image[at..at + size].copy_from_slice(&register.bytes);
    }
    Some(image)
}

/// `FLOATING_SAVE_AREA`: control, status and tags in 32 bits with ones above, where the last instruction and its operand
/// are, the registers without gaps, `Cr0NpxState`.
pub fn save_area(image: &[u8; FX_BYTES]) -> [u8; 112] {
    let half = |at: usize| u32::from(image[at]) | u32::from(image[at + 1]) << 8;
    let word = |at: usize| half(at) | half(at + 2) << 16;
    let head = [0xffff_0000 | half(0), 0xffff_0000 | half(2), 0xffff_0000 | tags(image), word(8), 0, word(0x10), 0];
    let mut area = [0; 112];
    for (place, word) in area.chunks_exact_mut(4).zip(head) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    for number in 0..8 {
        let from = X87 + 16 * number;
        area[28 + 10 * number..38 + 10 * number].copy_from_slice(&image[from..from + 10]);
    }
    area
}

/// The tag word: two bits for each physical register, 0 valid, 1 zero, 2 special, 3 empty.
fn tags(image: &[u8; FX_BYTES]) -> u32 {
    let top = usize::from(image[3] >> 3 & 7);
    (0..8).fold(0, |tags, number| {
        let from = X87 + 16 * ((number + 8 - top) & 7);
        let exponent = u32::from(image[from + 8]) | u32::from(image[from + 9] & 0x7f) << 8;
        let is_zero = image[from..from + 8].iter().all(|byte| *byte == 0);
        let tag = match (exponent, image[from + 7] >> 7) {
            _ if image[4] >> number & 1 == 0 => 3,
            (0, 0) if is_zero => 1,
            (1..0x7fff, 1) => 0,
            _ => 2,
        };
        tags | tag << (2 * number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values on the stack (1.0 on top, then 0), so its top is register 6.
    fn image() -> [u8; FX_BYTES] {
        let mut image = [0; FX_BYTES];
        image[..6].copy_from_slice(&[0x7f, 0x02, 0, 6 << 3, 0xc0, 0]);
        image[X87 + 7..X87 + 10].copy_from_slice(&[0x80, 0xff, 0x3f]);
        image[0x18..0x1c].copy_from_slice(&0x1f80_u32.to_le_bytes());
        image[SSE + 16] = 7;
        image
    }

    #[test]
    fn registers_are_those_of_the_image() {
        let known = registers(&image());
        assert_eq!(of_registers(&known), Some(image()));
        let named = |name: &str| known.iter().find(|register| register.name == name).unwrap().bytes.clone();
        assert_eq!(named("st0"), [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f]);
        assert_eq!((named("xmm1")[0], named("mxcsr")), (7, vec![0x80, 0x1f, 0, 0]));
        assert_eq!(of_registers(&known[1..]), None);
    }

    #[test]
    fn a_save_area_has_full_tags() {
        let area = save_area(&image());
        // Register 6 is valid, 7 is zero, the others are empty.
        assert_eq!(area[8..12], [0xff, 0x4f, 0xff, 0xff]);
        assert_eq!(area[..4], [0x7f, 0x02, 0xff, 0xff]);
        assert_eq!(area[35..38], [0x80, 0xff, 0x3f]);
    }
}

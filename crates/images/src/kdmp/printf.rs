//! Values of element lists printed as the file says: `printf`, and `%T`, `%N` and `%U` of Windows CE.
//!
//! ```text
//! %T{bit=Name,...}     bit field: names of bits 0 to 31 that are set, of bits 32 to 63 whose bit - 32 is clear
//! %N{value=Name,...}   enumeration, values in decimal
//! %U                   GUID
//! %s                   8-bit text
//! (empty)              bytes
//! ```

use super::raw::number;
use vatlas_space::Guid;

/// Bytes of a blob that are printed.
const MOST_BYTES: usize = 64;
/// Digits that a format may ask for.
const MOST_DIGITS: usize = 16;

/// A value as its format says. What the format does not describe is printed in hexadecimal, so that nothing is lost.
pub(super) fn print(format: &str, bytes: &[u8]) -> String {
    let Some((before, directive)) = format.split_once('%') else { return blob(bytes) };
    let kind = directive.chars().next();
    let named = |names: &dyn Fn(u64, &str) -> String| match number(bytes) {
        Some(value) => names(value, list(directive)),
        None => blob(bytes),
    };
    match kind {
        Some('T') => named(&bits),
        Some('N') => named(&enumeration),
        Some('U') => guid(bytes).map_or_else(|| blob(bytes), |guid| guid.to_string()),
        Some('s') => format!("{before}{}", text(bytes)),
        _ => number(bytes)
            .map_or_else(|| blob(bytes), |value| format!("{before}{}", integer(directive, value, bytes.len()))),
    }
}

/// Text up to the first NUL; what is no UTF-8 is taken for a Western code page, one character a byte.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let bytes = &bytes[..end];
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A GUID in the byte order of Windows.
pub(super) fn guid(bytes: &[u8]) -> Option<Guid> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    Some(Guid {
        data1: u32::from_le_bytes(*bytes.first_chunk()?),
        data2: u16::from_le_bytes([bytes[4], bytes[5]]),
        data3: u16::from_le_bytes([bytes[6], bytes[7]]),
        data4: *bytes.last_chunk()?,
    })
}

fn blob(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(MOST_BYTES).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let more = bytes.len().saturating_sub(MOST_BYTES);
    if more > 0 { format!("{shown} and {more} bytes more") } else { shown }
}

/// What stands in the braces.
fn list(directive: &str) -> &str {
    let inside = directive.split_once('{').map_or("", |(_, inside)| inside);
    inside.split_once('}').map_or(inside, |(inside, _)| inside)
}

fn pairs(list: &str) -> impl Iterator<Item = (u64, &str)> {
    list.split(',').filter_map(|pair| {
        let (value, name) = pair.split_once('=')?;
        Some((value.trim().parse().ok()?, name.trim()))
    })
}

fn bits(value: u64, list: &str) -> String {
    let is_shown = |bit: u64| match bit {
        0..32 => value >> bit & 1 != 0,
        32..64 => value >> (bit - 32) & 1 == 0,
        _ => false,
    };
    let names: Vec<_> = pairs(list).filter(|(bit, _)| is_shown(*bit)).map(|(_, name)| name).collect();
    if names.is_empty() { format!("{value:#x}") } else { format!("{value:#x} ({})", names.join(" ")) }
}

fn enumeration(value: u64, list: &str) -> String {
    let name = pairs(list).find(|(number, _)| *number == value).map(|(_, name)| name);
    name.map_or_else(|| value.to_string(), |name| format!("{value} ({name})"))
}

/// `%lu`, `%d`, `0x%08lX`: flags and digits, then the letter of the conversion. `0x%08kX` occurs and means `l`.
fn integer(directive: &str, value: u64, size: usize) -> String {
    let digits: String =
        directive.chars().take_while(|letter| letter.is_ascii_digit() || ".-+# ".contains(*letter)).collect();
    let width = digits.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let width = width.rsplit('.').next().unwrap_or_default().parse::<usize>().unwrap_or(0).min(MOST_DIGITS);
    let is_padded = digits.contains('0') || digits.contains('.');
    let rest = &directive[digits.len()..];
    let conversion = rest.chars().find(|letter| "diuoxXc".contains(*letter));
    match conversion {
        Some('d' | 'i') => signed(value, size).to_string(),
        Some('u') => value.to_string(),
        Some('o') => format!("{value:o}"),
        Some('x') if is_padded => format!("{value:0width$x}"),
        Some('x') => format!("{value:x}"),
        Some('X') if is_padded => format!("{value:0width$X}"),
        Some('X') => format!("{value:X}"),
        Some('c') => char::from(value as u8).to_string(),
        _ => format!("{value:#x}"),
    }
}

fn signed(value: u64, size: usize) -> i64 {
    let unused = 64 - 8 * size.clamp(1, 8) as u32;
    (value << unused) as i64 >> unused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, bytes: &[u8], expected: &str) {
        assert_eq!(print(format, bytes), expected, "{format} {bytes:02x?}");
    }

    #[test]
    fn formats_of_real_files() {
        check("%s", b"coredll.dll\0\0\0junk", "coredll.dll");
        check("0x%08lX", &[0, 0xe0, 0xf4, 3], "0x03F4E000");
        check("0x%08kX", &[0x7c, 0x7d, 0x9c, 0x87], "0x879C7D7C");
        check("0x%.08x", &[0xca, 0xb9, 0x72, 0xa1], "0xa172b9ca");
        check("%lu", &[0, 0xe0, 0, 0], "57344");
        check("%d", &[0xff], "-1");
        check("%u", &[251], "251");
        check("%N{808534606=NB10,1396986706=RSDS}", b"RSDS", "1396986706 (RSDS)");
        check("%N{808534606=NB10,1396986706=RSDS}", &[7, 0, 0, 0], "7");
        check("%T{0=NoDllRef,1=Data,3=SearchPath,15=Kernel}", &[3, 0], "0x3 (NoDllRef Data)");
        check("%T{0=NoDllRef,1=Data}", &[0, 0], "0x0");
        check("%T{7=Slpg,39=Awak,0=Rung}", &[1, 0], "0x1 (Awak Rung)");
        check("%T{7=Slpg,39=Awak,0=Rung}", &[0x80, 0], "0x80 (Slpg)");
        let bytes = b"\x09\x1e\x77\x11\x30\x55\x64\x2d\x17\xf9\xb4\xd6\x17\xee\xb7\xf7";
        check("%U", bytes, "11771e09-5530-2d64-17f9-b4d617eeb7f7");
        check("", &[1, 0, 0x15], "01 00 15");
    }

    #[test]
    fn anything_else_is_shown_as_it_is() {
        check("%", &[1, 2], "0x201");
        check("%q", &[1, 2], "0x201");
        check("%T", &[1], "0x1");
        check("%N{", &[1], "1");
        check("%T{99=Far,x=No,=,5}", &[1], "0x1");
        check("%99999999999999999999x", &[1], "1");
        check("%016lx", &[1; 9], "01 01 01 01 01 01 01 01 01");
        check("%lu", &[], "");
        check("%U", &[1, 2], "01 02");
        check("%s", b"caf\xe9", "caf\u{e9}");
        check("", &[0; 66], &format!("{} and 2 bytes more", vec!["00"; 64].join(" ")));
    }
}

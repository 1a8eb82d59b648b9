//! The bytes of an image by their address, whether it lies in a file or in memory.

use crate::pe::PeHeaders;
use vatlas_space::Rva;

/// Copies bytes of an image from an address on and tells how many there were: none where there are none, and fewer than
/// the buffer holds at the end of a piece.
pub type ReadImage<'a> = &'a dyn Fn(Rva, &mut [u8]) -> usize;

/// The bytes of an image file by their address when loaded, without relocation.
pub fn of_file<'a>(headers: &'a PeHeaders, file: &'a [u8]) -> impl Fn(Rva, &mut [u8]) -> usize + 'a {
    move |rva, buffer| {
        let bytes = file_bytes(headers, file, rva).unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        count
    }
}

/// Reads piece by piece until the buffer is full or nothing follows; tells how many bytes there were.
pub fn read_whole(read: ReadImage, rva: Rva, buffer: &mut [u8]) -> usize {
    let mut done = 0;
    while done < buffer.len() {
        let Some(at) = u32::try_from(done).ok().and_then(|done| rva.checked_add(done)) else { break };
        let count = read(at, &mut buffer[done..]).min(buffer.len() - done);
        if count == 0 {
            break;
        }
        done += count;
    }
    done
}

fn file_bytes<'a>(headers: &PeHeaders, file: &'a [u8], rva: Rva) -> Option<&'a [u8]> {
    let (offset, rest) = if rva.0 < headers.size_of_headers {
        (u64::from(rva.0), headers.size_of_headers - rva.0)
    } else {
        let section = headers.section_at(rva)?;
        let skipped = rva.offset_from(section.rva)?;
        (section.file_offset.0 + u64::from(skipped), section.file_size.checked_sub(skipped)?)
    };
    let bytes = file.get(usize::try_from(offset).ok()?..)?;
    Some(&bytes[..bytes.len().min(rest as usize)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_fixtures::pe::{Image, Machine};

    #[test]
    fn sections_lie_elsewhere_in_the_file() {
        let image = Image::new(Machine::I386, 0x1000_0000).section(".text", 0x6000_0020, b"abcdef".to_vec(), 0x2000);
        let file = image.section(".data", 0xc000_0040, b"uvwxyz".to_vec(), 0).file();
        let headers = PeHeaders::read(&file).unwrap();
        let read = of_file(&headers, &file);
        let bytes = |rva| {
            let mut buffer = [0; 4];
            let count = read_whole(&read, Rva(rva), &mut buffer);
            buffer[..count].to_vec()
        };
        assert_eq!(bytes(0)[..2], *b"MZ");
        assert_eq!(bytes(0x1002), b"cdef");
        assert_eq!(bytes(0x3000), b"uvwx");
        assert_eq!(bytes(0x11fe).len(), 2, "the rest of the section is zero and not in the file");
        assert_eq!(bytes(0x1800), b"");
        assert_eq!(bytes(u32::MAX), b"");
    }
}

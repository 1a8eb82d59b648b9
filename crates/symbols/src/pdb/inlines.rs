//! Binary annotations: the little program that says which code of a function comes from one that was inlined.
//!
//! Numbers are packed: `0xxxxxxx`, `10xxxxxx` and a byte, `110xxxxx` and three bytes; signed ones have their sign in
//! bit 0. Opcodes: `BinaryAnnotationOpcode` of `cvinfo.h`.

use super::{
    addresses::Linked,
    c13::C13,
    lines::{FileName, LineRow, line_number},
    reader::Reader,
};

/// The state of the program: the next code and the line that it comes from.
struct Machine<'a> {
    reader: Reader<'a>,
    start: Linked,
    offset: u32,
    file: FileName,
    line: u32,
    /// A row whose end is not told yet.
    open: Option<LineRow>,
    rows: Vec<LineRow>,
}

/// The code of an inlined function that begins at `line` of `file`, in a function that begins at `start`.
pub(super) fn rows(annotations: &[u8], start: Linked, file: u32, line: u32, c13: &C13<'_>) -> Vec<LineRow> {
    let reader = Reader::new(annotations);
    let mut machine = Machine { reader, start, offset: 0, file: c13.file(file), line, open: None, rows: Vec::new() };
    while machine.step(c13).is_some() {}
    machine.rows.retain(|row| row.start < row.end);
    machine.rows
}

impl Machine<'_> {
    /// One instruction; `None` at the end and at what is not understood.
    fn step(&mut self, c13: &C13<'_>) -> Option<()> {
        match self.number()? {
            // code offset
            1 => self.offset = self.number()?,
            // code in another chunk of a function in pieces: where that is, is not told
            2 => return (self.number()? == 0).then_some(()),
            // code offset by
            3 => {
                self.offset = self.offset.checked_add(self.number()?)?;
                self.open_row();
            }
            // length of the code
            4 => {
                let length = self.number()?;
                self.offset = self.offset.checked_add(length)?;
                self.close_row(self.offset);
            }
            5 => self.file = c13.file(self.number()?),
            6 => self.line = self.line.wrapping_add_signed(signed(self.number()?)),
            // lines, statement or expression, start column, end column by, end column
            7..=10 | 13 => drop(self.number()?),
            // code offset by and line by
            11 => {
                let both = self.number()?;
                self.line = self.line.wrapping_add_signed(signed(both >> 4));
                self.offset = self.offset.checked_add(both & 0xf)?;
                self.open_row();
            }
            // length of the code that begins at code offset by
            12 => {
                let (length, by) = (self.number()?, self.number()?);
                self.offset = self.offset.checked_add(by)?;
                self.open_row();
                self.close_row(self.offset.checked_add(length)?);
            }
            // 0 is padding
            _ => return None,
        }
        Some(())
    }

    fn open_row(&mut self) {
        self.close_row(self.offset);
        let start = self.start.saturating_add(self.offset);
        self.open = Some(LineRow { start, end: start, file: self.file, line: line_number(self.line) });
    }

    fn close_row(&mut self, end: u32) {
        if let Some(row) = self.open.take() {
            self.rows.push(LineRow { end: self.start.saturating_add(end), ..row });
        }
    }

    fn number(&mut self) -> Option<u32> {
        let first = u32::from(self.reader.u8()?);
        if first & 0x80 == 0 {
            return Some(first);
        }
        let second = u32::from(self.reader.u8()?);
        if first & 0x40 == 0 {
            return Some((first & 0x3f) << 8 | second);
        }
        let (third, fourth) = (u32::from(self.reader.u8()?), u32::from(self.reader.u8()?));
        (first & 0x20 == 0).then_some((first & 0x1f) << 24 | second << 16 | third << 8 | fourth)
    }
}

fn signed(number: u32) -> i32 {
    let value = i32::try_from(number >> 1).unwrap_or(0);
    if number & 1 == 0 { value } else { -value }
}

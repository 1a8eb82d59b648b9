//! The state in which one instruction is executed, as both sides of the pipe know it.

use std::io::{self, Read, Write};

/// Linear address of the code.
pub const CODE: u32 = 0x1_0000;
/// Linear address of the data.
pub const DATA: u32 = 0x2_0000;
/// Bytes of data.
pub const DATA_BYTES: usize = 512;

/// A state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where the next instruction is; only in answers.
    pub eip: u32,
    /// Whether the instruction faulted; only in answers.
    pub has_faulted: bool,
    /// The instruction, padded with `nop`.
    pub code: [u8; 16],
    /// EAX to EDI.
    pub gpr: [u32; 8],
    /// EFLAGS.
    pub eflags: u32,
    /// Memory.
    pub data: [u8; DATA_BYTES],
    /// XMM0 to XMM7.
    pub xmm: [u128; 8],
    /// MXCSR.
    pub mxcsr: u32,
    /// x87 control word.
    pub control: u16,
    /// x87 status word.
    pub status: u16,
    /// ST0 to ST7: mantissa, and sign with exponent.
    pub st: [(u64, u16); 8],
}

impl Default for Record {
    fn default() -> Self {
        Self {
            eip: 0,
            has_faulted: false,
            code: [0x90; 16],
            gpr: [0; 8],
            eflags: 2,
            data: [0; DATA_BYTES],
            xmm: [0; 8],
            mxcsr: 0x1f80,
            control: 0x37f,
            status: 0,
            st: [(0, 0); 8],
        }
    }
}

impl Record {
    /// Writes it for the other side.
    ///
    /// # Errors
    /// When the pipe is broken.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.code.to_vec();
        self.gpr.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes.extend(self.eflags.to_le_bytes());
        bytes.extend(self.data);
        self.xmm.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes.extend(self.mxcsr.to_le_bytes());
        bytes.extend(self.control.to_le_bytes());
        bytes.extend(self.status.to_le_bytes());
        for (mantissa, sign_exponent) in self.st {
            bytes.extend(mantissa.to_le_bytes());
            bytes.extend(sign_exponent.to_le_bytes());
        }
        out.write_all(&bytes)?;
        out.flush()
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// When the pipe is broken.
    pub fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut record = Self { eip: u32::from_le_bytes(take(input)?), ..Self::default() };
        record.has_faulted = take::<1>(input)? != [0];
        record.code = take(input)?;
        for value in &mut record.gpr {
            *value = u32::from_le_bytes(take(input)?);
        }
        record.eflags = u32::from_le_bytes(take(input)?);
        record.data = take(input)?;
        for value in &mut record.xmm {
            *value = u128::from_le_bytes(take(input)?);
        }
        record.mxcsr = u32::from_le_bytes(take(input)?);
        record.control = u16::from_le_bytes(take(input)?);
        record.status = u16::from_le_bytes(take(input)?);
        for value in &mut record.st {
            *value = (u64::from_le_bytes(take(input)?), u16::from_le_bytes(take(input)?));
        }
        Ok(record)
    }
}

fn take<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

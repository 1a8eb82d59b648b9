//! Random instructions and random states to execute them in.

use super::record::{DATA, DATA_BYTES, Record};

/// Numbers that look random and are the same every time (xorshift64*, Vigna 2016).
pub struct Random {
    state: u64,
    /// Operands in memory lie at multiples of 16.
    pub is_aligned: bool,
}

impl Random {
    /// Starts with a number that is not 0.
    pub fn new(state: u64) -> Self {
        Self { state, is_aligned: false }
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit.max(1)
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// 32 bits that are often at an edge.
    fn word(&mut self) -> u32 {
        const EDGES: [u32; 10] = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
        match self.below(4) {
            0 => EDGES[self.below(EDGES.len())],
            1 => self.next() as u32 & 0xff,
            _ => self.next() as u32,
        }
    }

    /// The bits of a double that is often special.
    fn double(&mut self) -> u64 {
        const SPECIAL: [f64; 8] = [0.0, -0.0, 1.0, -1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 2147483648.0];
        match self.below(8) {
            0 => SPECIAL[self.below(SPECIAL.len())].to_bits(),
            1 => self.next(),
            2 => self.next() >> 12,
            _ => ((self.next() as i32 as f64) / f64::from(1 + (self.next() as u32 >> self.below(31)))).to_bits(),
        }
    }

    fn single(&mut self) -> u32 {
        match self.below(6) {
            0 => self.next() as u32,
            _ => (f64::from_bits(self.double()) as f32).to_bits(),
        }
    }

    fn quad(&mut self) -> u64 {
        match self.below(3) {
            0 => self.double(),
            1 => u64::from(self.single()) << 32 | u64::from(self.single()),
            _ => u64::from(self.word()) << 32 | u64::from(self.word()),
        }
    }

    /// An x87 register: a double widened, with more bits below.
    fn extended(&mut self) -> (u64, u16) {
        let bits = self.double();
        let (sign, exponent, fraction) = ((bits >> 48) as u16 & 0x8000, (bits >> 52) as u16 & 0x7ff, bits << 12 >> 12);
        match exponent {
            0 if self.is_one_in(2) => (fraction, sign),
            0 => (0, sign),
            0x7ff => (1 << 63 | fraction << 11, sign | 0x7fff),
            _ => (1 << 63 | fraction << 11 | self.next() >> 53, sign | (exponent + 16383 - 1023)),
        }
    }

    /// A state. ESP, ESI and EDI point into the data, the other registers hold anything; ECX is often small.
    pub fn record(&mut self) -> Record {
        let mut record = Record::default();
        for register in &mut record.gpr {
            *register = self.word();
        }
        let step = if self.is_aligned { !15 } else { !3 };
        for register in [4, 5, 6, 7] {
            record.gpr[register] = DATA + 128 + (self.below(64) as u32 & step);
        }
        if self.is_one_in(2) {
            record.gpr[1] &= 15;
        }
        record.eflags = self.next() as u32 & 0xcd5 | 2;
        for piece in record.data.chunks_exact_mut(8) {
            piece.copy_from_slice(&self.quad().to_le_bytes());
        }
        for register in &mut record.xmm {
            *register = u128::from(self.quad()) << 64 | u128::from(self.quad());
        }
        let rounding = if self.is_one_in(3) { self.below(4) as u32 } else { 0 };
        record.mxcsr = 0x1f80 | if self.is_one_in(2) { 0x20 } else { 0 } | rounding << 13;
        let precision = [0x300, 0x200, 0x300, 0x000][self.below(4)];
        record.control = 0x7f | precision | (rounding as u16) << 10;
        record.status = (self.below(8) as u16) << 11;
        for register in &mut record.st {
            *register = self.extended();
        }
        record
    }

    /// Bytes of an instruction by its notation.
    pub fn encode(&mut self, notation: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in notation.split_whitespace() {
            match word.split_at(word.len().min(2)) {
                ("ib", "7") => bytes.push(self.below(8) as u8),
                ("ib", _) => bytes.push(self.word() as u8),
                ("iw", _) => bytes.extend((self.below(64) as u16).to_le_bytes()),
                ("id", _) => bytes.extend(self.word().to_le_bytes()),
                ("cd", _) => bytes.extend((self.below(100) as u32).to_le_bytes()),
                ("cb", _) => bytes.push(self.below(100) as u8),
                (opcode, "+r") => bytes.push(u8::from_str_radix(opcode, 16).unwrap_or(0x90) + self.below(8) as u8),
                _ if word.starts_with('/') => self.push_operands(word, &mut bytes),
                (opcode, _) => bytes.push(u8::from_str_radix(opcode, 16).unwrap_or(0x90)),
            }
        }
        bytes
    }

    /// ModRM, SIB and displacement: a register, an absolute address in the data, or one relative to ESI or EDI.
    fn push_operands(&mut self, word: &str, bytes: &mut Vec<u8>) {
        let digit = word.bytes().last().filter(u8::is_ascii_digit).map(|digit| digit - b'0');
        let reg = digit.unwrap_or_else(|| self.below(8) as u8) << 3;
        let is_memory = word.contains('m') || !word.contains('x') && self.is_one_in(2);
        if !is_memory {
            // The upper two registers of the x87 are empty.
            let registers = if matches!(bytes.first(), Some(0xd8..=0xdf)) { 6 } else { 8 };
            bytes.push(0xc0 | reg | self.below(registers) as u8);
            return;
        }
        let mut offset = self.below(DATA_BYTES - 128) as u32;
        if self.is_aligned || !self.is_one_in(4) {
            offset &= !15;
        }
        let step = if self.is_aligned { !15 } else { !3 };
        match self.below(3) {
            0 => {
                bytes.push(reg | 5);
                bytes.extend((DATA + offset).to_le_bytes());
            }
            1 => bytes.extend([0x40 | reg | 6 | self.below(2) as u8, (self.below(64) as u8) & step]),
            // [base + 0 * index]: no index, base ESI.
            _ => bytes.extend([0x44 | reg, 0x26, (self.below(64) as u8) & step]),
        }
    }
}

//! The instructions that are compared, in the notation of the Intel manual, with what is left out of the comparison.
//! This file is a table.
//!
//! `/r` is a register and a register or memory, `/0` to `/7` an extension and a register or memory, `/m` and `/m0` to
//! `/m7` the same with memory only, `/x` and `/x0` to `/x7` with a register only; `+r` a register in the opcode; `ib`,
//! `iw`, `id` an immediate; `cb`, `cd` a short distance; `ib7` a
//! number up to 7.

/// Undefined flags, as bits of EFLAGS.
pub const CF: u32 = 1;
/// Parity.
pub const PF: u32 = 4;
/// Adjust.
pub const AF: u32 = 0x10;
/// Zero.
pub const ZF: u32 = 0x40;
/// Sign.
pub const SF: u32 = 0x80;
/// Overflow.
pub const OF: u32 = 0x800;

/// A family: its encodings and the flags that the manual leaves undefined.
pub struct Family {
    /// What it is called in the result.
    pub name: &'static str,
    /// Encodings, separated by commas.
    pub encodings: &'static str,
    /// Flags that are not compared.
    pub undefined: u32,
}

const fn family(name: &'static str, encodings: &'static str, undefined: u32) -> Family {
    Family { name, encodings, undefined }
}

/// All families.
pub const FAMILIES: &[Family] = &[
    family(
        "add",
        "00 /r,01 /r,02 /r,03 /r,04 ib,05 id,66 01 /r,66 03 /r,66 05 iw,80 /0 ib,81 /0 id,83 /0 ib,66 81 /0 iw,66 83 /0 ib",
        0,
    ),
    family("or", "08 /r,09 /r,0A /r,0B /r,0C ib,0D id,66 09 /r,66 0B /r,80 /1 ib,81 /1 id,83 /1 ib,66 81 /1 iw", AF),
    family("adc", "10 /r,11 /r,12 /r,13 /r,14 ib,15 id,66 11 /r,66 13 /r,80 /2 ib,81 /2 id,83 /2 ib,66 83 /2 ib", 0),
    family("sbb", "18 /r,19 /r,1A /r,1B /r,1C ib,1D id,66 19 /r,66 1B /r,80 /3 ib,81 /3 id,83 /3 ib,66 83 /3 ib", 0),
    family("and", "20 /r,21 /r,22 /r,23 /r,24 ib,25 id,66 21 /r,66 23 /r,80 /4 ib,81 /4 id,83 /4 ib,66 81 /4 iw", AF),
    family("sub", "28 /r,29 /r,2A /r,2B /r,2C ib,2D id,66 29 /r,66 2B /r,80 /5 ib,81 /5 id,83 /5 ib,66 83 /5 ib", 0),
    family("xor", "30 /r,31 /r,32 /r,33 /r,34 ib,35 id,66 31 /r,66 33 /r,80 /6 ib,81 /6 id,83 /6 ib,66 81 /6 iw", AF),
    family("cmp", "38 /r,39 /r,3A /r,3B /r,3C ib,3D id,66 39 /r,66 3B /r,80 /7 ib,81 /7 id,83 /7 ib,66 83 /7 ib", 0),
    family("test", "84 /r,85 /r,66 85 /r,A8 ib,A9 id,F6 /0 ib,F7 /0 id,66 F7 /0 iw", AF),
    family(
        "inc, dec, neg, not",
        "40+r,48+r,66 40+r,66 48+r,FE /0,FE /1,FF /0,FF /1,66 FF /0,F6 /2,F7 /2,F6 /3,F7 /3,66 F7 /3",
        0,
    ),
    family(
        "mul, imul",
        "F6 /4,F7 /4,66 F7 /4,F6 /5,F7 /5,66 F7 /5,0F AF /r,66 0F AF /r,69 /r id,6B /r ib,66 69 /r iw",
        SF | ZF | AF | PF,
    ),
    family("div, idiv", "F6 /6,F7 /6,66 F7 /6,F6 /7,F7 /7,66 F7 /7", CF | PF | AF | ZF | SF | OF),
    family("shifts by 1", "D0 /4,D1 /4,66 D1 /4,D0 /5,D1 /5,66 D1 /5,D0 /7,D1 /7,66 D1 /7", AF),
    family("shifts", "C1 /4 ib,D3 /4,C1 /5 ib,D3 /5,C1 /7 ib,D3 /7", AF | OF),
    family(
        "shifts of 8 and 16 bits",
        "C0 /4 ib,66 C1 /4 ib,D2 /4,C0 /5 ib,66 C1 /5 ib,D2 /5,C0 /7 ib,D2 /7",
        AF | OF | CF,
    ),
    family("rotations by 1", "D0 /0,D1 /0,66 D1 /0,D0 /1,D1 /1,D0 /2,D1 /2,66 D1 /2,D0 /3,D1 /3,66 D1 /3", 0),
    family(
        "rotations",
        "C0 /0 ib,C1 /0 ib,66 C1 /0 ib,D3 /0,C0 /1 ib,C1 /1 ib,D3 /1,C0 /2 ib,C1 /2 ib,66 C1 /2 ib,D3 /2,C0 /3 ib,C1 /3 ib,66 D3 /3",
        OF,
    ),
    family("shld, shrd", "0F A4 /r ib,0F A5 /r,0F AC /r ib,0F AD /r", AF | OF),
    family(
        "bt, bts, btr, btc",
        "0F A3 /r,0F AB /x,0F B3 /x,0F BB /x,0F BA /4 ib,0F BA /5 ib,0F BA /6 ib,0F BA /7 ib,66 0F BA /5 ib",
        OF | SF | AF | PF,
    ),
    family("bsf, bsr", "0F BC /r,0F BD /r,66 0F BC /r,66 0F BD /r", CF | OF | SF | AF | PF),
    family(
        "bswap, xchg, xadd, cmpxchg",
        "0F C8+r,86 /r,87 /r,66 87 /r,90+r,0F C0 /r,0F C1 /r,0F B0 /r,0F B1 /r,66 0F B1 /r,0F C7 /m1",
        0,
    ),
    family(
        "mov, movzx, movsx, lea",
        "88 /r,89 /r,8A /r,8B /r,66 89 /r,C6 /0 ib,C7 /0 id,B0+r ib,B8+r id,0F B6 /r,0F B7 /r,0F BE /r,0F BF /r,66 0F B6 /r,66 0F BE /r,8D /m,66 8D /m",
        0,
    ),
    family(
        "setcc",
        "0F 90 /0,0F 91 /0,0F 92 /0,0F 93 /0,0F 94 /0,0F 95 /0,0F 96 /0,0F 97 /0,0F 98 /0,0F 99 /0,0F 9A /0,0F 9B /0,0F 9C /0,0F 9D /0,0F 9E /0,0F 9F /0",
        0,
    ),
    family(
        "cmovcc",
        "0F 40 /r,0F 41 /r,0F 42 /r,0F 43 /r,0F 44 /r,0F 45 /r,0F 46 /r,66 0F 47 /r,0F 48 /r,0F 4A /r,0F 4C /r,0F 4D /r,0F 4E /r,0F 4F /r",
        0,
    ),
    family(
        "jcc, jmp, loop, call",
        "70 cb,71 cb,72 cb,73 cb,74 cb,75 cb,76 cb,77 cb,78 cb,79 cb,7A cb,7B cb,7C cb,7D cb,7E cb,7F cb,EB cb,E0 cb,E1 cb,E2 cb,E3 cb,E8 cd",
        0,
    ),
    family("cbw, cwd, lahf, sahf, clc ...", "98,66 98,99,66 99,9E,9F,F5,F8,F9,FC,FD,90,D7", 0),
    family("daa, das", "27,2F", OF),
    family("aaa, aas", "37,3F", OF | SF | ZF | PF),
    family("aam, aad", "D4 ib,D5 ib", OF | AF | CF),
    family(
        "push, pop, leave, enter",
        "50+r,58+r,68 id,6A ib,FF /6,8F /0,60,61,C9,66 50+r,66 58+r,C8 iw 00,66 68 iw",
        0,
    ),
    family("strings", "A4,A5,66 A5,AA,AB,AC,AD,A6,A7,AE,AF,F3 A4,F3 A5,F3 AB,F3 A6,F2 A6,F3 AE,F2 AE,F2 AF", 0),
    family(
        "x87 arithmetic in memory",
        "D8 /m0,D8 /m1,D8 /m4,D8 /m5,D8 /m6,D8 /m7,DC /m0,DC /m1,DC /m4,DC /m5,DC /m6,DC /m7,DA /m0,DA /m1,DA /m4,DA /m5,DA /m6,DE /m0,DE /m1,DE /m6",
        0,
    ),
    family(
        "x87 arithmetic",
        "D8 /x0,D8 /x1,D8 /x4,D8 /x5,D8 /x6,D8 /x7,DC /x0,DC /x1,DC /x4,DC /x5,DC /x6,DC /x7,DE /x0,DE /x1,DE /x4,DE /x5,DE /x6,DE /x7,D9 E0,D9 E1,D9 FA,D9 FC",
        0,
    ),
    family("x87 comparisons", "D8 /x2,D8 /x3,D8 /m2,DC /m3,DA /m2,DE /m3,DE D9,DA E9,DD /x4,DD /x5,D9 E4,D9 E5", 0),
    family(
        "x87 loads and stores",
        "D9 /m0,DD /m0,DB /m5,DF /m0,DB /m0,DF /m5,D9 /m2,D9 /m3,DD /m2,DD /m3,DB /m7,DB /m2,DB /m3,DF /m2,DF /m3,DF /m7,D9 /x0,D9 /x1,DD /x2,DD /x3,D9 E8,D9 EE,DA /x0,DA /x1,DA /x2,DA /x3,DB /x0,DB /x1,DB /x2,DB /x3",
        0,
    ),
    // Not here: `fxtract` of denormal numbers, `fscale` with reduced precision and `fprem`, which Unicorn 2.1 computes in
    // double precision. All are compared with the host's own processor in crates/machine/tests/host.rs.
    family(
        "SSE arithmetic, singles",
        "0F 58 /r,0F 59 /r,0F 5C /r,0F 5E /r,0F 51 /r,0F 5D /r,0F 5F /r,F3 0F 58 /r,F3 0F 59 /r,F3 0F 5C /r,F3 0F 5E /r,F3 0F 51 /r,F3 0F 5D /r,F3 0F 5F /r",
        0,
    ),
    family(
        "SSE2 arithmetic, doubles",
        "66 0F 58 /r,66 0F 59 /r,66 0F 5C /r,66 0F 5E /r,66 0F 51 /r,66 0F 5D /r,66 0F 5F /r,F2 0F 58 /r,F2 0F 59 /r,F2 0F 5C /r,F2 0F 5E /r,F2 0F 51 /r,F2 0F 5D /r,F2 0F 5F /r",
        0,
    ),
    family(
        "SSE comparisons",
        "0F C2 /r ib7,66 0F C2 /r ib7,F3 0F C2 /r ib7,F2 0F C2 /r ib7,0F 2E /r,66 0F 2E /r,0F 2F /r,66 0F 2F /r",
        0,
    ),
    family(
        "SSE conversions",
        "F3 0F 2A /r,F2 0F 2A /r,F3 0F 2D /r,F2 0F 2D /r,F3 0F 2C /r,F2 0F 2C /r,F3 0F 5A /r,F2 0F 5A /r,0F 5A /r,66 0F 5A /r,0F 5B /r,66 0F 5B /r,F3 0F 5B /r,F3 0F E6 /r,F2 0F E6 /r,66 0F E6 /r",
        0,
    ),
    family(
        "SSE moves",
        "0F 28 /r,0F 29 /r,66 0F 28 /r,0F 10 /r,0F 11 /r,66 0F 10 /r,F3 0F 10 /r,F3 0F 11 /r,F2 0F 10 /r,F2 0F 11 /r,66 0F 6F /r,66 0F 7F /r,F3 0F 6F /r,F3 0F 7F /r,66 0F 6E /r,66 0F 7E /r,F3 0F 7E /r,66 0F D6 /r,0F 12 /r,0F 13 /m,0F 16 /r,0F 17 /m,66 0F 12 /m,66 0F 16 /m,0F 50 /x,66 0F 50 /x,66 0F D7 /x,0F C3 /m,66 0F E7 /m",
        0,
    ),
    family(
        "SSE logic and shuffles",
        "0F 54 /r,0F 55 /r,0F 56 /r,0F 57 /r,66 0F 54 /r,66 0F DB /r,66 0F DF /r,66 0F EB /r,66 0F EF /r,0F C6 /r ib,66 0F C6 /r ib,66 0F 70 /r ib,F2 0F 70 /r ib,F3 0F 70 /r ib,0F 14 /r,0F 15 /r,66 0F 14 /r,66 0F 15 /r,66 0F 60 /r,66 0F 61 /r,66 0F 62 /r,66 0F 6C /r,66 0F 68 /r,66 0F 69 /r,66 0F 6A /r,66 0F 6D /r,66 0F C4 /r ib,66 0F C5 /x ib",
        0,
    ),
    family(
        "SSE2 integers",
        "66 0F FC /r,66 0F FD /r,66 0F FE /r,66 0F D4 /r,66 0F F8 /r,66 0F F9 /r,66 0F FA /r,66 0F FB /r,66 0F EC /r,66 0F ED /r,66 0F DC /r,66 0F DD /r,66 0F E8 /r,66 0F E9 /r,66 0F D8 /r,66 0F D9 /r,66 0F D5 /r,66 0F E5 /r,66 0F E4 /r,66 0F F4 /r,66 0F F5 /r,66 0F F6 /r,66 0F E0 /r,66 0F E3 /r,66 0F DA /r,66 0F DE /r,66 0F EA /r,66 0F EE /r,66 0F 74 /r,66 0F 75 /r,66 0F 76 /r,66 0F 64 /r,66 0F 65 /r,66 0F 66 /r,66 0F 63 /r,66 0F 67 /r,66 0F 6B /r",
        0,
    ),
    family(
        "SSE2 shifts",
        "66 0F F1 /r,66 0F F2 /r,66 0F F3 /r,66 0F D1 /r,66 0F D2 /r,66 0F D3 /r,66 0F E1 /r,66 0F E2 /r,66 0F 71 /x6 ib,66 0F 72 /x6 ib,66 0F 73 /x6 ib,66 0F 71 /x2 ib,66 0F 72 /x2 ib,66 0F 73 /x2 ib,66 0F 71 /x4 ib,66 0F 72 /x4 ib,66 0F 73 /x7 ib,66 0F 73 /x3 ib",
        0,
    ),
];

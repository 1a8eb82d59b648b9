//! The KData page of Windows CE: which field lies at an offset (ARM layout of CE .NET 4.2 to 5.x).
//!
//! Base `FFFFC800` on ARM, `00005800` on other processors as user code sees it; 0x400 bytes. Source: layouts published
//! in open tools, checked against dumps of CE 5.2.

use vatlas_space::Va;

/// Where the page is on ARM.
pub const KDATA_ARM: Va = Va(0xffff_c800);

/// Where user code sees the page on x86, MIPS and SH.
pub const KDATA_OTHER: Va = Va(0x5800);

/// Bytes of the page.
pub const KDATA_SIZE: u64 = 0x400;

/// A field of the page and how far into it an address points.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KDataField {
    /// Name in the published layout, with an index for an array: `aSections[12]`.
    pub name: String,
    /// What it holds, when more can be said than the name does.
    pub meaning: &'static str,
    /// Bytes from the start of the field.
    pub offset: u64,
}

/// Offset, bytes of one element, number of elements, name, meaning.
const FIELDS: &[(u64, u64, u64, &str, &str)] = &[
    (0x000, 4, 1, "lpvTls", "TLS block of the current thread"),
    (0x004, 4, 32, "ahSys", "system handles"),
    (0x084, 1, 1, "bResched", "a reschedule is wanted"),
    (0x085, 1, 1, "cNest", "nesting of the kernel"),
    (0x086, 1, 1, "bPowerOff", "power off is wanted"),
    (0x087, 1, 1, "bProfileOn", "profiling is on"),
    (0x090, 4, 1, "pCurPrc", "current process structure"),
    (0x094, 4, 1, "pCurThd", "current thread structure"),
    (0x098, 4, 1, "dwKCRes", ""),
    (0x09c, 4, 1, "handleBase", "base of handle data"),
    (0x0a0, 4, 64, "aSections", "block table of the slot of this number"),
    (0x1a0, 4, 32, "alpeIntrEvents", "event of an interrupt"),
    (0x220, 4, 32, "alpvIntrData", "data of an interrupt"),
    (0x2a0, 4, 1, "pAPIReturn", "where API calls return to"),
    (0x2a4, 4, 1, "pMap", ""),
    (0x2a8, 4, 1, "dwInDebugger", ""),
    (0x2ac, 4, 1, "pCurFPUOwner", "thread that owns the floating-point registers"),
    (0x2b0, 4, 1, "pCpuASIDPrc", ""),
    (0x2b4, 4, 1, "nMemForPT", "memory used for page tables"),
    (0x300, 4, 32, "aInfo", "system information"),
    (0x380, 1, 0x80, "interlocked API code", "code"),
];

/// Names of the known entries of `ahSys` and `aInfo`.
const NAMED: &[(&str, u64, &str)] = &[
    ("ahSys", 1, "current thread handle"),
    ("ahSys", 2, "current process handle"),
    ("aInfo", 0, "process array"),
    ("aInfo", 1, "page size"),
    ("aInfo", 2, "shift of page frame numbers (KINX_PFN_SHIFT)"),
    ("aInfo", 3, "mask of page frame numbers (KINX_PFN_MASK)"),
    ("aInfo", 4, "free pages (KINX_PAGEFREE)"),
    ("aInfo", 5, "pages of the system (KINX_SYSPAGES)"),
    ("aInfo", 6, "kernel heap (KINX_KHEAP)"),
    ("aInfo", 7, "address of the slot table"),
    ("aInfo", 8, "memory information (KINX_MEMINFO)"),
    ("aInfo", 9, "head of the module list"),
    ("aInfo", 10, "lowest DLL address (KINX_DLL_LOW)"),
    ("aInfo", 11, "pages of RAM (KINX_NUMPAGES)"),
    ("aInfo", 12, "ROM table of contents"),
    ("aInfo", 13, "address of this page"),
    ("aInfo", 14, "heap information of gwes.exe (KINX_GWESHEAPINFO)"),
    ("aInfo", 15, "bias of the time zone (KINX_TIMEZONEBIAS)"),
    ("aInfo", 16, "pending events (KINX_PENDEVENTS)"),
    ("aInfo", 17, "kernel reserve (KINX_KERNRESERVE)"),
    ("aInfo", 18, "API mask"),
    ("aInfo", 19, "code pages (KINX_NLS_CP)"),
    ("aInfo", 20, "locale of the system (KINX_NLS_SYSLOC)"),
    ("aInfo", 21, "locale of the user (KINX_NLS_USERLOC)"),
    ("aInfo", 22, "heap waste (KINX_HEAP_WASTE)"),
    ("aInfo", 23, "debugger (KINX_DEBUGGER)"),
    ("aInfo", 24, "API sets"),
    ("aInfo", 25, "lowest number of free pages (KINX_MINPAGEFREE)"),
    ("aInfo", 26, "state of CeLog (KINX_CELOGSTATUS)"),
    ("aInfo", 27, "block table of NK.EXE (KINX_NKSECTION)"),
    ("aInfo", 28, "power events (KINX_PWR_EVTS)"),
    ("aInfo", 31, "signature (KINX_NKSIG)"),
];

/// The field at `va`, which must lie in the page at `base`; `None` outside or where no field is known.
pub fn field_at(base: Va, va: Va) -> Option<KDataField> {
    let at = va.offset_from(base).filter(|offset| *offset < KDATA_SIZE)?;
    let (start, size, count, name, meaning) =
        FIELDS.iter().rev().copied().find(|(start, size, count, ..)| (*start..start + size * count).contains(&at))?;
    if count == 1 || size == 1 {
        return Some(KDataField { name: name.into(), meaning, offset: at - start });
    }
    let index = (at - start) / size;
    let known = NAMED.iter().find(|(array, entry, _)| *array == name && *entry == index);
    Some(KDataField {
        name: format!("{name}[{index}]"),
        meaning: known.map_or(meaning, |(_, _, words)| words),
        offset: (at - start) % size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(va: u64, expected: Option<(&str, &str, u64)>) {
        let found = field_at(KDATA_ARM, Va(va));
        assert_eq!(found.as_ref().map(|field| (field.name.as_str(), field.meaning, field.offset)), expected, "{va:x}");
    }

    #[test]
    fn fields() {
        check(0xffff_c800, Some(("lpvTls", "TLS block of the current thread", 0)));
        check(0xffff_c808, Some(("ahSys[1]", "current thread handle", 0)));
        check(0xffff_c80e, Some(("ahSys[2]", "current process handle", 2)));
        check(0xffff_c888, None);
        check(0xffff_c8a0, Some(("aSections[0]", "block table of the slot of this number", 0)));
        check(0xffff_c99c, Some(("aSections[63]", "block table of the slot of this number", 0)));
        check(0xffff_cb28, Some(("aInfo[10]", "lowest DLL address (KINX_DLL_LOW)", 0)));
        check(0xffff_cbff, Some(("interlocked API code", "code", 0x7f)));
        check(0xffff_cc00, None);
        check(0xffff_c7ff, None);
    }
}

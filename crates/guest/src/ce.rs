//! The system of Windows CE that runs inside the machine, as files: `guest/ce/bin`, built from `guest/ce` by
//! `cargo xtask guest`. Names, exports and calls are those of devices; all code in them is ours.

macro_rules! images {
    ($($(#[doc = $about:literal])* $constant:ident $file:literal;)*) => {
        $($(#[doc = $about])* pub static $constant: &[u8] = include_bytes!(concat!("../../../guest/ce/bin/", $file));)*
    };
}

images! {
    /// What is in ROM of the kernel, whose code is the machine's own.
    NK "nk.exe";
    /// `coredll.dll`: the calls of the system and the C library.
    COREDLL "coredll.dll";
    /// `filesys.exe`: files; starts the other programs.
    FILESYS "filesys.exe";
    /// `device.exe`: drivers.
    DEVICE "device.exe";
    /// `gwes.exe`: windows, without a screen.
    GWES "gwes.exe";
    /// `shell.exe`.
    SHELL "shell.exe";
    /// `clock.exe`: computes while nobody else does.
    CLOCK "clock.exe";
    /// `battery.exe`: sleeps and counts.
    BATTERY "battery.exe";
    /// `notes.exe`: keeps a file in the object store.
    NOTES "notes.exe";
}

/// A system: file names and bytes, in the order in which they stand in ROM.
pub static SYSTEM: &[(&str, &[u8])] = &[
    ("nk.exe", NK),
    ("coredll.dll", COREDLL),
    ("filesys.exe", FILESYS),
    ("device.exe", DEVICE),
    ("gwes.exe", GWES),
    ("shell.exe", SHELL),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_of_windows_ce() {
        let others: [(&str, &[u8]); 3] = [("clock.exe", CLOCK), ("battery.exe", BATTERY), ("notes.exe", NOTES)];
        for (name, bytes) in SYSTEM.iter().chain(&others) {
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let headers = word(0x3c) as usize;
            assert_eq!(word(headers + 8), 0, "{name}: a time stamp would make every build another file");
            assert_eq!(bytes[headers + 0x5c], 9, "{name}: subsystem");
            let base = if name.ends_with(".dll") { 0x1000_0000 } else { 0x1_0000 };
            assert_eq!(word(headers + 0x34), base, "{name}");
        }
    }
}

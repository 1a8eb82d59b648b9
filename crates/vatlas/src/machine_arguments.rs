//! What a machine is made of, on the command line: memory, page files, processors, the split of the address space.

use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;

/// Bytes of a frame.
const FRAME: u64 = 4096;
/// Least memory: the kernel, its tables and a program's working set.
const LEAST: u64 = 4 << 20;
/// Most memory: a 32-bit machine without PAE, less what devices take.
const MOST: u64 = 3 << 30;
/// Most pages of a page file: twenty bits of an entry.
const MOST_FILE: u64 = 4 << 30;

/// What the machine has.
#[derive(Args, Clone, Debug)]
pub struct MachineArgs {
    /// Physical memory
    #[arg(long, value_name = "SIZE", default_value = "32M", value_parser = size)]
    pub ram: u64,
    /// A page file on the host's disk, of a size or growing from one to another; up to 16 times
    #[arg(long = "pagefile", value_name = "SIZE[..SIZE]", value_parser = size_range)]
    pub page_files: Vec<SizeRange>,
    /// Folder where page files are made, and removed when the machine ends
    #[arg(long, value_name = "DIR")]
    pub pagefile_dir: Option<PathBuf>,
    /// Processors, 1 to 32
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub cpus: u8,
    /// 3 GB for programs that say they can use them, 1 GB for the system
    #[arg(long = "3gb")]
    pub three_gb: bool,
    /// With --3gb: so many MB for programs, 2048 to 3072
    #[arg(long, value_name = "MB", requires = "three_gb", value_parser = clap::value_parser!(u32).range(2048..=3072))]
    pub userva: Option<u32>,
    /// Folder that the program sees as C:\; without it, C:\ is empty and lies in memory
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Folder with DLLs of Windows that programs get in place of the machine's; those that belong to the kernel are
    /// refused
    #[arg(long, value_name = "DIR")]
    pub system_dlls: Option<PathBuf>,
    /// A driver (.sys), once for each: opening its device `\\.\NAME` loads it, NtLoadDriver too
    #[arg(long = "driver", value_name = "FILE")]
    pub drivers: Vec<PathBuf>,
    /// A driver that is loaded before any program
    #[arg(long = "boot-driver", value_name = "FILE")]
    pub boot_drivers: Vec<PathBuf>,
    /// Whether every process has the kernel half, as on NT, or only the kernel has it: then each system call changes CR3
    #[arg(long, value_name = "KIND", default_value = "shared")]
    pub kernel_space: KernelSpace,
    /// What random numbers begin with
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    pub seed: u64,
}

/// Who has the kernel half of addresses.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum KernelSpace {
    /// Every process.
    Shared,
    /// The kernel alone.
    Separate,
}

/// A page file's size, and how far it may grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeRange {
    /// At the start.
    pub initial: u64,
    /// At most.
    pub maximum: u64,
}

impl Default for MachineArgs {
    /// What a command line has that says nothing of the machine.
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            machine: MachineArgs,
        }
        <Alone as clap::Parser>::parse_from(["vatlas"]).machine
    }
}

impl MachineArgs {
    /// Frames of physical memory.
    ///
    /// # Errors
    /// Less than a kernel needs, or more than a machine can have.
    pub fn frames(&self) -> Result<u32, Failure> {
        if !(LEAST..=MOST).contains(&self.ram) {
            return Err(Failure::usage("--ram: a machine has 4 MB to 3 GB of physical memory"));
        }
        u32::try_from(self.ram / FRAME).map_err(|_| Failure::usage("--ram: too much"))
    }

    /// The first address that is not for programs.
    pub fn user_limit(&self) -> u32 {
        match (self.three_gb, self.userva) {
            (true, Some(megabytes)) => (megabytes << 20) & !0x3f_ffff,
            (true, None) => 0xc000_0000,
            (false, _) => 0x8000_0000,
        }
    }

    /// Initial and most pages of each page file.
    ///
    /// # Errors
    /// More page files, or larger ones, than entries can name.
    pub fn page_file_pages(&self) -> Result<Vec<(u32, u32)>, Failure> {
        if self.page_files.len() > 16 {
            return Err(Failure::usage("--pagefile: at most 16 page files; their number has four bits in an entry"));
        }
        let pages = |bytes: u64| u32::try_from(bytes / FRAME).ok().filter(|_| bytes <= MOST_FILE);
        let both = |range: &SizeRange| Some((pages(range.initial)?, pages(range.maximum)?));
        let all: Option<Vec<_>> = self.page_files.iter().map(both).collect();
        all.ok_or_else(|| Failure::usage("--pagefile: at most 4 GB; the place in it has twenty bits in an entry"))
    }
}

/// `32M`, `4096K`, `1G`, or bytes.
///
/// # Errors
/// The text is something else.
pub fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 1 << 10),
        Some((at, 'M' | 'm')) => (&text[..at], 1 << 20),
        Some((at, 'G' | 'g')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|number| number.checked_mul(unit)).ok_or_else(|| "a size is written 32M, 512K or 1G".to_owned())
}

/// `128M`, or `128M..256M`.
///
/// # Errors
/// The text is something else.
pub fn size_range(text: &str) -> Result<SizeRange, String> {
    let (initial, maximum) = text.split_once("..").unwrap_or((text, text));
    let (initial, maximum) = (size(initial)?, size(maximum)?);
    if maximum < initial {
        return Err("the second size is the larger one: 128M..256M".to_owned());
    }
    Ok(SizeRange { initial, maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(size(text).ok(), expected, "{text}");
        check("32M", Some(32 << 20));
        check("512k", Some(512 << 10));
        check("1G", Some(1 << 30));
        check("4096", Some(4096));
        check("", None);
        check("M", None);
        check("-1M", None);
        check("99999999999999999G", None);
    }

    #[test]
    fn page_files() {
        let check = |text: &str, expected: Option<(u64, u64)>| {
            assert_eq!(size_range(text).ok().map(|range| (range.initial, range.maximum)), expected, "{text}");
        };
        check("128M", Some((128 << 20, 128 << 20)));
        check("128M..256M", Some((128 << 20, 256 << 20)));
        check("256M..128M", None);
        check("..", None);
    }
}

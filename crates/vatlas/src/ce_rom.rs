//! ROM images of Windows CE made here: a plan, the system's own modules, the writer of `vatlas-images`.

mod plan;
mod toml_file;

pub use plan::Plan;

use crate::failure::Failure;
use vatlas_images::rom::write::{Placement, RomFileSource, RomSource, WrittenRom, write};
use vatlas_space::Va;

/// When everything in an image was written: 2005-02-28 12:00 UTC, so that equal plans give equal images.
const WRITTEN: u64 = 127_540_656_000_000_000;
/// `IMAGE_FILE_MACHINE_I386`.
const X86: u16 = 0x14c;
/// Memory for programs begins on such a boundary behind the image.
const RAM_UNIT: u64 = 0x1_0000;
/// The servers that filesys.exe starts first, each with the API set that shows that it is ready.
const SERVERS: [(&str, Option<u8>); 3] = [("device.exe", Some(22)), ("gwes.exe", Some(17)), ("shell.exe", None)];

/// An image that was made of a plan.
pub struct Built {
    /// The image.
    pub rom: WrittenRom,
    /// ROM DLLs that run in slot 0 although they were to run in slot 1.
    pub moved: Vec<String>,
}

/// Makes an image.
///
/// # Errors
/// A module cannot be placed, or nothing of the memory is left behind the image.
pub fn build(plan: &Plan) -> Result<Built, Failure> {
    let end = u64::from(plan.base & 0xff00_0000) + u64::from(plan.ram);
    let start = match plan.ram_start {
        Some(start) => u64::from(start),
        // What the image needs is known once it was made; where memory begins does not change its size.
        None => {
            let rom = write(&source(plan, 0x9000_0000, 0xa000_0000))?;
            (rom.base.0 + rom.bytes.len() as u64).next_multiple_of(RAM_UNIT)
        }
    };
    if start + 0x10_0000 > end {
        let failure = Failure::could_not(format!("the image and 1 MB behind it do not fit below {end:#010x}"));
        return Err(failure.hint("give the device more memory: ram = \"64M\" in [rom]"));
    }
    let rom = write(&source(plan, start, end))?;
    let wanted = plan.modules.iter().zip(&rom.modules);
    let moved = wanted.filter(|(module, placed)| {
        module.placement == Placement::Slot1 && placed.placement == Placement::Slot0 && !module.is_packed
    });
    let moved = moved.map(|(module, _)| module.name.clone()).collect();
    Ok(Built { rom, moved })
}

fn source(plan: &Plan, ram_start: u64, ram_end: u64) -> RomSource {
    let mut files = plan.files.clone();
    if !files.iter().any(|file| file.name.eq_ignore_ascii_case("launch.txt")) {
        let bytes = launch_list(plan).into_bytes();
        files.push(RomFileSource { name: "launch.txt".to_owned(), bytes, is_packed: false });
    }
    RomSource {
        base: Va(plan.base.into()),
        cpu: X86,
        ram: (Va(ram_start), Va(ram_end)),
        kernel_flags: plan.flags,
        form: plan.form,
        version: plan.version,
        file_time: WRITTEN,
        modules: plan.modules.clone(),
        files,
    }
}

/// What filesys.exe starts: the servers that are in the image and the programs of the plan.
fn launch_list(plan: &Plan) -> String {
    let has = |name: &str| plan.modules.iter().any(|module| module.name.eq_ignore_ascii_case(name));
    let mut list = String::new();
    for (name, set) in SERVERS.into_iter().filter(|(name, _)| has(name)) {
        list += &format!("{name}\n");
        list += &set.map(|set| format!("?{set}\n")).unwrap_or_default();
    }
    plan.launch.iter().for_each(|line| list += &format!("{line}\n"));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_images::rom::RomImage;

    #[test]
    fn the_standard_system_is_an_image() {
        let mut plan = Plan::standard();
        plan.add_module("battery.exe", vatlas_guest::ce::BATTERY.to_vec());
        plan.launch.push("battery.exe a b".to_owned());
        let built = build(&plan).unwrap();
        assert!(built.moved.is_empty());
        let image = RomImage::read(&built.rom.bytes).unwrap();
        assert_eq!(image.problems, []);
        let names: Vec<_> = image.modules().map(|(_, module)| module.name.as_str()).collect();
        let expected = ["nk.exe", "coredll.dll", "filesys.exe", "device.exe", "gwes.exe", "shell.exe", "battery.exe"];
        assert_eq!(names, expected);
        let list = image.files().next().unwrap();
        let text = image.file_contents(&built.rom.bytes, list).0;
        assert_eq!(text.as_ref(), b"device.exe\n?22\ngwes.exe\n?17\nshell.exe\nbattery.exe a b\n");
    }
}

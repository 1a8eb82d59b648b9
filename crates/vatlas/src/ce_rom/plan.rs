//! What a ROM image of Windows CE is to be made of: read from a TOML file, or the standard system with a program.

use super::toml_file::{Section, TomlFile};
use crate::{failure::Failure, machine_arguments, open::words};
use std::path::Path;
use vatlas_images::rom::{
    E32Form,
    write::{Placement, RomFileSource, RomModuleSource},
};

/// First address of the image where nothing else is said: 2 MB into the memory that CE maps for x86.
const BASE: u32 = 0x8020_0000;
/// The memory of the device where nothing else is said.
const RAM: u32 = 32 << 20;
/// No full-kernel mode: programs run in user mode.
const FLAGS: u32 = 2;

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// First address.
    pub base: u32,
    /// Bytes of memory, the image among them.
    pub ram: u32,
    /// First address of what is left for programs; `None`: behind the image.
    pub ram_start: Option<u32>,
    /// `ulKernelFlags`.
    pub flags: u32,
    /// The form of module headers.
    pub form: E32Form,
    /// The version that modules are said to be built for; `None`: the one that they were linked for.
    pub version: Option<(u16, u16)>,
    /// Whether ROM DLLs go to slot 1: from CE 4 on.
    pub has_slot_1: bool,
    /// Modules, the kernel first.
    pub modules: Vec<RomModuleSource>,
    /// Files.
    pub files: Vec<RomFileSource>,
    /// Programs that `filesys.exe` starts behind the servers, with their arguments.
    pub launch: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            base: BASE,
            ram: RAM,
            ram_start: None,
            flags: FLAGS,
            form: E32Form::Long,
            version: None,
            has_slot_1: true,
            modules: Vec::new(),
            files: Vec::new(),
            launch: Vec::new(),
        }
    }
}

impl Plan {
    /// The system that comes with this program: kernel, coredll, the servers and a shell.
    pub fn standard() -> Self {
        let mut plan = Self::default();
        plan.add_standard();
        plan
    }

    fn add_standard(&mut self) {
        for (name, bytes) in vatlas_guest::ce::SYSTEM {
            self.add_module(name, bytes.to_vec());
        }
    }

    /// Adds a module where modules of its name usually run.
    pub fn add_module(&mut self, name: &str, file: Vec<u8>) {
        let placement = self.place_of(name);
        self.modules.push(RomModuleSource { name: name.to_owned(), file, placement, is_packed: false });
    }

    /// Reads a plan; files are looked for from the plan's folder on.
    ///
    /// # Errors
    /// The plan has a mistake, told with line and key, or a file cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::could_not(format!("{}: {}", path.display(), words(&error))))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let failure = Failure::could_not(format!("{}: is no text", path.display()));
            failure.hint("a description of an image is a TOML file: vatlas rom build --help")
        })?;
        let name = path.display().to_string();
        let folder = path.parent().unwrap_or(Path::new(""));
        parse(&TomlFile { name: &name, text: &text }, folder)
    }

    /// Where a module of this name usually runs.
    fn place_of(&self, name: &str) -> Placement {
        let name = name.to_ascii_lowercase();
        match name.rsplit_once('.') {
            Some(("nk", "exe")) => Placement::Kernel,
            Some((_, "exe")) => Placement::Program,
            _ if self.has_slot_1 => Placement::Slot1,
            _ => Placement::Slot0,
        }
    }
}

fn parse(file: &TomlFile<'_>, folder: &Path) -> Result<Plan, Failure> {
    let table = file.parse()?;
    let top = Section::top(file, &table);
    let mut plan = Plan::default();
    read_rom(&top, &mut plan)?;
    for section in top.sections("modules")? {
        let module = read_module(&section, &plan, folder)?;
        section.finish()?;
        plan.modules.push(module);
    }
    for section in top.sections("files")? {
        let file = read_file(&section, folder)?;
        section.finish()?;
        plan.files.push(file);
    }
    top.finish()?;
    if plan.modules.first().is_none_or(|module| module.placement != Placement::Kernel) {
        let failure = file.failure(0..0, "modules", "the first module is not the kernel");
        return Err(failure.hint("leave out 'standard = false', or begin with nk.exe and place = \"kernel\""));
    }
    Ok(plan)
}

/// `[rom]`, all of which may be left out.
fn read_rom(top: &Section<'_, '_>, plan: &mut Plan) -> Result<(), Failure> {
    let rom = top.section("rom")?;
    if let Some(version) = rom.text("version")? {
        let (major, minor) = version.split_once('.').unwrap_or((&version, "0"));
        let read: Option<(u16, u16)> = major.parse().ok().zip(minor.parse().ok());
        let read = read.filter(|(major, _)| (2..=5).contains(major));
        let (major, minor) =
            read.ok_or_else(|| rom.wrong("version", &format!("'{version}' is none of 2.12 to 5.0")))?;
        plan.form = if major >= 5 { E32Form::Long } else { E32Form::Short };
        plan.version = Some((major, minor));
        plan.has_slot_1 = major >= 4;
    }
    if let Some(base) = rom.number("base")? {
        if base % 0x1000 != 0 || !(0x8000_0000..0xa000_0000).contains(&base) {
            return Err(rom.wrong("base", "a page from 0x80000000 to 0x9ffff000 is expected"));
        }
        plan.base = base;
    }
    plan.ram_start = rom.number("ram_start")?;
    plan.flags = rom.number("flags")?.unwrap_or(plan.flags);
    if let Some(text) = rom.text("ram")? {
        let size = machine_arguments::size(&text).ok().and_then(|size| u32::try_from(size).ok());
        let size = size.filter(|size| (4 << 20..=512 << 20).contains(size));
        plan.ram = size.ok_or_else(|| rom.wrong("ram", "a size from \"4M\" to \"512M\" is expected"))?;
    }
    plan.launch = rom.texts("launch")?;
    if rom.flag("standard")?.unwrap_or(true) {
        plan.add_standard();
    }
    rom.finish()
}

fn read_module(section: &Section<'_, '_>, plan: &Plan, folder: &Path) -> Result<RomModuleSource, Failure> {
    let (name, bytes) = named_bytes(section, folder)?;
    let place = section.text("place")?;
    let placement = match place.as_deref() {
        None => plan.place_of(&name),
        Some("kernel") => Placement::Kernel,
        Some("slot 1") if plan.has_slot_1 => Placement::Slot1,
        Some("slot 1") => return Err(section.wrong("place", "there is no code in slot 1 before CE 4")),
        Some("slot 0") => Placement::Slot0,
        Some("program") => Placement::Program,
        Some(other) => {
            let what = format!("'{other}' is none of \"kernel\", \"slot 1\", \"slot 0\", \"program\"");
            return Err(section.wrong("place", &what));
        }
    };
    let is_packed = section.flag("packed")?.unwrap_or(false);
    if !bytes.starts_with(b"MZ") {
        return Err(section
            .wrong("file", &format!("{name} is no EXE or DLL"))
            .hint("what is no module belongs to [[files]]"));
    }
    Ok(RomModuleSource { name, file: bytes, placement, is_packed })
}

fn read_file(section: &Section<'_, '_>, folder: &Path) -> Result<RomFileSource, Failure> {
    let is_packed = section.flag("packed")?.unwrap_or(false);
    if let Some(text) = section.text("text")? {
        let name = section.text("name")?.ok_or_else(|| section.wrong("name", "a text has no name of its own"))?;
        return Ok(RomFileSource { name, bytes: text.into_bytes(), is_packed });
    }
    let (name, bytes) = named_bytes(section, folder)?;
    Ok(RomFileSource { name, bytes, is_packed })
}

/// The file that a section names, under its own name or another.
fn named_bytes(section: &Section<'_, '_>, folder: &Path) -> Result<(String, Vec<u8>), Failure> {
    let file = section.text("file")?.ok_or_else(|| section.wrong("file", "is missing"))?;
    let bytes = std::fs::read(folder.join(&file))
        .map_err(|error| section.wrong("file", &format!("{file}: {}", words(&error))))?;
    let own = file.rsplit(['/', '\\']).next().unwrap_or(&file).to_owned();
    let name = section.text("name")?.unwrap_or(own);
    let is_good = !name.is_empty() && name.is_ascii() && !name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']);
    if !is_good {
        return Err(section.wrong("name", &format!("'{name}' is no name of a file in ROM")));
    }
    Ok((name, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = parse(&TomlFile { name: "s.toml", text }, Path::new("/nowhere"));
        assert_eq!(found.map_or_else(|failure| failure.message().to_owned(), |_| String::new()), expected);
    }

    #[test]
    fn mistakes_are_told_with_line_and_key() {
        check("", "");
        check("[rom]\nbase = 0x80400000\nram = \"16M\"\nlaunch = [\"shell.exe\"]\n", "");
        check("[rom]\n\nbase = 5\n", "s.toml: line 3: rom.base: a page from 0x80000000 to 0x9ffff000 is expected");
        check("[rom]\nram = 7\n", "s.toml: line 2: rom.ram: a text is expected, not this number");
        check("[rom]\nram = \"7\"\n", "s.toml: line 2: rom.ram: a size from \"4M\" to \"512M\" is expected");
        check("[rom]\nsize = 7\n", "s.toml: line 2: rom.size: there is no such key");
        check(
            "[rom]\nflags = -1\n",
            "s.toml: line 2: rom.flags: a number from 0 to 0xffffffff is expected, not this number",
        );
        check("[rom]\nlaunch = [1]\n", "s.toml: line 2: rom.launch: a list of texts is expected, not a list");
        check("[rom]\nversion = \"6.0\"\n", "s.toml: line 2: rom.version: '6.0' is none of 2.12 to 5.0");
        check("modules = 1\n", "s.toml: line 1: modules: tables written [[...]] is expected, not this number");
        check("\n[[modules]]\nname = \"a\"\n", "s.toml: line 2: modules.file: is missing");
        check("[[modules]]\nfile = \"a.dll\"\n", "s.toml: line 2: modules.file: a.dll: no such file");
        check("[[files]]\ntext = \"a\"\n", "s.toml: line 1: files.name: a text has no name of its own");
        check(
            "[[files]]\ntext = \"a\"\nname = \"a\"\nplace = 1\n",
            "s.toml: line 4: files.place: there is no such key",
        );
        check("[rom]\nstandard = false\n", "s.toml: line 1: modules: the first module is not the kernel");
        check("[rom\n", "s.toml: line 1: unclosed table, expected `]`");
    }
}

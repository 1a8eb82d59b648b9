//! The guest's system libraries: built from `guest/` with the mingw cross compiler, byte for byte the same each time.
//!
//! One command makes the stubs of the system services from the machine's table, compiles every source of a library,
//! links it at its fixed base without a time stamp, and writes the hashes and `docs/api.md`. Needs
//! `gcc-mingw-w64-i686`.

pub mod api_page;
pub mod exports;
mod kernel;

use crate::tree::Finding;
use api_page::Page;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folder of the guest's sources and of what is made of them.
const FOLDER: &str = "guest";
const SUMS: &str = "SHA256SUMS";
/// The machine's table of services.
const SERVICES: &str = "crates/machine/src/nt/services.rs";
/// Where the machine's handlers of services are named.
const HANDLERS: &str = "crates/machine/src/nt/calls";
/// The page about the exports, from the guest's folder.
const API_PAGE: &str = "../docs/api.md";
const COMPILER: &str = "i686-w64-mingw32-gcc";
const LIBRARIAN: &str = "i686-w64-mingw32-dlltool";

/// One library, with the folders of its sources, in the order in which they need each other.
struct Library {
    name: &'static str,
    base: u32,
    folders: &'static [&'static str],
    entry: &'static str,
    uses: &'static [&'static str],
}

/// The bases are those of Windows XP SP3.
const LIBRARIES: [Library; 6] = [
    Library { name: "ntdll", base: 0x7c90_0000, folders: &["ntdll", "common"], entry: "0", uses: &[] },
    Library {
        name: "kernel32",
        base: 0x7c80_0000,
        folders: &["kernel32", "modules", "common"],
        entry: "_BaseDllInitialize@12",
        uses: &["ntdll"],
    },
    Library {
        name: "msvcrt",
        base: 0x77c1_0000,
        folders: &["msvcrt"],
        entry: "_DllMain@12",
        uses: &["kernel32", "ntdll"],
    },
    Library {
        name: "psapi",
        base: 0x76bf_0000,
        folders: &["psapi", "modules"],
        entry: "_DllMain@12",
        uses: &["ntdll"],
    },
    Library {
        name: "user32",
        base: 0x7e41_0000,
        folders: &["user32"],
        entry: "_DllMain@12",
        uses: &["kernel32", "ntdll"],
    },
    Library {
        name: "advapi32",
        base: 0x77dd_0000,
        folders: &["advapi32"],
        entry: "_DllMain@12",
        uses: &["kernel32", "ntdll"],
    },
];

const COMPILER_FLAGS: &str = "-O2 -march=i686 -mtune=generic -mpreferred-stack-boundary=2 -fno-omit-frame-pointer \
    -std=gnu11 -Wall -Wextra -Werror -Wno-attributes -Wno-array-bounds -Wno-builtin-declaration-mismatch \
    -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns -fno-strict-aliasing \
    -fno-asynchronous-unwind-tables -fno-ident -D_NTSYSTEM_ -D_KERNEL32_ -D_CRTIMP= -Iguest/include";
const LINKER_FLAGS: &str = "-shared -nostdlib -nostartfiles -s -Wl,--no-insert-timestamp -Wl,--kill-at \
    -Wl,--disable-dynamicbase -Wl,--disable-nxcompat -Wl,--subsystem=console \
    -Wl,--major-os-version=5 -Wl,--minor-os-version=1 -Wl,--major-subsystem-version=4 -Wl,--minor-subsystem-version=0";

/// Files by their path from the guest's folder.
type Files = BTreeMap<String, Vec<u8>>;

/// Whether the cross compiler is installed.
pub fn has_compiler() -> bool {
    Command::new(COMPILER).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Makes the stubs, the libraries, the list of hashes and the page about the exports, and writes them.
///
/// # Errors
/// When a source does not compile or a file cannot be written.
pub fn write(root: &Path) -> Result<(), String> {
    let folder = root.join(FOLDER);
    write_files(&folder, &stubs(root)?)?;
    write_files(&folder, &api_page(root)?)?;
    let made = libraries(root)?;
    let sums = BTreeMap::from([(SUMS.to_owned(), sums(&made).into_bytes())]);
    write_files(&folder, &made)?;
    write_files(&folder, &sums)
}

/// Compares the committed stubs, libraries, hashes and page with what the sources make.
///
/// # Errors
/// When a source does not compile.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let mut made = stubs(root)?;
    made.append(&mut api_page(root)?);
    let libraries = libraries(root)?;
    made.insert(SUMS.to_owned(), sums(&libraries).into_bytes());
    made.extend(libraries);
    println!("{} files", made.len());
    let folder = root.join(FOLDER);
    let differs = |(path, bytes): (&String, &Vec<u8>)| {
        let is_same = std::fs::read(folder.join(path)).is_ok_and(|committed| committed == *bytes);
        let what = "differs from what its sources make; cargo xtask guest writes it";
        (!is_same).then(|| Finding::new(&format!("{FOLDER}/{path}"), 0, what))
    };
    Ok(made.iter().filter_map(differs).collect())
}

fn write_files(folder: &Path, files: &Files) -> Result<(), String> {
    for (path, bytes) in files {
        let place = folder.join(path);
        let parent = place.parent().unwrap_or(folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&place, bytes));
        written.map_err(|cause| format!("{FOLDER}/{path}: {cause}"))?;
        println!("{FOLDER}/{path}: {} bytes", bytes.len());
    }
    Ok(())
}

fn sums(files: &Files) -> String {
    let line = |(path, bytes): (&String, &Vec<u8>)| {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hash}  {path}\n")
    };
    files.iter().map(line).collect()
}

/// A row of the machine's table.
#[derive(Debug, PartialEq, Eq)]
struct Service<'a> {
    number: u32,
    name: &'a str,
    arguments: u32,
}

/// Lines of the form `service(0x019, "NtClose", 1),`.
fn services(table: &str) -> Vec<Service<'_>> {
    let row = |line: &'_ str| -> Option<(u32, usize, usize, u32)> {
        let fields = line.trim().strip_prefix("service(0x")?;
        let (number, rest) = fields.split_once(", \"")?;
        let (name, rest) = rest.split_once("\", ")?;
        let start = line.find('"')? + 1;
        let arguments = rest.strip_suffix("),")?;
        Some((u32::from_str_radix(number, 16).ok()?, start, start + name.len(), arguments.parse().ok()?))
    };
    let service = |line| {
        let (number, start, end, arguments) = row(line)?;
        Some(Service { number, name: line.get(start..end)?, arguments })
    };
    table.lines().filter_map(service).collect()
}

/// The stubs' source and their part of the list of exports.
fn stubs(root: &Path) -> Result<Files, String> {
    let table = std::fs::read_to_string(root.join(SERVICES)).map_err(|cause| format!("{SERVICES}: {cause}"))?;
    let services = services(&table);
    if services.is_empty() {
        return Err(format!("{SERVICES}: no line of the form service(0x019, \"NtClose\", 1),"));
    }
    Ok(BTreeMap::from([
        ("ntdll/services.S".to_owned(), stub_source(&services).into_bytes()),
        ("ntdll/services.def".to_owned(), stub_exports(&services).into_bytes()),
    ]))
}

/// 7FFE0300h holds the address of KiFastSystemCall.
const STUB_MACRO: &str = "
    .intel_syntax noprefix
    .text
    .macro SERVICE name, number, bytes
    .globl _Nt\\name\\()@\\bytes, _Zw\\name\\()@\\bytes
    .balign 16
_Nt\\name\\()@\\bytes:
_Zw\\name\\()@\\bytes:
    mov     eax, \\number
    mov     edx, 0x7ffe0300
    call    [edx]
    .if \\bytes
    ret     \\bytes
    .else
    ret
    .endif
    .endm

";

fn stub_source(services: &[Service<'_>]) -> String {
    let rows = services.iter().map(|Service { number, name, arguments }| {
        format!("    SERVICE {}, {number:#x}, {}\n", name.trim_start_matches("Nt"), 4 * arguments)
    });
    let heading = format!("# The system services. Made by `cargo xtask guest` from {SERVICES}.\n");
    heading + STUB_MACRO + &rows.collect::<String>()
}

fn stub_exports(services: &[Service<'_>]) -> String {
    let rows = services.iter().flat_map(|service| {
        let name = service.name.trim_start_matches("Nt");
        ["Nt", "Zw"].map(|prefix| format!("    {prefix}{name}@{}\n", 4 * service.arguments))
    });
    format!("; Made by `cargo xtask guest` from {SERVICES}.\n") + &rows.collect::<String>()
}

fn libraries(root: &Path) -> Result<Files, String> {
    let mut made = Files::new();
    for library in LIBRARIES.iter().filter(|library| definition(root, library).is_file()) {
        let path = build(root, library)?;
        let bytes = std::fs::read(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
        made.insert(format!("bin/{}.dll", library.name), bytes);
    }
    made.append(&mut kernel::images(root)?);
    Ok(made)
}

fn definition(root: &Path, library: &Library) -> PathBuf {
    root.join(FOLDER).join(library.name).join(format!("{}.def", library.name))
}

/// Compiles and links one library and makes its import library; everything lies in `target/guest`.
fn build(root: &Path, library: &Library) -> Result<PathBuf, String> {
    let target = root.join("target").join("guest");
    let objects = target.join(library.name);
    std::fs::create_dir_all(&objects).map_err(|cause| format!("{}: {cause}", objects.display()))?;
    let mut compiled = Vec::new();
    for source in sources(root, library)? {
        let name = source.trim_start_matches("guest/").replace('/', "-");
        let object = objects.join(format!("{name}.o")).display().to_string();
        let mut arguments: Vec<String> = COMPILER_FLAGS.split_whitespace().map(str::to_owned).collect();
        arguments.extend(["-c".to_owned(), source, "-o".to_owned(), object.clone()]);
        step(root, COMPILER, &arguments)?;
        compiled.push(object);
    }
    let exports = target.join(format!("{}.def", library.name));
    write_exports(root, library, &exports)?;
    link(root, library, compiled, &exports)?;
    import_library(root, library, &exports)?;
    Ok(target.join(format!("{}.dll", library.name)))
}

/// The C and assembler files directly in the library's folders, in the order of their names.
fn sources(root: &Path, library: &Library) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for folder in library.folders {
        let path = format!("{FOLDER}/{folder}");
        let entries = std::fs::read_dir(root.join(&path)).map_err(|cause| format!("{path}: {cause}"))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        found.extend(
            names.filter(|name| name.ends_with(".c") || name.ends_with(".S")).map(|name| format!("{path}/{name}")),
        );
    }
    found.sort();
    Ok(found)
}

/// The linker's list, with ordinals. Of ntdll the services that were made are in it.
fn write_exports(root: &Path, library: &Library, place: &Path) -> Result<(), String> {
    let mut text = definition_text(root, library)?;
    let made = definition(root, library).with_file_name("services.def");
    text += &std::fs::read_to_string(made).unwrap_or_default();
    let exports = exports::read(library.name, &text)?;
    let text = exports::definition(library.name, &exports);
    std::fs::write(place, text).map_err(|cause| format!("{}: {cause}", place.display()))
}

fn definition_text(root: &Path, library: &Library) -> Result<String, String> {
    let written = definition(root, library);
    std::fs::read_to_string(&written).map_err(|cause| format!("{}: {cause}", written.display()))
}

/// The services that have a handler in the machine: lines of the form `("NtClose", close),`.
fn handled(root: &Path) -> Result<BTreeSet<String>, String> {
    let entries = std::fs::read_dir(root.join(HANDLERS)).map_err(|cause| format!("{HANDLERS}: {cause}"))?;
    let mut names = BTreeSet::new();
    for entry in entries.flatten() {
        let text = std::fs::read_to_string(entry.path()).map_err(|cause| format!("{HANDLERS}: {cause}"))?;
        let name = |line: &str| Some(line.trim().strip_prefix("(\"")?.split_once("\", ")?.0.to_owned());
        names.extend(text.lines().filter_map(name).filter(|name| name.starts_with("Nt")));
    }
    Ok(names)
}

/// The page about what the libraries export.
fn api_page(root: &Path) -> Result<Files, String> {
    let table = std::fs::read_to_string(root.join(SERVICES)).map_err(|cause| format!("{SERVICES}: {cause}"))?;
    let rows: Vec<(String, u32)> =
        services(&table).iter().map(|service| (service.name.to_owned(), service.arguments)).collect();
    let is_service = |name: &str| {
        let nt = format!("Nt{}", name.get(2..).unwrap_or_default());
        (name.starts_with("Nt") || name.starts_with("Zw")) && rows.iter().any(|(service, _)| *service == nt)
    };
    let mut pages = Vec::new();
    for library in &LIBRARIES {
        let made = if library.name == "ntdll" { stub_exports(&services(&table)) } else { String::new() };
        let mut exports = exports::read(library.name, &(definition_text(root, library)? + &made))?;
        // Services have a table of their own, but they take part in the count.
        exports.retain(|export| !is_service(&export.name));
        pages.push(Page { library: library.name, base: library.base, exports });
    }
    let page = api_page::page(&pages, &rows, &handled(root)?);
    Ok(BTreeMap::from([(API_PAGE.to_owned(), page.into_bytes())]))
}

fn link(root: &Path, library: &Library, objects: Vec<String>, exports: &Path) -> Result<(), String> {
    let target = root.join("target").join("guest");
    let mut arguments: Vec<String> = LINKER_FLAGS.split_whitespace().map(str::to_owned).collect();
    arguments.push(format!("-Wl,--image-base={:#x}", library.base));
    arguments.push(format!("-Wl,--entry={}", library.entry));
    arguments.extend(objects);
    arguments.push(exports.display().to_string());
    arguments.extend(library.uses.iter().map(|used| target.join(format!("lib{used}.a")).display().to_string()));
    arguments.extend(["-o".to_owned(), target.join(format!("{}.dll", library.name)).display().to_string()]);
    step(root, COMPILER, &arguments)
}

fn import_library(root: &Path, library: &Library, exports: &Path) -> Result<(), String> {
    let archive = root.join("target").join("guest").join(format!("lib{}.a", library.name));
    let dll = format!("{}.dll", library.name);
    let (exports, archive) = (exports.display().to_string(), archive.display().to_string());
    step(root, LIBRARIAN, &["-k", "-d", &exports, "-D", &dll, "-l", &archive].map(str::to_owned))
}

fn step(root: &Path, program: &str, arguments: &[String]) -> Result<(), String> {
    let status = Command::new(program).args(arguments).current_dir(root).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} {}: {status}", arguments.join(" "))),
        Err(cause) => Err(format!("{program}: {cause}; install gcc-mingw-w64-i686")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "/// a comment\n    service(0x019, \"NtClose\", 1),\n    service(0x11b, \"NtYield\", 0),\n";

    #[test]
    fn rows_of_the_table_are_read() {
        let close = Service { number: 0x19, name: "NtClose", arguments: 1 };
        let last = Service { number: 0x11b, name: "NtYield", arguments: 0 };
        assert_eq!(services(TABLE), [close, last]);
        assert_eq!(services("service(0x1, \"NtBad\", x),\nservice(1, \"Nt\", 2),\n"), []);
    }

    #[test]
    fn a_stub_and_its_exports_have_the_bytes_of_the_arguments() {
        let services = services(TABLE);
        assert!(stub_source(&services).ends_with("    SERVICE Close, 0x19, 4\n    SERVICE Yield, 0x11b, 0\n"));
        let exports = stub_exports(&services);
        assert!(exports.ends_with("    NtClose@4\n    ZwClose@4\n    NtYield@0\n    ZwYield@0\n"), "{exports}");
    }

    #[test]
    fn the_page_about_the_exports_follows_the_tables() {
        let root = crate::tree::root();
        let page = &api_page(&root).expect("the tables")[API_PAGE];
        let committed = std::fs::read(root.join(FOLDER).join(API_PAGE)).expect("docs/api.md");
        assert!(committed == *page, "docs/api.md differs from the tables; cargo xtask guest writes it");
    }

    #[test]
    fn the_machine_has_all_services_of_its_table() {
        let stubs = stubs(&crate::tree::root()).expect("the table");
        let source = String::from_utf8(stubs["ntdll/services.S"].clone()).expect("text");
        assert_eq!(source.matches("    SERVICE ").count(), 284);
    }
}

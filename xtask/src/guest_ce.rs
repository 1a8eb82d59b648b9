//! The Windows CE half of the guest: coredll, the servers and programs of `guest/ce`, and the test programs of
//! `fixtures/ce/programs`, built byte for byte the same each time.
//!
//! The calls of coredll are made from the table of API sets, `crates/rules/src/ce/api_sets.rs`: one place has their
//! numbers. Needs `gcc-mingw-w64-i686`, like the rest of the guest.

mod api_table;

use crate::tree::Finding;
use api_table::{ApiTable, TABLE};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

const COMPILER: &str = "i686-w64-mingw32-gcc";
const LIBRARIAN: &str = "i686-w64-mingw32-dlltool";
/// Folder of the sources, and of test programs and their images.
const FOLDER: &str = "guest/ce";
const PROGRAMS: &str = "fixtures/ce/programs";
/// Base of DLLs before the ROM builder or the loader moves them, and of every EXE.
const DLL_BASE: u32 = 0x1000_0000;
const EXE_BASE: u32 = 0x1_0000;

const COMPILER_FLAGS: &str = "-march=i686 -mtune=generic -mpreferred-stack-boundary=2 -mno-stack-arg-probe \
    -fno-omit-frame-pointer -std=gnu11 -Wall -Wextra -Werror -Wno-builtin-declaration-mismatch -Wno-array-bounds \
    -Wno-cast-function-type -Wno-override-init -Wno-dangling-pointer -ffreestanding -fno-builtin -fno-stack-protector -fno-tree-loop-distribute-patterns \
    -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-ident -fno-toplevel-reorder -gdwarf-4 -Iguest/ce/include";
const LINKER_FLAGS: &str = "-nostdlib -nostartfiles -Wl,--no-insert-timestamp -Wl,--disable-dynamicbase \
    -Wl,--disable-nxcompat -Wl,--subsystem=wince:5.0 -Wl,--stack=65536 -Wl,--disable-auto-import";

/// Files by their path from the root.
type Files = BTreeMap<String, Vec<u8>>;

/// An image to be linked.
struct Target {
    /// Its path from the root.
    path: String,
    /// Its sources, from the root.
    sources: Vec<String>,
    /// Whether names and lines are kept in the image.
    has_symbols: bool,
}

impl Target {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn stem(&self) -> &str {
        self.name().split('.').next().unwrap_or_default()
    }

    fn is_dll(&self) -> bool {
        self.path.ends_with(".dll")
    }
}

/// Makes the calls, the images and the list of hashes, and writes them.
///
/// # Errors
/// When a source does not compile or a file cannot be written.
pub fn write(root: &Path) -> Result<(), String> {
    write_files(root, &generated(root)?)?;
    write_files(root, &images(root)?)
}

/// Compares what is committed with what the sources make.
///
/// # Errors
/// When a source does not compile.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let mut made = generated(root)?;
    made.extend(images(root)?);
    let differs = |(path, bytes): (&String, &Vec<u8>)| {
        let is_same = std::fs::read(root.join(path)).is_ok_and(|committed| committed == *bytes);
        let what = "differs from what its sources make; cargo xtask guest writes it";
        (!is_same).then(|| Finding::new(path, 0, what))
    };
    Ok(made.iter().filter_map(differs).collect())
}

fn write_files(root: &Path, files: &Files) -> Result<(), String> {
    for (path, bytes) in files {
        let place = root.join(path);
        if std::fs::read(&place).is_ok_and(|old| old == *bytes) {
            continue;
        }
        let parent = place.parent().unwrap_or(root);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&place, bytes));
        written.map_err(|cause| format!("{path}: {cause}"))?;
        println!("{path}: {} bytes", bytes.len());
    }
    Ok(())
}

/// The header and the stubs of the calls.
fn generated(root: &Path) -> Result<Files, String> {
    let text = std::fs::read_to_string(root.join(TABLE)).map_err(|cause| format!("{TABLE}: {cause}"))?;
    let table = ApiTable::read(&text)?;
    Ok(BTreeMap::from([
        (format!("{FOLDER}/include/api_calls.h"), table.header().into_bytes()),
        (format!("{FOLDER}/coredll/calls.S"), table.stubs().into_bytes()),
        (format!("{FOLDER}/coredll/calls.def"), table.exports(&ordinals(root)?).into_bytes()),
    ]))
}

/// The names that the written list of exports has.
fn ordinals(root: &Path) -> Result<Vec<String>, String> {
    let path = format!("{FOLDER}/coredll/coredll.def");
    let text = std::fs::read_to_string(root.join(&path)).map_err(|cause| format!("{path}: {cause}"))?;
    Ok(text.lines().filter(|line| line.starts_with("    ")).filter_map(first_word).collect())
}

fn first_word(line: &str) -> Option<String> {
    line.split_whitespace().next().map(str::to_owned)
}

/// Builds everything; coredll first, since the others need its import library.
fn images(root: &Path) -> Result<Files, String> {
    let coredll = Target {
        path: format!("{FOLDER}/bin/coredll.dll"),
        sources: sources(root, &[&format!("{FOLDER}/coredll"), "guest/common"])?,
        has_symbols: false,
    };
    let mut guest = BTreeMap::from([(coredll.path.clone(), build(root, &coredll)?)]);
    for target in servers(root)? {
        guest.insert(target.path.clone(), build(root, &target)?);
    }
    let sums = sums(&guest);
    for target in programs(root)? {
        guest.insert(target.path.clone(), build(root, &target)?);
    }
    guest.insert(format!("{FOLDER}/SHA256SUMS"), sums.into_bytes());
    Ok(guest)
}

/// Every other folder of `guest/ce` with sources: an EXE of its name.
fn servers(root: &Path) -> Result<Vec<Target>, String> {
    let mut found = Vec::new();
    for name in names(root, FOLDER)? {
        let folder = format!("{FOLDER}/{name}");
        let is_program = !["bin", "include", "coredll", "startup"].contains(&name.as_str());
        if !is_program || !root.join(&folder).is_dir() {
            continue;
        }
        let mut folders = vec![folder.as_str()];
        if name != "nk" {
            folders.push("guest/ce/startup");
        }
        let sources = sources(root, &folders)?;
        found.push(Target { path: format!("{FOLDER}/bin/{name}.exe"), sources, has_symbols: false });
    }
    Ok(found)
}

/// Every C file of the folder of test programs: `x.c` is an EXE, `x_dll.c` the DLL `x.dll`.
fn programs(root: &Path) -> Result<Vec<Target>, String> {
    let mut found = Vec::new();
    for source in names(root, PROGRAMS)?.iter().filter_map(|name| name.strip_suffix(".c")) {
        let file = format!("{PROGRAMS}/{source}.c");
        let (path, sources) = match source.strip_suffix("_dll") {
            Some(name) => (format!("{PROGRAMS}/{name}.dll"), vec![file]),
            None => {
                let startup = sources(root, &["guest/ce/startup"])?;
                (format!("{PROGRAMS}/{source}.exe"), [vec![file], startup].concat())
            }
        };
        found.push(Target { path, sources, has_symbols: true });
    }
    // DLLs first: programs link with their import libraries.
    found.sort_by_key(|target| !target.is_dll());
    Ok(found)
}

fn names(root: &Path, folder: &str) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(root.join(folder)).map_err(|cause| format!("{folder}: {cause}"))?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn sources(root: &Path, folders: &[&str]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for folder in folders {
        let is_source = |name: &String| name.ends_with(".c") || name.ends_with(".S");
        found.extend(names(root, folder)?.into_iter().filter(is_source).map(|name| format!("{folder}/{name}")));
    }
    Ok(found)
}

fn made(root: &Path) -> PathBuf {
    root.join("target").join("guest-ce")
}

/// Compiles and links an image, and makes the import library of a DLL.
fn build(root: &Path, target: &Target) -> Result<Vec<u8>, String> {
    let folder = made(root).join(target.stem());
    std::fs::create_dir_all(&folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
    let mut objects = Vec::new();
    for source in &target.sources {
        let object = folder.join(format!("{}.o", source.replace('/', "-"))).display().to_string();
        let mut arguments: Vec<String> = COMPILER_FLAGS.split_whitespace().map(str::to_owned).collect();
        arguments.push(format!("-ffile-prefix-map={}=.", root.display()));
        // Test programs are read line by line in a debugger; the system is fast.
        arguments.push(if source.starts_with(PROGRAMS) { "-O1" } else { "-O2" }.to_owned());
        arguments.extend(["-c".to_owned(), source.clone(), "-o".to_owned(), object.clone()]);
        step(root, COMPILER, &arguments)?;
        objects.push(object);
    }
    let place = made(root).join(target.name());
    link(root, target, objects, &place)?;
    std::fs::read(&place).map_err(|cause| format!("{}: {cause}", place.display()))
}

fn link(root: &Path, target: &Target, objects: Vec<String>, place: &Path) -> Result<(), String> {
    let mut arguments: Vec<String> = LINKER_FLAGS.split_whitespace().map(str::to_owned).collect();
    if !target.has_symbols {
        arguments.push("-s".to_owned());
    }
    let exports = match target.is_dll() {
        true => Some(exports(root, target)?),
        false => None,
    };
    if target.is_dll() {
        arguments.extend(["-shared".to_owned(), format!("-Wl,--image-base={DLL_BASE:#x}")]);
        arguments.push("-Wl,--entry=_DllMain".to_owned());
    } else {
        arguments.push(format!("-Wl,--image-base={EXE_BASE:#x}"));
        let entry = if target.stem() == "nk" { "_NKStartup" } else { "_WinMainCRTStartup" };
        arguments.push(format!("-Wl,--entry={entry}"));
    }
    arguments.extend(objects);
    arguments.extend(exports.iter().map(|path| path.display().to_string()));
    if target.stem() != "coredll" && target.stem() != "nk" {
        arguments.extend(libraries(root, target)?);
    }
    arguments.extend(["-o".to_owned(), place.display().to_string()]);
    step(root, COMPILER, &arguments)?;
    match exports {
        Some(exports) => import_library(root, target, &exports),
        None => Ok(()),
    }
}

/// coredll's import library, and those of the DLLs whose names a comment `links: a b` in the first source has.
fn libraries(root: &Path, target: &Target) -> Result<Vec<String>, String> {
    let first = target.sources.first().map(String::as_str).unwrap_or_default();
    let text = std::fs::read_to_string(root.join(first)).map_err(|cause| format!("{first}: {cause}"))?;
    let links = text.lines().find_map(|line| line.split_once("links:")).map(|(_, names)| names.trim_end_matches("*/"));
    let links = links.unwrap_or_default().split_whitespace().chain(["coredll"]);
    Ok(links.map(|name| made(root).join(format!("lib{name}.a")).display().to_string()).collect())
}

/// The list of exports: coredll's two, or the file beside a test DLL.
fn exports(root: &Path, target: &Target) -> Result<PathBuf, String> {
    let place = made(root).join(format!("{}.def", target.stem()));
    let read = |path: String| std::fs::read_to_string(root.join(&path)).map_err(|cause| format!("{path}: {cause}"));
    let text = match target.stem() {
        "coredll" => read(format!("{FOLDER}/coredll/coredll.def"))? + &read(format!("{FOLDER}/coredll/calls.def"))?,
        name => read(format!("{PROGRAMS}/{name}.def"))?,
    };
    std::fs::write(&place, text).map_err(|cause| format!("{}: {cause}", place.display()))?;
    Ok(place)
}

fn import_library(root: &Path, target: &Target, exports: &Path) -> Result<(), String> {
    // The path of the archive becomes part of names in it, and of every program that is linked with it.
    let archive = format!("lib{}.a", target.stem());
    let exports = exports.display().to_string();
    step(&made(root), LIBRARIAN, &["-d", &exports, "-D", target.name(), "-l", &archive].map(str::to_owned))
}

fn step(folder: &Path, program: &str, arguments: &[String]) -> Result<(), String> {
    let status = Command::new(program).args(arguments).current_dir(folder).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} {}: {status}", arguments.join(" "))),
        Err(cause) => Err(format!("{program}: {cause}; install gcc-mingw-w64-i686")),
    }
}

fn sums(files: &Files) -> String {
    let line = |(path, bytes): (&String, &Vec<u8>)| {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hash}  {}\n", path.trim_start_matches("guest/ce/"))
    };
    files.iter().map(line).collect()
}

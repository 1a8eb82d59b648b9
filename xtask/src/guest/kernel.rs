//! The images of the guest's kernel half: ntoskrnl.exe and hal.dll, with the import libraries that drivers link.

use super::{COMPILER, COMPILER_FLAGS, FOLDER, Files, LIBRARIAN, step};
use std::path::Path;

/// One image, at its base, with its source folders and what it imports from.
struct Image {
    name: &'static str,
    extension: &'static str,
    base: u32,
    folders: &'static [&'static str],
    uses: &'static [&'static str],
}

/// The bases are those of Windows XP SP3.
const IMAGES: [Image; 2] = [
    Image { name: "hal", extension: "dll", base: 0x806c_e000, folders: &["hal"], uses: &[] },
    Image { name: "ntoskrnl", extension: "exe", base: 0x804d_7000, folders: &["ntoskrnl", "common"], uses: &["hal"] },
];

const LINKER_FLAGS: &str = "-shared -nostdlib -nostartfiles -s -Wl,--no-insert-timestamp -Wl,--kill-at \
    -Wl,--disable-nxcompat -Wl,--subsystem=native -Wl,--entry=0 -Wl,--major-os-version=5 -Wl,--minor-os-version=1 \
    -Wl,--major-subsystem-version=5 -Wl,--minor-subsystem-version=1";

/// Builds both; everything lies in `target/guest`.
///
/// # Errors
/// When a source does not compile.
pub fn images(root: &Path) -> Result<Files, String> {
    let mut made = Files::new();
    for image in &IMAGES {
        let file = format!("{}.{}", image.name, image.extension);
        build(root, image, &file)?;
        let path = root.join("target/guest").join(&file);
        let bytes = std::fs::read(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
        made.insert(format!("bin/{file}"), bytes);
    }
    Ok(made)
}

fn build(root: &Path, image: &Image, file: &str) -> Result<(), String> {
    let objects = root.join("target/guest").join(image.name);
    std::fs::create_dir_all(&objects).map_err(|cause| format!("{}: {cause}", objects.display()))?;
    let mut arguments: Vec<String> = LINKER_FLAGS.split_whitespace().map(str::to_owned).collect();
    arguments.push(format!("-Wl,--image-base={:#x}", image.base));
    for folder in image.folders {
        for source in sources(root, folder)? {
            let object = objects.join(format!("{}.o", source.replace('/', "-"))).display().to_string();
            let mut flags: Vec<String> = COMPILER_FLAGS.split_whitespace().map(str::to_owned).collect();
            flags.extend(["-Iguest/ntoskrnl/include", "-c", &source, "-o", &object].map(str::to_owned));
            step(root, COMPILER, &flags)?;
            arguments.push(object);
        }
    }
    let exports = format!("{FOLDER}/{0}/{0}.def", image.name);
    let library = |name: &str| format!("target/guest/lib{name}.a");
    arguments.push(exports.clone());
    arguments.extend(image.uses.iter().map(|used| library(used)));
    arguments.extend(["-o".to_owned(), format!("target/guest/{file}")]);
    step(root, COMPILER, &arguments)?;
    step(root, LIBRARIAN, &["-k", "-d", &exports, "-D", file, "-l", &library(image.name)].map(str::to_owned))
}

/// The C and assembler files of a folder, in the order of their names.
fn sources(root: &Path, folder: &str) -> Result<Vec<String>, String> {
    let path = format!("{FOLDER}/{folder}");
    let entries = std::fs::read_dir(root.join(&path)).map_err(|cause| format!("{path}: {cause}"))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let is_source = |name: &String| name.ends_with(".c") || name.ends_with(".S");
    let mut found: Vec<_> = names.filter(is_source).map(|name| format!("{path}/{name}")).collect();
    found.sort();
    Ok(found)
}

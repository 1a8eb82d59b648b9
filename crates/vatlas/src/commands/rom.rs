//! `vatlas rom IMAGE`: what a ROM image of Windows CE holds, and its modules and files written out.

mod document;
mod extract;
mod screen;

use crate::{
    device_folder::{DeviceFolder, Sort},
    failure::{Exit, Failure},
    json,
    open::map_file,
    output::Output,
};
use std::path::{Path, PathBuf};
use vatlas_images::rom::{RomImage, check_sums};
use vatlas_space::{Problem, Severity};
use vatlas_targets::FileBytes;

const EXAMPLES: &str = "\
An image is a file of records (.bin) or the bytes of a ROM (.nb0). All other commands take one too: vatlas explain nk.bin
03f61100.

Examples:
  vatlas rom nk.bin
  vatlas rom nk.bin --name coredll --sections
  vatlas rom nk.bin --extract out/             modules as EXE and DLL files, and all other files
  vatlas rom nk.bin --json | jq -r '.answer.regions[].modules[] | [.base, .name] | @tsv'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The image: .bin or .nb0
    #[arg(value_name = "IMAGE")]
    file: PathBuf,
    /// Only modules and files whose name has this in it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Show the sections of each module: where they lie in ROM and at run time
    #[arg(long)]
    sections: bool,
    /// Compare the sum of every record with its bytes, which reads the whole file
    #[arg(long)]
    verify: bool,
    /// Write modules, rebuilt as PE files, and files into this folder
    #[arg(long, value_name = "DIR")]
    extract: Option<PathBuf>,
}

/// An image that is shown.
struct Shown<'a> {
    args: &'a Args,
    bytes: FileBytes,
    image: RomImage,
    /// What could not be read, of the tables and, when they are compared, of the sums.
    problems: Vec<Problem>,
}

impl Shown<'_> {
    fn file(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    fn is_wanted(&self, name: &str) -> bool {
        let has = |text: &String| name.to_ascii_lowercase().contains(&text.to_ascii_lowercase());
        self.args.name.as_ref().is_none_or(has)
    }
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let file = file_of(&args.file)?;
    let bytes = map_file(&file)?;
    let image = RomImage::read((*bytes).as_ref());
    let image = image.map_err(|problem| Problem { place: file.display().to_string(), ..problem })?;
    let mut problems = image.problems.clone();
    if args.verify {
        problems.extend(check_sums((*bytes).as_ref()));
    }
    let mut shown = Shown { args, bytes, image, problems };
    let extracted = match &args.extract {
        Some(folder) => Some(extract::extract(&mut shown, folder)?),
        None => None,
    };
    if output.json {
        let input = serde_json::json!({ "file": file.display().to_string(), "size": shown.file().len() });
        output.document(&json::document("rom", input, document::whole(&shown, extracted.as_deref())));
    } else {
        screen::whole(&shown, extracted.as_deref(), output);
        output.warn(&shown.problems);
    }
    let is_found = shown.image.modules().any(|(_, module)| shown.is_wanted(&module.name))
        || shown.image.files().any(|file| shown.is_wanted(&file.name));
    if !is_found {
        let name = args.name.as_deref().unwrap_or_default();
        return Err(Failure::could_not(format!("the image lists nothing with '{name}' in its name")));
    }
    let is_damaged = shown.problems.iter().any(|problem| problem.severity == Severity::Damage);
    Ok(if is_damaged { Exit::Partial } else { Exit::Done })
}

/// The image itself, or the only one of a folder.
fn file_of(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let folder = DeviceFolder::read(path)?;
    let images: Vec<_> = folder
        .of_sort(|sort| matches!(sort, Sort::Rom(_)))
        .into_iter()
        .filter_map(|number| folder.files.get(number))
        .collect();
    match images.as_slice() {
        [image] => Ok(image.path.clone()),
        [] => Err(Failure::could_not(format!("{}: no file in the folder is a ROM image", path.display()))),
        several => {
            let names: Vec<_> = several.iter().map(|file| folder.name(file)).collect();
            let failure = Failure::usage(format!("{}: {} ROM images are in the folder", path.display(), names.len()));
            Err(failure.hint(format!("name one of them: {}", names.join(", "))))
        }
    }
}

//! `vatlas rom`: what a ROM image of Windows CE holds, its modules and files written out, two images compared, one built.

mod build;
mod diff;
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
  vatlas rom nk.bin                            the same as vatlas rom list nk.bin
  vatlas rom nk.bin --name coredll --sections
  vatlas rom extract nk.bin out/               modules as EXE and DLL files, and all other files
  vatlas rom diff old.bin new.bin              what was added, taken away, changed
  vatlas rom build system.toml -o nk.bin       an image for the machine
  vatlas rom nk.bin --json | jq -r '.answer.regions[].modules[] | [.base, .name] | @tsv'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: Option<ListArgs>,
}

/// What is done.
#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List modules and files of an image
    List(ListArgs),
    /// Write modules, rebuilt as PE files, and files into a folder
    Extract(ExtractArgs),
    /// Compare two images: modules, sections, files
    Diff(diff::DiffArgs),
    /// Build an image from a description, for the machine
    Build(build::BuildArgs),
}

/// Arguments of a listing.
#[derive(clap::Args, Debug)]
struct ListArgs {
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

/// Arguments of an extraction.
#[derive(clap::Args, Debug)]
struct ExtractArgs {
    /// The image: .bin or .nb0
    #[arg(value_name = "IMAGE")]
    file: PathBuf,
    /// The folder; made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only modules and files whose name has this in it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
}

/// An image that is shown.
struct Shown<'a> {
    args: &'a ListArgs,
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
    match (&args.action, &args.list) {
        (Some(Action::List(list)), _) | (None, Some(list)) => show(list, output),
        (Some(Action::Extract(ExtractArgs { file, folder, name })), _) => {
            let (file, name, extract) = (file.clone(), name.clone(), Some(folder.clone()));
            show(&ListArgs { file, name, extract, sections: false, verify: false }, output)
        }
        (Some(Action::Diff(diff)), _) => diff::run(diff, output),
        (Some(Action::Build(build)), _) => build::run(build, output),
        (None, None) => Err(Failure::usage("rom: names no image").hint("vatlas rom nk.bin lists what is in it")),
    }
}

fn show(args: &ListArgs, output: &mut Output) -> Result<Exit, Failure> {
    let file = file_of(&args.file)?;
    let (bytes, image) = read(&file)?;
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

/// The bytes of an image and its tables.
fn read(file: &Path) -> Result<(FileBytes, RomImage), Failure> {
    let bytes = map_file(file)?;
    let image = RomImage::read((*bytes).as_ref());
    let image = image.map_err(|problem| Problem { place: file.display().to_string(), ..problem })?;
    Ok((bytes, image))
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

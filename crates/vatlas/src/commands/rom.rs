//! `vatlas rom IMAGE`: what a ROM image of Windows CE holds, and its modules and files written out.

mod document;
mod extract;
mod screen;

use crate::{
    failure::{Exit, Failure},
    json,
    open::map_file,
    output::Output,
};
use std::path::PathBuf;
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
    let bytes = map_file(&args.file)?;
    let image = RomImage::read((*bytes).as_ref());
    let image = image.map_err(|problem| Problem { place: args.file.display().to_string(), ..problem })?;
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
        let input = serde_json::json!({ "file": args.file.display().to_string(), "size": shown.file().len() });
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

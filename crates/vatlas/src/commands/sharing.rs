//! `vatlas sharing FILE`: which processes share which frames of which image, and what relocation cost.

mod facts;
mod json;
mod picture;
mod svg;

use crate::{
    cli::Cli,
    commands,
    draw::text::{printable, short_address, size},
    failure::{Exit, Failure},
    json as document,
    open::{TargetArgs, not_written},
    output::Output,
    table::{Cell, Side, Table},
};
use clap::Parser;
use std::path::PathBuf;
use vatlas_debug::sharing::{ImageView, RelocationCost, SharedImage, sharing};

/// Bytes of a page.
const PAGE: u64 = 4096;

const EXAMPLES: &str = "\
One set of frames holds the code of a program or library for all processes; a page that is written becomes a copy of
the process's own. An image that is not where it was linked for has its addresses fixed, page by page: those pages are
copies, too, and that is what relocation costs.

Examples:
  vatlas run --root programs programs/two.exe --stop-at 5M --then sharing
  vatlas sharing memory.dmp --image counter.dll          a dump of the whole memory, or a snapshot
  vatlas sharing memory.dmp --svg sharing.svg
  vatlas sharing programs/two.exe --root programs --stop-at 5M    runs the program, and looks at it then";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only images whose file name is this
    #[arg(long, value_name = "NAME")]
    image: Vec<String>,
    /// Only images that several processes have
    #[arg(long)]
    several: bool,
    /// The tables only
    #[arg(long)]
    no_picture: bool,
    /// Draw who shares what, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// When FILE is a program: the folder that it sees as C:\
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// When FILE is a program: stop after so many instructions, and look
    #[arg(long, value_name = "COUNT", default_value = "20M")]
    stop_at: String,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let target = &*opened.target;
    let Some(images) = sharing(target, &|process, base| facts::read(target, process, base)) else {
        return match target.kind().format {
            "PE" => in_machine(args, output),
            _ => Err(Failure::could_not("only a whole system knows who shares what")
                .hint("ask a stopped machine (vatlas run --then sharing), a snapshot or a dump of the whole memory")),
        };
    };
    let images: Vec<SharedImage> = images.into_iter().filter(|image| is_wanted(args, image)).collect();
    if let Some(path) = &args.svg {
        std::fs::write(path, svg::draw(&images)).map_err(|error| not_written(path, &error))?;
        output.remark(&format!("written: {}", path.display()));
    }
    if output.json {
        output.document(&document::document("sharing", opened.input(), images.iter().map(json::image).collect()));
    } else if args.svg.is_none() {
        output.text(&overview(&images).render(output.colour));
        for image in &images {
            show(image, args, output);
        }
    }
    match images.is_empty() {
        true => Err(Failure::could_not("no such image is mapped")),
        false => Ok(opened.exit()),
    }
}

fn is_wanted(args: &Args, image: &SharedImage) -> bool {
    let name = file_name(image);
    let is_named = args.image.is_empty() || args.image.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    is_named && (!args.several || image.views.len() > 1)
}

fn file_name(image: &SharedImage) -> &str {
    image.file.as_deref().map_or("an image", |path| path.rsplit('\\').next().unwrap_or(path))
}

/// A program is run on the machine, which is asked the same question.
fn in_machine(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let mut question = String::from("sharing");
    for name in &args.image {
        question.push_str(&format!(" --image '{name}'"));
    }
    for (is_set, option) in [(args.several, " --several"), (args.no_picture, " --no-picture")] {
        question.push_str(if is_set { option } else { "" });
    }
    if let Some(path) = &args.svg {
        question.push_str(&format!(" --svg '{}'", path.display()));
    }
    let mut line = vec!["vatlas".into(), "run".into()];
    if let Some(root) = &args.root {
        line.extend(["--root".into(), root.clone().into_os_string()]);
    }
    line.extend(["--stop-at".into(), args.stop_at.clone().into(), "--then".into(), question.into()]);
    line.push(args.target.file.clone().into_os_string());
    let line = Cli::try_parse_from(line).map_err(|error| Failure::usage(error.render().to_string()))?;
    commands::run(&line.command, output)
}

/// Frames of each image, with and without sharing.
fn overview(images: &[SharedImage]) -> Table {
    let mut table = Table::new(&[
        ("IMAGE", Side::Left),
        ("PAGES", Side::Right),
        ("PROCESSES", Side::Right),
        ("FRAMES", Side::Right),
        ("UNSHARED", Side::Right),
        ("SAVED", Side::Right),
    ]);
    for image in images {
        let (frames, unshared) = (image.frames(), image.frames_unshared());
        table.row::<6>([
            file_name(image).into(),
            image.pages().to_string().into(),
            image.views.len().to_string().into(),
            frames.to_string().into(),
            unshared.to_string().into(),
            size((unshared.saturating_sub(frames)) as u64 * PAGE).into(),
        ]);
    }
    table
}

fn show(image: &SharedImage, args: &Args, output: &mut Output) {
    output.line("");
    let linked = image.facts.preferred.map(|at| format!(", linked for {}", short_address(at))).unwrap_or_default();
    output.heading(&printable(&format!("{}{linked}", image.file.as_deref().unwrap_or("an image"))));
    let mut table = Table::new(&[
        ("  PROCESS", Side::Right),
        ("NAME", Side::Left),
        ("BASE", Side::Left),
        ("SHARED", Side::Right),
        ("COPIED", Side::Right),
        ("NOT USED", Side::Right),
        ("RELOCATION", Side::Left),
    ]);
    for view in &image.views {
        table.row(row(image, view));
    }
    output.text(&table.render(output.colour));
    if !args.no_picture {
        output.text(&picture::draw(image, output));
    }
}

fn row(image: &SharedImage, view: &ImageView) -> [Cell; 7] {
    let (shared, copied) = (view.shared(), view.copied());
    [
        view.id.map(|id| id.to_string()).unwrap_or_default().into(),
        view.name.clone().unwrap_or_default().into(),
        short_address(view.base).into(),
        shared.to_string().into(),
        copied.to_string().into(),
        (view.pages.len() - shared - copied).to_string().into(),
        cost(image.relocation(view)).into(),
    ]
}

fn cost(relocation: Option<RelocationCost>) -> String {
    let Some(RelocationCost { fixed, in_code, copied }) = relocation else { return "none".to_owned() };
    format!("moved: {fixed} pages have addresses, {in_code} of them shared otherwise; {copied} are copies now")
}

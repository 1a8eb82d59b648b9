//! `vatlas rom build`: an image made of a description, and where everything went.

use crate::{
    ce_rom::{Built, Plan, build},
    draw::text::{printable, size},
    failure::{Exit, Failure},
    json::{self, va},
    open::not_written,
    output::Output,
    table::{Side, Table},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vatlas_images::rom::write::{PlacedModule, Placement};
use vatlas_space::PointerWidth;

const WIDTH: PointerWidth = PointerWidth::Bits32;

const EXAMPLES: &str = "\
A description is a TOML file; everything in it may be left out. Paths count from its folder.

  [rom]
  version = \"5.0\"            2.12 to 5.0; from 4.0 on, code of ROM DLLs is in slot 1
  base = 0x80200000          first address of the image
  ram = \"32M\"                memory of the device, the image among it
  flags = 2                  ulKernelFlags; without 2, programs run in kernel mode
  standard = true            kernel, coredll, filesys, device, gwes, shell of vatlas
  launch = [\"app.exe -v\"]    programs that filesys.exe starts

  [[modules]]
  file = \"app.exe\"
  name = \"app.exe\"           its name in ROM
  place = \"program\"          or \"slot 1\", \"slot 0\" (DLLs), \"kernel\" (also DLLs of the kernel's half)
  packed = false

  [[files]]
  file = \"default.reg\"       or text = \"...\" with a name
  packed = true

Examples:
  vatlas rom build system.toml -o nk.bin
  vatlas rom build system.toml -o nk.nb0 --nb0";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BuildArgs {
    /// The description
    #[arg(value_name = "SYSTEM.TOML")]
    plan: PathBuf,
    /// The image to be written
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Write the bytes of the ROM, not records
    #[arg(long)]
    nb0: bool,
}

/// Answers.
pub fn run(args: &BuildArgs, output: &mut Output) -> Result<Exit, Failure> {
    let built = build(&Plan::read(&args.plan)?)?;
    let bytes = if args.nb0 { built.rom.bytes.clone() } else { built.rom.records() };
    std::fs::write(&args.output, &bytes).map_err(|error| not_written(&args.output, &error))?;
    if output.json {
        let input = json!({ "file": args.plan.display().to_string() });
        output.document(&json::document("rom", input, document(&built, &args.output, bytes.len())));
        return Ok(Exit::Done);
    }
    let name = args.output.display().to_string();
    let name = printable(&name);
    let (first, rom) = (built.rom.base, built.rom.bytes.len() as u64);
    output.line(&format!("{name}: {} of ROM from {first} on, {} written", size(rom), size(bytes.len() as u64)));
    output.line("");
    output.text(&table(&built.rom.modules).render(output.colour));
    for name in &built.moved {
        output.remark(&format!("warning: {} runs in slot 0: slot 1 is full", printable(name)));
    }
    Ok(Exit::Done)
}

fn table(modules: &[PlacedModule]) -> Table {
    let columns = [
        ("MODULE", Side::Left),
        ("RUNS", Side::Left),
        ("BASE", Side::Left),
        ("SIZE", Side::Right),
        ("VARIABLES", Side::Left),
        ("ENTRY", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for module in modules {
        table.row([
            module.name.as_str().into(),
            place(module.placement).into(),
            module.base.text(WIDTH).into(),
            size(module.size.into()).into(),
            module.variables.map(|at| at.text(WIDTH)).unwrap_or_default().into(),
            module.entry.text(WIDTH).into(),
        ]);
    }
    table
}

const fn place(placement: Placement) -> &'static str {
    match placement {
        Placement::Kernel => "kernel",
        Placement::Slot1 => "slot 1",
        Placement::Slot0 => "slot 0",
        Placement::Program => "program",
    }
}

fn document(built: &Built, path: &Path, written: usize) -> Value {
    json!({
        "image": { "file": path.display().to_string(), "size": written },
        "base": va(built.rom.base, WIDTH),
        "rom_bytes": built.rom.bytes.len(),
        "modules": built.rom.modules.iter().map(|module| json!({
            "name": module.name,
            "runs": place(module.placement),
            "base": va(module.base, WIDTH),
            "size": module.size,
            "variables": module.variables.map(|at| va(at, WIDTH)),
            "entry": va(module.entry, WIDTH),
        })).collect::<Value>(),
        "slot_1_was_full_for": built.moved,
    })
}

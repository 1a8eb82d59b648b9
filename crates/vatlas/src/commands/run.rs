//! `vatlas run PROGRAM`: a program for 32-bit Windows, or a device with Windows CE, on the machine, and questions to it
//! when it stops.

mod ce;
mod report;
mod start;
mod stop;
mod system;
mod system_dlls;
mod then;

pub use ce::{Image, image_of, resume as resume_device, start as start_device};
pub use start::{boot, given_system_files, granted_folder, page_store, start_program};
pub use stop::StopArgs;
pub use system::start_with as start_system;

use crate::{
    failure::{Exit, Failure},
    machine_arguments::MachineArgs,
    output::Output,
};
use std::path::PathBuf;

const EXAMPLES: &str = "\
The program runs on an emulated computer with an NT kernel of its own. It sees its own file, the system's DLLs, the
folder of --root, and standard input and output; nothing else of this computer. The same program with the same input
does the same, instruction for instruction, on any computer.

Examples:
  vatlas run hello.exe
  vatlas run sort.exe names.txt --root data/       data/ is its C:\\, and the only folder that it sees
  vatlas run big.exe --ram 16M --pagefile 128M..256M --report
  vatlas run hello.exe --stop-at 200K --then 'explain 0x400000'
  vatlas run hello.exe --stop-at 200K --then stack --then 'map --summary'
  vatlas run device.bin --stop-at 5M --then slots  a ROM image of Windows CE
  vatlas run device.toml                           a description of one, built in memory
  vatlas run big.exe --stop-at 2G --snapshot big.vsnap    go on with 'vatlas resume'
  vatlas run --system two.toml                     several programs, page files, drivers: all in a file";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    machine: MachineArgs,
    /// The program, an EXE for 32-bit Windows or Windows CE; or a ROM image of CE, or the description of one (.toml)
    #[arg(
        value_name = "PROGRAM",
        required = false,
        required_unless_present = "system",
        default_value_if("system", clap::builder::ArgPredicate::IsPresent, "-")
    )]
    program: PathBuf,
    /// The whole system in a file: memory, processors, page files, programs, drivers, files; docs/snapshots.md has the keys
    #[arg(long, value_name = "FILE.toml", conflicts_with = "MachineArgs")]
    system: Option<PathBuf>,
    /// Its arguments; options of vatlas come before the program
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    stop: StopArgs,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(path) = &args.system {
        let plan = args.stop.plan()?;
        let (system, name) = system::start(path)?;
        return plan.run(system, &name, output);
    }
    if let Some(image) = image_of(&args.program)? {
        return ce::run(args, image, output);
    }
    let plan = args.stop.plan()?;
    if let Some(folder) = &args.machine.system_dlls {
        let refused = system_dlls::SystemDlls::read(folder)?.refused;
        refused.iter().for_each(|sentence| output.remark(&format!("warning: {sentence}")));
    }
    let (system, name) = start::start(args)?;
    plan.run(system, &name, output)
}

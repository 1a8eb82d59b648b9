//! `vatlas resume FILE`: a machine goes on from a snapshot as if it had never stopped.

use super::run::{StopArgs, page_store, resume_device};
use crate::{
    failure::{Exit, Failure},
    host::GrantedHost,
    host_files::HostFolder,
    open::{map_file, words},
    output::Output,
};
use std::path::PathBuf;
use vatlas_machine::{
    memory::PageFileStore,
    nt::System,
    state::{Container, SnapshotSystem},
};
use vatlas_space::Problem;

const EXAMPLES: &str = "\
The snapshot holds the whole machine: memory, processors, the kernel's state, what lies in page files, the programs and
DLLs that were given to it. A folder of this computer is not in it: grant the same one again. Counts of instructions
are counted from the start of the machine, not from the snapshot.

Examples:
  vatlas run big.exe --stop-at 2G --snapshot big.vsnap
  vatlas resume big.vsnap
  vatlas resume big.vsnap --stop-at 3G --then stack
  vatlas explain big.vsnap 0x400000                    every question can be asked of a snapshot as well";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The snapshot
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder that the machine had as its C:\
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Folder where page files are made, and removed when the machine ends
    #[arg(long, value_name = "DIR")]
    pagefile_dir: Option<PathBuf>,
    #[command(flatten)]
    stop: StopArgs,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let plan = args.stop.plan()?;
    let bytes = map_file(&args.file)?;
    let in_file = |problem: Problem| Failure::from(Problem { place: args.file.display().to_string(), ..problem });
    if Container::open((*bytes).as_ref()).map_err(in_file)?.system() == SnapshotSystem::Ce {
        return resume_device(&args.stop, (*bytes).as_ref(), output);
    }
    let about = System::about_snapshot((*bytes).as_ref()).map_err(in_file)?;
    let mut make_store = |number| {
        let store = page_store(args.pagefile_dir.as_deref(), number).map_err(|error| words(&error))?;
        Ok(Box::new(store) as Box<dyn PageFileStore>)
    };
    let folder = args.root.as_deref().map(|root| {
        HostFolder::new(root)
            .map_err(|error| Failure::could_not(format!("--root {}: {}", root.display(), words(&error))))
    });
    let host = Box::new(GrantedHost::new(folder.transpose()?));
    let system = System::resume((*bytes).as_ref(), host, &mut make_store).map_err(in_file)?;
    drop(bytes);
    plan.run(system, &about.name, output)
}

//! A kernel dump of the machine beside Volatility 3: the same runs, the same pages, the same header.
//!
//! Volatility 3 has a licence of its own. It runs in a process of its own, from a folder of its own; nothing of it is
//! linked or distributed.

use std::path::{Path, PathBuf};
use std::process::Command;
use vatlas_images::kernel_dump::KernelDump;
use vatlas_space::Pfn;

const PAGE: usize = 4096;
/// What Volatility calls the layer of a 32-bit crash dump.
const LAYER: &str = "WindowsCrashDump32Layer";

/// Makes a dump, lets Volatility read it, and compares. Whether both agree on all of it.
///
/// # Errors
/// Python, Volatility or cargo cannot be started, or their files cannot be read.
pub fn run(root: &Path) -> Result<bool, String> {
    let volatility = volatility(&root.join("target/tools/volatility3"))?;
    let folder = root.join("target/kernel-dump");
    std::fs::create_dir_all(&folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
    let path = folder.join("machine.dmp");
    make_dump(root, &path)?;
    let read = |path: &Path| std::fs::read(path).map_err(|cause| format!("{}: {cause}", path.display()));
    let bytes = read(&path)?;
    let dump = KernelDump::read(&bytes).map_err(|problem| problem.to_string())?;

    let ask = |plugin: &[&str]| ask(&volatility, &folder, &path, plugin);
    let layers = ask(&["layerwriter.LayerWriter", "--list"])?;
    let mut is_same = tell("its layer", layers.contains(LAYER));
    let header = ask(&["windows.crashinfo.Crashinfo"])?;
    for (name, value) in facts(&dump) {
        is_same &= tell(name, header.split_whitespace().any(|word| word == value));
    }
    ask(&["layerwriter.LayerWriter"])?;
    let layer = read(&folder.join("memory_layer.raw"))?;
    let differing = pages(&dump, &bytes, &layer);
    println!("{} pages in {} runs, {differing} of them differ", dump.pages(), dump.runs.len());
    let end = dump.runs.iter().map(|run| run.first.0 + u64::from(run.pages)).max().unwrap_or_default();
    is_same &= tell("the end of the last run", layer.len() as u64 == end * PAGE as u64);
    Ok(is_same && differing == 0)
}

fn tell(what: &str, is_same: bool) -> bool {
    println!("{what}: {}", if is_same { "the same" } else { "differs" });
    is_same
}

/// What the header says, in Volatility's words.
fn facts(dump: &KernelDump) -> [(&'static str, String); 6] {
    [
        ("DirectoryTableBase", format!("{:#x}", dump.directory.0)),
        ("PfnDataBase", format!("{:#x}", dump.pfn_database.0)),
        ("PsLoadedModuleList", format!("{:#x}", dump.module_list.0)),
        ("PsActiveProcessHead", format!("{:#x}", dump.process_list.0)),
        ("KdDebuggerDataBlock", format!("{:#x}", dump.debugger_data.0)),
        ("MachineImageType", dump.machine.to_string()),
    ]
}

/// Pages that differ; pages in no run must be zeroes.
fn pages(dump: &KernelDump, bytes: &[u8], layer: &[u8]) -> usize {
    let differs = |(number, theirs): &(u64, &[u8])| match dump.page_offset(Pfn(*number)) {
        Some(offset) => bytes.get(offset as usize..offset as usize + PAGE) != Some(theirs),
        None => theirs.iter().any(|byte| *byte != 0),
    };
    (0..).zip(layer.chunks(PAGE)).filter(differs).count()
}

/// The dump of a machine that a driver stopped.
fn make_dump(root: &Path, path: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["run", "-q", "-p", "vatlas", "--", "run", "--ram", "16M", "--driver"]);
    command.arg("fixtures/machine/drivers/trouble.sys").arg("--kernel-dump").arg(path);
    let _ = std::fs::remove_file(path);
    // The command fails, as the machine does.
    let ended = command.args(["fixtures/machine/drivers/programs/ask.exe", "0"]).output();
    ended.map_err(|cause| format!("cargo run: {cause}"))?;
    if path.is_file() { Ok(()) } else { Err("vatlas run: no dump was made".to_owned()) }
}

fn ask(volatility: &Path, folder: &Path, dump: &Path, plugin: &[&str]) -> Result<String, String> {
    let mut command = Command::new(volatility);
    command.args(["-q", "--offline", "-o"]).arg(folder).arg("-f").arg(dump).args(plugin);
    // It does not write over what an earlier run left.
    if plugin.len() == 1 {
        let _ = std::fs::remove_file(folder.join("memory_layer.raw"));
    }
    let output = command.output().map_err(|cause| format!("{}: {cause}", volatility.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", plugin.join(" "), String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Installs Volatility into a folder of its own, unless it is there; the program.
fn volatility(folder: &Path) -> Result<PathBuf, String> {
    let program =
        |name: &str| folder.join(if cfg!(windows) { format!("Scripts/{name}.exe") } else { format!("bin/{name}") });
    let vol = program("vol");
    if !vol.is_file() {
        let step = |command: &mut Command| match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("python: {status}")),
            Err(cause) => Err(format!("python3: {cause}")),
        };
        step(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        step(Command::new(program("python")).args(["-m", "pip", "install", "--quiet", "volatility3==2.28.2"]))?;
    }
    Ok(vol)
}

//! `vatlas demo nt`: two processes of one program with one library, step by step: code in frames that both use, data of
//! its own in each, and a kernel that is the same in both.

use crate::{
    commands::run::{boot, given_system_files},
    failure::{Exit, Failure},
    json,
    output::Output,
    table::{Side, Table},
};
use serde_json::{Value, json};
use std::rc::Rc;
use vatlas_machine::{
    files::GivenFile,
    nt::{Configuration, System, SystemStop},
};
use vatlas_space::{Pa, Page, PageHome, ProcessIndex, Target, Va};
use vatlas_targets::{MachineTarget, machine_target};

/// The program and its library, from `fixtures/machine/processes`.
const PROGRAM: &[u8] = include_bytes!("../../../../../fixtures/machine/processes/instances.exe");
const LIBRARY: &[u8] = include_bytes!("../../../../../fixtures/machine/processes/counter.dll");
const NAME: &str = "instances.exe";
/// In the library: a function, and the global that it adds to.
const CODE: Va = Va(0x1000_1000);
const DATA: Va = Va(0x1000_2000);
/// In the kernel's half: the head of the list of processes.
const KERNEL: Va = Va(0x8055_a158);
/// Instructions between two looks, and most looks.
const LOOK: u64 = 10_000;
const LOOKS: u32 = 1000;
const FRAMES: u32 = 8192;
const PAGE_FILE: u32 = 1024;

/// What a process has of a page of the library.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Sight {
    /// The library is not mapped.
    Nothing,
    /// Mapped, and not used.
    Unused,
    /// The section's own frame.
    Shared(u64),
    /// A frame of its own.
    Copied(u64),
}

/// A process at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Instance {
    id: u32,
    directory: Option<Pa>,
    code: Sight,
    data: Sight,
    value: Option<u32>,
    kernel: Option<Pa>,
}

/// A moment at which something had changed.
struct Moment {
    instructions: u64,
    instances: Vec<Instance>,
    told: Vec<String>,
}

/// Answers.
pub fn run(output: &mut Output) -> Result<Exit, Failure> {
    let moments = watch()?;
    if output.json {
        let answer: Value = moments.iter().map(moment_json).collect();
        output.document(&json::document("demo", Value::Null, answer));
        return Ok(Exit::Done);
    }
    output
        .line("A program starts a second instance of itself. Both use counter.dll: a function, at 0x10001000, adds to");
    output.line("a global, at 0x10002000. The machine is stopped now and then: where are these two pages?");
    for moment in &moments {
        output.line("");
        output.heading(&format!("after {} instructions", moment.instructions));
        moment.told.iter().for_each(|sentence| output.line(&format!("  {sentence}")));
        output.text(&table(moment).render(output.colour));
    }
    if let Some(last) = moments.last() {
        output.line("");
        conclusion(last).iter().for_each(|line| output.line(line));
    }
    output.line("");
    output.line("Try: vatlas run --root DIR --stop-at 8M --then 'sharing --several' PROGRAM");
    Ok(Exit::Done)
}

/// Runs the program until nothing changes any more, and keeps what changed.
fn watch() -> Result<Vec<Moment>, Failure> {
    let mut given = given_system_files();
    given.push(GivenFile { path: NAME.to_owned(), bytes: PROGRAM.into() });
    given.push(GivenFile { path: "counter.dll".to_owned(), bytes: LIBRARY.into() });
    let configuration = Configuration { frames: FRAMES, given, ..Configuration::default() };
    let mut system = boot(configuration, (PAGE_FILE, PAGE_FILE), NAME)?;
    let mut moments: Vec<Moment> = Vec::new();
    for _ in 0..LOOKS {
        if system.run(LOOK) != SystemStop::Budget {
            return Err(Failure::could_not("the programs of the demonstration ended"));
        }
        let shared = Rc::new(system);
        let target = machine_target(&shared, NAME);
        let instances = look(&target);
        let before = moments.last().map_or(&[][..], |last| &last.instances);
        let told = changes(before, &instances);
        if !told.is_empty() {
            moments.push(Moment { instructions: shared.instructions(), instances, told });
        }
        drop(target);
        system = unshared(shared)?;
        if moments.last().is_some_and(is_complete) {
            break;
        }
    }
    Ok(moments)
}

/// The target that looked at it is gone.
fn unshared(shared: Rc<System>) -> Result<System, Failure> {
    Rc::try_unwrap(shared).map_err(|_| Failure::could_not("the machine is still looked at"))
}

/// Both have written to their global.
fn is_complete(moment: &Moment) -> bool {
    moment.instances.len() == 2 && moment.instances.iter().all(|one| matches!(one.data, Sight::Copied(_)))
}

fn look(target: &MachineTarget) -> Vec<Instance> {
    let Some(system) = target.system() else { return Vec::new() };
    let processes = target.processes().iter().enumerate();
    let ours = processes.filter(|(_, process)| process.name.as_deref() == Some(NAME));
    let instance = |(number, process): (usize, &vatlas_space::Process)| {
        let index = ProcessIndex(number);
        let page = |va| system.page(index, va);
        let (code, data, kernel) = (page(CODE), page(DATA), page(KERNEL));
        let directory = code.as_ref().and_then(|page| page.walk.steps().first()).map(|step| Pa(step.at.0 & !0xfff));
        let sight = data.as_ref().map_or(Sight::Nothing, sight);
        let mut bytes = [0; 4];
        let is_there = !matches!(sight, Sight::Nothing | Sight::Unused);
        let space = target.space(index).filter(|_| is_there);
        let is_read = space.is_some_and(|space| space.read_available(DATA, &mut bytes) == 4);
        Instance {
            id: process.id.map_or(0, |id| id.0),
            directory,
            code: code.as_ref().map_or(Sight::Nothing, self::sight),
            data: sight,
            value: is_read.then(|| u32::from_le_bytes(bytes)),
            kernel: kernel.and_then(|page| page.walk.mapping()).map(|mapping| mapping.pa),
        }
    };
    ours.map(instance).collect()
}

fn sight(page: &Page) -> Sight {
    match (&page.home, page.prototype) {
        (PageHome::Frame(frame), Some(_)) => Sight::Shared(frame.0),
        (PageHome::Frame(frame), None) => Sight::Copied(frame.0),
        (_, Some(_)) => Sight::Unused,
        _ => Sight::Nothing,
    }
}

/// What is new since the last look, in sentences.
fn changes(before: &[Instance], now: &[Instance]) -> Vec<String> {
    let mut told = Vec::new();
    for one in now {
        let old = before.iter().find(|other| other.id == one.id);
        let id = one.id;
        if old.is_none() {
            let at = one.directory.map(|at| format!(": its page directory is at physical {at}")).unwrap_or_default();
            told.push(format!("Process {id} begins{at}."));
        }
        let (code, data) = old.map_or((&Sight::Nothing, &Sight::Nothing), |old| (&old.code, &old.data));
        if let (Sight::Shared(frame), true) = (&one.code, *code != one.code) {
            told.push(match now.iter().any(|other| other.id != id && other.code == one.code) {
                true => format!("Process {id} uses the code, and finds it in frame {frame:#x} where the other has it."),
                false => format!("Process {id} uses the code: it is read from the file into frame {frame:#x}."),
            });
        }
        match &one.data {
            new if new == data => {}
            Sight::Shared(frame) => told.push(format!("Process {id} reads the global, in frame {frame:#x}.")),
            Sight::Copied(frame) => told.push(format!(
                "Process {id} writes to the global: it gets a copy of the page, frame {frame:#x}, for itself."
            )),
            _ => {}
        }
    }
    told
}

fn table(moment: &Moment) -> Table {
    let mut table = Table::new(&[
        ("  PROCESS", Side::Right),
        ("CR3", Side::Left),
        ("CODE AT 0x10001000", Side::Left),
        ("GLOBAL AT 0x10002000", Side::Left),
        ("ITS VALUE", Side::Right),
    ]);
    for one in &moment.instances {
        table.row::<5>([
            one.id.to_string().into(),
            one.directory.map(|at| at.to_string()).unwrap_or_default().into(),
            words(&one.code).into(),
            words(&one.data).into(),
            one.value.map(|value| value.to_string()).unwrap_or_default().into(),
        ]);
    }
    table
}

fn words(sight: &Sight) -> String {
    match sight {
        Sight::Nothing => "not mapped".to_owned(),
        Sight::Unused => "mapped, not used yet".to_owned(),
        Sight::Shared(frame) => format!("frame {frame:#x}, shared"),
        Sight::Copied(frame) => format!("frame {frame:#x}, its own"),
    }
}

/// What the last look shows.
fn conclusion(last: &Moment) -> Vec<String> {
    let [one, other] = last.instances.as_slice() else { return Vec::new() };
    let value = |one: &Instance| one.value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    let mut lines = vec![
        "The same address, 0x10002000, leads to two frames: a switch of processes loads CR3, and with it another"
            .to_owned(),
        format!("mapping. The value is {} here and {} there. The code is in memory once.", value(one), value(other)),
    ];
    if let Some(at) = one.kernel.filter(|_| one.kernel == other.kernel) {
        lines.push(format!(
            "The kernel's half is the same in both: {KERNEL} is physical {at} whichever runs, so a system call changes"
        ));
        lines.push("no mapping.".to_owned());
    }
    lines
}

fn moment_json(moment: &Moment) -> Value {
    let instance = |one: &Instance| {
        json!({
            "process": one.id,
            "page_directory": one.directory.map(|at| at.to_string()),
            "code": words(&one.code),
            "global": words(&one.data),
            "value": one.value,
            "kernel_page": one.kernel.map(|at| at.to_string()),
        })
    };
    json!({
        "instructions": moment.instructions,
        "changes": moment.told,
        "processes": moment.instances.iter().map(instance).collect::<Value>(),
    })
}

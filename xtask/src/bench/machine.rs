//! Rows of the machine: guest instructions, beside Unicorn on the same guest code; faults, system calls, switches.

use super::library::Library;
use super::table::{Measured, Quantity, Row};
use crate::compare_cpu::unicorn_python;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs a freestanding program of `fixtures/machine` and prints the seconds of the fastest of five runs.
const SCRIPT: &str = include_str!("machine_unicorn.py");
/// Rounds of the program, as in the benchmark of the processor.
const ROUNDS: u32 = 20;
/// The program of the first row.
const PROGRAM: &str = "fixtures/machine/work.bin";

/// What was measured.
pub struct Machine {
    processor: Library,
    kernel: Library,
    processes: Library,
    state: Library,
    unicorn: Result<f64, String>,
}

impl Machine {
    /// Runs the benchmarks, and Unicorn when it can be installed.
    pub fn measure(root: &Path) -> Self {
        let processor = Library::measure(root, "vatlas-machine", "processor");
        let kernel = Library::measure(root, "vatlas-machine", "kernel");
        let processes = Library::measure(root, "vatlas-machine", "processes");
        let state = Library::measure(root, "vatlas-machine", "state");
        let count = processor.elements("processor/integer_c");
        let unicorn = count.and_then(|count| unicorn(root, count));
        Self { processor, kernel, processes, state, unicorn }
    }

    /// The rows.
    pub fn rows(&self) -> Vec<Row> {
        let nanos = |goal: u64| Some(Quantity::Time(Duration::from_nanos(goal)));
        vec![
            Row {
                what: "1,000 guest instructions of compiled C, counted (Unicorn counted)",
                goal: nanos(2_500),
                ours: self.thousand("processor/integer_c").into(),
                peer: self.unicorn_thousand().into(),
            },
            self.instructions("1,000 guest instructions, stopped every 1,009", "integer_c_in_pieces_of_1009"),
            self.instructions("1,000 guest instructions of x87 code", "x87_c"),
            self.instructions("1,000 guest instructions of SSE2 code", "sse2_c"),
            self.kernel_row("a demand-zero fault of a program, kernel and processor", "demand_zero", nanos(500)),
            self.kernel_row("a thread switch, kernel and processor", "thread_switch", nanos(200)),
            self.kernel_row("a system call and back, kernel and processor", "system_call", nanos(100)),
            self.process_row("a switch of processes, kernel and processor", "switch", nanos(200)),
            // Its first instruction lies in between.
            self.process_row("a process: made, loaded, run, ended, waited for", "life", nanos(2_000_000)),
            Row {
                what: "an idle process, memory of the host beside its pages",
                goal: Some(Quantity::Bytes(100 << 10)),
                ours: self.processes.elements("processes/idle_memory").into(),
                peer: Measured::Not(String::new()),
            },
            self.state_row("1,000,000 guest instructions that write 64 pages", "million", None),
            self.state_row("the same and a checkpoint of 64 MB", "million_and_checkpoint", None),
            self.state_row("a snapshot of 64 MB written", "save_64_mb", nanos(100_000_000)),
            self.state_row("a snapshot of 64 MB resumed", "resume_64_mb", nanos(50_000_000)),
        ]
    }

    fn instructions(&self, what: &'static str, name: &str) -> Row {
        let ours = self.thousand(&format!("processor/{name}")).into();
        Row { what, goal: None, ours, peer: Measured::Not(String::new()) }
    }

    fn process_row(&self, what: &'static str, name: &str, goal: Option<Quantity>) -> Row {
        let name = format!("processes/{name}");
        let median = self.processes.median(&name);
        let each = median.and_then(|all| Ok(all.div_f64(self.processes.elements(&name)? as f64)));
        Row { what, goal, ours: each.into(), peer: Measured::Not(String::new()) }
    }

    fn state_row(&self, what: &'static str, name: &str, goal: Option<Quantity>) -> Row {
        let ours = self.state.median(&format!("state/{name}")).into();
        Row { what, goal, ours, peer: Measured::Not(String::new()) }
    }

    fn kernel_row(&self, what: &'static str, name: &str, goal: Option<Quantity>) -> Row {
        let each = || {
            let name = format!("kernel/{name}");
            Ok(self.kernel.median(&name)?.div_f64(self.kernel.elements(&name)? as f64))
        };
        let each: Result<Duration, String> = each();
        Row { what, goal, ours: each.into(), peer: Measured::Not(String::new()) }
    }

    fn thousand(&self, name: &str) -> Result<Duration, String> {
        Ok(self.processor.median(name)?.mul_f64(1000.0 / self.processor.elements(name)? as f64))
    }

    fn unicorn_thousand(&self) -> Result<Duration, String> {
        let count = self.processor.elements("processor/integer_c")?;
        let seconds = self.unicorn.clone()?;
        Ok(Duration::from_secs_f64(seconds * 1000.0 / count as f64))
    }
}

/// Seconds that Unicorn needs for so many counted instructions of the same program.
fn unicorn(root: &Path, count: u64) -> Result<f64, String> {
    let python = unicorn_python(&root.join("target/tools/unicorn"))?;
    let arguments = [PROGRAM.to_owned(), ROUNDS.to_string(), count.to_string()];
    let output = Command::new(python).args(["-c", SCRIPT]).args(arguments).current_dir(root).output();
    let output = output.map_err(|cause| format!("python: {cause}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("unicorn: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

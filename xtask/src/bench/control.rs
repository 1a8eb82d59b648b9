//! Rows of the debugger's control over the machine: the same guest code with and without it, and the ways back.

use super::library::Library;
use super::table::{Measured, Quantity, Row};
use std::path::Path;
use std::time::Duration;

/// What was measured.
pub struct Control {
    library: Library,
}

impl Control {
    /// Runs the benchmarks.
    pub fn measure(root: &Path) -> Self {
        Self { library: Library::measure(root, "vatlas-machine", "control") }
    }

    /// The rows. The peer of a row with control is the same work without.
    pub fn rows(&self) -> Vec<Row> {
        let millis = |goal: u64| Some(Quantity::Time(Duration::from_millis(goal)));
        vec![
            self.beside("1,000 guest instructions under control, without breakpoints", "controlled", 1.03),
            self.beside("the same with 100 code breakpoints that are not hit", "100_code_breakpoints", 1.1),
            self.beside("the same with 4 data breakpoints that are not hit", "4_data_breakpoints", 1.1),
            // Every fourth access meets a watched page; every 0.3 ms 17 pages are kept: no goals, but what can happen.
            Row {
                goal: None,
                ..self.beside("the same with the 4 in pages that are written", "4_data_breakpoints_near", 1.0)
            },
            Row { goal: None, ..self.beside("the same while the past is kept", "history", 1.0) },
            Row {
                what: "100 M instructions of the Windows CE demo while the past is kept",
                goal: self.library.median("control_demo/plain").ok().map(|plain| Quantity::Time(plain.mul_f64(1.05))),
                ours: self.library.median("control_demo/history").into(),
                peer: self.library.median("control_demo/plain").into(),
            },
            Row {
                what: "the past of 100 M instructions of the Windows CE demo, memory",
                goal: Some(Quantity::Bytes(64 << 20)),
                ours: self.library.elements("control_demo/history").into(),
                peer: Measured::Not(String::new()),
            },
            self.alone("a step back", "control_back/step", Some(Quantity::Time(Duration::from_micros(1500)))),
            self.alone("back over 50 M instructions to a breakpoint", "control_back/continue_50M", millis(300)),
            Row {
                ours: self.each("control_condition/asked").into(),
                ..self.alone("a condition of a breakpoint that does not hold", "", Some(Quantity::Time(CONDITION)))
            },
        ]
    }

    /// A row whose goal is so many times what the work takes without control.
    fn beside(&self, what: &'static str, name: &str, factor: f64) -> Row {
        let plain = self.thousand("control/plain");
        let goal = plain.clone().ok().map(|plain| Quantity::Time(plain.mul_f64(factor)));
        Row { what, goal, ours: self.thousand(&format!("control/{name}")).into(), peer: plain.into() }
    }

    fn alone(&self, what: &'static str, name: &str, goal: Option<Quantity>) -> Row {
        Row { what, goal, ours: self.library.median(name).into(), peer: Measured::Not(String::new()) }
    }

    fn thousand(&self, name: &str) -> Result<Duration, String> {
        Ok(self.library.median(name)?.mul_f64(1000.0 / self.library.elements(name)? as f64))
    }

    fn each(&self, name: &str) -> Result<Duration, String> {
        Ok(self.library.median(name)?.div_f64(self.library.elements(name)? as f64))
    }
}

/// A million in a second.
const CONDITION: Duration = Duration::from_micros(1);

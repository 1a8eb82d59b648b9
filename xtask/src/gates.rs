//! The gates, in the order in which `cargo xtask ci` runs them.

use crate::{arrows, fixtures, guest, guest_ce, tidy, tree};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// One thing that must hold before a change lands.
pub struct Gate {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it holds.
    pub about: &'static str,
    run: fn(&Path) -> Outcome,
}

/// Every gate.
pub const GATES: &[Gate] = &[
    Gate { name: "fmt", about: "sources are formatted", run: fmt },
    Gate { name: "clippy", about: "no lint has anything to say", run: clippy },
    Gate { name: "tests", about: "the tests of every package pass", run: tests },
    Gate { name: "docs", about: "the documentation builds without a warning", run: docs },
    Gate { name: "tidy", about: "openings, sizes, stray printing, ignored tests, paths, links", run: check_tidy },
    Gate { name: "arrows", about: "packages use only what the architecture lets them", run: check_arrows },
    Gate { name: "deny", about: "licences and sources of the dependencies are allowed", run: deny },
    Gate { name: "fixtures", about: "the committed fixtures are what their writers make", run: check_fixtures },
    Gate { name: "guest", about: "the committed system libraries are what their sources make", run: check_guest },
];

/// How a gate ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold; how, if the gate has not printed it already.
    Failed(String),
    /// It could not be tried here, and why.
    Skipped(String),
}

impl Outcome {
    /// Whether this outcome lets `cargo xtask ci` succeed.
    pub fn is_good(&self, may_skip: bool) -> bool {
        match self {
            Self::Passed => true,
            Self::Failed(_) => false,
            Self::Skipped(_) => may_skip,
        }
    }

    fn of(findings: &[tree::Finding]) -> Self {
        findings.iter().for_each(|finding| println!("{finding}"));
        if findings.is_empty() { Self::Passed } else { Self::Failed(format!("{} findings", findings.len())) }
    }
}

/// Runs one gate.
pub fn run(gate: &Gate) -> Outcome {
    (gate.run)(&tree::root())
}

/// Runs every gate but those named, then prints a table of how they ended. True when all are good.
///
/// # Errors
/// When a name is no gate's.
pub fn run_all(without: &[String], may_skip: bool) -> Result<bool, String> {
    if let Some(unknown) = without.iter().find(|name| !GATES.iter().any(|gate| gate.name == *name)) {
        return Err(format!("--without {unknown}: no gate has this name"));
    }
    let mut results = Vec::new();
    for gate in GATES.iter().filter(|gate| !without.iter().any(|name| name == gate.name)) {
        println!("\n== {}: {}", gate.name, gate.about);
        let start = Instant::now();
        let outcome = run(gate);
        results.push((gate.name, start.elapsed(), outcome));
    }
    println!("\n{}", table(&results));
    Ok(results.iter().all(|(_, _, outcome)| outcome.is_good(may_skip)))
}

fn table(results: &[(&str, Duration, Outcome)]) -> String {
    let line = |(name, time, outcome): &(&str, Duration, Outcome)| {
        let words = match outcome {
            Outcome::Passed => "ok".to_owned(),
            Outcome::Failed(why) => format!("FAILED: {why}"),
            Outcome::Skipped(why) => format!("skipped: {why}"),
        };
        format!("{name:<10} {:>7.1} s  {words}", time.as_secs_f64())
    };
    results.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn fmt(root: &Path) -> Outcome {
    cargo(root, &["fmt", "--all", "--check"], None)
}

fn clippy(root: &Path) -> Outcome {
    cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], None)
}

fn tests(root: &Path) -> Outcome {
    cargo(root, &["test", "--workspace"], None)
}

fn docs(root: &Path) -> Outcome {
    cargo(root, &["doc", "--workspace", "--no-deps"], Some(("RUSTDOCFLAGS", "-D warnings")))
}

fn check_tidy(root: &Path) -> Outcome {
    with_files(root, |files| {
        let report = tidy::check(files);
        let (sources, functions, long) = (report.sources, report.functions, report.long_functions);
        println!("{sources} Rust files, {functions} functions, {long} of them longer than 35 lines");
        Outcome::of(&report.findings)
    })
}

fn check_arrows(root: &Path) -> Outcome {
    with_files(root, |files| Outcome::of(&arrows::check(files)))
}

fn check_fixtures(root: &Path) -> Outcome {
    Outcome::of(&fixtures::check(root))
}

/// The cross compiler is a developer's tool; another version of it makes other bytes.
fn check_guest(root: &Path) -> Outcome {
    if !guest::has_compiler() {
        return Outcome::Skipped("gcc-mingw-w64-i686 is not installed".to_owned());
    }
    let both = guest::check(root).and_then(|findings| Ok([findings, guest_ce::check(root)?].concat()));
    both.map_or_else(Outcome::Failed, |findings| Outcome::of(&findings))
}

/// The policy is `deny.toml`; `.ci/run` installs the tool, a developer may go without.
fn deny(root: &Path) -> Outcome {
    let is_installed = Command::new("cargo-deny").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_installed {
        return Outcome::Skipped("cargo-deny is not installed; cargo install cargo-deny --locked".to_owned());
    }
    cargo(root, &["deny", "check", "licenses", "bans", "sources"], None)
}

fn with_files(root: &Path, check: impl FnOnce(&[tree::File]) -> Outcome) -> Outcome {
    match tree::read(root) {
        Ok(files) => check(&files),
        Err(cause) => Outcome::Failed(cause),
    }
}

fn cargo(root: &Path, arguments: &[&str], variable: Option<(&str, &str)>) -> Outcome {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    ended(arguments[0], Command::new(program).args(arguments).envs(variable).current_dir(root).status())
}

fn ended(command: &str, status: std::io::Result<ExitStatus>) -> Outcome {
    match status {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => Outcome::Failed(format!("cargo {command}: {status}")),
        Err(cause) => Outcome::Failed(format!("cargo {command}: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Finding;

    #[test]
    fn only_a_failure_or_an_unwelcome_skip_is_bad() {
        let skipped = Outcome::Skipped("no tool".to_owned());
        let failed = Outcome::Failed("broken".to_owned());
        let verdicts = |outcome: &Outcome| (outcome.is_good(true), outcome.is_good(false));
        assert_eq!(verdicts(&Outcome::Passed), (true, true));
        assert_eq!(verdicts(&skipped), (true, false));
        assert_eq!(verdicts(&failed), (false, false));
    }

    #[test]
    fn findings_fail_a_gate() {
        assert_eq!(Outcome::of(&[]), Outcome::Passed);
        assert_eq!(Outcome::of(&[Finding::new("a", 1, "b")]), Outcome::Failed("1 findings".to_owned()));
    }

    #[test]
    fn a_name_that_is_no_gate_is_refused() {
        assert!(run_all(&["test".to_owned()], true).is_err());
    }

    #[test]
    fn the_table_names_gate_time_and_result() {
        let results = [
            ("fmt", Duration::from_millis(1250), Outcome::Passed),
            ("clippy", Duration::from_secs(100), Outcome::Failed("exit status: 101".to_owned())),
        ];
        let expected = "fmt            1.2 s  ok\nclippy       100.0 s  FAILED: exit status: 101";
        assert_eq!(table(&results), expected);
    }

    #[test]
    #[cfg(unix)]
    fn a_failing_command_fails_its_gate() {
        use std::os::unix::process::ExitStatusExt;
        let exited = |code: i32| ended("fmt", Ok(ExitStatus::from_raw(code << 8)));
        assert_eq!(exited(0), Outcome::Passed);
        assert_eq!(exited(3), Outcome::Failed("cargo fmt: exit status: 3".to_owned()));
        let absent = ended("fmt", Err(std::io::ErrorKind::NotFound.into()));
        assert!(matches!(absent, Outcome::Failed(_)), "{absent:?}");
    }
}

//! The command line of the chores: `cargo xtask ci`, one command for each gate, `fixtures` and `bench`.

use std::path::Path;
use std::process::ExitCode;
use xtask::gates::{self, GATES, Outcome};
use xtask::{
    bench, compare_cpu, compare_kernel_dump, compare_symbols, dist, fixtures, guest, guest_ce, tree, true_stacks, wild,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<bool, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{}", help());
            Ok(true)
        }
        ["ci", options @ ..] => {
            let (without, may_skip) = ci_options(options)?;
            gates::run_all(&without, may_skip)
        }
        ["fixtures"] => fixtures::write(&tree::root()).map(|()| true),
        ["fixtures", "--check"] => run_gate("fixtures"),
        ["guest"] => guest::write(&tree::root()).and_then(|()| guest_ce::write(&tree::root())).map(|()| true),
        ["guest", "ce"] => guest_ce::write(&tree::root()).map(|()| true),
        ["guest", "--check"] => run_gate("guest"),
        ["dist"] => dist::build(&tree::root()).map(|program| say(&program)),
        ["dist", "--order"] => dist::build_with_new_order(&tree::root()).map(|program| say(&program)),
        ["bench"] => bench::run(&tree::root()).map(|()| true),
        ["compare-cpu"] => compare_cpu::run(&tree::root(), compare_cpu::USUAL_COUNT),
        ["compare-cpu", count] => {
            let count = count.parse().map_err(|_| format!("compare-cpu {count}: not a number"))?;
            compare_cpu::run(&tree::root(), count)
        }
        ["wild"] => wild::run(&tree::root(), wild::USUAL_COUNT),
        ["wild", count] => {
            let count = count.parse().map_err(|_| format!("wild {count}: not a number"))?;
            wild::run(&tree::root(), count)
        }
        ["true-stacks"] => true_stacks::run(&tree::root(), true_stacks::USUAL_COUNT),
        ["true-stacks", count] => {
            let count = count.parse().map_err(|_| format!("true-stacks {count}: not a number"))?;
            true_stacks::run(&tree::root(), count)
        }
        ["compare-symbols"] => compare_symbols::run(&tree::root()),
        ["compare-kernel-dump"] => compare_kernel_dump::run(&tree::root()),
        [name] => run_gate(name),
        _ => Err(format!("{}: too many arguments; see cargo xtask help", words.join(" "))),
    }
}

fn say(program: &Path) -> bool {
    println!("{}", program.display());
    true
}

fn run_gate(name: &str) -> Result<bool, String> {
    let gate = GATES.iter().find(|gate| gate.name == name);
    let gate = gate.ok_or_else(|| format!("{name}: no such command; see cargo xtask help"))?;
    let outcome = gates::run(gate);
    if let Outcome::Failed(why) | Outcome::Skipped(why) = &outcome {
        eprintln!("{name}: {why}");
    }
    Ok(outcome == Outcome::Passed)
}

/// The gates to leave out, and whether a gate may be skipped.
fn ci_options(options: &[&str]) -> Result<(Vec<String>, bool), String> {
    let mut without = Vec::new();
    let mut may_skip = true;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--deny-skips" => may_skip = false,
            "--without" => without.push((*options.next().ok_or("--without needs the name of a gate")?).to_owned()),
            other => return Err(format!("ci {other}: no such option; see cargo xtask help")),
        }
    }
    Ok((without, may_skip))
}

fn help() -> String {
    let gates: String = GATES.iter().map(|gate| format!("    {:<10} {}\n", gate.name, gate.about)).collect();
    format!(
        "\
cargo xtask ci [--without GATE]... [--deny-skips]
    runs every gate and fails if one failed, or, with --deny-skips, could not run

cargo xtask GATE
    runs one gate:
{gates}
cargo xtask fixtures [--check]
    writes the fixtures and their hashes; with --check only compares
cargo xtask guest [ce | --check]
    builds the guest's system libraries and writes them and their hashes, with ce only those of Windows CE; with
    --check only compares
cargo xtask compare-cpu [COUNT]
    executes COUNT random instructions of every encoding on the machine's processor and on Unicorn's (GPL, a process of
    its own, installed into target/tools with pip), and prints what differs
cargo xtask compare-kernel-dump
    writes a kernel dump of the machine and lets Volatility 3 read it (a process of its own, installed into target/tools
    with pip): header, runs and every page must be the same
cargo xtask wild [COUNT]
    makes COUNT system calls of the machine's kernel with wild handles and pointers, a million if nothing is said, and
    sees that nobody is harmed
cargo xtask true-stacks [COUNT]
    stops programs of the machine at COUNT random instructions, ten thousand if nothing is said, and compares their
    walked call stacks with the calls that the processor wrote down
cargo xtask compare-symbols
    asks llvm-symbolizer, llvm-pdbutil, binutils and winedump, where they are installed, about the programs of
    fixtures/symbols, and prints what differs from the answers of vatlas-symbols
cargo xtask dist [--order]
    builds the release as one file that needs no library, below target/dist, and says where it is; with --order finds
    out first, with valgrind, which code short questions run, and writes the list by which the linker orders it
cargo xtask bench
    measures that file and prints the table
"
    )
}

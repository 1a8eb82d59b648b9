//! Walked stacks beside true ones: the machine writes down every call and return of a program, the program is stopped
//! at random instructions, and the walk must find exactly the return addresses that are on the stack.
//!
//! `VATLAS_STOPS` says how many stops there are, of all programs together; `cargo xtask true-stacks` makes 10,000 and
//! prints the table of `docs/unwinding.md`.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod ce;
mod classes;
mod compare;
mod host;
mod nt;
mod programs;
mod table;

use classes::Class;
use programs::{Kernel, PROGRAMS};
use table::Table;

/// Stops of an ordinary test run.
const USUAL_STOPS: usize = 330;
/// Shares of true stacks that are promised, with and without symbols. What is reached is in `docs/unwinding.md`.
const LEAST: (f64, f64) = (0.999, 0.97);

#[test]
fn walked_stacks_are_true() {
    let stops = std::env::var("VATLAS_STOPS").map_or(USUAL_STOPS, |stops| stops.parse().unwrap());
    let stops = stops.div_ceil(PROGRAMS.len());
    let mut table = Table::default();
    for program in &PROGRAMS {
        match program.kernel {
            Kernel::Nt => nt::check(program, stops, &mut table),
            Kernel::Ce => ce::check(program, stops, &mut table),
        }
    }
    println!("{table}");
    for kernel in [Kernel::Nt, Kernel::Ce] {
        for (has_symbols, least) in [(true, LEAST.0), (false, LEAST.1)] {
            let (stops, right) = table.of(kernel, has_symbols);
            // Of few stops a single one is more than the tenth of a percent that is promised.
            assert!(right as f64 + 1.0 >= least * stops as f64, "{kernel}: {right} of {stops}\n{table}");
        }
    }
    assert!(table.stops(Class::Body) > 0);
}

//! A million wild system calls: the test of `crates/machine/tests/wild.rs`, optimized, with one seed after the other.

use std::path::Path;
use std::process::Command;

/// Calls when nothing else is said, and seeds that they are shared out to.
pub const USUAL_COUNT: u64 = 1_000_000;
const SEEDS: u64 = 4;

/// Makes so many calls. Whether the kernel and the neighbours came through all of them.
///
/// # Errors
/// Cargo does not start.
pub fn run(root: &Path, count: u64) -> Result<bool, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for seed in 1..=SEEDS {
        let mut command = Command::new(&cargo);
        command.current_dir(root).args(["test", "--release", "-p", "vatlas-machine", "--test", "wild"]);
        command.env("VATLAS_WILD_CALLS", count.div_ceil(SEEDS).to_string());
        command.env("VATLAS_WILD_SEED", (0x9e37_79b9_u64.wrapping_mul(seed)).to_string());
        let status = command.status().map_err(|cause| format!("cargo test: {cause}"))?;
        if !status.success() {
            eprintln!("wild: seed {:#x} failed", 0x9e37_79b9_u64.wrapping_mul(seed));
            return Ok(false);
        }
    }
    Ok(true)
}

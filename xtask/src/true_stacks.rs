//! Ten thousand walked stacks beside true ones: the test of `crates/debug/tests/true_stacks`, optimized.

use std::path::Path;
use std::process::Command;

/// Stops when nothing else is said.
pub const USUAL_COUNT: usize = 10_000;

/// Makes so many stops, of all programs together, and prints the table. Whether the goals hold.
///
/// # Errors
/// Cargo does not start.
pub fn run(root: &Path, count: usize) -> Result<bool, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(root).args(["test", "--release", "-p", "vatlas-debug", "--test", "true_stacks"]);
    command.args(["--", "--nocapture"]).env("VATLAS_STOPS", count.to_string());
    let status = command.status().map_err(|cause| format!("cargo test: {cause}"))?;
    Ok(status.success())
}

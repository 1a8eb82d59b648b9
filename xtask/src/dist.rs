//! The program as it is given to others: one file that needs no library of the system it runs on.
//!
//! A short question is over in a millisecond, and more than half of it is the start of the process. A program that is
//! linked statically and at a fixed address has no libraries to load and nothing to relocate: a third of that time.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Linked with the C library, and at a fixed address.
const STATIC: &str = "-C target-feature=+crt-static -C relocation-model=static";

/// Builds it below `target/dist`; where it is.
///
/// # Errors
/// When cargo cannot be started or the program does not build, without a static C library for example.
pub fn build(root: &Path) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let target = target.join("dist");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--package", "vatlas"]).current_dir(root).env("CARGO_TARGET_DIR", &target);
    let mut folder = target;
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        // With a target named, the flags are not those of build scripts and macros, which cannot be static.
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        cargo.args(["--target", &triple]).env("RUSTFLAGS", STATIC);
        folder = folder.join(triple);
    }
    match cargo.status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("dist: the release build failed: {status}; is the static C library there?")),
        Err(cause) => return Err(format!("dist: cargo could not be started: {cause}")),
    }
    Ok(folder.join("release").join(format!("vatlas{}", std::env::consts::EXE_SUFFIX)))
}

//! A release of the program for Linux is linked at a fixed address: there the loader has nothing to relocate.
//!
//! Half of what a short question costs is the start of the process. Relocating writes to some sixty pages of tables,
//! and every page that is written to for the first time is a fault.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

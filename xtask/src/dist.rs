//! The program as it is given to others: one file that needs no library of the system it runs on.
//!
//! A short question is over in a millisecond, and more than half of it is the start of the process. A program that is
//! linked statically and at a fixed address has no libraries to load and nothing to relocate: a third of that time. The
//! code that short questions run lies together (see `order`): another third.

mod order;

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Linked with the C library, and at a fixed address; names of functions say which instance of a generic one they are.
const STATIC: &str = "-C target-feature=+crt-static -C relocation-model=static -C symbol-mangling-version=v0";
/// A list of which less than so many percent fits is said to be old.
const OLD: usize = 80;

/// Builds it below `target/dist`; where it is.
///
/// # Errors
/// When cargo cannot be started or the program does not build, without a static C library for example.
pub fn build(root: &Path) -> Result<PathBuf, String> {
    let list = read(&root.join(order::LIST))?;
    let dist = Dist::new(root);
    let program = dist.link(&list)?;
    // Without a map of this linker nothing is known, and nothing said.
    if let Ok(map) = read(&dist.map()) {
        let (all, there) = order::fit(&list, &map);
        if there * 100 < all * OLD {
            eprintln!(
                "dist: the program has {there} of the {all} functions of {}; cargo xtask dist --order makes it anew",
                order::LIST
            );
        }
    }
    Ok(program)
}

/// Finds out anew which code short questions run, writes the list, and builds with it; where the program is.
///
/// # Errors
/// As [`build`]; or valgrind is not there; or the program is not linked statically on this system.
pub fn build_with_new_order(root: &Path) -> Result<PathBuf, String> {
    let dist = Dist::new(root);
    if !dist.is_static() {
        return Err("dist: --order is for Linux with the GNU C library".to_owned());
    }
    let file = root.join(order::LIST);
    let program = dist.link(&read(&file)?)?;
    let list = order::make(root, &program, &read(&dist.map())?)?;
    std::fs::write(&file, list).map_err(|cause| format!("{}: {cause}", file.display()))?;
    build(root)
}

/// Where it is built.
struct Dist<'r> {
    root: &'r Path,
    target: PathBuf,
}

impl<'r> Dist<'r> {
    fn new(root: &'r Path) -> Self {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
        Self { root, target: target.join("dist") }
    }

    const fn is_static(&self) -> bool {
        cfg!(all(target_os = "linux", target_env = "gnu"))
    }

    /// What the linker put where.
    fn map(&self) -> PathBuf {
        self.target.join("vatlas.map")
    }

    /// Builds it with its code in an order.
    fn link(&self, list: &str) -> Result<PathBuf, String> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["rustc", "--release", "--package", "vatlas", "--bin", "vatlas"]);
        cargo.current_dir(self.root).env("CARGO_TARGET_DIR", &self.target);
        let mut folder = self.target.clone();
        if self.is_static() {
            // With a target named, the flags are not those of build scripts and macros, which cannot be static.
            let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
            cargo.args(["--target", &triple]).env("RUSTFLAGS", STATIC);
            // For the last crate alone: what it depends on need not be built again for another order.
            let script = self.script(list)?;
            cargo.arg("--").args(["-C", &format!("link-arg=-Wl,-T,{}", script.display())]);
            cargo.args(["-C", &format!("link-arg=-Wl,-Map,{}", self.map().display())]);
            folder = folder.join(triple);
        }
        match cargo.status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                return Err(format!("dist: the release build failed: {status}; is the static C library there?"));
            }
            Err(cause) => return Err(format!("dist: cargo could not be started: {cause}")),
        }
        Ok(folder.join("release").join(format!("vatlas{}", std::env::consts::EXE_SUFFIX)))
    }

    /// Writes the linker script. Its name is that of its content, so that cargo sees when it is another one.
    fn script(&self, list: &str) -> Result<PathBuf, String> {
        let text = order::script(list);
        let sum = Sha256::digest(text.as_bytes());
        let name: String = sum.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let file = self.target.join(format!("order-{name}.ld"));
        std::fs::create_dir_all(&self.target)
            .and_then(|()| std::fs::write(&file, text))
            .map_err(|cause| format!("{}: {cause}", file.display()))?;
        Ok(file)
    }
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|cause| format!("{}: {cause}", file.display()))
}

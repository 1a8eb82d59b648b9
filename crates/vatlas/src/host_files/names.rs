//! Names below a granted folder that lead nowhere else and are no devices, on any host.

use std::path::{Path, PathBuf};
use vatlas_machine::files::StoreError;

/// Names of devices that DOS had in every folder, with any ending.
const DEVICES: [&str; 7] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"];
/// Devices with a digit behind.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];
/// The path below the folder, of names that lead nowhere else.
pub fn host_path(names: &[String]) -> Result<PathBuf, StoreError> {
    if names.iter().all(|name| is_allowed(name)) {
        Ok(Path::new(".").join(names.iter().collect::<PathBuf>()))
    } else {
        Err(StoreError::InvalidName)
    }
}

/// Whether a name is one name, and no device, on every host.
pub fn is_allowed(name: &str) -> bool {
    let is_separator = |letter: char| letter.is_control() || "/\\:".contains(letter);
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    let is_numbered = |device: &str| {
        let mut rest = stem.strip_prefix(device).unwrap_or_default().chars();
        matches!((rest.next(), rest.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    let is_device = DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.into_iter().any(is_numbered);
    !name.is_empty() && !matches!(name, "." | "..") && !name.contains(is_separator) && !is_device
}

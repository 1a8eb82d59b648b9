//! The folder of the tables: files appear whole or not at all, and the oldest go when there are too many.

use std::{
    fs,
    io::Result,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

/// A part that is older belongs to a run that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// Of this process.
static PARTS: AtomicU32 = AtomicU32::new(0);

/// Writes a part of a name that no other run has, and gives it the name of the table: others see the old one or the
/// new one.
///
/// # Errors
/// The folder cannot be made or written to.
pub fn keep(folder: &Path, place: &Path, content: &[u8]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let part = place.with_extension(format!("{}-{number}.part", std::process::id()));
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, place));
    if written.is_err() {
        // It may not be there at all; what failed first is told.
        let _ = fs::remove_file(&part);
    }
    written
}

/// The tables with their bytes, those written last first. Parts that nobody writes any more are removed.
pub fn newest_first(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
        let Ok(written) = metadata.modified() else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("index") => tables.push((written, path, metadata.len())),
            Some("part") if is_abandoned(written) => {
                let _ = fs::remove_file(path);
            }
            _ => {}
        }
    }
    tables.sort_by_key(|(written, ..)| std::cmp::Reverse(*written));
    tables.into_iter().map(|(_, path, bytes)| (path, bytes)).collect()
}

fn is_abandoned(written: SystemTime) -> bool {
    SystemTime::now().duration_since(written).is_ok_and(|age| age > ABANDONED)
}

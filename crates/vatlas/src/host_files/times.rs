//! The host's times in NT's units and back.

use cap_std::fs::Metadata as HostMetadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vatlas_machine::files::NtTime;

/// Seconds from 1601-01-01 to 1970-01-01.
const EPOCH_SECONDS: i64 = 11_644_473_600;
/// Units of NT's time in a second, and nanoseconds in a unit.
const UNITS: i64 = 10_000_000;
const UNIT_NANOSECONDS: i64 = 100;

/// When anything of a file was changed.
#[cfg(unix)]
pub fn changed(metadata: &HostMetadata) -> Option<NtTime> {
    use cap_std::fs::MetadataExt;
    let units = metadata.ctime().checked_add(EPOCH_SECONDS)?.checked_mul(UNITS)?;
    units.checked_add(metadata.ctime_nsec() / UNIT_NANOSECONDS).map(NtTime)
}

#[cfg(not(unix))]
pub fn changed(_metadata: &HostMetadata) -> Option<NtTime> {
    None
}

/// A moment of the host in NT's units; 0 when NT cannot say it.
pub fn nt_time(time: SystemTime) -> NtTime {
    let units = |span: Duration| i64::try_from(span.as_nanos() / 100).ok();
    let since = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => units(after),
        Err(before) => units(before.duration()).map(|units| -units),
    };
    NtTime(since.and_then(|units| units.checked_add(EPOCH_SECONDS * UNITS)).unwrap_or(0))
}

/// The reverse; `None` when the host cannot say it.
pub fn system_time(time: NtTime) -> Option<SystemTime> {
    let since = time.0.checked_sub(EPOCH_SECONDS * UNITS)?;
    let units = since.unsigned_abs();
    let span = Duration::new(units / UNITS.unsigned_abs(), u32::try_from(units % UNITS.unsigned_abs()).ok()? * 100);
    if since < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) }
}

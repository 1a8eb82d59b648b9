//! The state of the machine as data: checkpoints in memory, snapshots on disk, what came in from the host.
//!
//! ```text
//! let then = system.checkpoint();     // cheap: frames that did not change are shared with other checkpoints
//! system.run(1_000_000);
//! system.restore(&then);              // as if nothing had happened since
//! system.run(1_000_000);              // the same again, to the instruction
//! ```
//!
//! [`crate::nt::System::checkpoint`] and [`crate::nt::System::restore`] may be called whenever `run` has come back, in
//! any order and any number of times: a restored system goes back as well as forward to any checkpoint that is kept.
//! A checkpoint belongs to the system that made it. Dropping the last one ends the recording.
//!
//! - What the host answered since the oldest checkpoint that is kept is in a log ([`host_log`]). A run from a
//!   checkpoint on is given the answers of the log again, up to its end; what the guest writes to files and console
//!   meanwhile is not written again. [`crate::nt::System::is_replaying`] tells.
//! - A run that does something else than what is in the log (because registers or memory were changed from outside)
//!   ends the replay: from there on the host is asked, and the rest of the log is forgotten. Files of the host are then
//!   as the first run left them. [`crate::nt::System::forget_future`] does the same on purpose.
//! - Page files come back too: while checkpoints are kept, pages go to memory that checkpoints share, not to the store.
//! - Whoever looks from outside (`read_page_file`, `read_mapped_file`) adds nothing to the log.
//!
//! What is data derives `Clone`, `Serialize` and `Deserialize`. What is not (files of the host, decoded code,
//! translations, tables of handlers) is a [`Live`] or is made anew.

mod container;
mod frames;
pub mod host_log;
mod live;
mod numbers;
mod recorded_host;
mod shape;
mod shared_pages;

pub use container::{
    Container, SNAPSHOT_VERSION, SectionKind, SnapshotSystem, data_section, is_snapshot, shape_section,
    write_container, write_snapshot,
};
pub use live::Live;
pub(crate) use numbers::{WrongNumber, check_numbers};
pub use recorded_host::RecordedHost;
pub use shape::shape_of;
pub use shared_pages::Page;
pub(crate) use shared_pages::{CHUNK, SharedPages};

//! Control over a machine: where it stops, what it tells, and what it looks at without being noticed.
//!
//! Nothing of this is state of the machine: with or without it the same instructions are executed, in the same number,
//! with the same results. Breakpoints change no byte of the guest: code breakpoints cut blocks where they are looked up,
//! data breakpoints keep frames out of the translation buffers.
//!
//! ```text
//! processor stops or kernel is entered -> what it means here -> the judge -> stop, or go on
//! ```

mod breaks;
mod control_state;
mod controlled;
mod data_places;
mod history;
mod look;
mod step;
mod watches;

pub(crate) use breaks::Breaks;
pub use control_state::Control;
pub use controlled::Controlled;
pub(crate) use controlled::{is_told, meets_code, meets_data, meets_entry, refresh};
pub use history::Recorder;
pub use step::step;
pub use watches::{KEPT_BYTES, Touch, Toucher, WatchedBytes};
pub(crate) use watches::{Watches, told_bytes};

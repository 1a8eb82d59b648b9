//! The kernel's calls, by name: one file for each kind.

mod file_mapping;
mod handles;
mod library;
mod memory;
mod permissions;
mod processes;
mod store;
mod system;
mod threads;
mod toolhelp;
mod waits;

use super::call::Handler;

/// All calls that exist here.
pub(crate) fn rows() -> Vec<(&'static str, Handler)> {
    let parts = [
        memory::ROWS,
        library::ROWS,
        processes::ROWS,
        threads::ROWS,
        waits::ROWS,
        handles::ROWS,
        permissions::ROWS,
        system::ROWS,
        store::ROWS,
        file_mapping::ROWS,
        toolhelp::ROWS,
    ];
    parts.concat()
}

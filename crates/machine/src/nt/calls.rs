//! The services that exist here, by name.

mod create_process;
mod exceptions;
mod files;
mod handles;
mod keyed;
mod memory;
mod memory_lists;
mod named;
mod processes;
mod registers;
mod sections;
mod sync;
mod system;
mod threads;
mod timers;
mod waits;

use crate::nt::{Handler, driver};
pub(crate) use named::Attributes;

use crate::nt::services::{SERVICES, service_by_name};

/// The handlers by service number; none where a service is missing.
pub(crate) fn handlers() -> Box<[Option<Handler>; SERVICES.len()]> {
    let mut handlers: Box<[Option<Handler>; SERVICES.len()]> = Box::new([None; SERVICES.len()]);
    let all = [
        create_process::SERVICES,
        driver::SERVICES,
        exceptions::SERVICES,
        files::SERVICES,
        handles::SERVICES,
        keyed::SERVICES,
        memory::SERVICES,
        processes::SERVICES,
        registers::SERVICES,
        sections::SERVICES,
        sync::SERVICES,
        system::SERVICES,
        threads::SERVICES,
        timers::SERVICES,
        waits::SERVICES,
    ];
    for (name, handler) in all.into_iter().flatten() {
        if let Some(service) = service_by_name(name) {
            handlers[usize::from(service.number)] = Some(*handler);
        }
    }
    handlers
}

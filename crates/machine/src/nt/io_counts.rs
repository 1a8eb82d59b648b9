//! How often processes read, wrote and did something else with files, and how many bytes that moved: what
//! `GetProcessIoCounters` and tool help tell. A call counts when it is done, for the process that made it.

use crate::nt::process::ProcessIndex;
use crate::nt::{Call, System};

/// Numbers of `NtReadFile` and `NtWriteFile`; everything else that has a status block is another operation.
const READ: u16 = 0x0b7;
const WRITE: u16 = 0x112;

/// `IO_COUNTERS`: operations that read, wrote, did something else; bytes of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct IoCounts {
    operations: [u64; 3],
    bytes: [u64; 3],
}

impl IoCounts {
    fn count(&mut self, kind: usize, bytes: u32) {
        self.operations[kind] += 1;
        self.bytes[kind] += u64::from(bytes);
    }

    /// In the order of the structure.
    pub(crate) fn words(&self) -> [u64; 6] {
        let ([a, b, c], [d, e, f]) = (self.operations, self.bytes);
        [a, b, c, d, e, f]
    }
}

impl System {
    /// A call on a file is done.
    pub(crate) fn count_transfer(&mut self, call: &Call, bytes: u32) {
        let kind = match call.number {
            READ => 0,
            WRITE => 1,
            _ => 2,
        };
        self.processes[call.process.0].transfers.count(kind, bytes);
    }

    /// What a process read and wrote.
    pub(crate) fn transfers_of(&self, process: ProcessIndex) -> [u64; 6] {
        self.processes[process.0].transfers.words()
    }
}

#[cfg(test)]
mod tests {
    use super::{READ, WRITE};
    use crate::nt::services::service_by_name;

    #[test]
    fn the_numbers_are_those_of_the_services() {
        let number = |name| service_by_name(name).map(|service| service.number);
        assert_eq!((number("NtReadFile"), number("NtWriteFile")), (Some(READ), Some(WRITE)));
    }
}

//! Files, the console and sections through system calls.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::{At, N};
use kernel_support::{Bench, Code, DATA, code};
use vatlas_machine::nt::SystemStop;

const fn slot(number: u32) -> u32 {
    DATA + 4 * number
}

/// Where names are: `OBJECT_ATTRIBUTES`, then the `UNICODE_STRING` and its text.
const NAMES: u32 = 0x0060_0000;
const READ_WRITE: u32 = 0x12_019f;
const SYNCHRONOUS: u32 = 0x20;
/// Places of a status block, a buffer and a number of 64 bits.
const BLOCK: u32 = slot(40);
const BUFFER: u32 = slot(100);
const LONG: u32 = slot(50);

/// Object attributes for each name, 100h bytes apart.
fn names(texts: &[&str]) -> Code {
    let mut bytes = Vec::new();
    for (number, text) in (0..).zip(texts) {
        let at = NAMES + 0x100 * number;
        let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = text.len() as u32;
        for word in [0x18, 0, at + 0x18, 0x40, 0, 0, length | length << 16, at + 0x20] {
            bytes.extend_from_slice(&u32::to_le_bytes(word));
        }
        bytes.extend(text);
        bytes.resize(0x100 * (number as usize + 1), 0);
    }
    Code { bytes }
}

impl Code {
    /// Opens or makes a file.
    fn file(&mut self, to: u32, name: u32, disposition: u32) -> &mut Self {
        let name = N(NAMES + 0x100 * name);
        let (block, sync) = (N(BLOCK), N(SYNCHRONOUS));
        let zero = N(0);
        let all = [N(to), N(READ_WRITE), name, block, zero, zero, N(3), N(disposition), sync, zero, zero];
        self.call("NtCreateFile", &all)
    }

    fn transfer(&mut self, service: &str, handle: u32, offset: Option<u32>, length: u32) -> &mut Self {
        let offset = match offset {
            Some(offset) => {
                self.store(LONG, offset).store(LONG + 4, 0);
                N(LONG)
            }
            None => N(0),
        };
        let zero = N(0);
        self.call(service, &[At(handle), zero, zero, zero, N(BLOCK), N(BUFFER), N(length), offset, zero])
    }

    fn keep(&mut self, to: u32) -> &mut Self {
        // mov [to], eax
        self.raw(&[0xa3]).raw(&to.to_le_bytes())
    }

    fn keep_word(&mut self, from: u32, to: u32) -> &mut Self {
        self.raw(&[0xa1]).raw(&from.to_le_bytes()).keep(to)
    }

    fn park(&mut self) -> &mut Self {
        self.call("NtWaitForSingleObject", &[N(0xffff_fffe), N(0), N(0)])
    }
}

#[test]
fn a_file_is_written_and_read() {
    let main = code(|c| {
        c.file(slot(0), 0, 2).keep(slot(10)).store(BUFFER, 0x6c6c_6548).store(BUFFER + 4, 0x21_216f);
        c.transfer("NtWriteFile", slot(0), None, 7).keep(slot(11)).keep_word(BLOCK + 4, slot(12));
        c.store(BUFFER, 0).transfer("NtReadFile", slot(0), Some(4), 100).keep(slot(13));
        c.keep_word(BLOCK + 4, slot(14)).keep_word(BUFFER, slot(15));
        c.transfer("NtReadFile", slot(0), None, 4).keep(slot(16));
        c.call_to(slot(17), "NtQueryInformationFile", &[At(slot(0)), N(BLOCK), N(slot(60)), N(24), N(5)]);
        c.call_to(slot(18), "NtClose", &[At(slot(0))]).file(slot(1), 0, 2).keep(slot(19));
        c.transfer("NtReadFile", slot(0), Some(0), 4).keep(slot(20)).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.add_code(NAMES, &names(&["\\??\\C:\\new.txt"]));
    bench.run_to(&SystemStop::Deadlock);
    let results = [10, 11, 12, 13, 14, 15].map(|number| bench.get(slot(number)));
    assert_eq!(results, [0, 0, 7, 0, 3, 0x21_216f], "{results:x?}");
    assert_eq!(bench.get(slot(62)), 7, "end of file");
    let results = [16, 17, 18, 19, 20].map(|number| bench.get(slot(number)));
    assert_eq!(results, [0xc000_0011, 0, 0, 0xc000_0035, 0xc000_0008], "{results:x?}");
}

/// `NtQueryInformationProcess(IoCounters)`: operations and bytes of reads, writes and others.
#[test]
fn calls_on_files_are_counted() {
    let main = code(|c| {
        c.file(slot(0), 0, 2).transfer("NtWriteFile", slot(0), None, 7).transfer("NtWriteFile", slot(0), None, 5);
        c.transfer("NtReadFile", slot(0), Some(4), 100);
        c.call("NtQueryInformationFile", &[At(slot(0)), N(BLOCK), N(slot(60)), N(24), N(5)]);
        c.call_to(slot(1), "NtQueryInformationProcess", &[N(u32::MAX), N(2), N(slot(70)), N(48), N(0)]).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.add_code(NAMES, &names(&["\\??\\C:\\new.txt"]));
    bench.run_to(&SystemStop::Deadlock);
    let counts = [0, 2, 4, 6, 8, 10].map(|number| bench.get(slot(70 + number)));
    assert_eq!((bench.get(slot(1)), counts), (0, [1, 2, 1, 8, 12, 24]));
}

/// `ProcessPriorityBoost` and `ThreadPriorityBoost`: of a process for all its threads, of a thread for itself.
#[test]
fn boosts_can_be_taken_away() {
    let boost = |c: &mut Code, name: &str, who: u32, class: u32, value: u32, to: u32| {
        c.store(slot(60), value).call(&format!("NtSetInformation{name}"), &[N(who), N(class), N(slot(60)), N(4)]);
        c.call(&format!("NtQueryInformation{name}"), &[N(who), N(class), N(to), N(4), N(0)]);
    };
    let main = code(|c| {
        boost(c, "Process", u32::MAX, 22, 1, slot(1));
        c.call("NtQueryInformationThread", &[N(u32::MAX - 1), N(14), N(slot(2)), N(4), N(0)]);
        boost(c, "Thread", u32::MAX - 1, 14, 0, slot(3));
        c.call("NtQueryInformationProcess", &[N(u32::MAX), N(22), N(slot(4)), N(4), N(0)]).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!([1, 2, 3, 4].map(|number| bench.get(slot(number))), [1, 1, 0, 1]);
}

#[test]
fn the_console_is_written_and_waited_for() {
    let main = code(|c| {
        c.file(slot(0), 0, 1).keep(slot(10)).file(slot(1), 1, 1).keep(slot(11));
        c.store(BUFFER, 0x0a69_4848).transfer("NtWriteFile", slot(0), None, 4);
        c.transfer("NtReadFile", slot(1), None, 4).keep(slot(12)).keep_word(BUFFER, slot(13));
        c.transfer("NtReadFile", slot(1), None, 4).keep(slot(14)).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.add_code(NAMES, &names(&["\\??\\CONOUT$", "\\??\\CONIN$"]));
    bench.run_to(&SystemStop::NeedsInput);
    assert_eq!(bench.host.0.borrow().output, b"HHi\n");
    bench.run_to(&SystemStop::NeedsInput);
    bench.host.0.borrow_mut().input = b"yes\n".to_vec();
    bench.run_to(&SystemStop::NeedsInput);
    assert_eq!([10, 11, 12].map(|number| bench.get(slot(number))), [0, 0, 0]);
    assert_eq!(bench.get(slot(13)), u32::from_le_bytes(*b"yes\n"));
    bench.host.0.borrow_mut().is_closed = true;
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!(bench.get(slot(14)), 0xc000_0011, "the end");
}

#[test]
fn two_views_of_a_section_show_the_same_bytes() {
    let view = |c: &mut Code, base: u32, to: u32| {
        let zero = N(0);
        c.store(base, 0).store(slot(5), 0);
        let (process, size) = (N(u32::MAX), N(slot(5)));
        c.call_to(to, "NtMapViewOfSection", &[At(slot(0)), process, N(base), zero, zero, zero, size, N(1), zero, N(4)]);
    };
    let main = code(|c| {
        c.store(LONG, 0x1_2000).store(LONG + 4, 0);
        let all = [N(slot(0)), N(0xf_001f), N(0), N(LONG), N(4), N(0x800_0000), N(0)];
        c.call_to(slot(10), "NtCreateSection", &all);
        view(c, slot(1), slot(11));
        view(c, slot(2), slot(12));
        // mov ebx, [slot 1]; mov dword [ebx+11000h], 77h; mov ebx, [slot 2]; mov eax, [ebx+11000h]
        c.raw(&[0x8b, 0x1d]).raw(&slot(1).to_le_bytes());
        c.raw(&[0xc7, 0x83, 0, 0x10, 1, 0, 0x77, 0, 0, 0, 0x8b, 0x1d]).raw(&slot(2).to_le_bytes());
        c.raw(&[0x8b, 0x83, 0, 0x10, 1, 0]).keep(slot(13));
        c.call_to(slot(14), "NtUnmapViewOfSection", &[N(u32::MAX), At(slot(1))]);
        c.call_to(slot(15), "NtUnmapViewOfSection", &[N(u32::MAX), At(slot(1))]);
        c.call_to(slot(16), "NtClose", &[At(slot(0))]).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.run_to(&SystemStop::Deadlock);
    let results = [10, 11, 12, 13, 14, 15, 16].map(|number| bench.get(slot(number)));
    assert_eq!(results, [0, 0, 0, 0x77, 0, 0xc000_0019, 0], "{results:x?}");
    assert_ne!(bench.get(slot(1)), bench.get(slot(2)));
}

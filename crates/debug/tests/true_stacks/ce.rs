//! Programs of Windows CE, run by a device and stopped: in the program, in its DLLs, and in servers that it called.

use crate::{
    classes::class_of,
    compare::{Random, difference},
    host::Nobody,
    programs::{DEVICE, Program, Symbols, guest_file},
    table::Table,
};
use std::rc::Rc;
use vatlas_debug::{
    stack::{USUAL_LIMIT, stack_starts, walk},
    usage_index::UsageIndex,
};
use vatlas_images::rom::{
    E32Form,
    write::{Placement, RomFileSource, RomModuleSource, RomSource, write},
};
use vatlas_machine::ce::{Configuration, Device, Stop};
use vatlas_rules::ce::api_sets::API_RETURN;
use vatlas_space::{ProcessIndex, Target, Va};
use vatlas_targets::ce_machine_target;

/// Instructions that no program executes.
const PLENTY: u64 = 200_000_000;
/// Instructions until a device has started.
const START: u64 = 2_000_000;
/// Bytes of a slot.
const SLOT: u64 = 0x0200_0000;

fn module(name: &str, file: Vec<u8>) -> RomModuleSource {
    let placement = match name {
        "nk.exe" => Placement::Kernel,
        _ if name.ends_with(".dll") => Placement::Slot1,
        _ => Placement::Program,
    };
    RomModuleSource { name: name.to_owned(), file, placement, is_packed: false }
}

/// A device that has started and is about to run a program.
fn start(program: &Program) -> Device {
    let system = DEVICE.iter().map(|name| module(name, guest_file(name)));
    let own = module(program.file, program.read(program.file));
    let launch = RomFileSource {
        name: "launch.txt".to_owned(),
        bytes: b"device.exe\n?22\ngwes.exe\n?17\nshell.exe\n".to_vec(),
        is_packed: false,
    };
    let source = RomSource {
        base: Va(0x8020_0000),
        cpu: 0x14c,
        ram: (Va(0x8060_0000), Va(0x8260_0000)),
        kernel_flags: 2,
        form: E32Form::Long,
        version: None,
        file_time: 127_540_656_000_000_000,
        modules: system.chain([own]).collect(),
        files: vec![launch],
    };
    let image = write(&source).unwrap().records();
    let mut device = Device::boot(&image, Configuration::default(), Box::new(Nobody)).unwrap();
    device.record_calls();
    assert_eq!(device.run(START), Stop::Idle, "{}", device.take_output());
    device.start_program(program.file, "").unwrap();
    device
}

/// Both forms of an address in a slot: which process's it is, the walk must know by itself.
fn slot_zero(va: Va) -> Va {
    if (2 * SLOT..33 * SLOT).contains(&va.0) { Va(va.0 % SLOT) } else { va }
}

/// Walks the stack of the running thread and compares; nothing when no thread runs.
fn compare(device: Device, program: &Program, symbols: &Symbols, table: &mut Table) -> Device {
    let Some((index, calls)) = device.running_thread().zip(device.open_calls()) else { return device };
    let running = device.thread_view(index).unwrap();
    let device = Rc::new(device);
    {
        let target = ce_machine_target(&device, program.file);
        let mut all = target.processes().iter().enumerate().flat_map(|(number, process)| {
            let threads = process.threads.iter().filter(|thread| thread.id.0 == running.handle);
            threads.map(move |thread| (number, thread))
        });
        let (number, thread) = all.next().unwrap();
        let usage = UsageIndex::new(&target, ProcessIndex(number)).unwrap();
        let start = stack_starts(&target, usage.process(), thread).remove(0);
        let pc = start.registers.as_ref().map_or(Va(0), |registers| registers.pc);
        assert_eq!(slot_zero(pc).0, u64::from(running.pc), "a thread of {}", program.file);
        let class = class_of(usage.space(), pc.0 as u32, &calls);
        let mut stack = walk(&usage, symbols, &start, USUAL_LIMIT);
        let is_open = || {
            calls
                .first()
                .zip(stack.frames.get(1))
                .is_some_and(|(call, frame)| slot_zero(Va(call.back.into())) == slot_zero(frame.pc))
        };
        if running.pc == API_RETURN.0 as u32 && !is_open() {
            // The server has returned; the kernel has yet to go back to the caller, which is where the thread is then.
            stack.frames.remove(0);
        }
        table.note(program, class, difference(&stack, &calls, slot_zero));
    }
    Rc::try_unwrap(device).unwrap_or_else(|_| panic!("the target is gone"))
}

/// Stops a program so many times.
pub fn check(program: &Program, stops: usize, table: &mut Table) {
    let mut whole = start(program);
    let begin = whole.instructions();
    let end = whole.run(PLENTY);
    assert_ne!(end, Stop::Budget, "{}: {}", program.file, whole.take_output());
    let length = whole.instructions() - begin;
    let symbols = Symbols::of(program);
    let mut device = start(program);
    for place in Random::of(program.file).places(stops, length) {
        device.run(begin + place - device.instructions());
        device = compare(device, program, &symbols, table);
    }
}

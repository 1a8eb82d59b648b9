//! The folder in which every command of these tests runs: the fixtures, and files made for what they do not show.

use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vatlas_fixtures::{
    minidump::{Arch, Context, Exception, Handle, Minidump, Module, SystemInfo, Thread, UnloadedModule, X86, stream},
    samples,
};

/// The fixtures of the project.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).expect("a fixture")
}

/// A new folder with everything in it; it goes away with the value.
pub fn world() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("a written file");
    for name in ["x64", "wow64", "arm", "arm64", "large-address-aware", "no-memory-info"] {
        let name = format!("{name}.dmp");
        put(&name, &fixture(&format!("minidump/{name}")));
    }
    put("crash.dmp", &fixture("minidump/demo.dmp"));
    for (name, bytes) in made() {
        put(name, &bytes);
    }
    std::fs::create_dir(folder.path().join("folder")).expect("a folder");
    let images = folder.path().join("images");
    std::fs::create_dir(&images).expect("a folder");
    for name in ["greeter.exe", "helpers.dll"] {
        std::fs::write(images.join(name), fixture(&format!("images/{name}"))).expect("a written file");
    }
    folder
}

/// Files that are no fixtures, by name.
fn made() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("half.dmp", fixture("minidump/demo.dmp")[..HALF].to_vec()),
        ("no-exception-record.dmp", without_exception_record()),
        ("no-streams.dmp", Minidump::new(Arch::X86).without_system_info().write()),
        ("hostile.dmp", hostile()),
        ("signal.dmp", signal()),
        ("later.dmp", later()),
        ("empty.dmp", Vec::new()),
        ("note.txt", b"The device stopped at about ten o'clock.\n".to_vec()),
        ("noise.bin", vec![0; 64]),
        ("kernel32.dmp", samples::kernel_dump_32()),
        ("kernel64.dmp", samples::kernel_dump_64()),
        ("ce.kdmp", samples::ce_dump(b"CEDX")),
        ("nk.bin", samples::rom_records()),
        ("nk.nb0", samples::rom_bytes()),
        ("core", samples::elf_core()),
        ("program.exe", samples::pe_file()),
        ("crash.dmp.gz", samples::gzip()),
        ("serial.log", samples::text_log()),
    ]
}

/// Bytes of the demo that are left of it: past the first streams, before the last.
const HALF: usize = 0x7300;

/// The demo, whose exception stream has lost its last byte.
fn without_exception_record() -> Vec<u8> {
    let mut bytes = fixture("minidump/demo.dmp");
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let directory = word(&bytes, 12) as usize;
    let entries = (0..word(&bytes, 8) as usize).map(|index| directory + 12 * index);
    let entry = entries.into_iter().find(|&at| word(&bytes, at) == stream::EXCEPTION).expect("an exception stream");
    let size = word(&bytes, entry + 4) - 1;
    bytes[entry + 4..entry + 8].copy_from_slice(&size.to_le_bytes());
    bytes
}

/// What a terminal acts on: clear the screen, set the title, a C1 control, and a mark that turns the text around.
pub const ESCAPES: [&str; 4] = ["\u{1b}[2J", "\u{1b}]0;title\u{7}", "\u{9b}31m", "\u{202e}"];

/// A dump with escapes in every name that it has.
fn hostile() -> Vec<u8> {
    let escapes = ESCAPES.concat();
    let name = |what: &str| format!("C:\\{escapes}{what}{escapes}");
    let registers = X86 { eip: 0x40_1000, esp: 0x12_ff80, ..X86::default() };
    let image = vatlas_fixtures::pe::Image::new(vatlas_fixtures::pe::Machine::I386, 0x40_0000).section(
        "\u{1b}[2Jx",
        vatlas_fixtures::pe::section::CODE,
        vec![0xc3; 0x100],
        0,
    );
    Minidump::new(Arch::X86)
        .system_info(SystemInfo { service_pack: name("pack"), ..SystemInfo::new(Arch::X86) })
        .module(Module::new(0x40_0000, image.size_of_image(), &name("evil.exe")))
        .unloaded(UnloadedModule { base: 0x50_0000, size: 0x1000, checksum: 0, timestamp: 0, name: name("gone.dll") })
        .thread(Thread::new(7).name(&name("thread")).stack(0x12_ff80, 0x80).context(Context::X86(registers)))
        .exception(Exception {
            thread_id: 7,
            code: 0xc000_0005,
            address: 0x40_1000,
            parameters: vec![0, 0x50_0010],
            ..Exception::default()
        })
        .handle(Handle {
            value: 4,
            type_name: Some(name("type")),
            object_name: Some(name("object")),
            ..Handle::default()
        })
        .comment_w(&name("comment"))
        .memory(0x12_ff80, vec![0x41; 0x80])
        .memory(0x40_0000, image.mapped())
        .write()
}

/// A dump of a system for which there is no layout, by a writer that knows neither version nor processors.
fn signal() -> Vec<u8> {
    const LINUX: u32 = 0x8201;
    let system = SystemInfo {
        platform: LINUX,
        version: (0, 0, 0),
        processors: 0,
        service_pack: String::new(),
        ..SystemInfo::new(Arch::X86)
    };
    let registers = X86 { eip: 0x804_8123, esp: 0xbfff_f000, ..X86::default() };
    Minidump::new(Arch::X86)
        .system_info(system)
        .module(Module::new(0x804_8000, 0x2000, "/usr/bin/sundial").version([0, 0, 0, 0]))
        .thread(Thread::new(31).teb(0xb7f0_0000).stack(0xbfff_f000, 0x40).context(Context::X86(registers)))
        .exception(Exception { thread_id: 31, code: 11, address: 0x10, ..Exception::default() })
        .memory(0xbfff_f000, vec![0; 0x40])
        .write()
}

/// A process that wrote its own dump: its thread went on after the exception, into the code that writes it. The time
/// stamps of its modules are a date, a hash, and too early.
fn later() -> Vec<u8> {
    let crashed = X86 { eip: 0x40_1010, esp: 0x12_ff80, ebp: 0x12_ff90, ..X86::default() };
    let writing = X86 { eip: 0x7c90_e4f4, esp: 0x12_f000, ebp: 0x12_f010, ..X86::default() };
    Minidump::new(Arch::X86)
        .module(Module::new(0x40_0000, 0x3000, "C:\\dial\\dial.exe").timestamp(0x49f0_0000))
        .module(Module::new(0x1000_0000, 0x3000, "C:\\dial\\hashed.dll").timestamp(0xae9f_a416))
        .module(Module::new(0x7c90_0000, 0xa_f000, "C:\\WINDOWS\\system32\\ntdll.dll").timestamp(0x00e7_8ce9))
        .thread(Thread::new(9).stack(0x12_f000, 0x1000).context(Context::X86(writing)))
        .exception(Exception {
            thread_id: 9,
            code: 0x8000_0003,
            address: 0x40_1010,
            context: Some(Context::X86(crashed)),
            ..Exception::default()
        })
        .memory(0x12_f000, vec![0; 0x1000])
        .write()
}

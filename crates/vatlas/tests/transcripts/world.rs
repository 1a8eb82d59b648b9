//! The folder in which every command of these tests runs: the fixtures, and files made for what they do not show.

use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vatlas_fixtures::{
    minidump::{
        Arch, CodeView, Context, Exception, Handle, Minidump, Module, SystemInfo, Thread, UnloadedModule, X86, stream,
    },
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
    let counters = |name: &str| fixture(&format!("symbols/counters/{name}"));
    let symbols = [("app.exe", "counters-x86.exe"), ("app.pdb", "counters-x86.pdb")];
    for (name, source) in symbols {
        put(name, &counters(source));
    }
    put("app.map", MAP.as_bytes());
    for (name, source) in [("scale", "scale-context"), ("device", "scale-system"), ("complete", "scale-complete")] {
        put(&format!("{name}.kdmp"), &fixture(&format!("kdmp/{source}.kdmp")));
    }
    put("story.exe", &fixture("machine/programs/story/story.exe"));
    programs(folder.path());
    put("demo.bin", &fixture("ce/demo.bin"));
    put("helloworld.exe", &fixture("ce/programs/helloworld.exe"));
    put("cut.kdmp", &fixture("kdmp/scale-context.kdmp")[..0x2c00]);
    let folder_of_ce = folder.path().join("ce");
    std::fs::create_dir(&folder_of_ce).expect("a folder");
    std::fs::write(folder_of_ce.join("scale.map"), SCALE_MAP).expect("a written file");
    for (name, source) in [("nk.bin", "ce5-arm.bin"), ("old.nb0", "ce3-mips.nb0"), ("regions.bin", "two-regions.bin")] {
        put(name, &fixture(&format!("rom/{source}")));
    }
    put("cut.nb0", &fixture("rom/ce3-mips.nb0")[..0x90a0]);
    put("crash-ce4.txt", CRASHES.as_bytes());
    let maps = folder.path().join("maps");
    std::fs::create_dir(&maps).expect("a folder");
    std::fs::write(maps.join("shop.map"), fixture("rom/shop.map")).expect("a written file");
    device(folder.path());
    put("counters.dmp", &counters_dump(&counters("counters-x86.exe")));
    let folder_of_symbols = folder.path().join("symbols");
    std::fs::create_dir(&folder_of_symbols).expect("a folder");
    std::fs::write(folder_of_symbols.join("counters.pdb"), counters("counters-x86.pdb")).expect("a written file");
    let older = folder.path().join("older");
    std::fs::create_dir(&older).expect("a folder");
    std::fs::write(older.join("counters.pdb"), counters("counters-x64.pdb")).expect("a written file");
    let fetched = folder.path().join("fetched");
    std::fs::create_dir(&fetched).expect("a folder");
    std::fs::write(fetched.join("counters.pdb"), counters("counters-x86.pdb")).expect("a written file");
    std::fs::write(fetched.join("greeter.exe"), fixture("images/greeter.exe")).expect("a written file");
    std::fs::write(fetched.join("app.map"), MAP).expect("a written file");
    std::fs::write(fetched.join("half.pdb"), &counters("counters-x86.pdb")[..4096]).expect("a written file");
    std::fs::write(fetched.join("readme.txt"), "Fetched on a Monday.\n").expect("a written file");
    let source = folder.path().join("source");
    std::fs::create_dir(&source).expect("a folder");
    for name in ["counters.c", "counters.h", "advance.c"] {
        std::fs::write(source.join(name), counters(name)).expect("a written file");
    }
    std::fs::write(source.join("story.c"), fixture("machine/programs/story/story.c")).expect("a written file");
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

/// Programs for the machine with what belongs to them, and scripts for the debugger.
fn programs(root: &Path) {
    let put = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).expect("a written file");
    put("wreck.exe", &fixture("machine/programs/crash.exe"));
    for name in ["instances.exe", "counter.dll", "colours.exe", "red.dll", "green.dll", "blue.dll"] {
        put(name, &fixture(&format!("machine/processes/{name}")));
    }
    put("instances.toml", system("instances.exe", &["counter.dll"]).as_bytes());
    put("colours.toml", system("colours.exe", &["red.dll", "green.dll", "blue.dll"]).as_bytes());
    put("commands.txt", b"# What is looked at first.\nbp square\n\ng; kp\nscript more.txt\n");
    put("more.txt", b"r eip\n$<missing.txt\n");
}

/// A system with a program and files beside it.
fn system(program: &str, files: &[&str]) -> String {
    let file = |name: &&str| format!("[[file]]\npath = \"{name}\"\nfile = \"{name}\"\n");
    let files: String = files.iter().map(file).collect();
    format!("[[program]]\nfile = \"{program}\"\n{files}")
}

/// What somebody has of two devices, and more than one of some of it.
fn device(root: &Path) {
    let put = |name: &str, bytes: &[u8]| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a written file");
    };
    let scale = fixture("kdmp/scale-context.kdmp");
    put("device/scale.kdmp", &scale);
    put("device/maps/scale.map", SCALE_MAP.as_bytes());
    put("device/maps/renamed-by-hand.map", SCALE_MAP.as_bytes());
    put("device/maps/old/scale.map", SCALE_MAP.replace("43d17f00", "43a00000").as_bytes());
    put("device/maps/shop.map", &fixture("rom/shop.map"));
    put("device/nk.bin", &fixture("rom/ce5-arm.bin"));
    put("device/boot.txt", CRASHES.as_bytes());
    put("device/modules.lst", b"plain.dll 03100000 8000\nprocess panel.exe 9\n");
    put("device/list.cod", b"; Listing generated by Microsoft (R) Optimizing Compiler\n");
    put("device/photo.jpg", &[0xff, 0xd8, 0xff, 0, 1, 2, 3]);
    put("device/broken.kdmp", &scale[..64]);
    put("device/kernel.dmp", &samples::kernel_dump_32());
    put("device/logs.zip", b"PK\x03\x04");
    put("field/scale.kdmp", &scale);
    put("field/scale.map", SCALE_MAP.as_bytes());
    put("field/mi.txt", b"Memory usage for Process 80a3c9a0: 'tool.exe' pid 5\nPage summary: code=76(0) stack=3\n");
    put("several/monday.kdmp", &scale);
    put("several/tuesday.kdmp", &fixture("kdmp/scale-system.kdmp"));
    put("several/a.txt", CRASHES.as_bytes());
    put("several/b.txt", CRASHES.as_bytes());
    put("logs/boot.log", CRASH_LOG.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice());
    put("logs/app/panel.map", MAP.replacen(" app", " panel", 1).as_bytes());
    put("logs/readme.txt", b"What the device sent on Monday.\n");
}

/// A map of a program for Windows CE, in the form of embedded Visual C++.
const MAP: &str = " app

 Timestamp is 43210fed (Fri Sep  9 04:30:37 2005)

 Preferred load address is 00010000

 Start         Length     Name                   Class
 0001:00000000 00001000H .text                   CODE
 0002:00000000 00000200H .data                   DATA

  Address         Publics by Value              Rva+Base     Lib:Object

 0000:00000010       _version                   00000010     <absolute>
 0001:00000000       _WinMain@16                00011000 f   app.obj
 0001:00000080       ?draw@Window@@QAEXH@Z      00011080 f   window.obj
 0002:00000000       ?title@@3PAGA              00012000     app.obj

 entry point at        0001:00000000

 Static symbols

 0001:000000c0       _measure                   000110c0 f   window.obj
";

/// What the device of `nk.bin` would print, were it too old to print modules: a null pointer in a DLL in slot 1; variables
/// of a DLL in the slot of the process; a program that is not in ROM.
const CRASHES: &str = "Data Abort: Thread=83ad1d38 Proc=820266d0 'shop.exe'
AKY=00000009 PC=03f61104 RA=00011060 BVA=0800000c FSR=00000007
Data Abort: Thread=83ad1d38 Proc=820266d0 'shop.exe'
AKY=00000009 PC=08011048 RA=03f51040 BVA=09ffc010 FSR=0000000d
Data Abort: Thread=83ad1d38 Proc=820266d0 'tool.exe'
AKY=00000011 PC=00011048 RA=01f91010 BVA=42000010 FSR=00000007
";

/// The map of the program in the dumps of Windows CE.
pub const SCALE_MAP: &str = " scale

 Timestamp is 43d17f00 (Sat Jan 21 00:23:28 2006)

 Preferred load address is 00010000

 Start         Length     Name                   Class
 0001:00000000 0000004cH .text                   CODE
 0002:00000000 00000018H .pdata                  DATA
 0003:00000000 00000100H .data                   DATA

  Address         Publics by Value              Rva+Base     Lib:Object

 0001:00000000       main                       00011000 f   scale.obj
 0001:0000001c       weigh                      0001101c f   scale.obj
 0001:0000003c       start                      0001103c f   scale.obj
 0003:00000000       label                      00013000     scale.obj
 0003:00000028       weight                     00013028     scale.obj

 entry point at        0001:0000003c
";

/// A process of `counters.exe`, stopped in `entry` after it has called `advance_all`.
fn counters_dump(image: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    let guid = (0x6901_620a, 0x2278, 0x86ab, [0x4c, 0x4c, 0x44, 0x20, 0x50, 0x44, 0x42, 0x2e]);
    let record = CodeView::Rsds { guid, age: 1, path: "counters.pdb".to_owned() };
    let time_stamp = u32::from_le_bytes(image[0x80..0x84].try_into().expect("four bytes"));
    let registers = X86 { eip: 0x40_1012, esp: 0x12_ff80, ebp: 0x12_ff90, esi: 7, eax: 10, ..X86::default() };
    let mut stack = vec![0; 0x80];
    stack[4..8].copy_from_slice(&0x40_100d_u32.to_le_bytes());
    let dump = Minidump::new(Arch::X86)
        .module(Module::new(BASE, 0x5000, "C:\\counters\\counters.exe").timestamp(time_stamp).codeview(record))
        .thread(Thread::new(5).stack(0x12_ff80, 0x80).context(Context::X86(registers)))
        .exception(Exception {
            thread_id: 5,
            code: 0x8000_0003,
            address: 0x40_1012,
            context: Some(Context::X86(registers)),
            ..Exception::default()
        })
        .memory(0x12_ff80, stack);
    // Headers and sections where the loader puts them: offset in the file, offset from the base, bytes.
    let pieces = [(0, 0, 0x400), (0x400, 0x1000, 0x200), (0x600, 0x2000, 0x200), (0x800, 0x3000, 0x200)];
    let pieces = pieces.map(|(from, at, size)| (BASE + at, image[from..from + size].to_vec()));
    pieces.into_iter().fold(dump, |dump, (base, bytes)| dump.memory(base, bytes)).write()
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
        ("short.bin", samples::rom_records()),
        ("short.nb0", samples::rom_bytes()),
        ("core", samples::elf_core()),
        ("program.exe", samples::pe_file()),
        ("crash.dmp.gz", samples::gzip()),
        ("serial.log", samples::text_log()),
        ("panel.map", MAP.replacen(" app", " panel", 1).into_bytes()),
        ("boot-ce5.txt", CRASH_LOG.as_bytes().to_vec()),
        ("boot-ce6.txt", CRASH_LOG_6.as_bytes().to_vec()),
        ("boot-wide.txt", CRASH_LOG_6.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("boot-quiet.txt", b"OEMInit\r\nThread=12 of the driver runs\r\n".to_vec()),
        ("boot-cut.txt", CRASH_LOG.as_bytes()[..100].to_vec()),
        ("device.txt", b"plain.dll 03100000 8000\nprocess panel.exe 9\n".to_vec()),
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

/// What a device with CE 5 sent: other output between and in front, a wrapped line, a crash that comes twice, one of a
/// version that prints no modules, a memory listing.
const CRASH_LOG: &str = "\
OEMInit: clock 400 MHz
Data Abort: Thread=83f52a44 Proc=80a3c8b0 'panel.exe'
AKY=00000101 PC=00011084(panel.exe+0x00001084) RA=000110d0(panel.exe+0x000010d0) BVA=1200000c FSR=00000007
audio: underrun    Data Abort: Thread=83f52b00 Proc=80a3c8b0 'panel.exe'
usb: port 1
AKY=00000101 PC=00011084(panel.exe+0x00001084) RA=000110d0(panel.exe+0x0
00010d0) BVA=12000010 FSR=00000007
Prefetch Abort: Thread=83f52c00 Proc=80a3c9a0 'tool.exe'
AKY=00000031 PC=746e6573(???+0x746e6573) RA=0c012344(tool.exe+0x00002344) BVA=746e6573 FSR=00000005
Terminating thread 83f52c00
Data Abort: Thread=83f52d00 Proc=80a3ca90 'shop.exe'
AKY=00000009 PC=03101004 RA=00011020 BVA=0c010001 FSR=00000001
RaiseException: Thread=83f52d00 Proc=80a3ca90 'shop.exe'
AKY=00000009 PC=03f60010(coredll.dll+0x00010010) RA=80101000(NK.EXE+0x00001000) BVA=00000001 FSR=00000001
Page size=4096, 3000 total pages, 1200 free pages.
Memory usage for Process 80a3c9a0: 'tool.exe' pid 5
Slot base 0c000000  Section ptr 81fe4000
Page summary: code=76(0) data r/o=23 r/w=13 stack=3 reserved=125
";

/// What a device with CE 6 sent.
const CRASH_LOG_6: &str = "\
Booting Windows CE version 6.00 for (ARM)
 1200 PID:400002 TID:40a0006 Exception 'Data Abort' (4): Thread-Id=040a0006(pth=83a00010), Proc-Id=00400002(pprc=81d48308) 'NK.EXE', VM-active=00fa000a(pprc=83a20ecc) 'panel.exe'
 1200 PID:400002 TID:40a0006 PC=c0701084(panel.dll+0x00001084) RA=c07010d0(panel.dll+0x000010d0) SP=d2e8fc58, BVA=00000004
Exception 'Raised Exception' (-1): Thread-Id=040a0006(pth=83a00010), Proc-Id=00400002(pprc=81d48308) 'NK.EXE', VM-active=00fa000a(pprc=83a20ecc) 'panel.exe'
PC=c006b9f0(k.coredll.dll+0x0001b9f0) RA=80035520(kernel.dll+0x00006520) SP=d4d2f558, BVA=ffffffff
URtlDispatchException: returning failure. Flags=0
";

//! Windows CE on the machine, by the command line: programs that check themselves, what a stopped device says, images
//! that are built and booted. The founding statements CE1 to CE22 are shown here, as `docs/statements.md` says.
#![allow(clippy::unwrap_used, reason = "a test fails where something is missing")]

use assert_cmd::Command;
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::Output,
};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program or DLL of `fixtures/ce/programs`.
fn program(name: &str) -> String {
    root().join("fixtures/ce/programs").join(name).display().to_string()
}

fn vatlas(words: &[&str]) -> Output {
    Command::cargo_bin("vatlas").unwrap().env("NO_COLOR", "1").args(words).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).replace("\r\n", "\n")
}

/// The description of a device with these modules besides the standard system, which starts these programs.
struct Device {
    folder: TempDir,
    text: String,
}

impl Device {
    fn new(launch: &[&str]) -> Self {
        let launch = launch.iter().map(|line| format!("{line:?}")).collect::<Vec<_>>().join(", ");
        Self { folder: TempDir::new().unwrap(), text: format!("[rom]\nram = \"32M\"\nlaunch = [{launch}]\n") }
    }

    /// A module under its own name, or another: `name=file`.
    fn module(mut self, name: &str, more: &str) -> Self {
        let (name, file) = name.split_once('=').unwrap_or((name, name));
        writeln!(self.text, "[[modules]]\nname = {name:?}\nfile = {:?}\n{more}", program(file)).unwrap();
        self
    }

    fn file(mut self, name: &str, more: &str) -> Self {
        writeln!(self.text, "[[files]]\nname = {name:?}\n{more}").unwrap();
        self
    }

    fn write(&self) -> String {
        let path = self.folder.path().join("system.toml");
        std::fs::write(&path, &self.text).unwrap();
        path.display().to_string()
    }

    /// Runs it for so many instructions, and asks.
    fn run(&self, stop_at: &str, questions: &[&str]) -> Output {
        let path = self.write();
        let mut words = vec!["run", path.as_str(), "--stop-at", stop_at];
        questions.iter().for_each(|question| words.extend(["--then", question]));
        vatlas(&words)
    }
}

/// A test program that checks itself, alone on the standard system.
#[track_caller]
fn check_program(name: &str, checks: u32) {
    let output = vatlas(&["run", &program(&format!("{name}.exe"))]);
    let expected = format!("{name}: {checks} checks, 0 failed\n");
    // The shell may say that it is there before.
    let text = printed(&output);
    assert!(text.ends_with(&expected), "{text}{}", errors(&output));
    assert_eq!(output.status.code(), Some(0));
}

/// The phrases stand in a text in this order.
#[track_caller]
fn check_phrases(text: &str, phrases: &[&str]) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = flat.as_str();
    for phrase in phrases {
        let Some((_, after)) = rest.split_once(phrase) else {
            panic!("'{phrase}' is missing or out of order in\n{text}")
        };
        rest = after;
    }
}

#[test]
fn memory_strings_and_heaps() {
    check_program("heap", 51);
}

#[test]
fn threads_and_what_they_wait_for() {
    check_program("threads", 34);
}

#[test]
fn the_rules_of_virtual_alloc() {
    check_program("valloc", 25);
}

#[test]
fn exceptions_reach_their_handlers() {
    check_program("except", 6);
}

#[test]
fn keys_open_and_close_slots() {
    check_program("keys", 16);
}

#[test]
fn files_of_rom_and_of_the_object_store() {
    check_program("files", 26);
}

#[test]
fn an_owner_inherits_priority() {
    check_program("inherit", 4);
}

/// CE5 and the device's text: the program faults, the log reader explains what the device printed.
#[test]
fn an_unhandled_fault_prints_what_a_device_prints() {
    let output = vatlas(&["run", &program("null.exe")]);
    let text = printed(&output);
    // The lowest eight bits of C0000005.
    assert_eq!(output.status.code(), Some(5), "{text}");
    check_phrases(&text, &["Data Abort: Thread=8", "'null.exe' AKY=", "(null.exe+0x000010", "BVA=", "000000"]);
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("crash.txt");
    std::fs::write(&log, &output.stdout).unwrap();
    let read = vatlas(&["log", &log.display().to_string()]);
    let expected = ["Data Abort in null.exe at null.exe+0x10", "a null pointer, with the base of slot 3 in front"];
    check_phrases(&printed(&read), &expected);
}

#[test]
fn a_stack_without_end_ends_its_process_only() {
    let output = vatlas(&["run", &program("overflow.exe")]);
    assert_eq!(output.status.code(), Some(0xfd), "{}", printed(&output));
    check_phrases(&printed(&output), &["'overflow.exe'"]);
}

/// CE1, CE6: 31 user processes and the kernel; the next one is refused, a free place is used again.
#[test]
fn thirty_one_processes_run_and_the_next_is_refused() {
    let device = Device::new(&["many.exe"]).module("many.exe", "").module("sleeper.exe", "");
    let output = device.run("50M", &["processes", "slots"]);
    let text = printed(&output);
    check_phrases(&text, &["many: started 26, then error", "many: 5 checks, 0 failed"]);
    // In the list of processes and in that of slots, but for slot 0, which shows one of them again.
    let is_sleeper = |line: &&str| line.contains("sleeper.exe") && line.contains("0x") && !line.contains("shows");
    assert_eq!(text.lines().filter(is_sleeper).count(), 2 * 26, "{text}");
    check_phrases(&text, &["NK.EXE 0 0xc2000000 00000001", "sleeper.exe 31 32 0x40000000 80000000"]);
}

/// CE16, CE17: one DLL, one address, another value in each process; one question finds them all.
#[test]
fn a_global_of_a_dll_has_a_value_in_each_process() {
    let launch = ["counting.exe 11", "counting.exe 22", "counting.exe 33"];
    let device = Device::new(&launch).module("counter.dll", "").module("counting.exe", "");
    let symbols = root().join("fixtures/ce/programs").display().to_string();
    let question = format!("watch '{{,,counter.dll}} Counter' --all-processes --symbols {symbols}");
    let output = device.run("20M", &[&question, "modules --process 5", "slots"]);
    let text = printed(&output);
    check_phrases(&text, &["counting: 11 at 01f", "counting: 22 at 01f", "counting: 33 at 01f"]);
    let line = |value: &str| {
        text.lines().any(|line| line.starts_with("counting.exe") && line.split_whitespace().any(|word| word == value))
    };
    assert!(["11", "22", "33"].into_iter().all(line), "{text}");
    check_phrases(&text, &["counter.dll", "variables counting.exe counting.exe counting.exe"]);
}

/// CE14, CE15: only ROM DLLs are in slot 1; a copy of one in the file system is not.
#[test]
fn a_newer_copy_of_a_rom_dll_is_not_in_slot_1() {
    let file = format!("file = {:?}\npacked = true", program("counter.dll"));
    let device =
        Device::new(&["replace.exe"]).module("counter.dll", "").module("replace.exe", "").file("counter2.dll", &file);
    let text = printed(&device.run("20M", &[]));
    check_phrases(&text, &["replace: code in slot 0", "replace: 5 checks, 0 failed"]);
}

/// CE14: what does not fit into slot 1 runs in slot 0, and whoever builds the image is told.
#[test]
fn when_slot_1_is_full_the_rest_is_told_and_runs_in_slot_0() {
    use vatlas_fixtures::pe::{Image, Machine, directory, relocations, section};
    let mut device = Device::new(&[]);
    for name in ["one.dll", "two.dll", "three.dll"] {
        // 12 MB of addresses each, of which the image has little.
        let file = Image::new(Machine::I386, 0x1000_0000)
            .flags(Image::DLL)
            .section(".text", section::CODE, 0x1000_1000_u32.to_le_bytes().to_vec(), 12 << 20)
            .section(".reloc", section::RELOCATIONS, relocations(0x1000, &[0]), 0)
            .directory(directory::BASE_RELOCATION, 0xc0_1000, 12)
            .file();
        std::fs::write(device.folder.path().join(name), file).unwrap();
        device.text += &format!("[[modules]]\nfile = {name:?}\n");
    }
    let path = device.folder.path().join("nk.bin").display().to_string();
    let output = vatlas(&["rom", "build", &device.write(), "-o", &path]);
    assert_eq!(errors(&output), "warning: three.dll runs in slot 0: slot 1 is full\n");
    check_phrases(&printed(&output), &["one.dll slot 1 0x03", "two.dll slot 1 0x02", "three.dll slot 0 0x01"]);
    let booted = vatlas(&["run", "--stop-at", "2M", "--then", "processes", &path]);
    check_phrases(&printed(&booted), &["shell.exe"]);
}

/// Packed programs and DLLs are unpacked to RAM page by page: with LZX on CE 5, with the older coding before.
#[test]
fn packed_modules_run() {
    for (version, coding) in [("5.0", "lzx"), ("4.20", "lz")] {
        let mut device = Device::new(&["counting.exe 9"])
            .module("counter.dll", "packed = true")
            .module("counting.exe", "packed = true");
        device.text = device.text.replace("[rom]", &format!("[rom]\nversion = {version:?}"));
        let text = printed(&device.run("20M", &["processes"]));
        check_phrases(&text, &["counting: 9 at 01", "counting.exe"]);
        let path = device.folder.path().join("nk.bin").display().to_string();
        assert_eq!(vatlas(&["rom", "build", &device.write(), "-o", &path]).status.code(), Some(0));
        let list = printed(&vatlas(&["rom", "list", &path, "--sections", "--name", "counting.exe"]));
        assert!(list.split_whitespace().any(|word| word.trim_end_matches([',', ')']) == coding), "{version}: {list}");
    }
}

/// CE7: the kernel in slot 1, ROM DLLs at one address of every slot, and no page of them in slot 1.
#[test]
fn a_device_of_ce_3_has_no_dlls_in_slot_1() {
    let mut device = Device::new(&["counting.exe 5"]).module("counter.dll", "").module("counting.exe", "");
    device.text = device.text.replace("[rom]", "[rom]\nversion = \"3.0\"");
    let text = printed(&device.run("20M", &["processes", "slots", "explain 02000000"]));
    check_phrases(&text, &["counting: 5 at 01", "code at 01", "NK.EXE 0 1 0x02000000", "1 0x02000000 NK.EXE"]);
    assert!(!text.contains("ROM DLL code"), "{text}");
}

/// Pointers to servers with and without mapping; a call through two servers; an interrupt routine in the kernel's half.
#[test]
fn threads_move_through_servers() {
    let device = Device::new(&["pointers.exe"])
        .module("pointers.exe", "")
        .module("echo.dll", "")
        .module("isr.dll", "place = \"kernel\"")
        .file("drivers.txt", "text = \"ECH1: echo.dll\\n\"");
    let output = device.run("20M", &["modules --process NK.EXE"]);
    let text = printed(&output);
    check_phrases(&text, &["pointers: 17 checks, 0 failed", "isr.dll"]);
    let isr = text.lines().find(|line| line.contains("isr.dll")).unwrap();
    assert!(isr.contains("0x80") || isr.contains("0xc0"), "{isr}");
}

#[test]
fn files_are_mapped_and_written_through_views() {
    check_program("mapping", 22);
}

/// A snapshot of a device: every question can be asked of it, and it goes on as if it had never stopped.
#[test]
fn a_device_goes_on_from_its_snapshot() {
    let folder = TempDir::new().unwrap();
    let snapshot = folder.path().join("device.vsnap").display().to_string();
    let image = root().join("fixtures/ce/demo.bin").display().to_string();
    let taken = vatlas(&["run", "--stop-at", "900K", "--snapshot", &snapshot, "--then", "slots", &image]);
    assert_eq!(taken.status.code(), Some(0), "{}", errors(&taken));
    let (_, slots) = printed(&taken).split_once("slots\n").map(|(one, two)| (one.to_owned(), two.to_owned())).unwrap();
    assert_eq!(printed(&vatlas(&["slots", &snapshot])), slots);
    let hello = vatlas(&["watch", &snapshot, "*((DWORD*)0x12012345)"]);
    check_phrases(&printed(&hello), &["72"]);
    let ask = ["--stop-at", "3M", "--then", "processes", "--then", "threads", "--then", "memory 0x12012340 16"];
    let resumed = vatlas(&[&["resume", &snapshot], ask.as_slice()].concat());
    let whole = vatlas(&[&["run"], ask.as_slice(), &[&image]].concat());
    assert_eq!((errors(&resumed), errors(&whole)), (String::new(), String::new()));
    let (whole, resumed) = (printed(&whole), printed(&resumed));
    let answers = |text: &str| text.split_once("processes\n").unwrap().1.to_owned();
    assert_eq!(answers(&resumed), answers(&whole));
    // What it had printed before the snapshot is not printed again.
    assert!(whole.contains("shell: 240 x 320") && !resumed.contains("shell: 240 x 320"), "{resumed}");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    let damaged = vatlas(&["resume", &snapshot]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(errors(&damaged).contains("is damaged"), "{}", errors(&damaged));
}

/// CE3, CE13, CE18, CE19, CE20, CE22: where addresses of a running device lie, and that names lead to them and back.
#[test]
fn addresses_of_the_device_tell_what_they_are() {
    let image = root().join("fixtures/ce/demo.bin").display().to_string();
    let symbols = root().join("fixtures/ce/programs").display().to_string();
    let ask = |question: &str| {
        let output = vatlas(&["run", "--stop-at", "2M", "--then", question, &image]);
        let text = printed(&output);
        text.split_once(&format!("{question}\n")).unwrap_or_else(|| panic!("{text}{}", errors(&output))).1.to_owned()
    };
    let check = |address: &str, phrases: &[&str]| {
        check_phrases(&ask(&format!("explain {address} --process helloworld.exe")), phrases);
    };
    // The EXE at the bottom of its slot, and no farther than it is large: helloworld.exe has 0x6000 bytes.
    check("00012345", &["helloworld.exe+0x2345", "slot 0", "slot form 0x12012345", "module helloworld.exe"]);
    check("00345678", &["free", "slot 0", "slot form 0x12345678"]);
    check("1202ff80", &["stack of thread", "slot 9: process 8", "slot-0 form 0x0002ff80"]);
    // Slot 1 has the code of a ROM DLL, the top of the slot its variables; both are told in the view of any process.
    check("03ff4010", &["coredll!", "slot 1: ROM DLL code", "coredll.dll+0x1010 (.text"]);
    check("01fff010", &["coredll.dll", "slot form 0x13fff010"]);
    check("0bfff010", &["slot 5: process 4", "shell.exe", "coredll.dll"]);
    check("41ffffff", &["free", "slot 32"]);
    check("42000000", &["free", "shared area"]);
    check("80200040", &["NK.EXE", "physical memory, cached"]);
    // Names both ways.
    let found = ask(&format!("find MyGlobalVar --process helloworld.exe --symbols {symbols}"));
    check_phrases(&found, &["0x00012345", "MyGlobalVar"]);
    let named = ask(&format!("lookup 0x12012345 --process helloworld.exe --symbols {symbols}"));
    check_phrases(&named, &["helloworld!MyGlobalVar"]);
    check_phrases(&ask("modules --process helloworld.exe"), &["helloworld.exe", "coredll.dll", "NK.EXE"]);
}

/// The DLL crunch: a slot is full while memory is left, and the slots and the map say who holds it.
#[test]
fn a_slot_is_full_while_memory_is_left() {
    let mut device = Device::new(&["crunch.exe"]).module("crunch.exe", "");
    for number in 1..=6 {
        device = device.file(&format!("big{number}.dll"), &format!("file = {:?}", program("big.dll")));
    }
    device.text = device.text.replace("32M", "128M");
    let text = printed(&device.run("50M", &["slots", "map --process crunch.exe", "map --process shell.exe"]));
    check_phrases(
        &text,
        &["loaded, then error 8, with memory left", "crunch: 2 checks, 0 failed", "big1.dll", "lowest address"],
    );
    let (_, maps) = text.split_once("map --process crunch.exe").unwrap();
    let (own, others) = maps.split_once("map --process shell.exe").unwrap();
    check_phrases(own, &["0x0c005fff 4 KB committed r--- KData", "crunch.exe", "big", ".dll", "coredll.dll"]);
    assert!(!own.contains("an unlisted image") && !own.contains("not known"), "{own}");
    check_phrases(others, &["crunch.exe, big", "crunch.exe, coredll.dll"]);
}

/// CE8 to CE13: the article, step by step.
#[test]
fn the_article_is_true() {
    let output = vatlas(&["demo"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    check_phrases(
        &printed(&output),
        &[
            "helloworld.exe 8 9 0x12000000 00000100",
            "&MyGlobalVar 0x00012345",
            "MyGlobalVar ???",
            "process 8, in slot 9 from 0x12000000 on",
            "*((DWORD*)0x12012345) 72",
            "{,,helloworld.exe} MyGlobalVar 72",
            "slot form 0x12012345",
            "not 4-byte aligned",
        ],
    );
}

/// CE10 on the command line: the same expression, in the view of the processor and in that of the process.
#[test]
fn the_view_decides_what_a_name_shows() {
    let image = root().join("fixtures/ce/demo.bin").display().to_string();
    let symbols = root().join("fixtures/ce/programs").display().to_string();
    let ask = |view: &str| {
        let question = format!("watch '{{,,helloworld.exe}} MyGlobalVar' --view {view} --symbols {symbols}");
        printed(&vatlas(&["run", &image, "--stop-at", "1M", "--then", &question]))
    };
    check_phrases(&ask("processor"), &["MyGlobalVar ??? (helloworld.exe is not current"]);
    check_phrases(&ask("process"), &["MyGlobalVar 72"]);
}

#[test]
fn the_image_of_the_demo_is_what_its_description_makes() {
    let folder = TempDir::new().unwrap();
    let built = folder.path().join("demo.bin").display().to_string();
    let plan = root().join("fixtures/ce/demo.toml").display().to_string();
    let output = vatlas(&["rom", "build", &plan, "-o", &built]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    check_phrases(
        &printed(&output),
        &["nk.exe kernel 0x80200000", "coredll.dll slot 1 0x03ff", "helloworld.exe program 0x00010000"],
    );
    let committed = std::fs::read(root().join("fixtures/ce/demo.bin")).unwrap();
    assert!(
        std::fs::read(&built).unwrap() == committed,
        "vatlas rom build fixtures/ce/demo.toml -o fixtures/ce/demo.bin"
    );
    let same = vatlas(&["rom", "diff", &built, &root().join("fixtures/ce/demo.bin").display().to_string()]);
    assert_eq!(printed(&same), "both images hold the same\n");
}

#[test]
fn images_differ_by_name() {
    let small = Device::new(&[]).module("sleeper.exe", "").file("a.txt", "text = \"one\"");
    let large = Device::new(&[]).module("counter.dll", "").file("a.txt", "text = \"two\"");
    let build = |device: &Device, name: &str| {
        let path = device.folder.path().join(name).display().to_string();
        let output = vatlas(&["rom", "build", &device.write(), "-o", &path, "--nb0"]);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        path
    };
    let (before, after) = (build(&small, "a.nb0"), build(&large, "b.nb0"));
    let text = printed(&vatlas(&["rom", "diff", &before, &after]));
    check_phrases(&text, &["module sleeper.exe gone", "module counter.dll new", "file a.txt changed other contents"]);
}

/// An image with sixty modules boots, and its programs run.
#[test]
fn an_image_with_sixty_modules_boots() {
    let mut device = Device::new(&["counting.exe 7"]).module("counter.dll", "").module("counting.exe", "");
    for number in 0..52 {
        device = device.module(&format!("extra{number}.dll=counter.dll"), "");
    }
    let text = printed(&device.run("20M", &["processes"]));
    check_phrases(&text, &["counting: 7 at 01", "counting.exe"]);
    let path = device.folder.path().join("nk.bin").display().to_string();
    assert_eq!(vatlas(&["rom", "build", &device.write(), "-o", &path]).status.code(), Some(0));
    let list = printed(&vatlas(&["rom", "list", &path]));
    assert_eq!(list.lines().filter(|line| line.contains(".dll ") || line.contains(".exe ")).count(), 60, "{list}");
}

#[test]
fn extraction_gives_pe_files_back() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out").display().to_string();
    let image = root().join("fixtures/ce/demo.bin").display().to_string();
    assert_eq!(vatlas(&["rom", "extract", &image, &out]).status.code(), Some(0));
    let made = std::fs::read(folder.path().join("out/helloworld.exe")).unwrap();
    let linked = std::fs::read(program("helloworld.exe")).unwrap();
    // Code, which needed no fixing up at its own base: both linkers' files have it at some place.
    let code = &linked[0x400..0x480];
    assert!(made.windows(code.len()).any(|window| window == code));
    let shown = vatlas(&["info", &format!("{out}/coredll.dll")]);
    assert_eq!(shown.status.code(), Some(0), "{}", errors(&shown));
}

#[test]
fn what_a_device_cannot_have_is_refused() {
    let image = root().join("fixtures/ce/demo.bin").display().to_string();
    let check = |words: &[&str], expected: &str| {
        let output = vatlas(&[&["run", image.as_str()], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(errors(&output).contains(expected), "{}", errors(&output));
    };
    // Options come before the image.
    let check_option = |options: &[&str], expected: &str| {
        let output = vatlas(&[&["run"], options, &[image.as_str()]].concat());
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(errors(&output).contains(expected), "{}", errors(&output));
    };
    check_option(&["--cpus", "2"], "Windows CE runs on one processor");
    check_option(&["--pagefile", "16M"], "Windows CE has no page file");
    check_option(&["--3gb"], "a process of Windows CE has 32 MB");
    check_option(&["--ram", "64M"], "an image says itself how much memory");
    check_option(&["--driver", "a.sys"], "--driver: not of a device");
    check_option(&["--kernel-space", "separate"], "not of a device");
    check_option(&["--kernel-dump", "a.dmp"], "--kernel-dump: not of a device");
    check(&["argument"], "arguments are for a program");
}

/// The listing of the demo's image as a script of Python printed it that shares nothing with this project's code.
#[test]
fn an_independent_script_lists_the_same() {
    use vatlas_images::rom::RomImage;
    let bytes = std::fs::read(root().join("fixtures/ce/demo.bin")).unwrap();
    let image = RomImage::read(&bytes).unwrap();
    let expected = std::fs::read_to_string(root().join("fixtures/ce/demo.list")).unwrap();
    let mut found = String::new();
    for (_, module) in image.modules() {
        let (name, e32) = (&module.name, module.e32.unwrap());
        let (size, load) = (module.file_size, module.load.0);
        writeln!(found, "module {name} attributes {:x} file {size:x} load {load:08x}", module.attributes).unwrap();
        let (base, version, stamp) = (e32.base.0, e32.version, e32.time_date_stamp.unwrap());
        let (major, minor, stack) = (version.0, version.1, e32.stack);
        let (size, entry) = (e32.size, e32.entry.0);
        writeln!(
            found,
            "  base {base:08x} size {size:x} entry {entry:x} version {major}.{minor} stack {stack:x} stamp {stamp:08x}"
        )
        .unwrap();
        let [(exports, exports_size), (imports, imports_size), ..] = e32.directories;
        let (flags, subsystem) = (e32.flags, e32.subsystem);
        writeln!(
            found,
            "  flags {flags:x} subsystem {subsystem} exports {:x}+{exports_size:x} imports {:x}+{imports_size:x}",
            exports.0, imports.0
        )
        .unwrap();
        for section in &module.sections {
            let mut held = image.section_data(&bytes, section).into_owned();
            held.resize(section.size as usize, 0);
            writeln!(
                found,
                "  section rva {:x} size {:x} rom {:08x}+{:x} real {:08x} flags {:08x} crc {:08x}",
                section.rva.0,
                section.size,
                section.data.0,
                section.packed_size,
                section.real.0,
                section.flags,
                crc32(&held)
            )
            .unwrap();
        }
    }
    for file in image.files() {
        let contents = image.file_contents(&bytes, file).0;
        let (name, size) = (&file.name, file.size);
        let (data, held) = (file.data.0, file.packed_size);
        let sum = crc32(&contents);
        let attributes = file.attributes;
        writeln!(found, "file {name} attributes {attributes:x} size {size:x} rom {data:08x}+{held:x} crc {sum:08x}")
            .unwrap();
    }
    for copy in &image.regions[0].copies {
        let (from, to) = (copy.from.0, copy.to.0);
        writeln!(found, "copy {from:08x} to {to:08x} {:x} of {:x}", copy.length, copy.room).unwrap();
    }
    let (_, tables) = expected.split_once("ulTrackingLen 0\n").unwrap();
    assert_eq!(found, tables);
}

/// ISO 3309, as zlib has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

//! Tests of the parser: real texts with their expected reading, and what happens to them on the way.

use super::*;
use vatlas_space::{CrashForm, PrintedModule};

/// A crash in short: form, kind, number, process, and every field with its module.
fn short(crash: &CrashText) -> String {
    let fields: Vec<String> = crash
        .fields
        .iter()
        .map(|field| {
            let module = match &field.module {
                Some(PrintedModule::Inside { module, offset }) => format!("({module}+{offset:x})"),
                Some(PrintedModule::Outside) => "(???)".to_owned(),
                None => String::new(),
            };
            let structure = field.structure.map(|va| format!("[{va:x}]")).unwrap_or_default();
            let process = field.process.as_ref().map(|name| format!("'{name}'")).unwrap_or_default();
            format!("{}={:x}{structure}{module}{process}", field.name, field.value)
        })
        .collect();
    let kind = crash.kind.as_deref().unwrap_or("-");
    let number = crash.number.map(|number| format!("#{number}")).unwrap_or_default();
    format!("{} {kind}{number}: {}", crash.form.word(), fields.join(" "))
}

fn described(items: &[LogItem]) -> Vec<String> {
    let one = |item: &LogItem| match item {
        LogItem::Crash(crash) => short(crash),
        LogItem::Note(note, place) => format!("note {}: {note:?}", place.line),
        LogItem::Memory(MemoryItem::Totals { page_size, pages, free, .. }) => {
            format!("pages {page_size} {pages} {free}")
        }
        LogItem::Memory(MemoryItem::Process(process)) => format!("process {} {}", process.name, process.pid),
        LogItem::Problem(problem) => problem.to_string(),
    };
    items.iter().map(one).collect()
}

/// Checks what is found, whole and fed byte by byte.
fn check(log: &str, expected: &[&str]) {
    assert_eq!(described(&read(log.as_bytes())), expected, "{log}");
    let mut parser = LogParser::new();
    log.as_bytes().iter().for_each(|byte| parser.push(&[*byte]));
    parser.finish();
    assert_eq!(described(&parser.take()), expected, "byte by byte: {log}");
}

const SHELL: &str = "Data Abort: Thread=9352cc9c Proc=90876ea0 'shell32.exe'\n\
    AKY=00000005 PC=03f74680(coredll.dll+0x00014680) RA=03257104(aygshell.dll+0x00037104) BVA=060000e0 FSR=00000007\n";
const SHELL_READ: &str = "ce5 Data Abort: Thread=9352cc9c Proc=90876ea0'shell32.exe' AKY=5 PC=3f74680(coredll.dll+14680) \
    RA=3257104(aygshell.dll+37104) BVA=60000e0 FSR=7";

#[test]
fn the_form_of_ce_5() {
    check(SHELL, &[SHELL_READ]);
    check(
        "RaiseException: Thread=8d5108b0 Proc=81a37040 'device.exe'\n\
         AKY=00000205 PC=03f7e034(coredll.dll+0x0001e034) RA=80120ef4(NK.EXE+0x00020ef4) BVA=00000001 FSR=00000001",
        &["ce5 RaiseException: Thread=8d5108b0 Proc=81a37040'device.exe' AKY=205 PC=3f7e034(coredll.dll+1e034) \
           RA=80120ef4(NK.EXE+20ef4) BVA=1 FSR=1"],
    );
    check(
        "Data Abort: Thread=8795c908 Proc=80becdf0 'OnLine.exe'\n\
         AKY=00000801 PC=03fa006c(coredll.dll+0x0002006c) RA=50616548(???+0x50616548) BVA=18332421 FSR=00000001\n",
        &["ce5 Data Abort: Thread=8795c908 Proc=80becdf0'OnLine.exe' AKY=801 PC=3fa006c(coredll.dll+2006c) \
           RA=50616548(???) BVA=18332421 FSR=1"],
    );
}

const USBFN: &str = "ce6 Data Abort#4: Thread-Id=df0002[87e31c98] Proc-Id=400002[81118308]'NK.EXE' \
    VM-active=15f0002[87e07b70]'udevice.exe' PC=c098704c(usbfn.dll+1704c) RA=c09880b0(usbfn.dll+180b0) SP=d03ce2d8 BVA=0";

#[test]
fn the_form_of_ce_6() {
    check(
        "Exception 'Data Abort' (4): Thread-Id=00df0002(pth=87e31c98), Proc-Id=00400002(pprc=81118308) 'NK.EXE', \
         VM-active=015f0002(pprc=87e07b70) 'udevice.exe'\n\
         PC=c098704c(usbfn.dll+0x0001704c) RA=c09880b0(usbfn.dll+0x000180b0) SP=d03ce2d8, BVA=00000000\n",
        &[USBFN],
    );
    check(
        "Exception 'Data Abort' (4):Thread-Id=00df0002(pth=87e31c98),Proc-Id=00400002(pprc=81118308) 'NK.EXE', \
         VM-active=015f0002(pprc=87e07b70) 'udevice.exe'\n\
         PC=c098704c(usbfn.dll+0x0001704c) RA=c09880b0(usbfn.dll+0x000180b0) SP=d03ce2d8, BVA=00000000",
        &[USBFN],
    );
    check(
        "Exception \u{2018}Data Abort\u{2019} (4): Thread-Id=00df0002(pth=87e31c98), Proc-\n\
         Id=00400002(pprc=81118308) \u{2018}NK.EXE\u{2019}, VM-active=015f0002(pprc=87e07b70) \u{2018}udevice.exe\u{2019}\n\
         PC=c098704c(usbfn.dll+0x0001704c) RA=c09880b0(usbfn.dll+0x000180b0) SP=d03ce2d8, BVA=00000000",
        &[USBFN],
    );
    let seven = "Exception 'Data Abort' (0x4): Thread-Id=09a1150e(pth=9519f4e0), Proc-Id=0881002a(pprc=9514eb80) 'p.exe', \
         VM-active=0881002a(pprc=9514eb80) 'p.exe'\n\
         PC=00b52a6c(???+0x00b52a6c) RA=00b52c9c(???+0x00b52c9c) SP=0593fa54, BVA=00000000\n";
    let items = read(seven.as_bytes());
    let LogItem::Crash(crash) = &items[0] else { panic!("{items:?}") };
    assert_eq!((crash.form, crash.number, crash.is_number_hex), (CrashForm::Ce6, Some(4), true));
}

#[test]
fn registers_and_prefixes_of_a_debugger() {
    let log = "11 PID:400002 TID:410002 Exception 'Access Violation' (14): Thread-\n\
        11 PID:400002 TID:410002 PC=00000000(???+0x00000000) RA=c00429f5(hd.dll+0x000029f5) SP=d001fb10, BVA=00000000\n\
        12 PID:400002 TID:410002 Eax=d001fb9c Ebx=826192e0 Ecx=d001fb9c Edx=d001fb9c\n\
        12 PID:400002 TID:410002 Esi=00000000 Edi=00000001 Ebp=d001fb58 Esp=d001fb10 Eip=00000000\n\
        12 PID:400002 TID:410002 CS=0019 DS=0040 ES=0040 SS=0021 FS=0060 GS=0000\n";
    check(
        log,
        &[
            "ce6 Access Violation#14: PC=0(???) RA=c00429f5(hd.dll+29f5) SP=d001fb10 BVA=0 Eax=d001fb9c Ebx=826192e0 \
             Ecx=d001fb9c Edx=d001fb9c Esi=0 Edi=1 Ebp=d001fb58 Esp=d001fb10 Eip=0 CS=19 DS=40 ES=40 SS=21 FS=60 GS=0",
            "log: line 1, column 61: Thread- is cut off or is no number of eight hexadecimal digits; other output may \
             have come between",
        ],
    );
    let items = read(log.as_bytes());
    let LogItem::Crash(crash) = &items[0] else { panic!("{items:?}") };
    assert_eq!(crash.prefix.map(|prefix| (prefix.ticks, prefix.thread)), Some((11, 0x41_0002)));
    check(
        "[10:20:30.125] Exception 003 PC=019a3d14 BVA=0x00311000\r\n",
        &["short Exception 003#3: PC=19a3d14 BVA=311000"],
    );
}

#[test]
fn lines_wrapped_anywhere_in_the_second_line() {
    let (first, second) = SHELL.trim_end().split_once('\n').unwrap();
    for at in 1..second.len() {
        let log = format!("{first}\n{}\n{}\nnext\n", &second[..at], &second[at..]);
        assert_eq!(described(&read(log.as_bytes())), [SHELL_READ], "wrapped at {at}:\n{log}");
    }
    for at in "Data Abort".len()..first.len() {
        let log = format!("boot\n{}\r\n{}\r\n{second}\r\n", &first[..at], &first[at..]);
        assert_eq!(described(&read(log.as_bytes())), [SHELL_READ], "wrapped at {at}:\n{log}");
    }
}

#[test]
fn other_output_between_and_in_front() {
    let (first, second) = SHELL.trim_end().split_once('\n').unwrap();
    let (left, right) = second.split_at(second.find("14680)").unwrap());
    check(&format!("Assertion failed: x.cpp, Line 1152\n      {first}\nIOCtl : 0x10303FF\n{second}\n"), &[SHELL_READ]);
    check(&format!("Assertion failed {first}\n{left}\nIOCtl : 0x10303FF (a)\n{right}\n"), &[SHELL_READ]);
    check(&format!("{first}\n{second}{first}\n{second}\n"), &[SHELL_READ, SHELL_READ]);
}

#[test]
fn two_crashes_whose_lines_are_mixed() {
    let (first, second) = SHELL.trim_end().split_once('\n').unwrap();
    let other = first.replace("9352cc9c", "93520000");
    let log = format!("{first}\n{other}\n{second}\n{second}\n");
    let items = described(&read(log.as_bytes()));
    let expected_other = SHELL_READ.replace("9352cc9c", "93520000");
    assert_eq!(items[0], SHELL_READ);
    assert!(items[1].contains("lines of two crashes are mixed"), "{items:?}");
    assert_eq!(items[2..], [expected_other]);
}

#[test]
fn what_looks_like_a_crash_and_cannot_be_read_is_a_problem() {
    let (first, second) = SHELL.trim_end().split_once('\n').unwrap();
    let found = described(&read(first.as_bytes()));
    assert_eq!(found[1], "log: line 1, column 1: the crash has no PC: its second line is missing or cannot be read");
    let found = described(&read(format!("{first}\n{}\n", second.replace("PC=03f74680", "PC=03f7~680")).as_bytes()));
    assert_eq!(
        found[1],
        "log: line 2, column 14: PC is cut off or is no number of eight hexadecimal digits; other output may have come \
         between"
    );
    let found = described(&read(second.as_bytes()));
    assert!(found[0].starts_with("headless -: AKY=5 PC=3f74680"), "{found:?}");
    check("x\nException 'Data Abort' (4", &["log: line 2, column 1: the heading of a crash breaks off"]);
}

#[test]
fn no_crash() {
    check("Thread=12 started\nworker: Thread=00000012 runs\nException handling is on\nPC=1 free\n", &[]);
    check("no Exception 'of' the rule\nLoad Abort: never\n", &[]);
    check("System.NullReferenceException\nafter a Data Abort\nnothing\n", &[]);
}

#[test]
fn places() {
    let log = format!("first\n\u{e9}  {SHELL}");
    let items = read(log.as_bytes());
    let LogItem::Crash(crash) = &items[0] else { panic!("{items:?}") };
    assert_eq!((crash.place.line, crash.place.column), (2, 4));
    let text = |place: TextPlace| &log[place.first.0 as usize..place.end.0 as usize];
    assert_eq!(text(crash.place), SHELL.trim_end());
    let pc = crash.pc().unwrap();
    assert_eq!((pc.place.line, pc.place.column), (3, 14));
    assert_eq!(text(pc.place), "PC=03f74680(coredll.dll+0x00014680)");
}

#[test]
fn encodings() {
    let utf16 = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let little = |text: &str| utf16(text).iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
    let big = |text: &str| utf16(text).iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>();
    let latin: Vec<u8> = [b"\xe9t\xe9\n".as_slice(), SHELL.replace('\'', "\u{1}").as_bytes()].concat();
    let latin: Vec<u8> = latin.into_iter().map(|byte| if byte == 1 { 0x92 } else { byte }).collect();
    let holes = [b"\0\0\0\0".as_slice(), SHELL.replace("Thread", "Thr\0ead").as_bytes()].concat();
    let marked = format!("\u{feff}{SHELL}");
    for bytes in [little(&marked), little(SHELL), big(&marked), big(SHELL), latin, marked.into_bytes()] {
        assert_eq!(described(&read(&bytes)), [SHELL_READ]);
        let mut parser = LogParser::new();
        bytes.chunks(3).for_each(|piece| parser.push(piece));
        parser.finish();
        assert_eq!(described(&parser.take()), [SHELL_READ]);
    }
    assert_eq!(described(&read(&holes)), [SHELL_READ]);
}

#[test]
fn remarks() {
    check(
        "Booting Windows CE version 6.00 for (x86)\n\
         URtlDispatchException: returning failure. Flags=0\n\
         Terminating thread 8feff024\n\
         Secondary thread in proc 00400002 faulted, Exception code = c0000005, Exception Address = 00000000!\n",
        &[
            "note 1: Boot { version: \"6.00\", processor: \"x86\" }",
            "note 2: NotHandled",
            "note 3: TerminatingThread { thread: 2414866468 }",
            "note 4: SecondaryThread { process: 4194306, code: 3221225477, address: 0 }",
        ],
    );
}

#[test]
fn memory_listings() {
    let log = "Windows CE Kernel Memory Usage Tool 0.2\n\
        Page size=4096, 2976 total pages, 2404 free pages.\n\
        28 pages used by kernel, 0 pages held by kernel, 572 pages consumed.\n\n\
        Memory usage for Process 808a221c: 'filesys.exe' pid 1\n\
        Slot base 04000000  Section ptr 81fe4000\n  04000000(1): -----r----------\n\
        Page summary: code=76(0) data r/o=23 r/w=13 stack=3 reserved=125\n";
    let items = read(log.as_bytes());
    assert_eq!(described(&items), ["pages 4096 2976 2404", "process filesys.exe 1"]);
    let LogItem::Memory(MemoryItem::Process(process)) = &items[1] else { panic!("{items:?}") };
    assert_eq!(
        (process.base, process.section, process.structure),
        (Some(0x0400_0000), Some(0x81fe_4000), Some(0x808a_221c))
    );
    let counts: Vec<_> = process.counts.iter().map(|count| (&*count.what, count.pages, count.in_brackets)).collect();
    assert_eq!(
        counts,
        [
            ("code", 76, Some(0)),
            ("data r/o", 23, None),
            ("data r/w", 13, None),
            ("stack", 3, None),
            ("reserved", 125, None)
        ]
    );
    assert_eq!(
        process.blocks,
        [BlockRow { address: 0x0400_0000, number: Some(1), pages: "-----r----------".to_owned() }]
    );
    check(
        "PROC: Name            PID      AcctId   VMBase   CurZone\n P00: NK.EXE          00400002 00000000 80220000 00000000\n\
         \x20P01: my shell.exe       01bf000a 00000000 00010000 00000000\nmore\n",
        &["process NK.EXE 4194306", "process my shell.exe 29294602"],
    );
}

/// What a damaged log is made of.
const PIECES: [&str; 14] = [
    "Data Abort: Thread=9352cc9c Proc=90876ea0 'shell32.exe'",
    "\n",
    "Exception 'Data Abort' (4):",
    "AKY=",
    "00000005 ",
    "PC=03f74680(coredll.dll+0x00014680)",
    " RA=03257104(",
    "BVA=060000e0",
    "FSR=00000007",
    "\r\n",
    "'",
    "Thread=",
    "Memory usage for Process 808a221c: 'f' pid 1\n",
    "PROC: VMBase\n P00: a 00400002 00000000 80220000 00000000\n",
];

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes: Vec<u8>, size in 1_usize..9) {
        let whole = described(&read(&bytes));
        let mut parser = LogParser::new();
        bytes.chunks(size).for_each(|piece| parser.push(piece));
        parser.finish();
        // An encoding is decided by what is there when a line ends; what is found may differ only with it.
        if parser.encoding() == Some(Encoding::Bytes) {
            proptest::prop_assert_eq!(described(&parser.take()), whole);
        }
    }

    #[test]
    fn any_mixture_of_pieces_is_read(pieces in proptest::collection::vec((0_usize..PIECES.len(), 0_usize..60), 0..40)) {
        let log: String = pieces.iter().map(|(at, cut)| PIECES[*at].get(*cut..).unwrap_or(PIECES[*at])).collect();
        let items = read(log.as_bytes());
        for item in &items {
            if let LogItem::Crash(crash) = item {
                proptest::prop_assert!(crash.fields.len() <= 64);
                proptest::prop_assert!(crash.place.end.0 <= log.len() as u64);
            }
        }
        let mut parser = LogParser::new();
        log.as_bytes().chunks(7).for_each(|piece| parser.push(piece));
        parser.finish();
        proptest::prop_assert_eq!(described(&parser.take()), described(&items));
    }
}

/// The real logs of the corpus; says so when there is none.
#[test]
fn real_logs() {
    let Some(corpus) = std::env::var_os("VATLAS_CORPUS") else {
        eprintln!("skipped: VATLAS_CORPUS is not set");
        return;
    };
    for (name, expected) in [("ce5_arm_serial.txt", 6), ("ce6_arm_serial.txt", 6)] {
        let log = std::fs::read(std::path::Path::new(&corpus).join("celog").join(name)).unwrap();
        let items = read(&log);
        assert!(items.iter().all(|item| matches!(item, LogItem::Crash(_))), "{name}: {:?}", described(&items));
        assert_eq!(items.len(), expected, "{name}");
    }
}

//! `vatlas place` and `vatlas slots` as transcripts: what is typed, and what must be read in the answer.

use assert_cmd::Command;
use serde_json::Value;
use std::process::Output;

const LAYOUTS: [&str; 11] = ["ce3", "ce4", "ce5", "wm6", "ce6", "ce7", "nt32", "nt32-3gb", "nt32-pae", "wow64", "nt64"];

/// Runs `vatlas` with the words of a command line.
fn vatlas(line: &str) -> Output {
    let mut command = Command::cargo_bin("vatlas").expect("the program");
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM"] {
        command.env_remove(variable);
    }
    command.args(line.split_whitespace()).output().expect("it runs")
}

/// The text with every stretch of white space as one blank: where a line breaks depends on the terminal.
fn flat(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The phrases stand in the text, in this order.
fn check_phrases(line: &str, text: &str, phrases: &[&str]) {
    let mut rest = text;
    for phrase in phrases {
        let Some((_, after)) = rest.split_once(phrase) else {
            panic!("vatlas {line}: '{phrase}' is missing or out of order in\n{text}");
        };
        rest = after;
    }
}

/// The command succeeds, and its answer has these phrases in this order.
fn check(line: &str, phrases: &[&str]) {
    let output = vatlas(line);
    assert_eq!(output.status.code(), Some(0), "vatlas {line}: {}", flat(&output.stderr));
    check_phrases(line, &flat(&output.stdout), phrases);
}

/// The command fails with this exit code, prints nothing, and says these phrases on standard error.
fn check_failure(line: &str, code: i32, phrases: &[&str]) {
    let output = vatlas(line);
    assert_eq!(output.status.code(), Some(code), "vatlas {line}");
    assert_eq!(flat(&output.stdout), "", "vatlas {line}");
    check_phrases(line, &flat(&output.stderr), phrases);
}

/// The answer of a command with `--json`.
fn answer(line: &str) -> Value {
    let output = vatlas(&format!("{line} --json"));
    assert_eq!(output.status.code(), Some(0), "vatlas {line}: {}", flat(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "vatlas/1");
    assert_eq!(document["command"], line.split(' ').next().unwrap_or_default());
    document["answer"].clone()
}

#[test]
fn an_exe_address() {
    check(
        "place 0x00012345",
        &[
            "0x00012345 slot 0: current process; likely EXE code or global",
            "layout ce5:",
            "area slot 0: current process (0x00010000-0x01ffffff, 31.9 MB)",
            "for alias of the process that runs now",
            "never a byte of its own",
            "slot 0; offset 0x0012345, lower half (64 KB block 1, page 2 of it)",
            "likely EXE code or global: the EXE loads at 00010000",
            "[founding text, choice of this program]",
            "possible heap, stack or other dynamic memory",
            "slot form 0x04012345 (slot 2), 0x06012345 (slot 3) ... 0x40012345 (slot 32); 31 in all",
            "alignment not 4-byte aligned",
            "the last digit is 5",
            "other processors (ARM, MIPS, SH) fault",
            "also - which byte this is depends on the process that runs",
            "the second hexadecimal digit, 0, is even",
            "on nt32 user;",
            "on ce6 process: EXE, heap, stacks;",
            "on nt64 user;",
        ],
    );
}

#[test]
fn practice_addresses() {
    check(
        "place 0056789A --layout ce5",
        &[
            "likely heap, stack or other dynamic memory, no symbol expected",
            "5.4 MB into the slot is too far for most EXEs",
            "unlikely EXE code or global: only if the EXE is larger than 5.3 MB",
        ],
    );
    check("place 03123456 --layout ce5", &["0x03123456 slot 1: ROM DLL code layout", "never writable data, heaps"]);
    check("place 02123456 --layout ce5", &["0x02123456 slot 1: ROM DLL code", "even second digit says nothing here"]);
    check(
        "place 3456789A --layout ce5",
        &[
            "slot 26: process 25; likely heap, stack or other dynamic memory, no symbol expected",
            "slot-0 form 0x0056789a",
            "bit 25 (02000000) is set in its AKY",
        ],
    );
    check("place 019ABCDE --layout ce5", &["likely DLL code or data", "upper half", "hexadecimal digit, 1, is odd"]);
    check("place 359ABCDE --layout ce5", &["slot 26: process 25; likely DLL", "slot-0 form 0x019abcde"]);
    check("place 6789ABCD --layout ce5", &["likely shared allocation or mapped file, no symbol expected"]);
    check("place 12012345 --layout ce5", &["slot 9: process 8; likely EXE", "slot-0 form 0x00012345"]);
}

#[test]
fn areas_with_a_meaning_of_their_own() {
    check("place 060000E0 --layout ce5", &["slot 3: process 2; null pointer + 0xe0", "NULL + E0 in the process"]);
    check("place 80001000 --layout ce5", &["physical memory, cached; the kernel's", "uncached twin 0xa0001000:"]);
    check("place F000AFDC --layout ce5", &["likely API set 20 (FILESYS_APIS) method 9 (CreateFileW)"]);
    check("place F000AFDC --layout ce5 --machine x86", &["API calls (ARM); the kernel's"]);
    check("place FFFFC808 --arm", &["KData (ARM); ahSys[1]"]);
    check("place 00012345 --arm", &["this processor cannot read 4 bytes elsewhere in one access"]);
    check("place 00012345 --machine sh", &["this processor cannot read 4 bytes elsewhere in one access"]);
    check("place 0012F980 --layout nt32", &["PTE 0xc00004bc", "PDE 0xc0300000"]);
    check("place feeefef2 50616548 --layout nt32", &["FEEEFEEE + 4", "reads as the text \"HeaP\""]);
}

#[test]
fn the_user_limit_decides() {
    check("place A0000000 --layout nt32", &["0xa0000000 kernel and boot drivers"]);
    check("place A0000000 --layout nt32-3gb", &["not for this process; nothing can be here"]);
    check("place A0000000 --layout nt32-3gb --large-address-aware", &["0xa0000000 user; possibly"]);
    check("place A0000000 --layout nt32-3gb --user-limit AFFEFFFF", &["0xa0000000 user; possibly"]);
    check("place B0000000 --layout nt32-3gb --user-limit AFFEFFFF", &["not for this process"]);
    check("place C0000ABC --layout wow64 --large-address-aware", &["0x00000000c0000abc user;"]);
    check_failure("place 1 --layout ce5 --large-address-aware", 2, &["all processes have the same limit", "nt32-3gb"]);
    check_failure("place 1 --layout nt32-3gb --user-limit D0000000", 2, &["the nearest that it has is 0xbffeffff"]);
    check_failure("place 1 --layout nt64 --user-limit x", 2, &["--user-limit: address 'x'"]);
}

const CORRECTIONS: [&str; 9] =
    ["359ABCDE", "3519ABCD", "519ABCDE", "319ABCDE", "351ABCDE", "3519BCDE", "3519ACDE", "3519ABDE", "3519ABCE"];

#[test]
fn nine_digits_are_refused_with_corrections_best_first() {
    let mut phrases = vec![
        "error: address '0x3519ABCDE': 9 digits, a 32-bit address has at most 8",
        "hint: if it is an address of 64-bit Windows, add --layout nt64",
        "perhaps you meant:",
    ];
    let listed = CORRECTIONS.map(|correction| format!(" {correction} "));
    phrases.extend(listed.iter().map(String::as_str));
    check_failure("place 0x3519ABCDE", 2, &phrases);
    let output = vatlas("place 0x3519ABCDE --json");
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stderr).unwrap();
    let found: Vec<&str> = document["error"]["corrections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|correction| correction["text"].as_str().unwrap())
        .collect();
    assert_eq!(found, CORRECTIONS);
}

#[test]
fn a_wide_layout_takes_sixteen_digits() {
    check("place 0x3519ABCDE --layout nt64", &["0x00000003519abcde user;"]);
    check("place 00007ff6`12345678 --layout nt64", &["0x00007ff612345678 user; possibly DLL code or data"]);
    check("place 1234567812345678 --layout wow64", &["non-canonical; nothing can be here"]);
    check_failure("place 11234567812345678 --layout nt64", 2, &["17 digits, a 64-bit address has at most 16"]);
}

#[test]
fn one_bad_address_of_several_answers_none() {
    let message = "address 2 of 3, '0x3519ABCDE': 9 digits";
    check_failure("place 12345678 0x3519ABCDE 1 --layout ce5", 2, &[message, "--layout nt64 and wow64 take"]);
    check_failure("place C0l0", 2, &["'l' at column 3 is no hexadecimal digit", "perhaps you meant: C010"]);
}

#[test]
fn a_leading_zero_is_warned_about() {
    let output = vatlas("place 0519ABCDE --layout ce5");
    assert_eq!(output.status.code(), Some(0));
    check_phrases("", &flat(&output.stdout), &["0x519abcde slots 33-61: shared area"]);
    let warned = flat(&output.stderr);
    check_phrases("", &warned, &["warning: address '0519ABCDE': 9 digits with the leading zeros", "perhaps 059ABCDE"]);
    let answer = answer("place 0519ABCDE");
    assert!(answer[0]["warning"].as_str().unwrap().starts_with("9 digits with the leading zeros"));
    assert_eq!(answer[0]["alternatives"][0]["address"], "0x059abcde");
    assert_eq!(flat(&vatlas("place 0519ABCDE --quiet").stderr), "");
}

#[test]
fn wrong_usage_helps() {
    check_failure("place 1 --layout nt23", 2, &["possible values: ce3,", "a similar value exists: 'nt32'"]);
    check_failure("place 1 --process 40", 2, &["'40' is neither a process slot nor a process of the list"]);
    check_failure("place 1 --layout nt32 --process 2", 2, &["layout nt32 has no process slots"]);
    check_failure("place 1 --modules no-such-file.txt", 1, &["--modules no-such-file.txt: no such file"]);
    check("place 1 --layout CE", &["layout ce5:"]);
    check("place --help", &["--large-address-aware", "Examples:", "A module list has one fact a line"]);
}

#[test]
fn json_says_all_of_it() {
    let answer = answer("place 0x00012345 80001000");
    let first = &answer[0];
    assert_eq!(first["address"], "0x00012345");
    assert_eq!(first["layout"]["name"], "ce5");
    assert_eq!(first["area"]["kind"], "current-process");
    assert_eq!(first["area"]["range"]["last"], "0x01ffffff");
    assert_eq!(first["slot"]["number"], 0);
    assert_eq!(first["slot"]["half"], "lower");
    assert_eq!(first["likely"][0]["kind"], "EXE code or global");
    assert_eq!(first["likely"][0]["confidence"], "likely");
    assert_eq!(first["likely"][0]["support"][0], "founding text");
    let forms = first["other_forms"].as_array().unwrap();
    assert_eq!(forms.len(), 31);
    assert_eq!((&forms[7]["address"], &forms[7]["slot"]), (&"0x12012345".into(), &9.into()));
    assert_eq!(first["alignment"]["dword"], false);
    assert!(first["remarks"].as_array().unwrap().iter().all(|remark| remark["reason"].is_string()));
    let elsewhere: Vec<_> = first["elsewhere"].as_array().unwrap().iter().map(|place| &place["layout"]).collect();
    assert_eq!(elsewhere, ["nt32", "ce6", "nt64"]);
    assert_eq!(answer[1]["other_forms"][0]["form"], "uncached twin");
    assert_eq!(answer[1]["other_forms"][0]["address"], "0xa0001000");
    assert_eq!(answer[1]["slot"]["process"], Value::Null);
}

const DEVICE: &str = "\
# a device
coredll.dll  03F4E000 96000 01FFC000 01FFCC88
shellres.dll 7FF80000 5F000
null2.exe    18010000 E000 0 0
process null2.exe 12
";

/// A module list in a file of its own.
fn list(name: &str, content: &[u8]) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("a file of the test");
    path.display().to_string()
}

#[test]
fn a_module_list_names_modules() {
    let file = list("device.txt", DEVICE.as_bytes());
    check(
        &format!("place 03F4E010 --modules {file}"),
        &[
            "slot 1: ROM DLL code; coredll.dll+0x10",
            "certain ROM DLL code: coredll.dll + 10, as the module list says [as given]",
        ],
    );
    check(&format!("place 19FFC010 --modules {file}"), &["data of coredll.dll+0x10", "process number 11, null2.exe"]);
    check(&format!("place 7FF80000 --modules {file}"), &["slot 63: resource DLLs; shellres.dll+0x0"]);
    check(
        &format!("place 00011000 --modules {file}"),
        &[
            "possible EXE code or global: null2.exe + 1000",
            "if the process in slot 12 is the one that runs",
            "slot form 0x18011000 (null2.exe, slot 12); 31 in all",
        ],
    );
    check(&format!("place 00011000 --modules {file} --process NULL2.exe"), &["current process; null2.exe+0x1000"]);
    check(&format!("place 00011000 --modules {file} --process 18000000"), &["current process; null2.exe+0x1000"]);
    let hits = answer(&format!("place 03F4E010 --modules {file}"))[0]["modules"].clone();
    assert_eq!(hits.to_string(), r#"[{"module":"coredll.dll","part":"image","offset":16,"condition":null}]"#);
}

#[test]
fn a_list_that_windows_wrote_in_utf_16_is_read() {
    let wide: Vec<u8> = "\u{feff}coredll.dll 03F4E000 96000\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = list("wide.txt", &wide);
    check(&format!("place 03F4E010 --modules {file}"), &["coredll.dll+0x10"]);
}

#[test]
fn lines_that_cannot_be_read_make_the_answer_partial() {
    let file = list("bad.txt", format!("{DEVICE}bad line\n").as_bytes());
    let output = vatlas(&format!("place 03F4E010 --modules {file}"));
    assert_eq!(output.status.code(), Some(3));
    check_phrases("", &flat(&output.stdout), &["coredll.dll+0x10"]);
    check_phrases("", &flat(&output.stderr), &["bad.txt: line 6: 'line' is no hexadecimal number"]);
    let file = list("binary.txt", b"# ok\n\xc3\x28");
    check_failure(&format!("place 1 --modules {file}"), 1, &["line 2: a byte that is no UTF-8 text, at offset 0x5"]);
}

#[test]
fn slots_tile_the_space_in_every_layout() {
    for layout in LAYOUTS {
        let answer = answer(&format!("slots --layout {layout}"));
        assert_eq!(answer["layout"]["name"], layout);
        let areas = answer["areas"].as_array().unwrap();
        let ends: Vec<(u64, u64)> = areas.iter().map(|area| (end(area, "first"), end(area, "last"))).collect();
        let last = if answer["layout"]["bits"] == 32 { u64::from(u32::MAX) } else { u64::MAX };
        assert_eq!((ends[0].0, ends[ends.len() - 1].1), (0, last), "{layout}");
        for pair in ends.windows(2) {
            assert_eq!(pair[0].1 + 1, pair[1].0, "{layout}");
        }
        for field in ["kind", "name", "purpose", "holds", "never_holds", "reason"] {
            assert!(areas.iter().all(|area| area[field].as_str().is_some_and(|text| !text.is_empty())), "{field}");
        }
        let slots = areas.iter().filter(|area| area["kind"] == "process-slot").count();
        assert_eq!(slots, if ["ce3", "ce4", "ce5", "wm6"].contains(&layout) { 31 } else { 0 }, "{layout}");
    }
}

fn end(area: &Value, which: &str) -> u64 {
    let text = area["range"][which].as_str().unwrap_or_default();
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("an address")
}

#[test]
fn slots_of_ce5() {
    check(
        "slots",
        &[
            "ce5: Windows CE 5.x",
            "33 slots of 32 MB from the bottom up, 31 of them for processes; the kernel is process 0, the 32nd",
            "ADDRESSES SIZE SLOTS AREA",
            "0x00010000-0x01ffffff 31.9 MB 0 A slot 0: current process - alias",
            "0x02000000-0x03ffffff 32 MB 1 R slot 1: ROM DLL code -",
            "0x04000000-0x41ffffff 992 MB 2-32 P slots 2-32: processes 1-31 -",
            "0x7e000000-0x7fffffff 32 MB 63 M slot 63: resource DLLs -",
            "0xc2000000-0xc3ffffff 32 MB 97 K slot 97: NK.EXE -",
            "128 MB a line, 4 MB a cell",
            "0x08000000 PPPPPPPPppppppppPPPPPPPPpppppppp P slot 4 P slot 5 P slot 6 P slot 7",
        ],
    );
    check(
        "slots --all --why --no-picture",
        &[
            "0x12000000-0x13ffffff 32 MB 9 P slot 9: process 8 - process number 8, access key 00000100",
            "never: memory of another process",
            "because: slots 2 to 32 are processes",
            "[founding text, observed, arithmetic]",
        ],
    );
    assert!(!flat(&vatlas("slots --no-picture").stdout).contains("a cell"));
}

#[test]
fn pictures_of_every_layout_fit_the_width() {
    for layout in LAYOUTS {
        let text = String::from_utf8(vatlas(&format!("slots --layout {layout}")).stdout).unwrap();
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest.is_some_and(|columns| (60..=100).contains(&columns)), "{layout}: {longest:?}");
    }
    check("slots --layout nt64", &["bars grow with the logarithm", "0x0000800000000000 ----", "non-canonical"]);
    check("slots --layout nt32-3gb --large-address-aware", &["addresses up to 0xbffeffff", "last user block"]);
}

#[test]
fn colour_when_asked_and_never_with_no_color() {
    for line in ["slots --layout nt32", "place 00012345"] {
        let plain = vatlas(line).stdout;
        assert!(!plain.contains(&0x1b), "{line}");
        let coloured = vatlas(&format!("{line} --color always")).stdout;
        assert!(coloured.contains(&0x1b), "{line}");
        let mut command = Command::cargo_bin("vatlas").unwrap();
        let quiet = command.args(line.split(' ')).env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE").output().unwrap();
        assert_eq!(quiet.stdout, plain, "{line}");
    }
    let coloured = String::from_utf8(vatlas("slots --color always").stdout).unwrap();
    assert!(coloured.contains('▀'), "half blocks");
}

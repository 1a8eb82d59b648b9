//! Two instances of a program with one library, and libraries that want one address: what is shared, what is not, and
//! what relocation cost. The question is asked of the stopped machine.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use assert_cmd::Command;
use serde_json::Value;
use std::path::PathBuf;

fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/machine/processes")
}

/// Runs a program for 8 million instructions and asks.
#[track_caller]
fn ask(options: &[&str], program: &str, question: &str) -> String {
    let root = programs();
    let mut command = Command::cargo_bin("vatlas").unwrap();
    command.env("NO_COLOR", "1").args(options).args(["run", "--cpus", "2", "--stop-at", "8M", "--then", question]);
    let output = command.arg("--root").arg(&root).arg(root.join(program)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

/// The images of the answer.
#[track_caller]
fn images(program: &str, names: &[&str]) -> Vec<Value> {
    let question: String = names.iter().map(|name| format!(" --image {name}")).collect();
    let text = ask(&["--json"], program, &format!("sharing{question}"));
    let at = text.find("\n{").map_or(0, |at| at + 1);
    let document: Value = serde_json::from_str(&text[at..]).unwrap_or_else(|error| panic!("{error}: {text}"));
    document["answer"].as_array().unwrap().clone()
}

/// The pages of a view as letters: shared, copied, not used.
fn letters(view: &Value) -> String {
    let letter = |page: &Value| match page {
        Value::Null => '.',
        page if page.get("shared").is_some() => '#',
        _ => 'c',
    };
    view["pages"].as_array().unwrap().iter().map(letter).collect()
}

#[test]
fn two_instances_share_code_and_have_their_own_data() {
    let images = images("instances.exe", &["instances.exe", "counter.dll"]);
    for (image, expected) in images.iter().zip(["##c#..##.", "###c#.cc##."]) {
        let views = image["views"].as_array().unwrap();
        assert_eq!(views.len(), 2, "{image}");
        assert_eq!(views[0]["base"], views[1]["base"]);
        for view in views {
            assert_eq!((letters(view).as_str(), &view["relocation"]), (expected, &Value::Null));
        }
        for (one, other) in views[0]["pages"].as_array().unwrap().iter().zip(views[1]["pages"].as_array().unwrap()) {
            // The same frame for both, or two copies in two frames.
            assert_eq!(one.get("shared"), other.get("shared"));
            assert!(one.get("copied").is_none() || one["copied"] != other["copied"], "{one}");
        }
        let (frames, unshared) = (image["frames"].as_u64().unwrap(), image["frames_unshared"].as_u64().unwrap());
        let copies = expected.matches('c').count() as u64;
        let used = expected.chars().filter(|letter| *letter != '.').count() as u64;
        assert_eq!((frames, unshared), (used + copies, 2 * used));
    }
}

#[test]
fn one_address_has_two_values() {
    // The value is what each instance added to 100; the code that adds is in one frame.
    for (process, value) in [(256, "65 00 00 00"), (264, "66 00 00 00")] {
        let text = ask(&[], "instances.exe", &format!("memory --process {process} 0x10002000 4"));
        assert!(text.contains(value), "{text}");
    }
    let code = ask(&[], "instances.exe", "explain --process 264 0x10001000");
    assert!(
        code.contains("shared by   instances.exe (256) at 0x10001000; instances.exe (264) at 0x10001000"),
        "{code}"
    );
    assert!(code.contains("shared through the prototype entry"), "{code}");
    for process in [256, 264] {
        let data = ask(&[], "instances.exe", &format!("explain --process {process} 0x10002000"));
        assert!(data.contains("a private copy: the prototype entry leads elsewhere"), "{data}");
    }
}

#[test]
fn relocation_costs_only_pages_with_addresses() {
    let images = images("colours.exe", &["blue.dll", "green.dll", "red.dll"]);
    assert_eq!(images.len(), 3);
    for image in &images {
        assert_eq!(image["preferred_base"], "0x20000000");
        // Addresses are in the page of the exports' strings' pointers and in the middle of the mixed section.
        assert_eq!(image["pages_with_addresses"].as_array().unwrap().len(), 2, "{image}");
    }
    let is_moved = |image: &Value| image["views"][0]["base"] != "0x20000000";
    assert_eq!(images.iter().filter(|image| is_moved(image)).count(), 2, "one of them is where it wants to be");
    for image in &images {
        for view in image["views"].as_array().unwrap() {
            let (letters, relocation) = (letters(view), &view["relocation"]);
            if is_moved(image) {
                assert_eq!(letters, "#c#.c.###.###");
                assert_eq!((&relocation["shared_otherwise"], &relocation["copied"]), (&2.into(), &2.into()));
            } else {
                assert_eq!((letters.as_str(), relocation), ("###.#.###.##.", &Value::Null));
            }
        }
    }
}

#[test]
fn tables_and_pictures() {
    let text = ask(&[], "colours.exe", "sharing --image red.dll --image blue.dll");
    for line in [
        "IMAGE     PAGES  PROCESSES  FRAMES  UNSHARED  SAVED",
        "blue.dll     13          2      12        20  32 KB",
        "red.dll      13          2       9        18  36 KB",
        "C:\\blue.dll, linked for 0x20000000",
        "  sections      -trmmmpppeeir",
        "  process 256   #c#.c.###.###",
        "  process 264   #c#.c.###.###",
        "  addresses      *  *",
        "moved: 2 pages have addresses, 2 of them shared otherwise; 2 are copies now",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sharing.svg");
    ask(&[], "instances.exe", &format!("sharing --image counter.dll --svg '{}'", path.display()));
    let drawing = std::fs::read_to_string(path).unwrap();
    assert_eq!(drawing.matches("<rect class=\"c\"").count(), 2 * 9 + 4, "pages of two processes, and the legend");
    assert!(drawing.contains("page 2, .data, frame"), "{drawing}");
}

#[test]
fn a_program_is_run_and_asked() {
    let root = programs();
    let mut command = Command::cargo_bin("vatlas").unwrap();
    command.env("NO_COLOR", "1").arg("sharing").arg(root.join("instances.exe"));
    command.args(["--stop-at", "8M", "--image", "counter.dll", "--no-picture", "--root"]).arg(&root);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap().replace("\r\n", "\n");
    assert!(text.contains("counter.dll      9          2       7        12  20 KB"), "{text}");
    assert!(!text.contains("sections  "), "{text}");
    // What is no system has no sharers.
    let dump = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/minidump/demo.dmp");
    let output = Command::cargo_bin("vatlas").unwrap().arg("sharing").arg(dump).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only a whole system knows"));
}

//! The debugger's prompt from outside: lines through a pipe, and Ctrl-C that breaks into a run.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

/// Nothing of this takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// A debugger that is talked to. It is ended with the value.
struct Talk {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    until: Instant,
}

impl Drop for Talk {
    fn drop(&mut self) {
        // One that ended by itself needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Talk {
    fn begin(file: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vatlas"));
        command.arg("debug").arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, input, lines, until: Instant::now() + PATIENCE }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// The first line with these words; while it does not come, something is done every so often.
    fn hear(&mut self, words: &str, mut meanwhile: impl FnMut(u32)) -> String {
        loop {
            match self.lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) if line.contains(words) => return line,
                Ok(_) => {}
                Err(_) => meanwhile(self.child.id()),
            }
            assert!(Instant::now() < self.until, "'{words}' does not come");
        }
    }
}

#[test]
fn lines_are_commands_and_an_empty_one_repeats_the_last() {
    let mut talk = Talk::begin(&fixture("machine/programs/story/story.exe"));
    for line in ["bp square", "g", "", "bl"] {
        talk.say(line);
    }
    talk.hear("breakpoint 0: square, hit once", |_| {});
    talk.hear("breakpoint 0: square, hit 2 times", |_| {});
    talk.hear("story!square", |_| {});
    // Something wrong ends nothing.
    talk.say("nonsense");
    talk.hear("there is no command 'nonsense'", |_| {});
    talk.say("q");
    assert!(talk.child.wait().unwrap().code().is_some());
}

#[cfg(unix)]
#[test]
fn ctrl_c_breaks_into_a_run_and_the_session_goes_on() {
    let interrupt = |id: u32| {
        let sent = Command::new("kill").args(["-INT", &id.to_string()]).status();
        assert!(sent.unwrap().success());
    };
    let mut talk = Talk::begin(&fixture("ce/demo.bin"));
    // From here on the signal is the debugger's.
    talk.hear("on the machine", |_| {});
    talk.say("g");
    talk.hear("broken in", interrupt);
    talk.hear("thread ", |_| {});
    talk.say("goto 3");
    talk.hear("[3]", |_| {});
    talk.say("g");
    talk.hear("broken in", interrupt);
    talk.say("q");
    assert!(talk.child.wait().unwrap().success());
}

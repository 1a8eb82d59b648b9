//! Every command of the debugger, in one table: what is typed, the help and the completion are made from it.

use super::{debugger::Debugger, look::About, points::Switch, words};
use crate::{failure::Failure, output::Output};
use vatlas_debug::control::Session;

/// What a command does.
pub type Run = fn(&mut Debugger, &str, &mut Output) -> Result<(), Failure>;

/// A command.
pub struct Command {
    /// WinDbg's word and plain ones.
    pub names: &'static [&'static str],
    /// What stands behind it.
    pub usage: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Whether a picture cannot be asked it.
    pub needs_control: bool,
    /// Does it.
    pub run: Run,
}

/// Commands that belong together.
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The commands.
    pub commands: &'static [Command],
}

const fn control(names: &'static [&'static str], usage: &'static str, about: &'static str, run: Run) -> Command {
    Command { names, usage, about, needs_control: true, run }
}

const fn question(names: &'static [&'static str], usage: &'static str, about: &'static str, run: Run) -> Command {
    Command { names, usage, about, needs_control: false, run }
}

/// What stands behind the `d` commands.
const RANGE: &str = "[PLACE] [BYTES | L COUNT]";

/// The table.
pub const GROUPS: &[Group] = &[
    Group {
        title: "forwards",
        commands: &[
            control(&["g", "go", "continue"], "[PLACE]", "go on, to a place or to the next stop", Debugger::go),
            control(&["t", "stepi"], "[COUNT] [/only]", "one instruction, into calls", Debugger::step_into),
            control(&["p", "nexti"], "[COUNT] [/only]", "one instruction, over calls", Debugger::step_over),
            control(&["step", "tl"], "[COUNT] [/only]", "one line, into functions", |d, rest, o| {
                d.step_line(rest, false, false, o)
            }),
            control(&["next", "pl"], "[COUNT] [/only]", "one line, over functions", |d, rest, o| {
                d.step_line(rest, true, false, o)
            }),
            control(&["gu", "finish", "out"], "[/only]", "to where this function returns", Debugger::step_out),
            control(&["run"], "COUNT", "so many instructions, all threads together", Debugger::run_for),
            control(
                &["input"],
                "[TEXT]",
                "give the program a line to read; without text its input ends",
                Debugger::input,
            ),
        ],
    },
    Group {
        title: "backwards",
        commands: &[
            control(&["g-", "back"], "", "back to the last stop before now", |d, _, o| d.go_back(o)),
            control(&["t-", "stepi-"], "[COUNT]", "back by an instruction", Debugger::step_back),
            control(&["p-", "nexti-"], "[COUNT]", "back by an instruction, over calls", Debugger::step_back_over),
            control(&["step-", "tl-"], "[COUNT]", "back by a line", |d, rest, o| d.step_line(rest, false, true, o)),
            control(&["next-", "pl-"], "[COUNT]", "back by a line, over functions", |d, rest, o| {
                d.step_line(rest, true, true, o)
            }),
            control(&["goto", "!tt"], "COUNT", "to the moment after so many instructions", Debugger::go_to_moment),
            control(
                &["who-wrote", "whowrote"],
                "EXPRESSION [BYTES]",
                "who wrote there last, and what was there before",
                Debugger::who_wrote,
            ),
            control(&["fork"], "", "forget what came after this moment: another future begins here", |d, _, o| {
                d.fork(o)
            }),
            control(&["history"], "[MB]", "what is kept of the past; with a number how much may be", Debugger::history),
        ],
    },
    Group {
        title: "breakpoints",
        commands: &[
            control(
                &["bp", "bu", "break"],
                "PLACE [if CONDITION] [/1] [/n HIT] [/t THREAD] [/p PROCESS | /all] [\"COMMANDS\"]",
                "stop before an instruction",
                Debugger::set_breakpoint,
            ),
            control(
                &["ba"],
                "w4|r8|e PLACE [/alias | /phys] [...]",
                "stop when bytes are written, or read; by every address with /alias",
                Debugger::set_data_breakpoint,
            ),
            control(
                &["on", "sxe"],
                "EVENT [NAME | CODE] [...]",
                "stop for an event of the kernel: 'on' alone lists them",
                Debugger::set_event,
            ),
            control(&["bl"], "", "list breakpoints", |d, _, o| d.list_breakpoints(o)),
            control(&["bc"], "NUMBERS | *", "take breakpoints away", |d, rest, _| {
                d.switch_breakpoints(rest, Switch::Clear)
            }),
            control(&["bd"], "NUMBERS | *", "switch breakpoints off", |d, rest, _| {
                d.switch_breakpoints(rest, Switch::Off)
            }),
            control(&["be"], "NUMBERS | *", "switch breakpoints on", |d, rest, _| {
                d.switch_breakpoints(rest, Switch::On)
            }),
        ],
    },
    Group {
        title: "stacks and variables",
        commands: &[
            question(&["k", "stack", "bt"], "[--all]", "the call stack", |d, rest, o| {
                let about = if rest.contains("--all") { About::Process } else { About::Thread };
                d.ask_line("stack", rest, about, o)
            }),
            question(&["kb"], "", "the call stack with three words behind each return address", |d, _, o| {
                d.stack_with_words(o)
            }),
            question(&["kp"], "", "the call stack with the arguments of each function", |d, _, o| {
                d.stack_with_arguments(o)
            }),
            question(&[".frame", "frame"], "[NUMBER]", "look at a frame", Debugger::choose_frame),
            question(&["dv", "locals"], "", "variables and arguments of the frame", |d, _, o| {
                d.ask("watch", &["--locals".to_owned()], About::Frame, o)
            }),
            question(&["?", "??", "print", "evaluate"], "EXPRESSION", "the value of an expression", |d, rest, o| {
                d.ask_value(rest, o)
            }),
            question(&["watch"], "[[-]EXPRESSION]", "show an expression now and at every stop", Debugger::watch),
            question(
                &["dt", "type"],
                "TYPE [PLACE]",
                "the layout of a type, and its values at a place",
                |d, rest, o| {
                    let words = words::split(rest);
                    match words.as_slice() {
                        [name, place] => {
                            d.ask_at("type", place, |va| vec![name.clone(), "--address".to_owned(), va], o)
                        }
                        _ => d.ask("type", &words, About::Process, o),
                    }
                },
            ),
            question(&["r", "registers"], "[NAME[=VALUE]]", "registers of the frame, or set one", Debugger::registers),
        ],
    },
    Group {
        title: "code and names",
        commands: &[
            question(&["u", "disassembly"], "[PLACE] [COUNT]", "instructions", Debugger::unassemble),
            question(&["uf", "lines"], "FUNCTION", "a function line by line with its instructions", |d, rest, o| {
                d.ask_line("lines", rest, About::Process, o)
            }),
            question(&["ln", "lookup"], "PLACE", "the name of an address", |d, rest, o| {
                d.ask_at("lookup", rest, |va| vec![va], o)
            }),
            question(&["x", "find"], "PATTERN", "names that fit", |d, rest, o| {
                d.ask_line("find", rest, About::Process, o)
            }),
            question(&["lm", "modules"], "[NAME]", "modules", |d, rest, o| {
                let words = words::split(rest);
                let name = words.first().map(|name| vec!["--name".to_owned(), name.clone()]).unwrap_or_default();
                d.ask("modules", &name, About::Process, o)
            }),
            question(&["symbols"], "[NAME]", "which symbols are loaded or missing, and why", |d, rest, o| {
                let words = words::split(rest);
                let name = words.first().map(|name| vec!["--name".to_owned(), name.clone()]).unwrap_or_default();
                d.ask("symbols", &name, About::Target, o)
            }),
        ],
    },
    Group {
        title: "memory",
        commands: &[
            question(&["d", "db", "memory"], RANGE, "bytes and their letters", |d, rest, o| {
                memory(d, rest, "bytes", o)
            }),
            question(&["dw"], RANGE, "numbers of 2 bytes", |d, rest, o| d.show_numbers(rest, 2, o)),
            question(&["dd"], RANGE, "numbers of 4 bytes", |d, rest, o| d.show_numbers(rest, 4, o)),
            question(&["dq"], RANGE, "numbers of 8 bytes", |d, rest, o| d.show_numbers(rest, 8, o)),
            question(&["dp", "dps", "dds", "pointers"], RANGE, "pointers, and what they point to", |d, rest, o| {
                memory(d, rest, "words", o)
            }),
            question(&["da", "text"], RANGE, "text of bytes", |d, rest, o| d.show_text(rest, 1, o)),
            question(&["du"], RANGE, "text of UTF-16 units", |d, rest, o| d.show_text(rest, 2, o)),
            control(&["eb", "e", "write"], "PLACE BYTES", "write bytes", |d, rest, o| d.write_memory('b', rest, o)),
            control(&["ew"], "PLACE NUMBERS", "write words of 2 bytes", |d, rest, o| d.write_memory('w', rest, o)),
            control(&["ed", "ep"], "PLACE NUMBERS", "write words of 4 bytes", |d, rest, o| {
                d.write_memory('d', rest, o)
            }),
            control(&["eq"], "PLACE NUMBERS", "write words of 8 bytes", |d, rest, o| d.write_memory('q', rest, o)),
            control(&["ea"], "PLACE \"TEXT\"", "write text of bytes", |d, rest, o| d.write_memory('a', rest, o)),
            control(&["eu"], "PLACE \"TEXT\"", "write text of UTF-16 units", |d, rest, o| d.write_memory('u', rest, o)),
            question(&["s", "search"], "PATTERN", "find bytes, text, numbers", |d, rest, o| {
                d.ask_line("search", rest, About::Process, o)
            }),
            question(&["refs"], "PLACE", "who points there", |d, rest, o| d.ask_at("refs", rest, |va| vec![va], o)),
            question(
                &["explain", "!vprot"],
                "PLACE",
                "all about an address: what, whose, page tables, frame, why",
                |d, rest, o| d.ask_at("explain", rest, |va| vec![va], o),
            ),
            question(&["!address", "map"], "[PLACE | --summary]", "the regions of the process", |d, rest, o| {
                if rest.is_empty() || rest.starts_with('-') {
                    return d.ask_line("map", rest, About::Process, o);
                }
                d.ask_at("map", rest, |va| vec!["--at".to_owned(), va], o)
            }),
            question(&["!pte", "pte"], "PLACE", "the page-table entries and the frame of an address", |d, rest, o| {
                d.ask_at("pte", rest, |va| vec![va], o)
            }),
            question(&["!pfn", "frames"], "[NUMBER]", "frames of physical memory", |d, rest, o| {
                d.ask_line("frames", rest, About::Target, o)
            }),
            question(&["!vad", "vad"], "", "the descriptors of the process", |d, rest, o| {
                d.ask_line("vad", rest, About::Process, o)
            }),
            question(&["!vm"], "", "totals of the process's memory", |d, _, o| {
                d.ask("map", &["--summary".to_owned()], About::Process, o)
            }),
        ],
    },
    Group {
        title: "processes and threads",
        commands: &[
            question(&["!process", "|", "processes"], "", "processes", |d, rest, o| {
                d.ask_line("processes", rest, About::Target, o)
            }),
            question(&[".process", "process"], "[ID | NAME]", "look at a process", Debugger::choose_process),
            question(
                &["~", "threads", "thread"],
                "[ID | . | *] [COMMAND]",
                "threads, of all processes with '*'; look at one, '.' is the one that stopped; or one command there",
                Debugger::choose_thread,
            ),
            control(
                &["freeze", "~f"],
                "ID | others",
                "a thread waits until it is thawed; this changes the machine",
                |d, rest, o| d.freeze(rest, true, o),
            ),
            control(&["thaw", "~u"], "ID | others", "a thread that was frozen goes on", |d, rest, o| {
                d.freeze(rest, false, o)
            }),
            question(&["info"], "", "what is looked at", |d, rest, o| d.ask_line("info", rest, About::Target, o)),
        ],
    },
    Group {
        title: "the session",
        commands: &[
            question(&["view", "views"], "[[-]VIEW ... | none]", "what is shown at every stop", Debugger::choose_views),
            question(
                &["lens"],
                "[thread | process]",
                "whose memory expressions see: what the thread sees, or every process in its own space",
                Debugger::choose_lens,
            ),
            question(&["script", "$<", "$><"], "FILE", "run the commands of a file", Debugger::run_script),
            question(&["where", "."], "", "where the machine is", |d, _, o| {
                d.tell_place(o);
                Ok(())
            }),
            question(&["help", ".help", "h"], "[COMMAND]", "this list, or one command", help),
            question(&["q", "quit", "exit"], "", "end", |d, _, _| {
                d.quit();
                Ok(())
            }),
        ],
    },
];

/// All commands.
pub fn all() -> impl Iterator<Item = &'static Command> {
    GROUPS.iter().flat_map(|group| group.commands)
}

/// The command of a line, and what stands behind its name.
///
/// # Errors
/// There is no such command.
pub fn find(text: &str) -> Result<(&'static Command, &str), Failure> {
    let (word, rest) = words::first(text);
    let called = |name: &str| all().find(|command| command.names.contains(&name));
    if let Some(command) = called(word) {
        return Ok((command, rest));
    }
    // `~264` and `?1+1`: a sign needs no blank behind it.
    for sign in ["~", "??", "?", "|", "$><", "$<"] {
        if let Some((command, rest)) = text.trim().strip_prefix(sign).and_then(|rest| Some((called(sign)?, rest))) {
            return Ok((command, rest.trim()));
        }
    }
    let names = all().flat_map(|command| command.names).filter(|name| is_near(name, word));
    let near = names.take(4).map(|name| ((*name).to_owned(), String::new())).collect();
    Err(Failure::usage(format!("there is no command '{word}'")).hint("'help' lists them").corrections(near))
}

/// Whether a name begins as a word does, or is it but for one letter.
fn is_near(name: &str, word: &str) -> bool {
    let same = name.chars().zip(word.chars()).filter(|(one, other)| one == other).count();
    let length = name.chars().count().max(word.chars().count());
    name.starts_with(word) || length > 2 && same + 1 >= length
}

/// `d PLACE 64`.
fn memory(debugger: &mut Debugger, rest: &str, form: &str, output: &mut Output) -> Result<(), Failure> {
    let range = debugger.range(rest, if form == "words" { 4 } else { 1 })?;
    let question = [format!("{:#x}", range.va.0), range.length.to_string(), "--as".to_owned(), form.to_owned()];
    let before = debugger.process;
    debugger.process = range.process.or(before);
    let asked = debugger.ask("memory", &question, About::Process, output);
    debugger.process = before;
    asked
}

/// `help`, `help bp`.
fn help(debugger: &mut Debugger, rest: &str, output: &mut Output) -> Result<(), Failure> {
    if !rest.is_empty() {
        let (command, _) = find(rest)?;
        output.line(&format!("{} {}", command.names.join(", "), command.usage));
        output.line(&format!("  {}", command.about));
        return Ok(());
    }
    let has_control = debugger.session.as_ref().is_some_and(|_: &Session| true);
    for group in GROUPS {
        let shown: Vec<&Command> =
            group.commands.iter().filter(|command| has_control || !command.needs_control).collect();
        if shown.is_empty() {
            continue;
        }
        output.heading(group.title);
        for command in shown {
            let names = command.names.join(", ");
            output.line(&format!("  {names:<24} {}", command.about));
        }
    }
    output.line("'help COMMAND' shows what stands behind one; ';' stands between commands of a line");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let mut names: Vec<&str> = all().flat_map(|command| command.names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let check = |line: &str, name: &str, rest: &str| {
            let (command, found) = find(line).unwrap();
            assert!(command.names.contains(&name), "{line}");
            assert_eq!(found, rest, "{line}");
        };
        check("bp main if a == 1", "bp", "main if a == 1");
        check("~264", "~", "264");
        check("? 1+1", "?", "1+1");
        check("?1+1", "?", "1+1");
        check("!address 0x400000", "map", "0x400000");
        assert!(find("gx").is_err());
    }

    #[test]
    fn windbgs_words_are_there() {
        let words = "g p t gu k kb kp lm ln x dt dv d db dw dd dq da du dp eb ew ed eq ea s bp ba bl bc bd ~ | r u uf \
                     !address !vprot !pte !vad !vm !process .process .frame g- p- t-";
        for word in words.split_whitespace() {
            assert!(find(word).is_ok(), "{word}");
        }
    }
}

//! Completion: what a word that is typed may become, by the word in front of it.

use super::{table, views::View};
use vatlas_space::control::EventKind;

/// What completion knows of the target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// `module!`, of every module.
    pub modules: Vec<String>,
    /// Functions and variables, with their modules and, of the program, without.
    pub symbols: Vec<String>,
    /// Processes by name.
    pub processes: Vec<String>,
}

/// Where the word at a place of a line begins, and what it may become.
pub fn complete(line: &str, position: usize, names: &Names) -> (usize, Vec<String>) {
    let before = line.get(..position).unwrap_or(line);
    let start = before.rfind([' ', ';', '(', '*', '&', '"', ',', '[']).map_or(0, |place| place + 1);
    let (front, word) = before.split_at(start);
    let command = front.rsplit([';', '"']).next().unwrap_or_default().trim();
    let command = command.split_whitespace().next().unwrap_or_default();
    let mut found: Vec<String> =
        known(command, names).into_iter().filter(|name| begins(name, word)).map(str::to_owned).collect();
    found.sort_unstable();
    found.dedup();
    (start, found)
}

/// What may stand behind a command; commands where there is none.
fn known<'n>(command: &str, names: &'n Names) -> Vec<&'n str> {
    let is = |of: &str| table::find(command).is_ok_and(|(command, _)| command.names.contains(&of));
    let commands = || table::all().flat_map(|command| command.names).copied();
    if command.is_empty() || is("help") {
        return commands().collect();
    }
    if is("on") {
        return EventKind::ALL.iter().map(|kind| kind.word()).chain(["first", "second"]).collect();
    }
    if is("view") {
        return View::ALL.iter().map(|(name, _)| *name).chain(["none"]).collect();
    }
    if is("lens") {
        return vec!["thread", "process"];
    }
    if is(".process") {
        return names.processes.iter().map(String::as_str).collect();
    }
    names.modules.iter().chain(&names.symbols).map(String::as_str).collect()
}

/// Whether a name begins as a word does, in any case.
fn begins(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_meant() {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let names = Names {
            modules: all(&["story!", "ntdll!"]),
            symbols: all(&["main", "sum_of_squares", "story!main", "ntdll!NtClose"]),
            processes: all(&["story.exe"]),
        };
        let check = |line: &str, start: usize, expected: &[&str]| {
            assert_eq!(complete(line, line.len(), &names), (start, all(expected)), "{line}");
        };
        check("who", 0, &["who-wrote", "whowrote"]);
        check("bp su", 3, &["sum_of_squares"]);
        check("bp STORY", 3, &["story!", "story!main"]);
        check("bp ntdll!nt", 3, &["ntdll!NtClose"]);
        check("g; wher", 3, &["where"]);
        check("bp main \"sym", 9, &["symbols"]);
        check("? &mai", 3, &["main"]);
        check("? *(sum", 4, &["sum_of_squares"]);
        check("on page", 3, &[]);
        check("on fau", 3, &["fault", "fault-resolved"]);
        check("sxe thr", 4, &["thread-end", "thread-start"]);
        check("view reg", 5, &["registers"]);
        check("help hist", 5, &["history"]);
        check(".process st", 9, &["story.exe"]);
        check("bp zz", 3, &[]);
        // In the middle of a line only what stands before the place counts.
        assert_eq!(complete("bp su main", 5, &names), (3, all(&["sum_of_squares"])));
    }
}

//! Differences that were looked into, and why our answer stands. This file is a table.

use super::answers::{Comparison, Difference, NOTHING};
use super::tool::Tool;

/// A difference with its reason.
struct Known {
    /// How the name and version of the other program begin.
    tool: &'static str,
    /// How the name of the program begins.
    program: &'static str,
    /// What was asked.
    questions: &'static str,
    /// Which answers.
    is_it: fn(&Difference) -> bool,
    /// Why our answer stands.
    reason: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        tool: "llvm-symbolizer 14.",
        program: "counters-",
        questions: FRAMES,
        is_it: |difference| difference.ours.contains(" < ") && is_next_line(difference),
        reason: "version 14 gives the first piece of an inlined function the line of its next piece; version 19 agrees with us",
    },
    Known {
        tool: "llvm-symbolizer ",
        program: "counters-",
        questions: FRAMES,
        is_it: |difference| !difference.ours.contains(" < ") && is_next_line_of_theirs(difference),
        reason: "two line records at one address: the second has the code, as llvm-symbolizer says too from the next byte on",
    },
    Known {
        tool: "",
        program: "",
        questions: FRAMES,
        is_it: |difference| difference.ours == NOTHING && difference.theirs.starts_with("?? "),
        reason: "alignment between functions has the line of the code before it, and belongs to no function",
    },
    Known {
        tool: "i686-w64-mingw32-nm",
        program: "gcc-x86-dwarf2.map",
        questions: "names and addresses",
        is_it: |difference| difference.theirs == NOTHING && is_of_the_script(&difference.key),
        reason: "the map places names of the linker's script in sections that were left out of the image for being empty",
    },
];

/// What is asked about every address.
const FRAMES: &str = "functions, inlined functions, lines";

fn is_of_the_script(name: &str) -> bool {
    name.starts_with("___crt_x") || name.starts_with("___tls_") || name == "__end__"
}

/// The same functions, and the other side's innermost line is one behind ours.
fn is_next_line(difference: &Difference) -> bool {
    is_followed(&difference.ours, &difference.theirs)
}

fn is_next_line_of_theirs(difference: &Difference) -> bool {
    is_followed(&difference.theirs, &difference.ours)
}

/// Whether only the innermost lines differ, and by one.
fn is_followed(first: &str, second: &str) -> bool {
    let parts = |chain: &str| {
        let (innermost, outer) = chain.split_once(" < ").unwrap_or((chain, ""));
        let (place, line) = innermost.rsplit_once(':')?;
        Some((place.to_owned(), outer.to_owned(), line.parse::<u32>().ok()?))
    };
    let (Some(first), Some(second)) = (parts(first), parts(second)) else { return false };
    (first.0, first.1, first.2 + 1) == second
}

/// Why our answer stands, where that is known.
pub fn reason(tool: &Tool, comparison: &Comparison, difference: &Difference) -> Option<&'static str> {
    let tool = tool.to_string();
    let known = KNOWN.iter().find(|known| {
        tool.starts_with(known.tool)
            && comparison.program.starts_with(known.program)
            && comparison.questions == known.questions
            && (known.is_it)(difference)
    });
    known.map(|known| known.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_follows_is_the_next() {
        let check = |first, second, expected| assert_eq!(is_followed(first, second), expected, "{first} {second}");
        check("clamp a.h:16 < entry a.c:3", "clamp a.h:17 < entry a.c:3", true);
        check("clamp a.h:16 < entry a.c:3", "clamp a.h:18 < entry a.c:3", false);
        check("clamp a.h:16 < entry a.c:3", "clamp a.h:17 < entry a.c:4", false);
        check("clamp a.h:16 < entry a.c:3", "other a.h:17 < entry a.c:3", false);
        check("f a.c:1", "f a.c:2", true);
        check("nothing", "f a.c:2", false);
    }
}

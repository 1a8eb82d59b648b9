//! `llvm-symbolizer`: functions, inlined functions and lines of every byte of code.

use super::answers::{Answers, Comparison, NOTHING};
use super::ours;
use super::programs::{Program, Programs};
use super::tool::Tool;
use vatlas_space::Rva;

/// Asks about every program.
pub fn ask(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    programs.with_pdb.iter().chain(&programs.with_dwarf).map(|program| about(tool, program)).collect()
}

fn about(tool: &Tool, program: &Program) -> Result<Comparison, String> {
    let code = program.code();
    let base = program.headers.image_base;
    let input: String = code.iter().map(|rva| format!("{:#x}\n", base + u64::from(rva.0))).collect();
    let object = format!("--obj={}", program.image.display());
    let options = [object.as_str(), "--functions=short", "--output-style=GNU", "--addresses", "--inlines"];
    let theirs = read(&tool.run(&options, &input)?, base, &short);
    let questions = "functions, inlined functions, lines";
    Ok(Comparison { program: program.name, questions, ours: ours::frames(program, &code), theirs })
}

/// An address, then a function and a place for every frame, each in a line of its own.
/// `name` makes of the name of a function the one that is compared.
pub(super) fn read(text: &str, base: u64, name: &dyn Fn(&str) -> String) -> Answers {
    let mut answers = Answers::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rva) = address(line, base) else { continue };
        let mut frames = Vec::new();
        while let Some(function) = lines.next_if(|line| address(line, base).is_none()) {
            frames.push((name(function), lines.next().and_then(place)));
        }
        let known = frames.iter().any(|(_, place)| place.is_some());
        let texts = frames.iter().map(|(function, place)| ours::frame_text(function, *place));
        let chain = if known { texts.collect::<Vec<_>>().join(" < ") } else { NOTHING.to_owned() };
        answers.add(ours::at(rva), chain);
    }
    answers
}

fn address(line: &str, base: u64) -> Option<Rva> {
    let va = u64::from_str_radix(line.strip_prefix("0x")?, 16).ok()?;
    Some(Rva(u32::try_from(va.checked_sub(base)?).ok()?))
}

/// The name without scopes and arguments.
pub(super) fn short(function: &str) -> String {
    let name = function.split('(').next().unwrap_or(function);
    name.rsplit("::").next().unwrap_or(name).to_owned()
}

/// `file:line`, with more behind; line 0 is a place without a line, which binutils write `?`.
fn place(text: &str) -> Option<(&str, u32)> {
    let text = text.split(" (discriminator").next().unwrap_or(text);
    let (file, line) = text.rsplit_once(':')?;
    let line = if line == "?" { 0 } else { line.parse().ok()? };
    (!file.starts_with("??")).then_some((file, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read() {
        let text = "0x401016\nclamp\ncounters.h:16\na::weighted(int)\nC:\\b.c:27 (discriminator 2)\n0x401045\nf\n??:0\n0x401046\n\n??:0\n";
        let mut expected = Answers::default();
        expected.add("0x1016", "clamp counters.h:16 < weighted C:\\b.c:27");
        expected.add("0x1045", NOTHING);
        expected.add("0x1046", NOTHING);
        assert_eq!(read(text, 0x40_0000, &short), expected);
    }
}

//! A folder of a device for people.

use super::Shown;
use crate::{
    device_folder::Use,
    draw::text::{printable, size},
    output::Output,
    table::{Cell, Side, Table},
    words::counted,
};
use anstyle::{AnsiColor, Style};

/// So many names are written out.
const MOST_NAMES: usize = 12;

/// Everything.
pub fn whole(shown: &Shown<'_>, output: &mut Output) {
    let folder = shown.folder;
    let count = folder.files.len() + folder.others;
    let more = if folder.is_cut { "; there are more, which were not looked at" } else { "" };
    let line = format!("{}: {}{more}", folder.folder.display(), counted(count, "file"));
    output.heading(&printable(&line));
    output.text(&table(shown).render(output.colour));
    if shown.left_out > 0 {
        output.line(&format!("{} more belong to nothing here", shown.left_out));
    }
    if folder.others > 0 {
        output.line(&format!("and {} with nothing of a device", counted(folder.others, "other file")));
    }
    for doubt in &shown.choice.doubts {
        let names = doubt.files.iter().filter_map(|number| folder.files.get(*number)).map(|file| folder.name(file));
        let names = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
        output.line(&printable(&format!("{} {}, which one? {names}", doubt.files.len(), doubt.what)));
    }
    missing(shown, output);
}

/// Modules whose addresses get no name from here.
fn missing(shown: &Shown<'_>, output: &mut Output) {
    let (all, without) = shown.folder.modules_without_symbols(shown.choice);
    if without.is_empty() {
        return;
    }
    let mut names = without.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if without.len() > MOST_NAMES {
        names += &format!(", and {} more", without.len() - MOST_NAMES);
    }
    let line = format!("no symbols here for {} of {}: {names}", without.len(), counted(all, "module"));
    output.line(&printable(&line));
}

fn table(shown: &Shown<'_>) -> Table {
    let mut table = Table::new(&[
        ("USED", Side::Left),
        ("FILE", Side::Left),
        ("WHAT", Side::Left),
        ("SIZE", Side::Right),
        ("WHY", Side::Left),
    ]);
    for (number, used, why) in &shown.rows {
        let Some(file) = shown.folder.files.get(*number) else { continue };
        let colour = match used {
            Use::Asked | Use::Sure => AnsiColor::Green,
            Use::Unchecked => AnsiColor::Yellow,
            Use::No => AnsiColor::BrightBlack,
        };
        table.row([
            Cell::styled(used.word(), Style::new().fg_color(Some(colour.into()))),
            shown.folder.name(file).into(),
            file.sort.words().into(),
            size(file.size).into(),
            why.as_str().into(),
        ]);
    }
    table
}

/// The heading of an answer: the command that gives it alone.
pub fn asked(line: &str, output: &mut Output) {
    output.line("");
    output.heading(&printable(line));
}

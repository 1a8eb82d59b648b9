//! The classes of a system's objects as a class diagram, and below it the objects of this system, as one
//! self-contained SVG.

use super::title;
use crate::draw::text::escaped;
use std::fmt::Write;
use vatlas_debug::objects::{ObjectClass, ObjectModel};

const MARGIN: usize = 24;
const BOX_WIDTH: usize = 150;
const BOX_HEIGHT: usize = 44;
const GAP: usize = 90;
const COLUMN: usize = 250;
/// Objects of one class that a process shows.
const MOST: usize = 14;
/// Processes that are drawn.
const MOST_PROCESSES: usize = 64;

const STYLE: &str = "<style>text{font:12px system-ui,'Segoe UI',Roboto,sans-serif;fill:#1d2125}\
.h{font-size:16px;font-weight:600}.b{font-weight:600}.s{fill:#5a626c}.paper{fill:#fff}\
rect.c{fill:#eef3fa;stroke:#3b6ea5;stroke-width:1.2}rect.i{fill:#f7f8f9;stroke:#8a929b}\
path{stroke:#3b6ea5;stroke-width:1.2;fill:none}</style>\n";

/// Where a class stands in the diagram: column, row.
const PLACES: [(ObjectClass, usize, usize); 7] = [
    (ObjectClass::Thread, 0, 0),
    (ObjectClass::Process, 1, 0),
    (ObjectClass::Handle, 2, 0),
    (ObjectClass::Object, 3, 0),
    (ObjectClass::Module, 0, 1),
    (ObjectClass::Section, 1, 1),
    (ObjectClass::File, 2, 1),
];

/// What belongs to what: from, its multiplicity, to, its multiplicity, the word.
const RELATIONS: [(ObjectClass, &str, ObjectClass, &str, &str); 8] = [
    (ObjectClass::Process, "1", ObjectClass::Thread, "*", "has"),
    (ObjectClass::Process, "1", ObjectClass::Handle, "*", "has"),
    (ObjectClass::Process, "*", ObjectClass::Module, "*", "has"),
    (ObjectClass::Process, "*", ObjectClass::Section, "*", "maps"),
    (ObjectClass::Handle, "*", ObjectClass::Object, "1", "names"),
    (ObjectClass::Handle, "*", ObjectClass::File, "0..1", "names"),
    (ObjectClass::Module, "*", ObjectClass::Section, "0..1", "is of"),
    (ObjectClass::Section, "*", ObjectClass::File, "0..1", "is of"),
];

fn corner(class: ObjectClass) -> (usize, usize) {
    let place = PLACES.iter().find(|(other, ..)| *other == class);
    let (column, row) = place.map_or((0, 0), |(_, column, row)| (*column, *row));
    (MARGIN + column * (BOX_WIDTH + GAP), MARGIN + 30 + row * (BOX_HEIGHT + GAP))
}

fn words(out: &mut String, class: &str, (x, y): (usize, usize), text: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
}

/// The point of a box's edge that is next to another box.
fn edge(from: ObjectClass, to: ObjectClass) -> (usize, usize) {
    let ((x, y), (other_x, other_y)) = (corner(from), corner(to));
    match (other_x.cmp(&x), other_y.cmp(&y)) {
        (std::cmp::Ordering::Greater, std::cmp::Ordering::Equal) => (x + BOX_WIDTH, y + BOX_HEIGHT / 2),
        (std::cmp::Ordering::Less, std::cmp::Ordering::Equal) => (x, y + BOX_HEIGHT / 2),
        (_, std::cmp::Ordering::Greater) => (x + BOX_WIDTH / 2, y + BOX_HEIGHT),
        _ => (x + BOX_WIDTH / 2, y),
    }
}

fn classes(out: &mut String, model: &ObjectModel) {
    for (from, at_from, to, at_to, word) in RELATIONS {
        let ((x1, y1), (x2, y2)) = (edge(from, to), edge(to, from));
        let _ = writeln!(out, "<path d=\"M{x1} {y1}L{x2} {y2}\"/>");
        words(out, "s", ((x1 * 3 + x2) / 4, (y1 * 3 + y2) / 4 - 4), at_from);
        words(out, "s", ((x1 + x2) / 2, (y1 + y2) / 2 - 4), word);
        words(out, "s", ((x1 + x2 * 3) / 4, (y1 + y2 * 3) / 4 - 4), at_to);
    }
    for (class, ..) in PLACES {
        let (x, y) = corner(class);
        let _ = writeln!(
            out,
            "<rect class=\"c\" x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"4\"/>"
        );
        words(out, "b", (x + 10, y + 18), class.name());
        words(out, "s", (x + 10, y + 35), &format!("{} objects", model.count(class)));
    }
}

/// One process with what it has, from a place on; where it ends.
fn process(out: &mut String, model: &ObjectModel, number: usize, top: usize) -> usize {
    let Some(node) = model.nodes.get(number) else { return top };
    words(out, "b", (MARGIN + 10, top + 20), &title(node));
    let mut bottom = top + 30;
    let columns = [ObjectClass::Thread, ObjectClass::Module, ObjectClass::Section, ObjectClass::Handle];
    for (column, class) in columns.into_iter().enumerate() {
        let x = MARGIN + 10 + column * COLUMN;
        let parts: Vec<_> = model
            .links_from(number)
            .filter_map(|link| model.nodes.get(link.to))
            .filter(|part| part.class == class)
            .collect();
        words(out, "s", (x, top + 38), &format!("{} {}", parts.len(), class.name()));
        let mut y = top + 38;
        for part in parts.iter().take(MOST) {
            y += 16;
            let text: String = label(part).chars().take(34).collect();
            words(out, "", (x, y), &text);
        }
        if parts.len() > MOST {
            y += 16;
            words(out, "s", (x, y), &format!("and {} more", parts.len() - MOST));
        }
        bottom = bottom.max(y + 12);
    }
    let (width, height) = (4 * COLUMN + 10, bottom - top);
    let _ = writeln!(
        out,
        "<rect class=\"i\" x=\"{MARGIN}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill-opacity=\"0\"/>"
    );
    bottom + 14
}

/// An object in the box of its process.
fn label(node: &vatlas_debug::objects::ObjectNode) -> String {
    match (node.class, &node.type_name) {
        (ObjectClass::Handle, Some(kind)) => format!("{} {kind} {}", node.key, node.name),
        _ => title(node),
    }
}

/// The drawing.
pub fn draw(model: &ObjectModel) -> String {
    let mut out = String::new();
    words(&mut out, "h", (MARGIN, MARGIN), "Classes of objects");
    classes(&mut out, model);
    let mut y = MARGIN + 30 + 2 * (BOX_HEIGHT + GAP) - 30;
    words(&mut out, "h", (MARGIN, y), "Objects of this system");
    y += 14;
    let processes: Vec<usize> =
        (0..model.nodes.len()).filter(|number| model.nodes[*number].class == ObjectClass::Process).collect();
    for number in processes.iter().take(MOST_PROCESSES) {
        y = process(&mut out, model, *number, y);
    }
    if processes.len() > MOST_PROCESSES {
        words(&mut out, "s", (MARGIN, y + 14), &format!("and {} more processes", processes.len() - MOST_PROCESSES));
        y += 24;
    }
    let (width, height) = (2 * MARGIN + 4 * COLUMN + 10, y + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>The objects of a system</title>\n{STYLE}\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{out}</svg>\n"
    )
}

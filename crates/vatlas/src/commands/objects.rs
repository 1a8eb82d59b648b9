//! `vatlas objects FILE`: the objects of a system by class, how they belong together, and a drawing of both.

mod svg;

use crate::{
    draw::text::printable,
    failure::{Exit, Failure},
    json,
    open::{TargetArgs, not_written},
    output::Output,
    table::{Side, Table},
};
use serde_json::{Value, json};
use std::path::PathBuf;
use vatlas_debug::objects::{ObjectClass, ObjectModel, ObjectNode, objects};

const EXAMPLES: &str = "\
Processes, threads, modules, sections, files, handles and what handles name; of each, to what it belongs.

Examples:
  vatlas objects system.vsnap
  vatlas objects system.vsnap --class section         who maps which file
  vatlas objects crash.dmp --class handle --process notepad.exe
  vatlas objects system.vsnap --svg objects.svg       the classes, and this system's objects
  vatlas run hello.exe --stop-at 200K --then objects";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only objects of this class: process, thread, module, section, file, handle, object
    #[arg(long, value_name = "CLASS", value_parser = class)]
    class: Vec<ObjectClass>,
    /// Draw the classes and this system's objects, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn class(text: &str) -> Result<ObjectClass, String> {
    let names = ObjectClass::ALL.map(ObjectClass::name).join(", ");
    ObjectClass::of_name(text).ok_or_else(|| format!("a class is one of {names}"))
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let model = objects(&*opened.target);
    let chosen = chosen(&model, args);
    if let Some(path) = &args.svg {
        std::fs::write(path, svg::draw(&model)).map_err(|error| not_written(path, &error))?;
        output.remark(&format!("written: {}", path.display()));
    }
    if output.json {
        let rows = chosen.iter().map(|number| row_json(&model, *number)).collect();
        output.document(&json::document("objects", opened.input(), rows));
    } else if args.svg.is_none() {
        if args.class.is_empty() {
            output.text(&counts(&model).render(output.colour));
        }
        output.text(&table(&model, &chosen).render(output.colour));
        if model.lacks_handles {
            output.remark("handles are not listed in this file");
        }
    }
    match chosen.is_empty() {
        true => Err(Failure::could_not("no such object")),
        false => Ok(opened.exit()),
    }
}

/// The numbers of the objects that are asked for.
fn chosen(model: &ObjectModel, args: &Args) -> Vec<usize> {
    let is_wanted = |number: &usize| {
        let Some(node) = model.nodes.get(*number) else { return false };
        let is_class = args.class.is_empty() || args.class.contains(&node.class);
        let belongs = args.target.process.as_deref().is_none_or(|wanted| {
            is_called(node, wanted)
                || model.links_to(*number).any(|link| model.nodes.get(link.from).is_some_and(|n| is_called(n, wanted)))
        });
        is_class && belongs
    };
    let mut found: Vec<usize> = (0..model.nodes.len()).filter(is_wanted).collect();
    found.sort_by_key(|number| model.nodes.get(*number).map(|node| node.class));
    found
}

fn is_called(node: &ObjectNode, wanted: &str) -> bool {
    node.class == ObjectClass::Process && (node.name.eq_ignore_ascii_case(wanted) || node.key == wanted)
}

/// How many objects of each class there are.
fn counts(model: &ObjectModel) -> Table {
    let mut table = Table::new(&[("CLASS", Side::Left), ("OBJECTS", Side::Right)]);
    for class in ObjectClass::ALL {
        table.row([class.name().into(), model.count(class).to_string().into()]);
    }
    table
}

fn table(model: &ObjectModel, chosen: &[usize]) -> Table {
    let mut table = Table::new(&[
        ("CLASS", Side::Left),
        ("OBJECT", Side::Left),
        ("TYPE", Side::Left),
        ("NAME", Side::Left),
        ("BELONGS TO", Side::Left),
        ("", Side::Left),
    ]);
    for number in chosen {
        let Some(node) = model.nodes.get(*number) else { continue };
        let key = if node.key == node.name { String::new() } else { printable(&node.key).into_owned() };
        table.row([
            node.class.name().into(),
            key.into(),
            node.type_name.clone().unwrap_or_default().into(),
            printable(&node.name).into_owned().into(),
            owners(model, *number).into(),
            node.facts.clone().into(),
        ]);
    }
    table
}

/// Who has an object: processes by name and id, the first three of them.
fn owners(model: &ObjectModel, number: usize) -> String {
    const MOST: usize = 3;
    let names: Vec<String> = model.links_to(number).filter_map(|link| model.nodes.get(link.from)).map(title).collect();
    let rest = names.len().saturating_sub(MOST);
    let first = names.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
    if rest > 0 { format!("{first} and {rest} more") } else { first }
}

/// What people call an object.
fn title(node: &ObjectNode) -> String {
    let name = printable(node.name.rsplit('\\').next().unwrap_or_default()).into_owned();
    match node.class {
        ObjectClass::Process if !name.is_empty() => format!("{name} ({})", node.key),
        ObjectClass::Process | ObjectClass::Thread => format!("{} {}", node.class.name(), node.key),
        ObjectClass::Handle => format!("handle {}", node.key),
        _ if name.is_empty() => format!("{} {}", node.class.name(), node.key),
        _ => name,
    }
}

fn row_json(model: &ObjectModel, number: usize) -> Value {
    let Some(node) = model.nodes.get(number) else { return Value::Null };
    let link = |other: usize, word: &str| {
        let node = model.nodes.get(other);
        json!({ "word": word, "number": other, "class": node.map(|n| n.class.name()), "object": node.map(|n| &n.key) })
    };
    json!({
        "number": number,
        "class": node.class.name(),
        "object": node.key,
        "name": node.name,
        "type": node.type_name,
        "facts": node.facts,
        "has": model.links_from(number).map(|to| link(to.to, to.word)).collect::<Value>(),
        "belongs_to": model.links_to(number).map(|from| link(from.from, from.word)).collect::<Value>(),
    })
}

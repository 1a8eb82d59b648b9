//! `docs/api.md`: what the system libraries export, made from their tables.

use super::exports::Export;
use std::collections::BTreeSet;

/// A library, its base, and its exports without the system services.
pub struct Page<'a> {
    /// Name without `.dll`.
    pub library: &'a str,
    /// Preferred base.
    pub base: u32,
    /// In the order of their names.
    pub exports: Vec<Export>,
}

const HEADING: &str = "\
# What the system libraries export

Made by `cargo xtask guest` from the tables that define the libraries, `guest/*/*.def`, and from the machine's table of \
services. A name that is not here is not exported: a program that needs it starts, and when it calls it, the loader \
says who needed what and ends it (`guest/README.md`).

- **ordinal**: counted in the order of names. Windows numbers them anew in each version; nothing imports these \
libraries by ordinal.
- **call**: `stdcall n` takes n bytes of arguments off the stack, `cdecl` leaves them, `data` is a variable.
- **state**: `whole` does what its documentation says in this system; anything else says what is different or missing, \
or which later Windows it comes from. The general differences are in `guest/README.md`.
";

/// The whole page. `handled` are the services that the machine's kernel has.
pub fn page(libraries: &[Page<'_>], services: &[(String, u32)], handled: &BTreeSet<String>) -> String {
    let summary: String = libraries
        .iter()
        .map(|page| format!("| {} | {:08X} | {} |\n", page.library, page.base, page.exports.len()))
        .collect();
    let mut text = format!("{HEADING}\n| library | base | functions and variables |\n| --- | --- | --- |\n{summary}");
    for page in libraries {
        text += &format!("\n## {}.dll\n\n| name | ordinal | call | state |\n| --- | --- | --- | --- |\n", page.library);
        text.extend(page.exports.iter().map(row));
    }
    text + &service_rows(services, handled)
}

fn row(export: &Export) -> String {
    let call = match export.bytes {
        _ if export.is_data => "data".to_owned(),
        Some(bytes) => format!("stdcall {bytes}"),
        None => "cdecl".to_owned(),
    };
    let forwarded = export.target.as_ref().map(|target| {
        let undecorated = target.split('@').next().unwrap_or_default();
        format!("the same as `{undecorated}`")
    });
    let parts: Vec<String> = forwarded.into_iter().chain(export.remark.clone()).collect();
    let state = if parts.is_empty() { "whole".to_owned() } else { parts.join("; ") };
    format!("| {} | {} | {call} | {state} |\n", export.name, export.ordinal)
}

fn service_rows(services: &[(String, u32)], handled: &BTreeSet<String>) -> String {
    let count = services.iter().filter(|(name, _)| handled.contains(name)).count();
    let rows: String = services
        .iter()
        .map(|(name, arguments)| {
            let state = if handled.contains(name) { "in the kernel" } else { "`STATUS_NOT_IMPLEMENTED`" };
            format!("| {name} | stdcall {} | {state} |\n", 4 * arguments)
        })
        .collect();
    let total = services.len();
    format!(
        "\n## System services\n\nExported by ntdll twice, as `Nt...` and as `Zw...`. The kernel has {count} of {total}; \
         a missing one says so in the run's report, with its caller.\n\n\
         | name | call | state |\n| --- | --- | --- |\n{rows}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::exports;

    #[test]
    fn rows() {
        let check = |line: &str, expected: &str| {
            let export = exports::read("x.def", line).unwrap().remove(0);
            assert_eq!(row(&export), expected);
        };
        check("    Beep@8", "| Beep | 1 | stdcall 8 | whole |\n");
        check("    _iob DATA", "| _iob | 1 | data | whole |\n");
        check("    A = B@4 ; Vista", "| A | 1 | cdecl | the same as `B`; Vista |\n");
    }
}

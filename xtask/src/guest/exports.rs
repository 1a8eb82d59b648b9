//! The table of what a system library exports: one line for each name in its `.def` file, from which ordinals, the
//! linker's list and `docs/api.md` are made.
//!
//! ```text
//! Name@8                      ; standard call, 8 bytes of arguments
//! name                        ; C call
//! name DATA                   ; a variable
//! Name@8 = ntdll.RtlName      ; a forwarder
//! Name@8 = other@8            ; another name of a function of this library
//! "??2@YAPAXI@Z" = new       ; a name with signs of its own
//! Name@8 ; Windows Vista      ; behind the semicolon: what the documentation says about it
//! ```

/// One export.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Export {
    /// The name without its count of bytes.
    pub name: String,
    /// Bytes of arguments that the function takes off the stack; none for C functions and variables.
    pub bytes: Option<u32>,
    /// Another name for the same function, or `library.Name` for a forwarder.
    pub target: Option<String>,
    /// Whether it is a variable.
    pub is_data: bool,
    /// What is to be said about it.
    pub remark: Option<String>,
    /// Counted from 1 in the order of names, as linkers do.
    pub ordinal: u32,
}

/// The library's exports in the order of their names.
///
/// # Errors
/// A line that cannot be read, a name that comes twice.
pub fn read(file: &str, text: &str) -> Result<Vec<Export>, String> {
    let mut exports = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words = line.split(';').next().unwrap_or_default().trim();
        if words.is_empty() || words == "EXPORTS" || words.starts_with("LIBRARY ") {
            continue;
        }
        let export = export(line).ok_or_else(|| format!("{file}:{}: not an export: {line:?}", number + 1))?;
        exports.push(export);
    }
    exports.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(twice) = exports.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(format!("{file}: {} is exported twice", twice[0].name));
    }
    for (export, ordinal) in exports.iter_mut().zip(1..) {
        export.ordinal = ordinal;
    }
    Ok(exports)
}

fn export(line: &str) -> Option<Export> {
    let (entry, remark) = line.split_once(';').map_or((line, None), |(entry, remark)| (entry, Some(remark.trim())));
    let (entry, is_data) = entry.trim().strip_suffix(" DATA").map_or((entry.trim(), false), |entry| (entry, true));
    let (decorated, target) =
        entry.split_once('=').map_or((entry, None), |(name, target)| (name.trim(), Some(target.trim())));
    let quoted = decorated.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let (name, bytes) = match (quoted, decorated.rsplit_once('@')) {
        (Some(name), _) => (name, None),
        (None, Some((name, bytes))) => (name, Some(bytes.parse().ok()?)),
        (None, None) => (decorated, None),
    };
    let is_name = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    if !is_name(name) || target.is_some_and(|target| !is_name(target)) {
        return None;
    }
    let (target, remark) = (target.map(str::to_owned), remark.map(str::to_owned));
    Some(Export { name: name.to_owned(), bytes, target, is_data, remark, ordinal: 0 })
}

/// The linker's list.
pub fn definition(library: &str, exports: &[Export]) -> String {
    let line = |export: &Export| {
        let bytes = export.bytes.map_or(String::new(), |bytes| format!("@{bytes}"));
        let target = export.target.as_ref().map_or(String::new(), |target| format!(" = {target}"));
        let data = if export.is_data { " DATA" } else { "" };
        let quote = if export.name.contains('@') { "\"" } else { "" };
        format!("    {quote}{}{quote}{bytes}{target} @{}{data}\n", export.name, export.ordinal)
    };
    let lines: String = exports.iter().map(line).collect();
    format!("LIBRARY {library}.dll\nEXPORTS\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, bytes, target, whether it is data, remark.
    type Fields<'a> = (&'a str, Option<u32>, Option<&'a str>, bool, Option<&'a str>);

    #[track_caller]
    fn check(line: &str, expected: Result<Fields<'_>, &str>) {
        let found = read("x.def", line).map(|exports| exports[0].clone());
        let expected = expected.map(|(name, bytes, target, is_data, remark)| Export {
            name: name.to_owned(),
            bytes,
            target: target.map(str::to_owned),
            is_data,
            remark: remark.map(str::to_owned),
            ordinal: 1,
        });
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn lines() {
        check("    Beep@8", Ok(("Beep", Some(8), None, false, None)));
        check("    atoi", Ok(("atoi", None, None, false, None)));
        check("    _iob DATA", Ok(("_iob", None, None, true, None)));
        check("    A@8 = ntdll.B ; Vista", Ok(("A", Some(8), Some("ntdll.B"), false, Some("Vista"))));
        check("    A@b", Err("x.def:1: not an export: \"    A@b\""));
        check("    A B", Err("x.def:1: not an export: \"    A B\""));
        check("    A@4\n    A@4", Err("x.def: A is exported twice"));
    }

    #[test]
    fn ordinals_follow_the_names() {
        let exports =
            read("x.def", "; comment\nLIBRARY x.dll\nEXPORTS\n    b@4\n    B@8 = C@8\n    _a DATA\n    \"?c@Z\" = c\n")
                .unwrap();
        let expected = "LIBRARY x.dll\nEXPORTS\n    \"?c@Z\" = c @1\n    B@8 = C@8 @2\n    _a @3 DATA\n    b@4 @4\n";
        assert_eq!(definition("x", &exports), expected);
    }
}

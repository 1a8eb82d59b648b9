//! The grammar of `_NT_SYMBOL_PATH`, as Microsoft documents it for the debuggers.
//!
//! ```text
//! path    := element (';' element)*                  searched from left to right
//! element := folder
//!          | 'srv*' stores                           the same as 'symsrv*symsrv.dll*' stores
//!          | 'symsrv*' dll '*' stores
//!          | 'cache*' [folder]                       keeps what elements to its right find
//! stores  := store ('*' store)*                      the nearest first; none is the usual store of the user
//! store   := folder | 'http://'... | 'https://'...
//! ```

use vatlas_space::Problem;

/// One element of a symbol path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Element {
    /// A plain folder.
    Folder(String),
    /// A chain of symbol stores, the nearest first.
    Stores(Vec<Store>),
}

/// A place where files are kept by name and identity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Store {
    /// The usual store of the user, where none is named.
    Usual,
    /// A folder.
    Folder(String),
    /// A server, by its address. It is never asked.
    Http(String),
}

/// The systems whose paths can be in a symbol path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathStyle {
    /// Drive letters, and both kinds of separators.
    Windows,
    /// No drive letters; the separators of Windows are understood.
    Unix,
}

impl PathStyle {
    /// That of the system that this program was built for.
    pub const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Unix };
}

/// A symbol path that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SymbolPath {
    /// What can be searched, in order.
    pub elements: Vec<Element>,
    /// What cannot, and why.
    pub problems: Vec<Problem>,
}

impl SymbolPath {
    /// The addresses of all servers, each once, in order.
    pub fn servers(&self) -> Vec<&str> {
        let mut servers: Vec<&str> = Vec::new();
        for element in &self.elements {
            let Element::Stores(stores) = element else { continue };
            for store in stores {
                match store {
                    Store::Http(server) if !servers.contains(&&**server) => servers.push(server),
                    _ => {}
                }
            }
        }
        servers
    }
}

/// Reads a symbol path. `place` names it in problems: `_NT_SYMBOL_PATH`.
pub fn parse(place: &str, text: &str, style: PathStyle) -> SymbolPath {
    let mut path = SymbolPath::default();
    let mut reader = Reader { place, style, problems: &mut path.problems };
    for element in text.split(';') {
        let element = unquoted(element);
        if !element.is_empty() {
            path.elements.extend(reader.element(element));
        }
    }
    path
}

/// Whether a text can only be a symbol path, and no file or folder.
pub fn is_symbol_path(text: &str) -> bool {
    text.contains(';') || text.split_once('*').is_some_and(|(first, _)| !first.contains(['/', '\\']))
}

struct Reader<'p> {
    place: &'p str,
    style: PathStyle,
    problems: &'p mut Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, element: &str, cause: &str, hint: &str) {
        self.problems.push(Problem::note(format!("{}: {element}", self.place), cause).hint(hint));
    }

    fn element(&mut self, element: &str) -> Option<Element> {
        if is_http(element) {
            self.problem(element, "a server is an element of 'srv*' only", "write srv*STORE*https://...");
            return Some(Element::Stores(vec![Store::Http(element.to_owned())]));
        }
        let Some((kind, rest)) = element.split_once('*') else { return self.folder(element).map(Element::Folder) };
        match kind.trim().to_ascii_lowercase().as_str() {
            "srv" => self.stores(element, rest),
            "symsrv" => self.symsrv(element, rest),
            "cache" => self.cache(element, rest),
            _ => {
                let hint = "folders, srv*, symsrv* and cache* are known";
                self.problem(element, "is an element of an unknown kind", hint);
                None
            }
        }
    }

    fn symsrv(&mut self, element: &str, rest: &str) -> Option<Element> {
        let (dll, stores) = rest.split_once('*').unwrap_or((rest, ""));
        if !dll.trim().eq_ignore_ascii_case("symsrv.dll") {
            self.problem(
                element,
                "asks another DLL than symsrv.dll, which only it can answer",
                "name the store itself",
            );
            return None;
        }
        self.stores(element, stores)
    }

    fn cache(&mut self, element: &str, rest: &str) -> Option<Element> {
        let (folder, more) = rest.split_once('*').unwrap_or((rest, ""));
        if !more.is_empty() {
            self.problem(element, "has more than one folder", "the first one is used");
        }
        let store = self.store(element, folder)?;
        if let Store::Http(_) = store {
            self.problem(element, "is a server, which keeps nothing", "name a folder");
            return None;
        }
        Some(Element::Stores(vec![store]))
    }

    fn stores(&mut self, element: &str, rest: &str) -> Option<Element> {
        let mut stores: Vec<Store> = rest.split('*').filter_map(|store| self.store(element, store)).collect();
        let server = stores.iter().position(|store| matches!(store, Store::Http(_)));
        match server {
            Some(0) => stores.insert(0, Store::Usual),
            _ if stores.is_empty() => return None,
            _ => {}
        }
        if server.is_some_and(|server| server + 1 < rest.split('*').count()) {
            self.problem(element, "has a server that is not the last store", "nothing can be kept there");
        }
        Some(Element::Stores(stores))
    }

    fn store(&mut self, element: &str, text: &str) -> Option<Store> {
        let text = unquoted(text);
        if text.is_empty() {
            return Some(Store::Usual);
        }
        if is_http(text) {
            return Some(Store::Http(text.to_owned()));
        }
        self.folder_of(element, text).map(Store::Folder)
    }

    fn folder(&mut self, text: &str) -> Option<String> {
        self.folder_of(text, text)
    }

    /// A folder with the separators of this system; none on a network, and none that cannot be here.
    fn folder_of(&mut self, element: &str, text: &str) -> Option<String> {
        match local_path(text, self.style) {
            Ok(folder) => Some(folder),
            Err((cause, hint)) => {
                self.problem(element, cause, hint);
                None
            }
        }
    }
}

/// A path on this computer, with separators that this system understands.
///
/// # Errors
/// Cause and hint when the path is on another computer, which is never asked, or cannot be on this one.
pub fn local_path(text: &str, style: PathStyle) -> Result<String, (&'static str, &'static str)> {
    if text.contains('\0') {
        return Err(("has a zero character in it", "name a folder"));
    }
    let turned = text.replace('\\', "/");
    if turned.starts_with("//") {
        return Err(("is on another computer, which is never asked", "copy it, or mount it as a folder"));
    }
    match style {
        PathStyle::Windows => Ok(text.to_owned()),
        PathStyle::Unix if has_drive(&turned) => {
            Err(("has a drive letter, which means nothing on this system", "name the folder here"))
        }
        // A name may have a backslash in it here; whoever wrote one meant Windows.
        PathStyle::Unix => Ok(turned),
    }
}

fn is_http(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| scheme == "http" || scheme == "https")
}

fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements in words, then problems.
    fn told(path: &SymbolPath) -> Vec<String> {
        let store = |store: &Store| match store {
            Store::Usual => "usual".to_owned(),
            Store::Folder(folder) => folder.clone(),
            Store::Http(server) => format!("<{server}>"),
        };
        let elements = path.elements.iter().map(|element| match element {
            Element::Folder(folder) => format!("folder {folder}"),
            Element::Stores(stores) => format!("stores {}", stores.iter().map(store).collect::<Vec<_>>().join(" ")),
        });
        elements.chain(path.problems.iter().map(ToString::to_string)).collect()
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(told(&parse("P", text, PathStyle::Unix)), expected, "{text}");
    }

    #[test]
    fn the_documented_forms_are_read() {
        check("", &[]);
        check(" ; ;", &[]);
        check("/a;b", &["folder /a", "folder b"]);
        check("\"/with blank\"; /b ", &["folder /with blank", "folder /b"]);
        check("srv*/s", &["stores /s"]);
        check("SRV*/s*/t*https://a.test/x", &["stores /s /t <https://a.test/x>"]);
        check("srv*", &["stores usual"]);
        check("srv**/t", &["stores usual /t"]);
        check("srv*https://a.test", &["stores usual <https://a.test>"]);
        check("symsrv*symsrv.dll*/s", &["stores /s"]);
        check("symsrv*SymSrv.dll", &["stores usual"]);
        check("cache*;srv*/s", &["stores usual", "stores /s"]);
        check("cache*/c", &["stores /c"]);
    }

    #[test]
    fn paths_of_windows_are_turned_or_refused() {
        check("out\\syms", &["folder out/syms"]);
        check("c:\\s", &["P: c:\\s: has a drive letter, which means nothing on this system; name the folder here"]);
        let network = "is on another computer, which is never asked; copy it, or mount it as a folder";
        check("srv*\\\\host\\share", &[&format!("P: srv*\\\\host\\share: {network}")]);
        check("srv*/s*//host/share", &["stores /s", &format!("P: srv*/s*//host/share: {network}")]);
        let windows = |text| told(&parse("P", text, PathStyle::Windows));
        assert_eq!(windows("srv*c:\\s;d:\\t"), ["stores c:\\s", "folder d:\\t"]);
        assert_eq!(windows("\\\\host\\share"), [format!("P: \\\\host\\share: {network}")]);
    }

    #[test]
    fn nonsense_is_told() {
        let unknown = "is an element of an unknown kind; folders, srv*, symsrv* and cache* are known";
        check("rsv*/s;/b", &["folder /b", &format!("P: rsv*/s: {unknown}")]);
        check("*", &[&format!("P: *: {unknown}")]);
        let other = "asks another DLL than symsrv.dll, which only it can answer; name the store itself";
        check("symsrv*mine.dll*/s", &[&format!("P: symsrv*mine.dll*/s: {other}")]);
        check("symsrv*", &[&format!("P: symsrv*: {other}")]);
        let last = "has a server that is not the last store; nothing can be kept there";
        check(
            "srv*https://a.test*/s",
            &["stores usual <https://a.test> /s", &format!("P: srv*https://a.test*/s: {last}")],
        );
        let server = "a server is an element of 'srv*' only; write srv*STORE*https://...";
        check("https://a.test", &["stores <https://a.test>", &format!("P: https://a.test: {server}")]);
        check("cache*https://a.test", &["P: cache*https://a.test: is a server, which keeps nothing; name a folder"]);
        check("cache*/a*/b", &["stores /a", "P: cache*/a*/b: has more than one folder; the first one is used"]);
        check("a\0b", &["P: a\0b: has a zero character in it; name a folder"]);
    }

    #[test]
    fn servers_are_named_once() {
        let path = parse("P", "srv*/s*https://a.test;srv*https://b.test;srv*/t*https://a.test", PathStyle::Unix);
        assert_eq!(path.servers(), ["https://a.test", "https://b.test"]);
    }

    #[test]
    fn a_file_is_told_from_a_symbol_path() {
        for (text, expected) in [
            ("srv*/s", true),
            ("cache*", true),
            ("/a;/b", true),
            ("/a/b", false),
            ("app.pdb", false),
            ("out/*.pdb", false),
        ] {
            assert_eq!(is_symbol_path(text), expected, "{text}");
        }
    }
}

//! What the environment says about symbols: paths, the user's folders.

use crate::{cache_folder::cache_folder_of, index_cache::IndexCache};
use std::{ffi::OsString, path::PathBuf};

/// Variables with symbol paths; the first goes before the second.
pub const VARIABLES: [&str; 2] = ["_NT_ALT_SYMBOL_PATH", "_NT_SYMBOL_PATH"];

/// What the environment says.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Names and texts of the symbol paths.
    pub paths: Vec<(&'static str, String)>,
    /// The store where imported files are kept.
    pub imports: Option<PathBuf>,
    /// The store that a symbol path means when it names none.
    pub usual_store: Option<PathBuf>,
    /// The home folder: `~` in a path.
    pub home: Option<PathBuf>,
    /// Where tables of large text files are kept.
    pub index_cache: IndexCache,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::of(&|name| std::env::var_os(name))
    }

    /// That of variables.
    pub fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let text = |name| Some((name, variable(name)?.to_string_lossy().into_owned()));
        let folder = |name| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let home = folder(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        Self {
            paths: VARIABLES.into_iter().filter_map(text).filter(|(_, text)| !text.trim().is_empty()).collect(),
            imports: cache_folder_of(variable).map(|cache| cache.join("symbols")),
            // The debuggers keep theirs in the folder `sym` of their home.
            usual_store: folder("DBGHELP_HOMEDIR").or_else(|| home.clone()).map(|home| home.join("sym")),
            home,
            index_cache: IndexCache::of(variable),
        }
    }

    /// A path of a symbol path; `~` is the home folder, which no shell has put into a variable in quotes.
    pub fn path(&self, text: &str) -> PathBuf {
        match (&self.home, text.strip_prefix('~')) {
            (Some(home), Some("")) => home.clone(),
            (Some(home), Some(rest)) if rest.starts_with(['/', '\\']) => {
                home.join(rest.trim_start_matches(['/', '\\']))
            }
            _ => PathBuf::from(text),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_in_their_order() {
        let environment = Environment::of(&|name| match name {
            "_NT_SYMBOL_PATH" => Some("srv*/s".into()),
            "_NT_ALT_SYMBOL_PATH" => Some("/alt".into()),
            "HOME" => Some("/h".into()),
            _ => None,
        });
        let paths = [("_NT_ALT_SYMBOL_PATH", "/alt".to_owned()), ("_NT_SYMBOL_PATH", "srv*/s".to_owned())];
        assert_eq!(environment.paths, paths);
        assert_eq!(environment.imports, Some(PathBuf::from("/h/.cache/vatlas/symbols")));
        assert_eq!(environment.usual_store, Some(PathBuf::from("/h/sym")));
        for (text, expected) in [("~/s", "/h/s"), ("~", "/h"), ("~u/s", "~u/s"), ("/a", "/a")] {
            assert_eq!(environment.path(text), PathBuf::from(expected));
        }
        let bare = Environment::of(&|name| (name == "_NT_SYMBOL_PATH").then(|| " ".into()));
        assert!(bare.paths.is_empty() && bare.imports.is_none() && bare.usual_store.is_none());
        assert_eq!(bare.path("~/s"), PathBuf::from("~/s"));
    }
}

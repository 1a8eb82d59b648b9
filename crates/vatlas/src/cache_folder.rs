//! The user's folder for what this program keeps and could make again.

use std::{ffi::OsString, path::PathBuf};

/// `vatlas` in `XDG_CACHE_HOME`, which must be absolute to count, else in `.cache` of the home folder; on Windows in
/// `LOCALAPPDATA`. `None` when the environment names none of them.
pub fn cache_folder() -> Option<PathBuf> {
    cache_folder_of(&|name| std::env::var_os(name))
}

/// The same with an environment of the caller's.
pub fn cache_folder_of(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let usual = || if cfg!(windows) { folder("LOCALAPPDATA") } else { Some(folder("HOME")?.join(".cache")) };
    Some(folder("XDG_CACHE_HOME").or_else(usual)?.join("vatlas"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_where() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let variables: Vec<_> = variables.to_vec();
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            assert_eq!(cache_folder_of(&variable), expected.map(PathBuf::from));
        };
        check(&[("HOME", "/h")], Some("/h/.cache/vatlas"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")], Some("/c/vatlas"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "c")], Some("/h/.cache/vatlas"));
        check(&[("HOME", "")], None);
        check(&[], None);
    }
}

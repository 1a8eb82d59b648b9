//! The arrows gate: which package of ours may use which, read from every manifest.

use crate::tree::{File, Finding};
use toml::{Table, Value};

/// One package of ours and what it may use of ours.
#[derive(Clone, Copy, Debug)]
pub struct Arrow {
    /// The package's name in its manifest.
    pub package: &'static str,
    /// What its code and its build script may use.
    pub uses: &'static [&'static str],
    /// What its tests may use besides.
    pub tests_use: &'static [&'static str],
}

/// Every package, each below those that it uses. Arrows point up this table only.
pub const ARROWS: &[Arrow] = &[
    Arrow { package: "vatlas-fixtures", uses: &[], tests_use: &[] },
    Arrow { package: "vatlas-guest", uses: &[], tests_use: &[] },
    Arrow { package: "vatlas-space", uses: &[], tests_use: &[] },
    Arrow { package: "vatlas-rules", uses: &["vatlas-space"], tests_use: &[] },
    Arrow { package: "vatlas-images", uses: &["vatlas-space"], tests_use: &["vatlas-fixtures"] },
    Arrow { package: "vatlas-symbols", uses: &["vatlas-space", "vatlas-images"], tests_use: &["vatlas-fixtures"] },
    Arrow {
        package: "vatlas-machine",
        uses: &["vatlas-space", "vatlas-rules", "vatlas-images"],
        tests_use: &["vatlas-fixtures", "vatlas-guest"],
    },
    Arrow {
        package: "vatlas-targets",
        uses: &["vatlas-space", "vatlas-rules", "vatlas-images", "vatlas-machine"],
        tests_use: &["vatlas-fixtures"],
    },
    Arrow {
        package: "vatlas-debug",
        uses: &["vatlas-space", "vatlas-rules", "vatlas-symbols"],
        tests_use: &["vatlas-fixtures", "vatlas-images", "vatlas-targets", "vatlas-machine", "vatlas-guest"],
    },
    Arrow {
        package: "vatlas-serve",
        uses: &["vatlas-space", "vatlas-debug"],
        tests_use: &["vatlas-fixtures", "vatlas-targets"],
    },
    Arrow {
        package: "vatlas",
        uses: &[
            "vatlas-space",
            "vatlas-rules",
            "vatlas-images",
            "vatlas-symbols",
            "vatlas-machine",
            "vatlas-targets",
            "vatlas-debug",
            "vatlas-serve",
            "vatlas-guest",
        ],
        tests_use: &["vatlas-fixtures"],
    },
    Arrow {
        package: "vatlas-fuzz",
        uses: &["vatlas-space", "vatlas-rules", "vatlas-images", "vatlas-symbols", "vatlas-targets", "vatlas-debug"],
        tests_use: &["vatlas-fixtures"],
    },
    Arrow {
        package: "xtask",
        uses: &["vatlas-space", "vatlas-images", "vatlas-symbols", "vatlas-machine", "vatlas-fixtures"],
        tests_use: &[],
    },
];

/// Crates through which a program meets its terminal and its files; below `vatlas` nothing may.
const ONLY_FOR_THE_PROGRAM: [&str; 6] = ["anstream", "clap", "indicatif", "memmap2", "rustyline", "terminal_size"];

/// Holds the table against every manifest of the tree.
pub fn check(files: &[File]) -> Vec<Finding> {
    let manifests = files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"));
    let mut findings = table_faults(ARROWS);
    for file in manifests {
        match file.text().unwrap_or_default().parse::<Table>() {
            Ok(manifest) => check_manifest(&file.path, &manifest, &mut findings),
            Err(cause) => findings.push(Finding::new(&file.path, 0, format!("does not parse: {cause}"))),
        }
    }
    findings.sort();
    findings
}

/// The table itself: a package may use only what stands above it.
fn table_faults(table: &[Arrow]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, arrow) in table.iter().enumerate() {
        let above = &table[..index];
        for used in arrow.uses {
            if !above.iter().any(|other| other.package == *used) {
                let what = format!("the table lets {} use {used}, which does not stand above it", arrow.package);
                findings.push(Finding::new(file!(), 0, what));
            }
        }
    }
    findings
}

fn check_manifest(path: &str, manifest: &Table, findings: &mut Vec<Finding>) {
    let Some(package) = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str) else {
        return;
    };
    let mut report = |what: String| findings.push(Finding::new(path, 0, what));
    let Some(arrow) = ARROWS.iter().find(|arrow| arrow.package == package) else {
        return report(format!("{package} is not in the table of xtask/src/arrows.rs; say there what it may use"));
    };
    if manifest.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true)) {
        report(format!("{package} escapes the lints: add [lints] workspace = true"));
    }
    for dependency in dependencies(manifest) {
        let used = dependency.package.as_str();
        let is_ours = ARROWS.iter().any(|other| other.package == used) || used.starts_with("vatlas-");
        let is_allowed = arrow.uses.contains(&used) || dependency.is_for_tests && arrow.tests_use.contains(&used);
        if is_ours && !is_allowed {
            let whose = if dependency.is_for_tests { "the tests of " } else { "" };
            report(format!("{whose}{package} may not use {used}: arrows point to {:?} only", arrow.uses));
        }
        let is_library = path.starts_with("crates/") && package != "vatlas";
        if is_library && !dependency.is_for_tests && ONLY_FOR_THE_PROGRAM.contains(&used) {
            report(format!("{package} may not use {used}: only the program meets files and terminals"));
        }
    }
}

struct Dependency {
    package: String,
    is_for_tests: bool,
}

/// The dependencies of every kind, those for one platform included, under the names of their packages.
fn dependencies(manifest: &Table) -> Vec<Dependency> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for (kind, is_for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let entries = table.get(kind).and_then(Value::as_table).into_iter().flatten();
            found.extend(entries.map(|(name, value)| {
                let renamed = value.get("package").and_then(Value::as_str);
                Dependency { package: renamed.unwrap_or(name).to_owned(), is_for_tests }
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings of a manifest with this name and these lines.
    #[track_caller]
    fn check_manifest(package: &str, lines: &str, expected: &[&str]) {
        let text = format!("[package]\nname = \"{package}\"\n[lints]\nworkspace = true\n{lines}\n");
        check_text(&text, expected);
    }

    #[track_caller]
    fn check_text(text: &str, expected: &[&str]) {
        let files = [File { path: "crates/a/Cargo.toml".to_owned(), bytes: text.as_bytes().to_vec() }];
        let found = check(&files);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (finding, expected) in found.iter().zip(expected) {
            assert!(finding.to_string().contains(expected), "{finding} does not contain {expected:?}");
        }
    }

    #[test]
    fn arrows_point_up_the_table() {
        check_manifest("vatlas-rules", "[dependencies]\nvatlas-space.workspace = true", &[]);
        check_manifest("vatlas-rules", "[dependencies]\nobject = \"1\"", &[]);
        check_manifest(
            "vatlas-space",
            "[dependencies]\nvatlas-rules.workspace = true",
            &["vatlas-space may not use vatlas-rules"],
        );
        check_manifest(
            "vatlas-rules",
            "[dependencies]\nvatlas-images.workspace = true",
            &["may not use vatlas-images"],
        );
        check_manifest(
            "vatlas-debug",
            "[dependencies]\nvatlas-targets.workspace = true",
            &["may not use vatlas-targets"],
        );
        check_manifest("vatlas-rules", "[dependencies]\nvatlas-new.path = \"../new\"", &["may not use vatlas-new"]);
    }

    #[test]
    fn no_kind_of_dependency_escapes() {
        let finding = ["may not use vatlas-images"];
        check_manifest("vatlas-rules", "[build-dependencies]\nvatlas-images.workspace = true", &finding);
        check_manifest("vatlas-rules", "[target.'cfg(unix)'.dependencies]\nvatlas-images.workspace = true", &finding);
        check_manifest("vatlas-rules", "[dependencies]\npictures = { package = \"vatlas-images\" }", &finding);
    }

    #[test]
    fn tests_have_their_own_column() {
        check_manifest("vatlas-images", "[dev-dependencies]\nvatlas-fixtures.workspace = true", &[]);
        check_manifest(
            "vatlas-images",
            "[dependencies]\nvatlas-fixtures.workspace = true",
            &["may not use vatlas-fixtures"],
        );
        check_manifest(
            "vatlas-fixtures",
            "[dev-dependencies]\nvatlas-images.workspace = true",
            &["the tests of vatlas-fixtures"],
        );
        check_manifest("xtask", "[dependencies]\nvatlas-fixtures.workspace = true", &[]);
    }

    #[test]
    fn every_package_is_in_the_table_and_under_the_lints() {
        check_manifest("vatlas-new", "", &["vatlas-new is not in the table"]);
        check_text("[package]\nname = \"vatlas-rules\"\n", &["escapes the lints"]);
        check_text("[workspace]\nmembers = []\n", &[]);
        check_text("[package\n", &["does not parse"]);
    }

    #[test]
    fn only_the_program_meets_files_and_terminals() {
        check_manifest("vatlas-targets", "[dependencies]\nmemmap2 = \"0.9\"", &["may not use memmap2"]);
        check_manifest("vatlas-targets", "[dev-dependencies]\nmemmap2 = \"0.9\"", &[]);
        check_manifest("vatlas", "[dependencies]\nmemmap2 = \"0.9\"", &[]);
    }

    #[test]
    fn the_table_is_in_order() {
        assert_eq!(table_faults(ARROWS), []);
        let arrow = |package, uses| Arrow { package, uses, tests_use: &[] };
        assert_eq!(table_faults(&[arrow("a", &["b"]), arrow("b", &[])]).len(), 1);
        assert_eq!(table_faults(&[arrow("a", &["a"])]).len(), 1);
        assert_eq!(table_faults(&[arrow("a", &[]), arrow("b", &["a"])]).len(), 0);
    }
}

//! The manifests of this repository keep to the arrows of its architecture.

use xtask::{arrows, tree};

#[test]
fn every_manifest_keeps_to_the_arrows() {
    let files = tree::read(&tree::root()).expect("the files of the repository can be read");
    let found: Vec<String> = arrows::check(&files).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_manifests_are_really_read() {
    let mut files = tree::read(&tree::root()).expect("the files of the repository can be read");
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml")).count();
    assert!(manifests > 6, "only {manifests} manifests were found");
    let space = files.iter_mut().find(|file| file.path == "crates/space/Cargo.toml").expect("space has a manifest");
    let text =
        space.text().expect("a manifest is text").replace("[dependencies]", "[dependencies]\nvatlas-debug = \"1\"");
    space.bytes = text.into_bytes();
    assert_eq!(arrows::check(&files).len(), 1);
}

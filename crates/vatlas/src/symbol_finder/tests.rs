//! The finder in folders and stores of its own: what it takes, what it refuses, and what it says about both.

use super::{
    Environment, SymbolFinder,
    cabinet::tests::deflated,
    trail::{Attempt, Trail},
};
use crate::symbol_args::SymbolArgs;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use vatlas_fixtures::pe::{self, Image, Machine};
use vatlas_space::{DebugRecord, Guid, Module, Va, VaRange};
use vatlas_symbols::{Identity, store_key::StoreKey};

const STAMP: u32 = 0x49f0_0000;

/// A program database, and the module that wants it.
fn pdb() -> (Vec<u8>, Module) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/symbols/counters/counters-x64.pdb");
    let bytes = fs::read(path).unwrap();
    let identity = vatlas_symbols::open("", std::sync::Arc::new(bytes.clone())).unwrap().origin().identity;
    let Some(Identity::Guid { guid, age }) = identity else { panic!("{identity:?}") };
    (bytes, module(Some(DebugRecord::Pdb70 { guid, age, name: "D:\\out\\counters.pdb".to_owned() })))
}

fn module(debug_record: Option<DebugRecord>) -> Module {
    let range = VaRange::sized(Va(0x40_0000), 0x3000).unwrap();
    let path = "C:\\counters\\app.exe".to_owned();
    Module { path, range, data: None, time_date_stamp: STAMP, checksum: 0, version: None, debug_record }
}

/// An image that exports a function.
fn image(size: usize) -> Vec<u8> {
    let image = Image::new(Machine::I386, 0x40_0000).section(".text", 0x6000_0020, vec![0xcc; size], 0);
    let at = image.size_of_image();
    let exports = pe::exports(at, "app.exe", 0, &[("alpha", 0x1000)]);
    let size = exports.len() as u32;
    image.section(".edata", 0x4000_0040, exports, 0).directory(0, at, size).file()
}

fn map(stamp: u32) -> String {
    format!(
        " app\n\n Timestamp is {stamp:08x} (x)\n\n Preferred load address is 00400000\n\n Start         Length     Name                   Class\n \
         0001:00000000 00000100H .text                   CODE\n\n  Address         Publics by Value              Rva+Base   Lib:Object\n\n \
         0001:00000000       _main                      00401000 f   app.obj\n\n entry point at        0001:00000000\n"
    )
}

struct World {
    root: TempDir,
    args: SymbolArgs,
    environment: Environment,
    images: Vec<PathBuf>,
}

impl World {
    fn new() -> Self {
        let (root, args) = (tempfile::tempdir().unwrap(), SymbolArgs::default());
        Self { root, args, environment: Environment::default(), images: Vec::new() }
    }

    fn put(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn symbols(mut self, path: &str) -> Self {
        self.args.symbols.push(self.root.path().join(path));
        self
    }

    fn symbol_path(mut self, text: &str) -> Self {
        let text = text.replace("ROOT", &self.root.path().display().to_string());
        self.environment.paths.push(("_NT_SYMBOL_PATH", text));
        self
    }

    fn force(mut self) -> Self {
        self.args.force_symbols = true;
        self
    }

    fn images(mut self, folder: &str) -> Self {
        self.images.push(self.root.path().join(folder));
        self
    }

    /// Searches, and tells the files used and every attempt, without the root.
    fn told(&self, module: &Module) -> (Vec<String>, Vec<String>) {
        let dump = self.root.path().join("dumps/crash.dmp");
        let finder = SymbolFinder::with_environment(&self.args, Some(&dump), &self.images, &self.environment).unwrap();
        let found = finder.found(module);
        let root = format!("{}/", self.root.path().display());
        let text = |attempt: &Attempt| {
            let (path, word) = (attempt.path.replace(&root, ""), attempt.outcome.word());
            format!("{path}: {word}: {}", attempt.outcome.reason().replace(&root, ""))
        };
        let files = found.symbols.files().iter().map(|file| file.origin().to_string().replace(&root, ""));
        (files.collect(), found.trail.attempts().map(text).collect())
    }

    fn check(&self, module: &Module, files: &[&str], attempts: &[&str]) {
        let told = self.told(module);
        assert_eq!((told.0, told.1), (owned(files), owned(attempts)));
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_pdb_is_found_in_every_sort_of_place() {
    let (bytes, module) = pdb();
    let found = |world: World, path: &str| {
        let (files, attempts) = world.told(&module);
        assert_eq!(files, [format!("{path} (PDB)")]);
        let taken = attempts.iter().find(|attempt| attempt.starts_with(path)).unwrap();
        assert!(taken.starts_with(&format!("{path}: used: ")) && taken.ends_with(" age 1 is equal"), "{taken}");
    };
    let key = StoreKey::of_module_pdb(&module).unwrap();
    let (one, two) = (key.path(), format!("co/{}", key.path()));
    let packed = deflated("counters.pdb", &bytes);
    found(World::new().put("s/counters.pdb", &bytes).symbols("s/counters.pdb"), "s/counters.pdb");
    found(World::new().put("s/other name.pdb", &bytes).symbols("s/other name.pdb"), "s/other name.pdb");
    found(World::new().put("s/a/b/Counters.PDB", &bytes).symbols("s"), "s/a/b/Counters.PDB");
    found(World::new().put("s/app.pdb", &bytes).symbols("s"), "s/app.pdb");
    found(World::new().put(&format!("s/{one}"), &bytes).symbols("s"), &format!("s/{one}"));
    found(World::new().put("dumps/counters.pdb", &bytes), "dumps/counters.pdb");
    found(World::new().put("dumps/symbols/exe/counters.pdb", &bytes), "dumps/symbols/exe/counters.pdb");
    found(World::new().put("i/deep/counters.pdb", &bytes).images("i"), "i/deep/counters.pdb");
    found(World::new().put("p/counters.pdb", &bytes).symbol_path("ROOT/p"), "p/counters.pdb");
    found(World::new().put("p/EXE/counters.pdb", &bytes).symbol_path("ROOT/none;ROOT/p"), "p/EXE/counters.pdb");
    found(World::new().put(&format!("t/{one}"), &bytes).symbol_path("srv*ROOT/s*ROOT/t"), &format!("t/{one}"));
    let two_tier = World::new().put("s/index2.txt", "").put(&format!("s/{two}"), &bytes);
    found(two_tier.symbol_path("srv*ROOT/s"), &format!("s/{two}"));
    let packed_path = format!("s/{}_", one.trim_end_matches('b'));
    found(World::new().put(&packed_path, &packed).symbol_path("srv*ROOT/s"), &packed_path);
    let pointer = format!("s/{}", one.replace("/counters.pdb", "/file.ptr"));
    let world = World::new().put("real/x.pdb", &bytes);
    let text = format!("PATH:{}/real/x.pdb", world.root.path().display());
    found(world.put(&pointer, text).symbol_path("srv*ROOT/s"), "real/x.pdb");
    let mut world = World::new().put(&format!("c/{one}"), &bytes);
    world.environment.imports = Some(world.root.path().join("c"));
    found(world, &format!("c/{one}"));
}

#[test]
fn a_pdb_of_another_build_is_refused_and_both_are_named() {
    let (bytes, module) = pdb();
    let Some(DebugRecord::Pdb70 { guid, age, name }) = module.debug_record.clone() else { panic!() };
    let wants = |guid, age| Module {
        debug_record: Some(DebugRecord::Pdb70 { guid, age, name: name.clone() }),
        ..module.clone()
    };
    let world = World::new().put("s/counters.pdb", &bytes).symbols("s");
    let older = format!(
        "s/counters.pdb: refused: the GUID {guid} is equal, but it has age {age}, the module wants age 7: another link \
         of it"
    );
    world.check(&wants(guid, 7), &[], &[&older]);
    let other = Guid { data1: 1, ..guid };
    let why = format!("it has {guid} age {age}, the module wants {other} age {age}");
    world.check(&wants(other, age), &[], &[&format!("s/counters.pdb: refused: {why}")]);
    let world = world.force();
    let forced = format!("s/counters.pdb: forced: {why}");
    world.check(&wants(other, age), &["s/counters.pdb (PDB)"], &[&forced]);
    // What belongs to the module goes before what is forced.
    let world = world.put("s/app.map", map(STAMP));
    let used = "s/app.map: used: time stamp 49f00000 is equal";
    world.check(&wants(other, age), &["s/app.map (linker map)"], &[&forced.replace("forced", "refused"), used]);
}

#[test]
fn a_map_is_judged_by_its_time_stamp() {
    let module = module(None);
    let at = |stamp| World::new().put("s/app.map", map(stamp)).symbols("s");
    at(STAMP).check(&module, &["s/app.map (linker map)"], &["s/app.map: used: time stamp 49f00000 is equal"]);
    let refused = "s/app.map: refused: it has the time stamp 49f00001, the module 49f00000";
    at(STAMP + 1).check(&module, &[], &[refused]);
    let unchecked = "s/app.map: unchecked: cannot be checked: the file has no time stamp";
    at(0).check(&module, &["s/app.map (linker map)"], &[unchecked]);
    let two = at(0).put("s/deep/app.exe.map", map(STAMP));
    let attempts =
        ["s/app.map: not needed: another linker map is used", "s/deep/app.exe.map: used: time stamp 49f00000 is equal"];
    two.check(&module, &["s/deep/app.exe.map (linker map)"], &attempts);
}

#[test]
fn an_image_gives_its_exports() {
    let module = module(None);
    let world = World::new().put("i/APP.EXE", image(0x1000)).images("i");
    let used = "i/APP.EXE: used: time stamp 48000000 and size are equal";
    let own = Module { time_date_stamp: 0x4800_0000, ..module };
    world.check(&own, &["i/APP.EXE (export table)"], &[used]);
    let other = World::new().put("i/app.exe", image(0x2000)).images("i");
    let refused = "i/app.exe: refused: the time stamp 48000000 is equal, but its image takes 0x4000 bytes, the module \
                   0x3000";
    other.check(&own, &[], &[refused]);
}

/// A listing of the only function of the map.
const LISTING: &str = "\
; File c:\\src\\app.c
_TEXT\tSEGMENT
_main\tPROC
; 7    : {
  00000\t55\t\tpush\tebp
; 8    : }
  00001\tc3\t\tret\t0
_main\tENDP
_TEXT\tENDS
END
";

#[test]
fn listings_come_with_what_names_their_functions() {
    let module = module(None);
    let map_alone = "s/app.map: used: time stamp 49f00000 is equal";
    let why = "used: its lines are those of functions with its names and sizes";
    let files = ["s/app.map (linker map)", "s/app.cod (listing)"];
    let world = World::new().put("s/app.map", map(STAMP)).put("s/app.cod", LISTING).put("s/deep/other.cod", LISTING);
    world.symbols("s").check(&module, &files, &[map_alone, &format!("s/app.cod: {why}")]);
    let world = World::new().put("s/app.map", map(STAMP)).put("l/any.cod", LISTING).put("s/bad.cod", "hello");
    let (files, attempts) = world.symbols("s").symbols("l/any.cod").told(&module);
    assert_eq!(files, ["s/app.map (linker map)", "l/any.cod (listing)"]);
    assert_eq!(attempts[..2], owned(&[map_alone, &format!("l/any.cod: {why}")]));
    assert!(attempts[2].starts_with("s/bad.cod: unreadable: "), "{attempts:?}");
    World::new().put("s/app.cod", LISTING).symbols("s").check(&module, &[], &[]);
}

#[test]
fn what_cannot_be_read_is_told() {
    let module = module(None);
    let world = World::new().put("s/app.pdb", "Microsoft C/C++ MSF 7.00\r\n\u{1a}DS").put("s/app.map", "hello");
    let world = world.put("s/app.sym", "").put("s/app.pd_", "MSCF").symbols("s");
    let (files, attempts) = world.told(&module);
    assert!(files.is_empty());
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|attempt| attempt.contains(": unreadable: ")), "{attempts:?}");
    assert!(attempts[2].ends_with("it is an empty file; was it copied to the end?"), "{attempts:?}");
}

#[test]
fn a_file_for_another_module_is_left_alone() {
    let (bytes, wanted) = pdb();
    let world = World::new().put("s/greeter.pdb", &bytes).symbols("s/greeter.pdb");
    let other = Module { path: "other.dll".to_owned(), ..module(None) };
    let foreign = "s/greeter.pdb: of another module: neither its name nor its identity is that of this module";
    world.check(&other, &[], &[foreign]);
    assert_eq!(world.told(&wanted).0, ["s/greeter.pdb (PDB)"]);
}

#[test]
fn a_pipe_is_not_waited_for_and_a_missing_path_is_an_error() {
    let world = World::new().symbols("nowhere");
    let failure = SymbolFinder::with_environment(&world.args, None, &[], &world.environment);
    assert!(failure.is_err());
    let world = World::new().symbol_path("srv*ROOT/none;ROOT/none;cache*");
    world.check(&module(None), &[], &[]);
}

#[test]
fn nothing_more_is_opened_when_enough_was_found() {
    let (bytes, module) = pdb();
    let world = World::new().put("s/counters.pdb", &bytes).put("s/app.map", map(STAMP)).symbols("s");
    let world = world.put("dumps/app.map", map(STAMP));
    let dump = world.root.path().join("dumps/crash.dmp");
    let finder = SymbolFinder::with_environment(&world.args, Some(&dump), &[], &world.environment).unwrap();
    let found = finder.found(&module);
    let trail: &Trail = &found.trail;
    assert_eq!(trail.attempts().count(), 1);
    assert_eq!(trail.left_out, ["beside crash.dmp", "the folder of the module"]);
    assert!(found.is_named && std::rc::Rc::ptr_eq(&found, &finder.found(&module)));
}

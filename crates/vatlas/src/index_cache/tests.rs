//! The cache answers for the file that is there now, whatever else happens, and never fails a question.

use super::*;
use std::{fs, sync::Arc};
use tempfile::TempDir;
use vatlas_space::{Machine, Rva};
use vatlas_symbols::Identity;

struct World {
    root: TempDir,
    cache: IndexCache,
}

fn text(name: &str) -> String {
    format!("MODULE windows x86 00112233445566778899AABBCCDDEEFFa app.pdb\nFUNC 1000 30 8 {name}\n")
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let cache = IndexCache { smallest: 0, settles: Duration::ZERO, ..IndexCache::new(Some(root.path().join("c"))) };
        Self { root, cache }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn put(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The name that the file has for an address, and what the cache did.
    fn ask(&self, name: &str) -> (String, Use) {
        let path = self.path(name);
        let (file, used) = self.cache.open("a.sym", &path, &map_file(&path).unwrap()).unwrap();
        (file.symbol_at(Rva(0x1000)).unwrap().name.to_string(), used)
    }

    fn check(&self, name: &str, expected: &str, used: &Use) {
        assert_eq!(self.ask(name), (expected.to_owned(), used.clone()));
    }

    fn tables(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("c/index")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

#[test]
fn the_second_run_finds_the_table_of_the_first() {
    let world = World::new();
    world.put("a.sym", &text("main"));
    world.check("a.sym", "main", &Use::Kept);
    world.check("a.sym", "main", &Use::Found);
    world.put("copy.sym", &text("main"));
    world.check("copy.sym", "main", &Use::Kept);
    assert_eq!(world.tables().len(), 2);
}

#[test]
fn another_state_of_the_file_is_read_anew() {
    let world = World::new();
    world.put("a.sym", &text("main"));
    world.check("a.sym", "main", &Use::Kept);
    let changed = fs::metadata(world.path("a.sym")).unwrap().modified().unwrap();
    // The same size and the time of the old content, as tools set it that copy or unpack.
    world.put("a.sym", &text("niam"));
    let file = fs::File::options().write(true).open(world.path("a.sym")).unwrap();
    file.set_modified(changed).unwrap();
    world.check("a.sym", "niam", &Use::Kept);
    world.check("a.sym", "niam", &Use::Found);
    // Another file that is moved there.
    world.put("b.sym", &text("amin"));
    fs::File::options().write(true).open(world.path("b.sym")).unwrap().set_modified(changed).unwrap();
    fs::rename(world.path("b.sym"), world.path("a.sym")).unwrap();
    world.check("a.sym", "amin", &Use::Kept);
    assert_eq!(world.tables().len(), 1, "the older state is written over");
}

#[test]
fn a_file_that_may_still_change_is_not_kept() {
    let mut world = World::new();
    world.cache.settles = Duration::from_secs(3600);
    world.put("a.sym", &text("main"));
    world.check("a.sym", "main", &Use::None);
    assert!(world.tables().is_empty());
}

#[test]
fn a_damaged_table_is_made_again() {
    let world = World::new();
    world.put("a.sym", &text("main"));
    world.check("a.sym", "main", &Use::Kept);
    let table = world.tables().remove(0);
    let whole = fs::read(&table).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() / 2], &[], &[0xff; 4096], &flipped] {
        fs::write(&table, damaged).unwrap();
        world.check("a.sym", "main", &Use::Kept);
        assert_eq!(fs::read(&table).unwrap(), whole);
    }
    fs::remove_file(&table).unwrap();
    fs::create_dir(&table).unwrap();
    assert!(matches!(world.ask("a.sym"), (name, Use::NotKept(_)) if name == "main"));
}

#[test]
fn names_are_kept_by_the_identity_of_a_build() {
    let world = World::new();
    let identity = |age| Identity::Signature { signature: 0x4321_0fed, age };
    let key = |age, head| IndexKey { identity: identity(age), head, machine: Machine::X86 };
    let load = |key: &IndexKey| world.cache.load(key).map(|bytes| (*bytes).as_ref().to_vec());
    assert_eq!(load(&key(1, 7)), None);
    world.cache.keep(&key(1, 7), b"names");
    assert_eq!(load(&key(1, 7)).as_deref(), Some(&b"names"[..]));
    assert_eq!((load(&key(2, 7)), load(&key(1, 8))), (None, None));
    assert_eq!(world.tables().len(), 1);
    let off = IndexCache::default();
    off.keep(&key(1, 7), b"names");
    assert!(off.load(&key(1, 7)).is_none());
}

#[test]
fn a_folder_that_cannot_be_written_changes_no_answer() {
    let world = World::new();
    world.put("a.sym", &text("main"));
    world.put("c", "a file where the folder should be");
    let (name, used) = world.ask("a.sym");
    assert_eq!(name, "main");
    assert!(used.remark().is_some_and(|remark| remark.starts_with("its index could not be kept: ")), "{used:?}");
}

#[test]
fn the_environment_and_the_size_decide() {
    let check = |variables: &[(&str, &str)], expected: Option<&str>| {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        assert_eq!(IndexCache::of(&variable).folder, expected.map(PathBuf::from));
    };
    if cfg!(unix) {
        check(&[("XDG_CACHE_HOME", "/c")], Some("/c/vatlas/index"));
        check(&[("XDG_CACHE_HOME", "/c"), ("VATLAS_NO_CACHE", "")], Some("/c/vatlas/index"));
        check(&[("XDG_CACHE_HOME", "/c"), ("VATLAS_NO_CACHE", "1")], None);
    }
    check(&[], None);
    let mut world = World::new();
    world.put("a.sym", &text("main"));
    world.cache.smallest = SMALLEST;
    world.check("a.sym", "main", &Use::None);
    world.cache = IndexCache::of_process(false);
    world.check("a.sym", "main", &Use::None);
    assert!(world.tables().is_empty());
}

#[test]
fn bytes_that_are_not_the_file_itself_are_not_kept() {
    let world = World::new();
    world.put("a.sy_", "packed");
    let unpacked: FileBytes = Arc::new(text("main").into_bytes());
    let (_, used) = world.cache.open("a.sym", &world.path("a.sy_"), &unpacked).unwrap();
    assert_eq!(used, Use::None);
    assert!(world.tables().is_empty());
}

#[test]
fn the_oldest_tables_go() {
    let mut world = World::new();
    world.put("0.sym", &text("main"));
    world.check("0.sym", "main", &Use::Kept);
    let size = fs::metadata(&world.tables()[0]).unwrap().len();
    // The times in them have numbers of more or fewer bytes.
    world.cache.most = size * 3 + size / 2;
    for number in 1..6 {
        // Written in this order also by a clock that ticks slowly.
        for table in world.tables() {
            let file = fs::File::options().write(true).open(&table).unwrap();
            let written = file.metadata().unwrap().modified().unwrap();
            file.set_modified(written - Duration::from_secs(60)).unwrap();
        }
        world.put(&format!("{number}.sym"), &text("main"));
        world.check(&format!("{number}.sym"), "main", &Use::Kept);
    }
    assert_eq!(world.tables().len(), 3);
    world.check("5.sym", "main", &Use::Found);
    world.check("0.sym", "main", &Use::Kept);
    world.cache.most = size / 2;
    world.put("6.sym", &text("main"));
    world.check("6.sym", "main", &Use::None);
}

#[test]
fn many_at_a_time_see_whole_tables_of_the_state_that_is_there() {
    let world = World::new();
    for round in 0..20 {
        let name = format!("name{round:04}");
        world.put("a.sym", &text(&name));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let (found, used) = world.ask("a.sym");
                        assert!(found == name && matches!(used, Use::Kept | Use::Found), "{found} {used:?}");
                    }
                });
            }
        });
    }
    let tables = world.tables();
    assert!(tables.len() == 1 && tables[0].extension().unwrap() == "index", "no parts are left: {tables:?}");
}

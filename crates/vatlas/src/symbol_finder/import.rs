//! Taking files into the user's own symbol store: their place comes from what their bytes say, never from where they
//! lay; they appear there whole or not at all.

use super::content::{Content, load};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use vatlas_symbols::{FileKind, Identity, identity::FileIdentity, store_key::StoreKey};
use vatlas_targets::FileBytes;

/// Beginnings of files that should have symbols, or an identity.
const KNOWN: [&[u8]; 4] = [b"Microsoft C/C++ ", b"MZ", b"MODULE ", b"MSCF"];

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Imported {
    /// It is in the store now.
    TakenIn(StoreKey),
    /// The same bytes were there.
    Already(StoreKey),
    /// Other bytes of the same identity are there, and were kept.
    Kept(StoreKey),
    /// It is a symbol file that no store has a place for; why.
    NoPlace(String),
    /// It is no symbol file; what it is.
    NoSymbols(String),
    /// It cannot be read, or not be written to the store; why.
    Failed(String),
}

/// Takes a file into a store.
pub fn import(path: &Path, store: &Path) -> Imported {
    let (bytes, packed) = match load(path) {
        Ok(loaded) => loaded,
        Err(reason) => return Imported::Failed(reason),
    };
    let name = packed.or_else(|| Some(path.file_name()?.to_str()?.to_owned())).unwrap_or_default();
    let key = match key_of(&name, &bytes) {
        Ok(key) => key,
        Err(refused) => return refused,
    };
    match place(&key, store, &bytes) {
        Ok(true) => Imported::TakenIn(key),
        Ok(false) => Imported::Already(key),
        Err(None) => Imported::Kept(key),
        Err(Some(error)) => Imported::Failed(format!("cannot be written to the store: {}", crate::open::words(&error))),
    }
}

/// The place of a file by its content.
fn key_of(name: &str, bytes: &FileBytes) -> Result<StoreKey, Imported> {
    let content: &[u8] = (**bytes).as_ref();
    let read = Content::read("", bytes).map_err(|problem| {
        let reason = super::search::reason_of("", problem);
        match KNOWN.iter().any(|start| content.starts_with(start)) {
            true => Imported::Failed(reason),
            false => Imported::NoSymbols(reason),
        }
    })?;
    let unsafe_name = || Imported::NoPlace(format!("'{name}' cannot be the name of a file in a store"));
    let kind = read.files.first().map(|file| file.origin().kind);
    match (read.identity, kind) {
        (FileIdentity { identity: Some(Identity::TimeDateStamp(0)), size_of_image: Some(_) }, _) => {
            Err(Imported::NoPlace("this image has no time stamp, by which a store would keep it".to_owned()))
        }
        (FileIdentity { identity: Some(Identity::TimeDateStamp(stamp)), size_of_image: Some(size) }, _) => {
            StoreKey::of_image(name, stamp, size).ok_or_else(unsafe_name)
        }
        (FileIdentity { identity: Some(identity), .. }, Some(FileKind::Pdb)) => {
            StoreKey::of_pdb(name, &identity).ok_or_else(unsafe_name)
        }
        (FileIdentity { identity: Some(identity), .. }, Some(FileKind::Breakpad)) => {
            StoreKey::of_breakpad(&breakpad_name(content), &identity).ok_or_else(unsafe_name)
        }
        (_, Some(kind)) => Err(Imported::NoPlace(format!("a store has no place for a {kind}; give it with --symbols"))),
        (_, None) => Err(Imported::NoPlace("it does not say which build it belongs to".to_owned())),
    }
}

/// The name of the PDB in the first line of a Breakpad file: `MODULE system processor identity name`.
fn breakpad_name(content: &[u8]) -> String {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    line.trim_end().splitn(5, ' ').nth(4).unwrap_or_default().to_owned()
}

/// Puts bytes where the key says: whether they are new. `Err(None)` when other bytes of that identity are there.
fn place(key: &StoreKey, store: &Path, bytes: &FileBytes) -> Result<bool, Option<std::io::Error>> {
    let content: &[u8] = (**bytes).as_ref();
    let target = key.parts(false).iter().fold(store.to_owned(), |path, part| path.join(part));
    if let Ok((known, _)) = load(&target) {
        if (*known).as_ref() == content {
            return Ok(false);
        }
        // Half a file, of a run that was killed, has no identity: it is replaced.
        if key_of(key.file_name(), &known).as_ref() == Ok(key) {
            return Err(None);
        }
    }
    let folder = target.parent().unwrap_or(store);
    fs::create_dir_all(folder).map_err(Some)?;
    let part = part_name(folder);
    let written = write_whole(&part, content).and_then(|()| fs::rename(&part, &target));
    written.map(|()| true).map_err(|error| {
        // What was not finished is of no use; that it cannot be taken away changes nothing.
        let _ = fs::remove_file(&part);
        Some(error)
    })
}

/// A name in a folder that no other run and no other thread uses.
fn part_name(folder: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    folder.join(format!(".{}-{}.part", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let create = || fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match create() {
        // Of a run that was killed and had our number.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create()?
        }
        opened => opened?,
    };
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::cabinet::tests::deflated;
    use super::*;
    use tempfile::TempDir;
    use vatlas_fixtures::pe::{Image, Machine};

    fn pdb() -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/symbols/counters/counters-x64.pdb");
        fs::read(path).unwrap()
    }

    fn image() -> Vec<u8> {
        Image::new(Machine::I386, 0x40_0000).section(".text", 0x6000_0020, vec![0xcc; 16], 0).file()
    }

    fn folder(name: &str, bytes: &[u8]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        folder
    }

    /// Imports a file: where it is now, or why not.
    fn check(name: &str, bytes: &[u8], expected: &str) {
        let source = folder(name, bytes);
        let told = match import(&source.path().join(name), &source.path().join("store")) {
            Imported::TakenIn(key) => {
                assert!(source.path().join("store").join(key.path()).is_file());
                key.path()
            }
            other => format!("{other:?}"),
        };
        assert_eq!(told, expected);
    }

    fn pdb_key(name: &str) -> String {
        let Ok(key) = key_of(name, &(std::sync::Arc::new(pdb()) as FileBytes)) else { panic!("no key") };
        key.path()
    }

    #[test]
    fn the_content_says_where_a_file_goes() {
        let key = pdb_key("counters.pdb");
        assert!(key.starts_with("counters.pdb/") && key.ends_with("1/counters.pdb"), "{key}");
        check("counters.pdb", &pdb(), &key);
        check("counters.pd_", &deflated("counters.pdb", &pdb()), &key);
        check("small.exe", &image(), "small.exe/480000002000/small.exe");
        let sym = b"MODULE windows x86 00112233445566778899AABBCCDDEEFFa app.pdb\nPUBLIC 1000 0 f\n";
        check("whatever", sym, "app.pdb/00112233445566778899AABBCCDDEEFFa/app.sym");
    }

    #[test]
    fn hostile_names_and_other_files_are_refused() {
        let sym = b"MODULE windows x86 00112233445566778899AABBCCDDEEFFa ..\nPUBLIC 1000 0 f\n";
        check("x.sym", sym, "NoPlace(\"'x.sym' cannot be the name of a file in a store\")");
        let sym = b"MODULE windows x86 00112233445566778899AABBCCDDEEFFa ../../a.pdb\nPUBLIC 1000 0 f\n";
        check("x.sym", sym, "a.pdb/00112233445566778899AABBCCDDEEFFa/a.sym");
        check("x.pd_", &deflated("../../x.pdb", &pdb()), &pdb_key("x.pdb"));
        let map = b" a\n\n Timestamp is 49f00000 (x)\n\n Preferred load address is 00400000\n";
        check("a.map", map, "NoPlace(\"a store has no place for a linker map; give it with --symbols\")");
        let told = "NoSymbols(\"holds no symbols that can be read: it is a ZIP archive; unpack it first\")";
        check("a.zip", b"PK\x03\x04", told);
        let half = pdb();
        let source = folder("half.pdb", &half[..half.len() / 2]);
        let outcome = import(&source.path().join("half.pdb"), &source.path().join("store"));
        assert!(matches!(outcome, Imported::Failed(_)), "{outcome:?}");
    }

    #[test]
    fn what_is_there_is_not_written_again() {
        let source = folder("counters.pdb", &pdb());
        let (file, store) = (source.path().join("counters.pdb"), source.path().join("store"));
        let Imported::TakenIn(key) = import(&file, &store) else { panic!("not taken in") };
        assert_eq!(import(&file, &store), Imported::Already(key.clone()));
        let target = store.join(key.path());
        let longer = [pdb(), vec![0; 4096]].concat();
        fs::write(&target, &longer).unwrap();
        assert_eq!(import(&file, &store), Imported::Kept(key.clone()));
        assert_eq!(fs::read(&target).unwrap(), longer);
        fs::write(&target, &longer[..100]).unwrap();
        assert_eq!(import(&file, &store), Imported::TakenIn(key));
        assert_eq!(fs::read(&target).unwrap(), pdb());
    }

    #[test]
    fn many_at_a_time_leave_one_whole_file() {
        let source = folder("counters.pdb", &pdb());
        let (file, store) = (source.path().join("counters.pdb"), source.path().join("store"));
        let import = || import(&file, &store);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(import)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let is_good = |outcome: &Imported| matches!(outcome, Imported::TakenIn(_) | Imported::Already(_));
        assert!(outcomes.iter().all(is_good), "{outcomes:?}");
        let target = store.join(pdb_key("counters.pdb"));
        assert_eq!(fs::read(&target).unwrap(), pdb());
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1, "no parts are left");
    }
}

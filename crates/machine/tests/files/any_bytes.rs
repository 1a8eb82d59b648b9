//! Whatever a guest asks: no panic, no endless loop, and the volume's bytes stay what was written.

use crate::support::{files, units};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use std::cell::RefCell;
use std::rc::Rc;
use vatlas_machine::files::{
    CreateRequest, DirectoryQuery, FileHandle, Files, LockRange, ObjectName, PipeRequest, SectionUse, matches,
    section_file,
};
use vatlas_machine::memory::IdentifiedFile;

#[derive(Clone, Debug)]
enum Call {
    Create(Vec<u16>, CreateRequest, Option<usize>),
    CreatePipe(Vec<u16>, CreateRequest, [u32; 6]),
    On(usize, Use),
}

/// A call on a handle.
#[derive(Clone, Debug)]
enum Use {
    Read(Option<i64>, u32),
    Write(Option<i64>, Vec<u8>),
    Query(u32, u32),
    Set(u32, Vec<u8>, Option<usize>),
    Directory(u32, u32, [bool; 2], Option<Vec<u16>>),
    Control(u32, Vec<u8>, u32),
    Lock([u64; 2], bool),
    Map(bool),
    Close(bool),
}

fn names() -> impl Strategy<Value = Vec<u16>> {
    let known = ["a", "A\\b", "a\\b\\c", "windows\\system32\\ntdll.dll", "program.exe", "", "b*", "x."];
    let on_disk = proptest::sample::select(known.to_vec()).prop_map(|name| units(&format!("\\??\\C:\\{name}")));
    let others = ["\\??\\PIPE\\p", "\\??\\PIPE\\", "\\??\\NUL", "\\??\\CONIN$", "\\??\\C:", "a", "b", ""];
    let others = proptest::sample::select(others.to_vec()).prop_map(units);
    prop_oneof![6 => on_disk, 3 => others, 1 => vec(any::<u16>(), 0..20)]
}

fn requests() -> impl Strategy<Value = CreateRequest> {
    let access = prop_oneof![Just(0xc011_0000_u32), Just(0x200_0000), any::<u32>()];
    let options = prop_oneof![Just(0x60_u32), Just(0x21), Just(0x1020), 0_u32..0x2000];
    (access, 0_u32..0x40, 0_u32..9, 0_u32..7, options).prop_map(|(access, attributes, share, disposition, options)| {
        CreateRequest { access, attributes, share, disposition, options }
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..60), vec(prop_oneof![Just(0_u8), Just(1), Just(b'b')], 0..60)]
}

fn offsets() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), (-3_i64..5000).prop_map(Some), any::<i64>().prop_map(Some)]
}

fn uses() -> impl Strategy<Value = Use> {
    let class = 0_u32..40;
    let codes = proptest::sample::select(vec![0x11_0004_u32, 0x11_0008, 0x11_400c, 0x11_0018, 0]);
    let pattern = proptest::option::of(vec(0x20_u16..0x80, 0..9));
    prop_oneof![
        2 => (offsets(), any::<u32>()).prop_map(|(a, b)| Use::Read(a, b)),
        2 => (offsets(), bytes()).prop_map(|(a, b)| Use::Write(a, b)),
        1 => (class.clone(), any::<u32>()).prop_map(|(a, b)| Use::Query(a, b)),
        2 => (class.clone(), bytes(), proptest::option::of(0_usize..6)).prop_map(|(a, b, c)| Use::Set(a, b, c)),
        1 => (class, 0_u32..300, any::<[bool; 2]>(), pattern).prop_map(|(a, b, c, d)| Use::Directory(a, b, c, d)),
        1 => (codes, bytes(), 0_u32..99).prop_map(|(a, b, c)| Use::Control(a, b, c)),
        1 => (any::<[u64; 2]>(), any::<bool>()).prop_map(|(a, b)| Use::Lock(a, b)),
        1 => any::<bool>().prop_map(Use::Map),
        2 => any::<bool>().prop_map(Use::Close),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let root = proptest::option::of(0_usize..6);
    prop_oneof![
        4 => (names(), requests(), root).prop_map(|(a, b, c)| Call::Create(a, b, c)),
        1 => (names(), requests(), proptest::array::uniform6(0_u32..20)).prop_map(|(a, b, c)| Call::CreatePipe(a, b, c)),
        12 => (0_usize..6, uses()).prop_map(|(a, b)| Call::On(a, b)),
    ]
}

type Shared = Rc<RefCell<Files>>;

/// What the calls have made so far.
#[derive(Default)]
struct Open {
    handles: Vec<FileHandle>,
    mapped: Vec<IdentifiedFile>,
}

/// Does a call; handles that it makes are kept.
fn act(shared: &Shared, open: &mut Open, call: Call) {
    let handles = &open.handles;
    let made = match call {
        Call::Create(name, request, root) => {
            let root = root.and_then(|place| handles.get(place)).map(|root| root.file);
            shared.borrow_mut().create(ObjectName { root, name: &name }, &request)
        }
        Call::CreatePipe(name, create, n) => {
            let (most_instances, inbound_quota, outbound_quota, timeout) = (n[3], n[4], n[5], None);
            let (pipe_type, read_mode, completion_mode) = (n[0] / 9, n[1] / 9, n[2] / 9);
            #[rustfmt::skip]
            let request = PipeRequest { create, pipe_type, read_mode, completion_mode, most_instances, inbound_quota,
                outbound_quota, timeout };
            shared.borrow_mut().create_pipe(ObjectName { root: None, name: &name }, &request)
        }
        Call::On(place, call) => return act_on(shared, open, place, call),
    };
    open.handles.extend(made.map(|made| FileHandle { file: made.file, granted: made.granted }));
}

fn act_on(shared: &Shared, Open { handles, mapped }: &mut Open, place: usize, call: Use) {
    let Some(file) = handles.get(place).copied() else { return };
    if let Use::Map(is_image) = call {
        let as_what = if is_image { SectionUse::Image } else { SectionUse::Data };
        mapped.extend(section_file(shared, file.file, as_what));
        return;
    }
    let files = &mut *shared.borrow_mut();
    let most = |length: u32| move |bytes: usize| assert!(bytes <= length as usize);
    match call {
        Use::Read(offset, length) => {
            let _ = files.read(file, offset, length).map(|answer| most(length)(answer.bytes.len()));
        }
        Use::Write(offset, bytes) => {
            let _ = files.write(file, offset, &bytes).map(|written| assert!(written.bytes as usize <= bytes.len()));
        }
        Use::Query(class, length) => {
            let _ = files.query_information(file, class, length).map(|answer| most(length)(answer.bytes.len()));
            let _ = files.query_volume(file, class, length).map(|answer| most(length)(answer.bytes.len()));
        }
        Use::Set(class, bytes, root) => {
            let root = root.and_then(|place| handles.get(place)).map(|root| root.file);
            let _ = files.set_information(file, class, &bytes, root);
        }
        Use::Directory(class, length, [is_single, restarts], pattern) => {
            let query = DirectoryQuery { class, length, is_single, restarts, pattern: pattern.as_deref() };
            let _ = files.query_directory(file, &query).map(|answer| most(length)(answer.bytes.len()));
        }
        Use::Control(code, input, length) => {
            let _ = files.control(file, code, &input, length);
            let _ = files.wait_timeout(&input);
        }
        Use::Lock([offset, length], is_exclusive) => {
            let _ = files.lock(file, LockRange { offset, length, key: 0 }, is_exclusive);
        }
        Use::Map(_) => {}
        Use::Close(true) => {
            files.close(file.file);
            handles.retain(|other| other.file != file.file);
        }
        Use::Close(false) => files.cleanup(file.file),
    }
}

proptest! {
    #[test]
    fn any_calls(calls in vec(calls(), 0..60)) {
        let files = Rc::new(RefCell::new(files()));
        let mut open = Open::default();
        for call in calls {
            act(&files, &mut open, call);
        }
        for handle in open.handles {
            files.borrow_mut().close(handle.file);
        }
        drop(open.mapped);
        // Nothing is open any more: no file object, no file.
        assert_eq!(format!("{:?}", files.borrow()), "0 file objects of 0 files");
    }

    #[test]
    fn a_pattern_fits_as_a_slow_matcher_says(pattern in "[ab.*?]{0,7}", name in "[ab.]{0,7}") {
        assert_eq!(matches(&units(&pattern), &units(&name)), slow(pattern.as_bytes(), name.as_bytes()));
    }
}

/// `*` and `?` by trying everything.
fn slow(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, _) => name.is_empty(),
        (Some((b'*', rest)), None) => slow(rest, name),
        (Some((b'*', rest)), Some((_, shorter))) => slow(rest, name) || slow(pattern, shorter),
        (Some((b'?', rest)), Some((_, shorter))) => slow(rest, shorter),
        (Some((wanted, rest)), Some((letter, shorter))) => wanted == letter && slow(rest, shorter),
        (Some(_), None) => false,
    }
}

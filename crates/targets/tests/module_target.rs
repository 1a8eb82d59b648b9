//! An image file by its addresses, without a process.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own file fails")]

use std::sync::Arc;
use vatlas_fixtures::pe::{Image, Machine};
use vatlas_space::{FileOffset, LayoutName, ProcessIndex, Protection, RegionState, Store, Target, Va};
use vatlas_targets::{ModuleFacts, ModuleTarget};

const BASE: u64 = 0x40_0000;

fn file() -> Vec<u8> {
    let image = Image::new(Machine::I386, BASE).section(".text", 0x6000_0020, vec![0xc3; 0x123], 0);
    image.section(".data", 0xc000_0040, b"initial".to_vec(), 0x1800).file()
}

fn open(base: Option<u64>) -> ModuleTarget {
    let facts = ModuleFacts { base: base.map(Va), ..ModuleFacts::default() };
    ModuleTarget::of_image("app.exe", Arc::new(file()), &facts).unwrap()
}

fn check(va: u64, state: RegionState, protection: Option<Protection>, bytes: Option<&[u8]>) {
    let target = open(None);
    let space = target.space(ProcessIndex(0)).unwrap();
    let region = space.region(Va(va));
    assert!(region.range.contains(Va(va)));
    assert_eq!((region.state, region.protection), (state, protection), "{va:#x}");
    let backing = space.backing(Va(va));
    assert!(backing.range.contains(Va(va)), "{va:#x}: {backing:?}");
    assert_eq!(backing.store.is_readable(), bytes.is_some());
    let mut buffer = [0; 4];
    let read = space.read_within(Va(va), &mut buffer);
    assert_eq!(read.ok().map(|count| &buffer[..count]), bytes, "{va:#x}");
}

#[test]
fn addresses_have_the_bytes_that_a_loader_starts_from() {
    use RegionState::{Committed, Unknown};
    check(BASE, Committed, Some(Protection::READONLY), Some(b"MZ\x90\0"));
    check(BASE + 0x1120, Committed, Some(Protection::EXECUTE_READ), Some(&[0xc3; 3]));
    check(BASE + 0x1200, Committed, None, None);
    check(BASE + 0x2000, Committed, Some(Protection::WRITECOPY), Some(b"init"));
    check(BASE + 0x37ff, Committed, Some(Protection::WRITECOPY), None);
    check(BASE - 1, Unknown, None, None);
    check(BASE + 0x10_0000, Unknown, None, None);
    check(u64::MAX, Unknown, None, None);
}

#[test]
fn the_whole_space_is_answered_without_a_gap() {
    let target = open(None);
    let space = target.space(ProcessIndex(0)).unwrap();
    let regions: Vec<_> = space.regions_from(Va(0)).take(100).collect();
    assert_eq!(regions.last().unwrap().range.last(), Va(u64::MAX));
    for pair in regions.windows(2) {
        assert_eq!(pair[0].range.next(), Some(pair[1].range.first()));
    }
}

#[test]
fn an_image_somewhere_else_moves_with_its_base() {
    let target = open(Some(0x1000_0000));
    let space = target.space(ProcessIndex(0)).unwrap();
    let mut buffer = [0; 2];
    assert_eq!(space.read_within(Va(0x1000_1000), &mut buffer), Ok(2));
    assert_eq!(buffer, [0xc3; 2]);
    // Its variables may hold addresses that the loader would change; without its relocations nothing is told.
    assert!(space.read_within(Va(0x1000_2000), &mut buffer).is_err());
    assert!(matches!(space.backing(Va(0x1000_1000)).store, Store::Captured(FileOffset(0x200..=0x400))));
}

#[test]
fn symbols_alone_have_addresses_and_no_bytes() {
    let facts = ModuleFacts { base: Some(Va(0x1_0000)), machine: None, layout: Some(LayoutName::Ce5) };
    let target = ModuleTarget::of_symbols("app.map", &facts);
    let module = &target.processes()[0].modules[0];
    // A module of Windows CE up to 5 does not leave its slot.
    assert_eq!((module.range.first(), module.range.last()), (Va(0x1_0000), Va(0x1ff_ffff)));
    let space = target.space(ProcessIndex(0)).unwrap();
    assert_eq!(space.region(Va(0x1_1000)).state, RegionState::Unknown);
    assert!(space.read_within(Va(0x1_1000), &mut [0]).is_err());
    assert!(ModuleTarget::of_image("x", Arc::new(b"MZ".to_vec()), &ModuleFacts::default()).is_err());
}

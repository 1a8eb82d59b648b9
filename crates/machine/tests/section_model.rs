//! Random calls and accesses of two processes to views of an image, of a data file and of the page file, against a
//! model that knows only pages, protections and bytes.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/files.rs"]
mod files;
#[path = "support/system.rs"]
mod system;

use files::{TestFile, program, view};
use proptest::prelude::*;
use std::collections::BTreeMap;
use system::{PAGE, System};
use vatlas_machine::memory::{AddressLimits, FileIdentity, SEC_COMMIT, Section};
use vatlas_machine::{NtStatus, SpaceIndex};

/// What is mapped: base, pages, protection of the view.
const VIEWS: [(u64, u64, u32); 4] = [(0x40_0000, 8, 0x20), (0x50_0000, 16, 4), (0x54_0000, 16, 8), (0x58_0000, 16, 4)];
const IMAGE: usize = 0;
const PRIVATE_FILE: usize = 2;
/// Protections of the pages of the image.
const IMAGE_PAGES: [u32; 8] = [2, 0x20, 0x20, 2, 8, 8, 8, 4];

#[derive(Clone, Debug)]
enum Action {
    Map(usize),
    Unmap(usize),
    Switch,
    Protect(usize, u64, u64, u32),
    Write(usize, u64, u8),
    Read(usize, u64),
    Lock(usize, u64),
    Trim(u32),
    WriteOut(u32),
    Flush,
    Disk(bool),
    File(bool),
}

fn actions() -> impl Strategy<Value = Action> {
    let protection = prop::sample::select(vec![4_u32, 4, 2, 1, 0x104]);
    let place = (0..4_usize, 0..16_u64).prop_map(|(view, page)| (view, page % VIEWS[view].1));
    prop_oneof![
        3 => (0..4_usize).prop_map(Action::Map),
        1 => (0..4_usize).prop_map(Action::Unmap),
        3 => Just(Action::Switch),
        2 => (place.clone(), 1..5_u64, protection).prop_map(|((v, a), n, p)| Action::Protect(v, a, n.min(VIEWS[v].1 - a), p)),
        12 => (place.clone(), any::<u8>()).prop_map(|((v, a), value)| Action::Write(v, a, value)),
        12 => place.clone().prop_map(|(v, a)| Action::Read(v, a)),
        1 => place.prop_map(|(v, a)| Action::Lock(v, a)),
        1 => (0..40_u32).prop_map(Action::Trim),
        1 => (0..40_u32).prop_map(Action::WriteOut),
        1 => Just(Action::Flush),
        1 => any::<bool>().prop_map(Action::Disk),
        1 => any::<bool>().prop_map(Action::File),
    ]
}

/// A page of a mapped view.
#[derive(Clone, Copy)]
struct Page {
    protection: u32,
    is_private: bool,
}

/// Where the bytes of a page are: the file of the data views is one.
type Place = (Option<usize>, usize, u64);

struct Model {
    spaces: [SpaceIndex; 2],
    current: usize,
    sections: [Section; 4],
    files: [TestFile; 2],
    pages: [BTreeMap<(usize, u64), Page>; 2],
    bytes: BTreeMap<Place, Vec<u8>>,
}

impl Model {
    fn new(system: &mut System) -> Self {
        let files = [TestFile::new(1, program()), TestFile::new(2, vec![0xaa; 0xf800])];
        let other = system.memory.create_space(&mut system.ram, AddressLimits::TWO_GB).unwrap();
        let sections = [
            system.image(&files[0]),
            system.data(&files[1], 4),
            system.data(&files[1], 2),
            system.section(None, (0x1_0000, 4, SEC_COMMIT)).unwrap(),
        ];
        let spaces = [system.space, other];
        Self { spaces, current: 0, sections, files, pages: Default::default(), bytes: BTreeMap::new() }
    }

    fn place(&self, view: usize, page: u64) -> Place {
        let owner = self.pages[self.current].get(&(view, page)).filter(|page| page.is_private).map(|_| self.current);
        (owner, if view == PRIVATE_FILE && owner.is_none() { 1 } else { view }, page)
    }

    /// The bytes of a page now.
    fn expected(&self, view: usize, page: u64) -> Vec<u8> {
        let place = self.place(view, page);
        self.bytes.get(&place).cloned().unwrap_or_else(|| self.first(place.1, page))
    }

    /// The bytes of a page that nobody wrote.
    fn first(&self, view: usize, page: u64) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let (from, count) = match (view, page) {
            (0, 0) => (0, 0x400),
            (0, 1) => (0x400, 0x1000),
            (0, 2) => (0x1400, 0x800),
            (0, 3) => (0x1c00, 0x200),
            (0, 4) => (0x1e00, 0x1000),
            (0, 7) => (0x2e00, 0x200),
            (1 | 2, 15) => return [vec![0xaa; 0x800], vec![0; 0x800]].concat(),
            (1 | 2, _) => return vec![0xaa; 4096],
            _ => return bytes,
        };
        bytes[..count].copy_from_slice(&program()[from..from + count]);
        bytes
    }

    /// What an access ends in; a guard page is none any more, a written page may become private.
    fn touch(&mut self, view: usize, at: u64, is_write: bool) -> Result<(), NtStatus> {
        let before = self.expected(view, at);
        let Some(page) = self.pages[self.current].get_mut(&(view, at)) else { return Err(NtStatus::ACCESS_VIOLATION) };
        if page.protection & 0x100 != 0 {
            page.protection &= 0xff;
            return Err(NtStatus::GUARD_PAGE_VIOLATION);
        }
        match (page.protection, is_write) {
            (1, _) | (2 | 0x20, true) => Err(NtStatus::ACCESS_VIOLATION),
            (8 | 0x80, true) => {
                *page = Page { protection: page.protection / 2, is_private: true };
                let place = self.place(view, at);
                self.bytes.insert(place, before);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn map(&mut self, system: &mut System, view_number: usize) {
        let (base, count, protection) = VIEWS[view_number];
        let is_mapped = self.pages[self.current].contains_key(&(view_number, 0));
        let result = system.map(&self.sections[view_number], &view(base, protection));
        if is_mapped {
            return assert_eq!(result, Err(NtStatus::CONFLICTING_ADDRESSES));
        }
        assert_eq!(result.unwrap().status, NtStatus::SUCCESS);
        for page in 0..count {
            let protection = if view_number == IMAGE { IMAGE_PAGES[page as usize] } else { protection };
            self.pages[self.current].insert((view_number, page), Page { protection, is_private: false });
        }
    }

    fn unmap(&mut self, system: &mut System, view: usize) {
        let is_mapped = self.pages[self.current].contains_key(&(view, 0));
        assert_eq!(system.unmap(VIEWS[view].0).is_ok(), is_mapped);
        let current = self.current;
        self.bytes.retain(|(owner, other, _), _| *owner != Some(current) || *other != view);
        self.pages[current].retain(|(other, _), _| *other != view);
    }

    fn protect(&mut self, system: &mut System, view: usize, (first, count): (u64, u64), protection: u32) {
        let result = system.protect(VIEWS[view].0 + first * PAGE, (count * PAGE) as u32, protection);
        let Some(page) = self.pages[self.current].get(&(view, first)) else {
            return assert_eq!(result, Err(NtStatus::CONFLICTING_ADDRESSES));
        };
        assert_eq!(result, Ok(page.protection));
        for at in first..first + count {
            let page = self.pages[self.current].get_mut(&(view, at)).unwrap();
            let is_copied = (view == IMAGE || view == PRIVATE_FILE) && !page.is_private;
            page.protection = if is_copied && protection & 4 != 0 {
                ((protection * 2) & 0xff) | (protection & 0x100)
            } else {
                protection
            };
        }
    }

    fn write(&mut self, system: &mut System, view: usize, page: u64, value: u8) {
        let result = system.write(VIEWS[view].0 + page * PAGE, &[value; 4096]).map_err(|failure| failure.status);
        if result == Err(NtStatus::IN_PAGE_ERROR) {
            return assert!(self.is_broken(system));
        }
        assert_eq!(result, self.touch(view, page, true), "write {view} {page}");
        if result.is_ok() {
            let place = self.place(view, page);
            self.bytes.insert(place, vec![value; 4096]);
        }
    }

    fn read(&mut self, system: &mut System, view: usize, page: u64) {
        match system.read(VIEWS[view].0 + page * PAGE, 4096).map_err(|failure| failure.status) {
            Err(NtStatus::IN_PAGE_ERROR) => assert!(self.is_broken(system)),
            Ok(found) => {
                assert_eq!(self.touch(view, page, false), Ok(()));
                let mut expected = self.expected(view, page);
                // Behind the end of the file a page keeps what was written only as long as it stays in memory.
                if (view == 1 || view == PRIVATE_FILE) && page == 15 {
                    expected[0x800..].copy_from_slice(&found[0x800..]);
                }
                assert!(found == expected, "read {view} {page}: {:x?} {:x?}", &found[..4], &expected[..4]);
            }
            Err(status) => assert_eq!(self.touch(view, page, false), Err(status)),
        }
    }

    fn is_broken(&self, system: &System) -> bool {
        system.disk.borrow().write_error.is_some() || self.files[1].contents.borrow().write_error.is_some()
    }

    fn act(&mut self, system: &mut System, action: &Action) {
        let broken = |works: bool| (!works).then_some(NtStatus::DISK_FULL);
        match *action {
            Action::Map(view) => self.map(system, view),
            Action::Unmap(view) => self.unmap(system, view),
            Action::Switch => {
                self.current = 1 - self.current;
                system.switch(self.spaces[self.current]);
            }
            Action::Protect(view, first, count, protection) => self.protect(system, view, (first, count), protection),
            Action::Write(view, page, value) => self.write(system, view, page, value),
            Action::Read(view, page) => self.read(system, view, page),
            Action::Lock(view, page) => {
                let at = VIEWS[view].0 + page * PAGE;
                match system.lock(at, 0x1000) {
                    Err(NtStatus::GUARD_PAGE_VIOLATION) => drop(self.touch(view, page, false)),
                    Ok(()) => system.unlock(at, 0x1000).unwrap(),
                    Err(_) => {}
                }
            }
            Action::Trim(count) => drop(system.memory.trim_working_set(&mut system.ram, system.space, count)),
            Action::WriteOut(count) => drop(system.memory.write_modified_pages(&mut system.ram, count)),
            Action::Flush => drop(system.memory.flush_file(&mut system.ram, FileIdentity(2))),
            Action::Disk(works) => system.disk.borrow_mut().write_error = broken(works),
            Action::File(works) => self.files[1].contents.borrow_mut().write_error = broken(works),
        }
    }

    /// Everything goes away: the file has what was written, and nothing is left.
    fn finish(mut self, system: &mut System) {
        system.disk.borrow_mut().write_error = None;
        self.files[1].contents.borrow_mut().write_error = None;
        for (view, page) in (0..4).flat_map(|view| (0..VIEWS[view].1).map(move |page| (view, page))) {
            self.read(system, view, page);
        }
        system.check();
        for space in self.spaces {
            system.memory.delete_space(&mut system.ram, space);
        }
        for section in self.sections {
            system.memory.close_section(&mut system.ram, section);
        }
        system.check();
        assert_eq!((system.memory.areas().count(), system.memory.page_files()[0].used()), (0, 0));
        let file = &self.files[1].contents.borrow().bytes;
        for page in 0..16_usize {
            let written = self.bytes.get(&(None, 1, page as u64)).map_or(0xaa, |bytes| bytes[0]);
            let end = file.len().min((page + 1) * 4096);
            assert!(file[page * 4096..end].iter().all(|byte| *byte == written), "page {page} of the file");
        }
        assert_eq!(self.files[0].contents.borrow().bytes, program());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_page_is_what_the_model_says(actions in prop::collection::vec(actions(), 1..300)) {
        let mut system = System::new(80, (256, 256));
        let mut model = Model::new(&mut system);
        for view in 0..4 {
            model.map(&mut system, view);
        }
        for action in &actions {
            model.act(&mut system, action);
            system.check();
        }
        model.finish(&mut system);
    }
}

//! Random calls and accesses against a model that knows only pages, protections and bytes.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/system.rs"]
mod system;

use proptest::prelude::*;
use std::collections::BTreeMap;
use system::{COMMIT, PAGE, RESERVE, System};
use vatlas_machine::NtStatus;

/// Pages of one reservation, across two page tables.
const PAGES: u64 = 160;
const BASE: u64 = 0x103b_0000;

#[derive(Clone, Debug)]
enum Action {
    Commit(u64, u64, u32),
    Decommit(u64, u64),
    Protect(u64, u64, u32),
    Write(u64, u8),
    Read(u64),
    Lock(u64, u64),
    Unlock(u64, u64),
    Trim(u32),
    WriteOut(u32),
    Zero(u32),
    Disk(bool),
}

fn actions() -> impl Strategy<Value = Action> {
    let protection = prop::sample::select(vec![4_u32, 4, 4, 2, 1, 0x104]);
    let range = (0..PAGES, 1..40_u64).prop_map(|(first, count)| (first, count.min(PAGES - first)));
    prop_oneof![
        3 => (range.clone(), protection.clone()).prop_map(|((a, n), p)| Action::Commit(a, n, p)),
        1 => range.clone().prop_map(|(a, n)| Action::Decommit(a, n)),
        2 => (range.clone(), protection).prop_map(|((a, n), p)| Action::Protect(a, n, p)),
        12 => (0..PAGES, any::<u8>()).prop_map(|(a, v)| Action::Write(a, v)),
        12 => (0..PAGES).prop_map(Action::Read),
        1 => range.clone().prop_map(|(a, n)| Action::Lock(a, n.min(6))),
        1 => range.prop_map(|(a, n)| Action::Unlock(a, n.min(6))),
        1 => (0..20_u32).prop_map(Action::Trim),
        1 => (0..20_u32).prop_map(Action::WriteOut),
        1 => (0..20_u32).prop_map(Action::Zero),
        1 => any::<bool>().prop_map(Action::Disk),
    ]
}

/// Committed pages: protection, and the byte that all of it holds.
type Model = BTreeMap<u64, (u32, u8)>;

/// What an access to a page ends in; a guard page is one no more.
fn touch(model: &mut Model, page: u64, is_write: bool) -> Result<(), NtStatus> {
    match model.get_mut(&page) {
        Some((protection, _)) if *protection == 0x104 => {
            *protection = 4;
            Err(NtStatus::GUARD_PAGE_VIOLATION)
        }
        Some((4, _)) => Ok(()),
        Some((2, _)) if !is_write => Ok(()),
        _ => Err(NtStatus::ACCESS_VIOLATION),
    }
}

fn act(system: &mut System, model: &mut Model, action: &Action) {
    let at = |page: u64| BASE + page * PAGE;
    let bytes = |count: u64| (count * PAGE) as u32;
    match *action {
        Action::Commit(first, count, protection) => {
            let is_new = |page: &u64| !model.contains_key(page);
            let (fresh, room) = ((first..first + count).filter(is_new).count(), system.memory.commit());
            let left = room.limit() - room.charged();
            match system.allocate(at(first), bytes(count), COMMIT, protection) {
                Ok(_) => (first..first + count).for_each(|page| model.entry(page).or_default().0 = protection),
                Err(NtStatus::COMMITMENT_LIMIT) => assert!(fresh as u32 + 2 > left),
                Err(status) => assert!(status == NtStatus::NO_MEMORY && system.disk.borrow().write_error.is_some()),
            }
        }
        Action::Decommit(first, count) => {
            system.free(at(first), bytes(count), 0x4000).unwrap();
            model.retain(|page, _| !(first..first + count).contains(page));
        }
        Action::Protect(first, count, protection) => {
            let is_committed = (first..first + count).all(|page| model.contains_key(&page));
            let result = system.protect(at(first), bytes(count), protection);
            let expected = model.get(&first).filter(|_| is_committed).map(|(protection, _)| *protection);
            assert_eq!(result, expected.ok_or(NtStatus::NOT_COMMITTED));
            if is_committed {
                (first..first + count).for_each(|page| model.entry(page).or_default().0 = protection);
            }
        }
        Action::Write(page, value) => {
            let result = system.write(at(page), &[value; 4096]).map_err(|failure| failure.status);
            if result == Err(NtStatus::IN_PAGE_ERROR) {
                return assert!(system.disk.borrow().write_error.is_some());
            }
            assert_eq!(result, touch(model, page, true));
            if result.is_ok() {
                model.entry(page).or_default().1 = value;
            }
        }
        Action::Read(page) => match system.read(at(page), 4096).map_err(|failure| failure.status) {
            Err(NtStatus::IN_PAGE_ERROR) => assert!(system.disk.borrow().write_error.is_some()),
            Ok(found) => {
                assert_eq!(touch(model, page, false), Ok(()));
                assert!(found == [model[&page].1; 4096], "page {page}");
            }
            Err(status) => assert_eq!(touch(model, page, false), Err(status)),
        },
        Action::Lock(first, count) => {
            if let Err(NtStatus::GUARD_PAGE_VIOLATION) = system.lock(at(first), bytes(count)) {
                let guard = (first..first + count).find(|page| model.get(page).is_some_and(|(p, _)| *p == 0x104));
                model.entry(guard.unwrap()).or_default().0 = 4;
            }
        }
        Action::Unlock(first, count) => drop(system.unlock(at(first), bytes(count))),
        Action::Trim(count) => drop(system.memory.trim_working_set(&mut system.ram, system.space, count)),
        Action::WriteOut(count) => drop(system.memory.write_modified_pages(&mut system.ram, count)),
        Action::Zero(count) => drop(system.memory.zero_free_pages(&mut system.ram, count)),
        Action::Disk(works) => system.disk.borrow_mut().write_error = (!works).then_some(NtStatus::DISK_FULL),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_page_is_what_the_model_says(is_committed: bool, actions in prop::collection::vec(actions(), 1..300)) {
        let mut system = System::new(96, (128, 128));
        let mut model = Model::new();
        let kind = if is_committed { RESERVE | COMMIT } else { RESERVE };
        let (base, _) = system.allocate(BASE, (PAGES * PAGE) as u32, kind, 4).unwrap();
        prop_assert_eq!(base, BASE);
        if is_committed {
            model.extend((0..PAGES).map(|page| (page, (4, 0))));
        }
        for action in &actions {
            act(&mut system, &mut model, action);
            system.check();
        }
        system.disk.borrow_mut().write_error = None;
        for page in 0..PAGES {
            act(&mut system, &mut model, &Action::Read(page));
        }
    }
}

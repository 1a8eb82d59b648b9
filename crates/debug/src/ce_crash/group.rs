//! Crashes that agree, grouped and counted; what the log says about how they went on.

use super::{CrashContext, CrashExplanation, explain_crash};
use std::collections::{HashMap, VecDeque};
use vatlas_space::{CrashField, CrashForm, CrashText, LogNote, PrintedModule, TextPlace};

/// Places, threads and addresses that a group keeps.
const KEPT: usize = 16;

/// Groups that are kept; crashes of further ones are counted only.
const MOST_GROUPS: usize = 4096;

/// Crashes that a later line may belong to.
const RECENT: usize = 16;

/// Crashes that agree in kind, process, PC, RA and fault status.
#[derive(Clone, PartialEq, Debug)]
pub struct CrashGroup {
    /// The first of them.
    pub first: CrashText,
    /// The first explained.
    pub explanation: CrashExplanation,
    /// How many.
    pub count: u64,
    /// Where the first ones stand.
    pub places: Vec<TextPlace>,
    /// Different bad addresses, at most 16.
    pub bad_addresses: Vec<u32>,
    /// Different threads, at most 16.
    pub threads: Vec<u32>,
    /// Of how many the log says that no handler took them: the thread was ended.
    pub not_handled: u64,
    /// How many were raised again in the kernel right behind.
    pub raised_again: u64,
    /// How many are such second reports of the crash before.
    pub repeats: u64,
}

/// What agrees: kind, number, process, PC, RA, fault status.
type Key = (Option<String>, Option<i64>, String, String, String, Option<u32>);

/// A crash that a later line may belong to.
#[derive(Clone, Debug)]
struct Recent {
    group: usize,
    thread: Option<u32>,
    structure: Option<u32>,
    process: Option<u32>,
    pc: Option<u32>,
    is_settled: bool,
}

/// The crashes of a log, in groups, in the order of their first ones.
#[derive(Clone, Debug, Default)]
pub struct CrashGroups {
    groups: Vec<CrashGroup>,
    by_key: HashMap<Key, usize>,
    recent: VecDeque<Recent>,
    count: u64,
}

impl CrashGroups {
    /// The groups.
    pub fn groups(&self) -> &[CrashGroup] {
        &self.groups
    }

    /// Crashes of all groups, and of those that were not kept.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a crash; the number of its group, unless there are too many, and whether the group is new.
    pub fn add(&mut self, crash: &CrashText, context: &CrashContext<'_>) -> Option<(usize, bool)> {
        self.count += 1;
        let repeated = self.raised_again(crash);
        let key = key(crash);
        let known = self.by_key.get(&key).copied();
        let is_new = known.is_none();
        let index = match known {
            Some(index) => index,
            None if self.groups.len() < MOST_GROUPS => {
                self.by_key.insert(key, self.groups.len());
                self.groups.push(new_group(crash, context));
                self.groups.len() - 1
            }
            None => return None,
        };
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        // How the second report goes on is how the crash itself does.
        self.recent.push_back(recent(repeated.unwrap_or(index), crash));
        let group = self.groups.get_mut(index)?;
        group.count += 1;
        group.repeats += u64::from(repeated.is_some());
        keep(&mut group.places, crash.place);
        crash.value("BVA").into_iter().for_each(|va| keep(&mut group.bad_addresses, va));
        thread(crash).into_iter().for_each(|thread| keep(&mut group.threads, thread.value));
        Some((index, is_new))
    }

    /// Explains all groups with what is known now: a log may list its processes behind its crashes.
    pub fn explain_again(&mut self, context: &CrashContext<'_>) {
        for group in &mut self.groups {
            group.explanation = explain_crash(&group.first, context);
        }
    }

    /// Takes a line that says how a crash went on.
    pub fn note(&mut self, note: &LogNote) {
        let belongs = |recent: &Recent| match note {
            LogNote::Boot { .. } => false,
            LogNote::NotHandled => true,
            LogNote::TerminatingThread { thread } => {
                recent.structure == Some(*thread) || (recent.structure.is_none() && recent.thread == Some(*thread))
            }
            LogNote::SecondaryThread { process, address, .. } => {
                recent.process == Some(*process) && recent.pc == Some(*address)
            }
        };
        let Some(recent) = self.recent.iter_mut().rev().find(|recent| belongs(recent)) else { return };
        // Several lines tell the end of one thread.
        if !std::mem::replace(&mut recent.is_settled, true) {
            let group = self.groups.get_mut(recent.group);
            group.into_iter().for_each(|group| group.not_handled += 1);
        }
    }

    /// The group of the crash before, when this is its second report: CE 6 raises in its kernel again what failed in a process.
    fn raised_again(&mut self, crash: &CrashText) -> Option<usize> {
        let last = self.recent.back()?;
        let same = thread(crash).is_some_and(|thread| Some(thread.value) == last.thread);
        if crash.form != CrashForm::Ce6 || !crash.is_raised() || !same {
            return None;
        }
        let group = self.groups.get_mut(last.group).filter(|group| !group.first.is_raised())?;
        group.raised_again += 1;
        Some(last.group)
    }
}

fn new_group(crash: &CrashText, context: &CrashContext<'_>) -> CrashGroup {
    CrashGroup {
        first: crash.clone(),
        explanation: explain_crash(crash, context),
        count: 0,
        places: Vec::new(),
        bad_addresses: Vec::new(),
        threads: Vec::new(),
        not_handled: 0,
        raised_again: 0,
        repeats: 0,
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.len() < KEPT && !list.contains(&item) {
        list.push(item);
    }
}

fn thread(crash: &CrashText) -> Option<&CrashField> {
    crash.field("Thread").or_else(|| crash.field("Thread-Id"))
}

fn recent(group: usize, crash: &CrashText) -> Recent {
    let thread = thread(crash);
    Recent {
        group,
        thread: thread.map(|field| field.value),
        structure: thread.and_then(|field| field.structure),
        process: crash.value("Proc-Id").or_else(|| crash.value("Proc")),
        pc: crash.pc().map(|field| field.value),
        is_settled: false,
    }
}

fn key(crash: &CrashText) -> Key {
    // A module may lie elsewhere after the next start of the device: module and offset agree, the address does not.
    let site = |field: Option<&CrashField>| match field {
        None => String::new(),
        Some(CrashField { module: Some(PrintedModule::Inside { module, offset }), .. }) => {
            format!("{}+{offset:x}", module.to_ascii_lowercase())
        }
        Some(field) => format!("{:x}", field.value),
    };
    let process = crash.process().unwrap_or_default().to_ascii_lowercase();
    let status = crash.value("FSR").filter(|_| !crash.is_raised());
    (crash.kind.clone(), crash.number, process, site(crash.pc()), site(crash.field("RA")), status)
}

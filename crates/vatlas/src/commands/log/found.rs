//! What was found in a log besides its crashes, kept within bounds.

use vatlas_debug::ce_crash::CrashGroups;
use vatlas_images::ce_log::{LogItem, LogParser, MemoryItem};
use vatlas_rules::{
    ListedProcess, ModuleList,
    ce::slot::{offset_of, slot_of},
};
use vatlas_space::{LogNote, Problem, Severity, TextPlace, Va};

/// Remarks, listings and problems that are kept; further ones are counted.
const KEPT: usize = 1000;

/// Everything found so far.
pub struct Found {
    /// The parser.
    pub parser: LogParser,
    /// The crashes.
    pub groups: CrashGroups,
    /// Remarks of the system.
    pub notes: Vec<(LogNote, TextPlace)>,
    /// Memory listings.
    pub memory: Vec<MemoryItem>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Things that were not kept.
    pub left_out: u64,
    /// The user's list, and the processes that the log itself lists.
    pub list: ModuleList,
}

impl Found {
    /// Nothing yet.
    pub fn new(list: ModuleList) -> Self {
        Self {
            parser: LogParser::new(),
            groups: CrashGroups::default(),
            notes: Vec::new(),
            memory: Vec::new(),
            problems: Vec::new(),
            left_out: 0,
            list,
        }
    }

    /// Adds what is no crash.
    pub fn add(&mut self, item: LogItem) {
        match item {
            LogItem::Crash(_) => {}
            LogItem::Note(note, place) => {
                self.groups.note(&note);
                self.left_out += keep(&mut self.notes, (note, place));
            }
            LogItem::Memory(item) => {
                self.learn(&item);
                self.left_out += keep(&mut self.memory, item);
            }
            LogItem::Problem(problem) => self.left_out += keep(&mut self.problems, problem),
        }
    }

    /// A memory listing says which process lives in which slot. What the user says goes before it.
    fn learn(&mut self, item: &MemoryItem) {
        let MemoryItem::Process(process) = item else { return };
        let Some(base) = process.base.map(|base| Va(base.into())) else { return };
        let slot = slot_of(base).filter(|slot| offset_of(base) == 0 && slot.process().is_some());
        let Some(slot) = slot.filter(|slot| self.list.process_in(*slot).is_none()) else { return };
        self.list.processes.push(ListedProcess { name: process.name.clone(), slot });
    }

    /// Whether something that looks like a crash could not be read.
    pub fn is_damaged(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Damage)
    }
}

/// Keeps an item; 1 when it is one too many.
fn keep<T>(list: &mut Vec<T>, item: T) -> u64 {
    if list.len() >= KEPT {
        return 1;
    }
    list.push(item);
    0
}

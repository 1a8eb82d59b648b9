//! Handle tables: who has what open. `TableCode` of an XP system has the number of levels in its low two bits.

use super::{
    memory::{KernelMemory, PAGE, Reader, field},
    objects::Names,
};
use vatlas_rules::nt::structures::{
    HANDLE_PROTECTED, HANDLES_IN_PAGE, eprocess, handle_entry, handle_table, object_header,
};
use vatlas_space::{Handle, Problem, Va};

/// Pages of entries that are looked at: a million handles.
const MOST_PAGES: usize = 1 << 11;
/// Levels above the entries.
const MOST_LEVELS: u32 = 2;

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// The open handles of the process whose `EPROCESS` is given.
    pub(super) fn handles(self, process: Va, names: &mut Names) -> (Vec<Handle>, Vec<Problem>) {
        let table = field(process, eprocess::OBJECT_TABLE).and_then(|at| self.kernel_pointer(at));
        let Some(table) = table else { return (Vec::new(), Vec::new()) };
        let mut problems = Vec::new();
        let Some(code) = field(table, handle_table::TABLE_CODE).and_then(|at| self.kernel_u32(at)) else {
            return (Vec::new(), vec![not_there(table, "handle table")]);
        };
        let mut pages = Vec::new();
        self.handle_pages(Va((code & !3).into()), code & 3, &mut pages, &mut problems);
        let mut handles = Vec::new();
        for (number, page) in (0..).zip(&pages) {
            match page.and_then(|at| self.kernel::<{ PAGE as usize }>(at)) {
                Some(bytes) => handles.extend(self.handles_of_page(number, &bytes, names)),
                None => problems.extend(page.map(|at| not_there(at, "page of the handle table"))),
            }
        }
        (handles, problems)
    }

    /// The pages of entries under a page of pointers, in the order of their handles.
    fn handle_pages(self, at: Va, level: u32, pages: &mut Vec<Option<Va>>, problems: &mut Vec<Problem>) {
        if level == 0 {
            return pages.push(Some(at).filter(|at| at.0 != 0));
        }
        if level > MOST_LEVELS {
            return problems.push(Problem::damage("handle table", format!("it has {level} levels")));
        }
        let Some(pointers) = self.kernel::<{ PAGE as usize }>(at) else {
            return problems.push(not_there(at, "page of the handle table"));
        };
        for pointer in pointers.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)) {
            if pointer == 0 || pages.len() >= MOST_PAGES {
                break;
            }
            self.handle_pages(Va(pointer.into()), level - 1, pages, problems);
        }
    }

    fn handles_of_page(self, number: u32, bytes: &[u8; PAGE as usize], names: &mut Names) -> Vec<Handle> {
        let words = bytes.as_chunks::<4>().0;
        let word = |at: u32| words.get(at as usize / 4).map_or(0, |word| u32::from_le_bytes(*word));
        let open = (1..HANDLES_IN_PAGE).filter_map(|place| {
            let at = place * handle_entry::BYTES;
            let header = word(at + handle_entry::OBJECT) & !7;
            (header != 0).then(|| (place, Va(header.into()), word(at + handle_entry::GRANTED_ACCESS)))
        });
        let open: Vec<_> = open.collect();
        let handle = |(place, header, access): (u32, Va, u32)| {
            let count = |offset| field(header, offset).and_then(|at| self.kernel_u32(at)).unwrap_or_default();
            let body = field(header, object_header::BYTES);
            let (type_name, object_name) = body.map(|body| self.object_names(body, names)).unwrap_or_default();
            Handle {
                value: u64::from(number * HANDLES_IN_PAGE + place) * 4,
                type_name,
                object_name,
                granted_access: access & !HANDLE_PROTECTED,
                handle_count: count(object_header::HANDLE_COUNT),
                pointer_count: count(object_header::POINTER_COUNT),
            }
        };
        open.into_iter().map(handle).collect()
    }
}

fn not_there(at: Va, what: &str) -> Problem {
    Problem::damage("handle table", format!("the {what} at {:#010x} is not in memory", at.0))
}

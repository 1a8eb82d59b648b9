//! Memory listings of the target control shell: `mi`, `mi full`, and the process table of Compact 2013.

use super::{
    LogItem,
    letters::{Letter, after, begins, decimal, find, hexadecimal, is_quote, place, run, text, trimmed, words},
};
use vatlas_space::{Problem, TextPlace};

/// Blocks of 64 KB in a slot.
const MOST_BLOCKS: usize = 512;

/// Letters of the longest name.
const LONGEST_NAME: usize = 260;

/// Pages of one sort: `code=501(2)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageCount {
    /// The sort, `data r/w`.
    pub what: String,
    /// How many.
    pub pages: u64,
    /// The number in brackets: perhaps those in RAM; no source says so for certain.
    pub in_brackets: Option<u64>,
}

/// A line of `mi full`: one 64 KB block, a letter for each page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockRow {
    /// Address of the block.
    pub address: u32,
    /// The number in brackets, whose meaning is not established.
    pub number: Option<u64>,
    /// A letter for each page, `-----r----------`.
    pub pages: String,
}

/// The memory of one process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProcessRow {
    /// Name.
    pub name: String,
    /// `pid` of `mi`: the process number; of Compact 2013 the handle.
    pub pid: u32,
    /// Address of the kernel's structure (`mi`).
    pub structure: Option<u32>,
    /// Base of the slot (`Slot base`), or `VMBase`.
    pub base: Option<u32>,
    /// Address of the section table (`Section ptr`).
    pub section: Option<u32>,
    /// The page summary.
    pub counts: Vec<PageCount>,
    /// The blocks of `mi full`.
    pub blocks: Vec<BlockRow>,
    /// Where it stands.
    pub place: TextPlace,
}

/// A part of a memory listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MemoryItem {
    /// The line with page size and totals.
    Totals {
        /// Bytes of a page.
        page_size: u64,
        /// Pages of the system.
        pages: u64,
        /// Pages that are free.
        free: u64,
        /// Where it stands.
        place: TextPlace,
    },
    /// A process.
    Process(ProcessRow),
}

/// A listing in the making.
#[derive(Debug, Default)]
pub(super) struct Listing {
    process: Option<ProcessRow>,
    /// In the process table of Compact 2013.
    is_table: bool,
    idle: u32,
}

impl Listing {
    pub fn is_open(&self) -> bool {
        self.process.is_some() || self.is_table
    }

    /// Gives out the process that is open.
    pub fn close(&mut self, items: &mut Vec<LogItem>) {
        self.is_table = false;
        items.extend(self.process.take().map(|process| LogItem::Memory(MemoryItem::Process(process))));
    }

    /// Takes a line, when it belongs to a listing.
    pub fn row(&mut self, row: &[Letter], items: &mut Vec<LogItem>) -> bool {
        let row = trimmed(row);
        if let Some(item) = totals(row) {
            self.close(items);
            items.push(item);
            return true;
        }
        if begins(row, "Memory usage for Process") {
            self.close(items);
            self.process = process(row);
            if self.process.is_none() {
                let cause = "a line of a memory listing names no process that can be read";
                items.push(LogItem::Problem(Problem::damage(words(place(row)), cause)));
            }
            return true;
        }
        if begins(row, "PROC:") && find(row, "VMBase").is_some() {
            self.close(items);
            self.is_table = true;
            return true;
        }
        let is_used = if self.is_table { self.table_row(row, items) } else { self.detail(row) };
        if is_used || row.is_empty() {
            self.idle = 0;
            return is_used;
        }
        self.idle += 1;
        if self.is_open() && self.idle > 4 {
            self.close(items);
        }
        false
    }

    /// A line below `Memory usage for Process`.
    fn detail(&mut self, row: &[Letter]) -> bool {
        let Some(process) = &mut self.process else { return false };
        if begins(row, "Slot base ") {
            let number = |text| after(row, text).and_then(|rest| hexadecimal(rest, 8)).map(|(value, ..)| value as u32);
            (process.base, process.section) = (number("Slot base "), number("Section ptr "));
            return true;
        }
        if begins(row, "Page summary:") {
            process.counts = counts(&text(row.get("Page summary:".len()..).unwrap_or_default()));
            return true;
        }
        match block(row) {
            Some(block) => {
                if process.blocks.len() < MOST_BLOCKS {
                    process.blocks.push(block);
                }
                true
            }
            None => false,
        }
    }

    /// ` P00: NK.EXE          00400002 00000000 80220000 00000000`
    fn table_row(&mut self, row: &[Letter], items: &mut Vec<LogItem>) -> bool {
        match table_row(row) {
            Some(process) => {
                items.push(LogItem::Memory(MemoryItem::Process(process)));
                true
            }
            None => {
                self.is_table = false;
                false
            }
        }
    }
}

/// `Page size=4096, 2976 total pages, 2404 free pages.`
fn totals(row: &[Letter]) -> Option<LogItem> {
    let rest = after(row, "Page size=")?;
    let (page_size, used) = decimal(rest)?;
    let number = |rest: &[Letter]| decimal(trimmed(rest)).map(|(value, _)| value);
    let rest = after(rest.get(used..)?, ",")?;
    let pages = number(rest)?;
    let free = number(after(rest, "total pages,")?)?;
    Some(LogItem::Memory(MemoryItem::Totals { page_size, pages, free, place: place(row) }))
}

/// `Memory usage for Process 808a2180: 'NK.EXE' pid 0`
fn process(row: &[Letter]) -> Option<ProcessRow> {
    let rest = trimmed(after(row, "Memory usage for Process")?);
    let (structure, _, used) = hexadecimal(rest, 8)?;
    let rest = rest.get(used..)?;
    let open = rest.iter().position(|letter| is_quote(letter.char))?;
    let inner = rest.get(open + 1..)?;
    let size = run(inner, |char| !is_quote(char));
    let name = text(inner.get(..size)?);
    let (pid, _) = decimal(trimmed(after(inner.get(size..)?, "pid")?))?;
    let pid = u32::try_from(pid).ok()?;
    let place = place(row);
    let row = ProcessRow { name, pid, structure: Some(structure as u32), place, ..ProcessRow::default() };
    (size <= LONGEST_NAME).then_some(row)
}

fn table_row(row: &[Letter]) -> Option<ProcessRow> {
    let line = text(row);
    let (index, rest) = line.split_once(':')?;
    let digits = index.strip_prefix('P')?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut words = rest.split_whitespace().rev();
    let mut number = || words.next().filter(|word| word.len() == 8).and_then(|word| u32::from_str_radix(word, 16).ok());
    let (_, base, _, pid) = (number()?, number()?, number()?, number()?);
    let mut name: Vec<&str> = words.collect();
    name.reverse();
    let name = name.join(" ");
    (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| ProcessRow {
        name,
        pid,
        base: Some(base),
        place: place(row),
        ..ProcessRow::default()
    })
}

/// `code=501(2) data r/o=30 r/w=128 stack=5 reserved=3374`; the sort of a count are the words in front of it, and `r/w`
/// is said of the data as `r/o` is.
fn counts(line: &str) -> Vec<PageCount> {
    let mut counts = Vec::new();
    let mut front: Vec<&str> = Vec::new();
    for word in line.split_whitespace() {
        let Some((name, number)) = word.split_once('=') else {
            front.push(word);
            continue;
        };
        front.push(name);
        let (pages, bracket) = number.split_once('(').map_or((number, None), |(pages, rest)| (pages, Some(rest)));
        let in_brackets = bracket.and_then(|rest| rest.strip_suffix(')')?.parse().ok());
        let what = if front == ["r/w"] { "data r/w".to_owned() } else { front.join(" ") };
        if let Ok(pages) = pages.parse() {
            counts.push(PageCount { what, pages, in_brackets });
        }
        front.clear();
    }
    counts
}

/// `08000000(1): -----r----------`
fn block(row: &[Letter]) -> Option<BlockRow> {
    let (address, digits, used) = hexadecimal(row, 8)?;
    let rest = row.get(used..)?;
    let (number, rest) = match rest.split_first() {
        Some((letter, inner)) if letter.char == '(' => {
            let (number, used) = decimal(inner)?;
            (Some(number), inner.get(used..)?.split_first().filter(|(letter, _)| letter.char == ')')?.1)
        }
        _ => (None, rest),
    };
    let (colon, pages) = rest.split_first()?;
    let pages = text(trimmed(pages));
    let is_page = |byte: u8| b"-CcSPWwRrO?".contains(&byte);
    // 4, 16, 32 or 64 pages, by the page size.
    let fits = colon.char == ':' && matches!(pages.len(), 4..=64) && pages.bytes().all(is_page);
    (digits == 8 && fits).then_some(BlockRow { address: address as u32, number, pages })
}

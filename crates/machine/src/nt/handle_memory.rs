//! Handle tables in guest memory, in XP's layout: a dump tells who has what open.
//!
//! ```text
//! EPROCESS + C4h -> HANDLE_TABLE -> TableCode, low two bits its levels:
//!   0  a page of 512 entries                1  a page of 1024 pointers to such pages
//! HANDLE_TABLE_ENTRY: 0  OBJECT_HEADER | 1 (not locked) | 2 (inherited)    4  access, bit 25: cannot be closed
//!            a free one: 0  0                                              4  the next free handle
//! ```
//!
//! The first entry of each page is none, so handles are 4, 8, ... 7FC, 804, ... (unverified, as are the low bits). A
//! second page of pointers, which XP has for half a million handles and more, is not there (our choice).

use crate::memory::{NtStatus, PoolKind};
use crate::nt::guest::GuestBlock;
use crate::nt::handles::{HandleEntry, IN_PAGE, INHERIT, PROTECT, handle_at};
use crate::nt::process::ProcessIndex;
use crate::nt::{System, status};
use vatlas_rules::nt::structures::{
    HANDLE_INHERIT, HANDLE_PROTECTED, HANDLE_UNLOCKED, HANDLES_IN_PAGE, eprocess, handle_entry, handle_table,
};

/// The tag of tables.
const TAG: [u8; 4] = *b"Obtb";
const PAGE: u32 = 0x1000;
/// Pages of entries that a table of two levels has.
const MOST_PAGES: usize = 1024;
/// What the second word of the first entry of a page says.
const NO_HANDLE: u32 = 0xffff_fffe;

/// Where a handle table is.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct TableMemory {
    /// The `HANDLE_TABLE`.
    table: Option<GuestBlock>,
    /// Its page of pointers, when it has more than one page of entries.
    pointers: Option<GuestBlock>,
    pages: Vec<GuestBlock>,
}

impl TableMemory {
    /// The page and the offset in it of a handle.
    fn entry(&self, handle: u32) -> Option<(GuestBlock, u32)> {
        let number = handle >> 2;
        let page = self.pages.get((number / HANDLES_IN_PAGE) as usize)?;
        Some((*page, number % HANDLES_IN_PAGE * handle_entry::BYTES))
    }
}

impl System {
    /// A table with one page of free entries, for the process whose `EPROCESS` is given.
    ///
    /// # Errors
    /// A pool or memory is full.
    pub(crate) fn make_handle_table(&mut self, process: GuestBlock, id: u32) -> Result<TableMemory, NtStatus> {
        let table = self.pool_block(PoolKind::Paged, TAG, handle_table::BYTES)?;
        let mut memory = TableMemory { table: Some(table), ..TableMemory::default() };
        if let Err(status) = self.add_page(&mut memory) {
            self.free_block(table);
            return Err(status);
        }
        self.put_u32(table, handle_table::QUOTA_PROCESS, process.va(0));
        self.put_u32(table, handle_table::UNIQUE_PROCESS_ID, id);
        self.init_list(table.va(handle_table::TABLE_LIST));
        self.put_u32(process, eprocess::OBJECT_TABLE, table.va(0));
        Ok(memory)
    }

    /// One more page: its entries are a list of free ones, to which the table leads.
    fn add_page(&mut self, memory: &mut TableMemory) -> Result<(), NtStatus> {
        let Some(table) = memory.table.filter(|_| memory.pages.len() < MOST_PAGES) else {
            return Err(status::INSUFFICIENT_RESOURCES);
        };
        let needs_pointers = memory.pages.len() == 1 && memory.pointers.is_none();
        if needs_pointers {
            memory.pointers = Some(self.pool_block(PoolKind::Paged, TAG, PAGE)?);
        }
        let page = self.pool_block(PoolKind::Paged, TAG, PAGE)?;
        let number = memory.pages.len() as u32;
        self.put_u32(page, handle_entry::NEXT_FREE, NO_HANDLE);
        for place in number * IN_PAGE..(number + 1) * IN_PAGE {
            let handle = handle_at(place);
            let is_last = place + 1 == (number + 1) * IN_PAGE;
            let next = if is_last { 0 } else { handle_at(place + 1) };
            self.put_u32(page, (handle >> 2) % HANDLES_IN_PAGE * handle_entry::BYTES + handle_entry::NEXT_FREE, next);
        }
        memory.pages.push(page);
        if let Some(pointers) = memory.pointers {
            for (at, page) in (0..).step_by(4).zip(&memory.pages) {
                self.put_u32(pointers, at, page.va(0));
            }
            self.put_u32(table, handle_table::TABLE_CODE, pointers.va(0) | 1);
        } else {
            self.put_u32(table, handle_table::TABLE_CODE, page.va(0));
        }
        self.put_u32(table, handle_table::FIRST_FREE, handle_at(number * IN_PAGE));
        self.put_u32(table, handle_table::NEXT_NEEDING_POOL, (number + 1) * HANDLES_IN_PAGE * 4);
        Ok(())
    }

    /// Makes room for the next handle of a process.
    ///
    /// # Errors
    /// A pool or memory is full, or all handles are in use.
    pub(crate) fn reach_handle(&mut self, process: ProcessIndex) -> Result<(), NtStatus> {
        let handles = &mut self.processes[process.0].handles;
        let is_there = handles.memory.entry(handle_at(handles.next_place())).is_some();
        if is_there || handles.memory.table.is_none() {
            return Ok(());
        }
        let mut memory = std::mem::take(&mut handles.memory);
        let added = self.add_page(&mut memory);
        self.processes[process.0].handles.memory = memory;
        added
    }

    /// A handle that was just made: it was the first of the free ones.
    pub(crate) fn show_new_handle(&mut self, process: ProcessIndex, handle: u32, entry: HandleEntry) {
        let handles = &self.processes[process.0].handles;
        let (count, memory) = (handles.count(), &handles.memory);
        let (Some(table), Some((page, at))) = (memory.table, memory.entry(handle)) else { return };
        let next = self.get_u32(page, at + handle_entry::NEXT_FREE);
        self.put_u32(table, handle_table::FIRST_FREE, next);
        self.put_u32(table, handle_table::HANDLE_COUNT, count);
        self.show_handle(process, handle, entry);
    }

    /// What a handle is for.
    pub(crate) fn show_handle(&mut self, process: ProcessIndex, handle: u32, entry: HandleEntry) {
        let Some((page, at)) = self.processes[process.0].handles.memory.entry(handle) else { return };
        let header = self.objects.get(entry.object).map_or(0, |object| object.place.header());
        let inherits = if entry.attributes & INHERIT != 0 { HANDLE_INHERIT } else { 0 };
        let protects = if entry.attributes & PROTECT != 0 { HANDLE_PROTECTED } else { 0 };
        self.put_u32(page, at + handle_entry::OBJECT, header | inherits | HANDLE_UNLOCKED);
        self.put_u32(page, at + handle_entry::GRANTED_ACCESS, entry.access | protects);
    }

    /// A handle that was just closed becomes the first of the free ones.
    pub(crate) fn show_closed_handle(&mut self, process: ProcessIndex, handle: u32) {
        let handles = &self.processes[process.0].handles;
        let (count, memory) = (handles.count(), &handles.memory);
        let (Some(table), Some((page, at))) = (memory.table, memory.entry(handle)) else { return };
        let next = self.get_u32(table, handle_table::FIRST_FREE);
        self.put_u32(page, at + handle_entry::OBJECT, 0);
        self.put_u32(page, at + handle_entry::NEXT_FREE, next);
        self.put_u32(table, handle_table::FIRST_FREE, handle);
        self.put_u32(table, handle_table::HANDLE_COUNT, count);
    }

    /// Writes the whole table of a process that inherited handles.
    ///
    /// # Errors
    /// A pool or memory is full.
    pub(crate) fn show_all_handles(&mut self, process: ProcessIndex) -> Result<(), NtStatus> {
        let mut memory = std::mem::take(&mut self.processes[process.0].handles.memory);
        let places = self.processes[process.0].handles.places();
        let mut grown = Ok(());
        while grown.is_ok() && memory.table.is_some() && (memory.pages.len() as u32) * IN_PAGE < places {
            grown = self.add_page(&mut memory);
        }
        let room = memory.pages.len() as u32 * IN_PAGE;
        self.processes[process.0].handles.memory = memory;
        grown?;
        let handles = &self.processes[process.0].handles;
        let Some(table) = handles.memory.table else { return Ok(()) };
        let open: Vec<_> = handles.iter().collect();
        let free: Vec<u32> = handles.free_places().chain(places..room).map(handle_at).collect();
        let count = handles.count();
        for (handle, entry) in open {
            self.show_handle(process, handle, entry);
        }
        self.put_u32(table, handle_table::FIRST_FREE, free.first().copied().unwrap_or_default());
        self.put_u32(table, handle_table::HANDLE_COUNT, count);
        for (number, handle) in free.iter().enumerate() {
            let next = free.get(number + 1).copied().unwrap_or_default();
            if let Some((page, at)) = self.processes[process.0].handles.memory.entry(*handle) {
                self.put_u32(page, at + handle_entry::OBJECT, 0);
                self.put_u32(page, at + handle_entry::NEXT_FREE, next);
            }
        }
        Ok(())
    }

    /// A process that ends has no table any more.
    pub(crate) fn free_handle_table(&mut self, process: ProcessIndex, memory: TableMemory) {
        let block = self.processes[process.0].block;
        self.put_u32(block, eprocess::OBJECT_TABLE, 0);
        self.free_table_memory(memory);
    }

    /// Gives the memory of a table back.
    pub(crate) fn free_table_memory(&mut self, memory: TableMemory) {
        for block in memory.pages.into_iter().chain(memory.pointers).chain(memory.table) {
            self.free_block(block);
        }
    }
}

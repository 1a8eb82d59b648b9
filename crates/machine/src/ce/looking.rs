//! The stopped device for those who look at it: memory, processes, threads. Nothing here changes anything.

use super::image::Image;
use super::object::{ProcessNumber, ThreadIndex};
use super::space::{opens, slot_of};
use crate::ce::{CeVersion, Device, Region, ThreadState};
use crate::ram::Ram;
use vatlas_space::{Pa, Rva};

/// A process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessView {
    /// Number, 0 to 31.
    pub number: u8,
    /// Name.
    pub name: String,
    /// Address of PROCESS.
    pub at: u32,
    /// Handle, which is its id.
    pub handle: u32,
    /// First address of its slot.
    pub base: u32,
    /// Places of its threads.
    pub threads: Vec<u32>,
}

/// A thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadView {
    /// Address of THREAD.
    pub at: u32,
    /// Handle, which is its id.
    pub handle: u32,
    /// Number of the process that made it.
    pub owner: u8,
    /// Number of the process that it is in.
    pub current: u8,
    /// Access key.
    pub key: u32,
    /// What it does.
    pub state: ThreadState,
    /// Priority now.
    pub priority: u8,
    /// Its own priority.
    pub base_priority: u8,
    /// General registers, in the processor's order.
    pub general: [u32; 8],
    /// The instruction.
    pub pc: u32,
    /// Flags.
    pub flags: u32,
    /// Whether it runs in kernel mode.
    pub in_kernel_mode: bool,
    /// Numbers of the processes that it called through, oldest first.
    pub callers: Vec<u8>,
}

impl Device {
    /// Physical memory.
    pub const fn ram(&self) -> &Ram {
        &self.computer.board.ram
    }

    /// Physical address of the page directory.
    pub const fn directory(&self) -> u32 {
        self.state.space.directory
    }

    /// Physical address of the page that has the directory entries of all slots.
    pub const fn all_slots(&self) -> u32 {
        self.state.space.master
    }

    /// Address of KData in the cached window.
    pub const fn kdata(&self) -> u32 {
        self.state.kdata
    }

    /// The version whose rules hold.
    pub const fn version(&self) -> CeVersion {
        self.state.version
    }

    /// Whether all threads run in kernel mode.
    pub const fn has_full_kernel_mode(&self) -> bool {
        self.state.full_kernel_mode
    }

    /// Instructions that were executed so far.
    pub const fn instructions(&self) -> u64 {
        self.state.executed
    }

    /// Number of the process in slot 0 now.
    pub fn current_process(&self) -> ProcessNumber {
        let numbers = (0..32).filter(|number| self.process(*number).is_some());
        numbers.into_iter().find(|number| self.process_base(*number) == self.state.space.home).unwrap_or(0)
    }

    /// The process with a number.
    pub fn process_view(&self, number: ProcessNumber) -> Option<ProcessView> {
        let it = self.process(number)?;
        Some(ProcessView {
            number,
            name: it.name.clone(),
            at: it.at,
            handle: it.handle,
            base: self.process_base(number),
            threads: it.threads.clone(),
        })
    }

    /// All processes, by number.
    pub fn process_views(&self) -> Vec<ProcessView> {
        (0..32).filter_map(|number| self.process_view(number)).collect()
    }

    /// The thread that has the processor.
    pub const fn running_thread(&self) -> Option<ThreadIndex> {
        self.state.running
    }

    /// A thread by its place.
    pub fn thread_view(&self, index: ThreadIndex) -> Option<ThreadView> {
        let it = self.state.threads.get(index as usize)?;
        let registers = self.registers(index);
        Some(ThreadView {
            at: it.at,
            handle: it.handle,
            owner: it.owner,
            current: it.current,
            key: it.key,
            state: it.state,
            priority: it.priority,
            base_priority: it.base_priority,
            general: registers.general,
            pc: registers.pc,
            flags: registers.flags,
            in_kernel_mode: it.in_kernel_mode,
            callers: it.calls.iter().map(|call| call.process).collect(),
        })
    }

    /// Reserved regions of the whole space, in order of address.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.state.regions.values()
    }

    /// Reads memory as a process would see it, whichever runs: slot 0 is its own. Stops at the first page that is not
    /// there; tells how many bytes were read.
    pub fn look(&self, process: ProcessNumber, address: u32, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let Some(at) = address.checked_add(done as u32) else { break };
            let size = (0x1000 - at as usize % 0x1000).min(bytes.len() - done);
            let Some(pa) = self.physical_of(self.mapped_for(process, at)) else { break };
            if !self.computer.board.ram.read(pa, &mut bytes[done..done + size]) {
                break;
            }
            done += size;
        }
        done
    }

    /// A word as a process would see it.
    pub fn look_word(&self, process: ProcessNumber, address: u32) -> Option<u32> {
        let mut bytes = [0; 4];
        (self.look(process, address, &mut bytes) == 4).then(|| u32::from_le_bytes(bytes))
    }

    /// Reads a word as the processor would right now: through the page directory, with the rights of the kernel.
    pub fn processor_word(&self, address: u32) -> Option<u32> {
        use crate::cpu::Engine;
        let mut bytes = [0; 4];
        let read = self.computer.processors[0].read(&self.computer.board, vatlas_space::Va(address.into()), &mut bytes);
        (read == 4).then(|| u32::from_le_bytes(bytes))
    }

    /// Whether a thread may touch the slot of an address.
    pub fn may_touch(&self, index: ThreadIndex, address: u32) -> bool {
        self.state.threads.get(index as usize).is_some_and(|it| {
            let mapped = self.mapped_for(it.current, address);
            opens(it.key, slot_of(mapped)) || slot_of(mapped) == slot_of(self.process_base(it.current))
        })
    }

    /// Physical address of what is at a kernel address of the static windows.
    pub const fn window(&self, address: u32) -> Pa {
        super::memory::physical(address)
    }

    /// From now on calls and returns of programs are written down. To be called before the first run.
    pub fn record_calls(&mut self) {
        self.computer.processors.iter_mut().for_each(crate::cpu::Interpreter::record_calls);
    }

    /// The calls of the running thread that have not returned, innermost first; `None` while none runs. A call that the
    /// kernel makes by itself is not among them, one that it answers is.
    pub fn open_calls(&self) -> Option<Vec<crate::cpu::OpenCall>> {
        self.state.running.map(|_| self.computer.processors[0].open_calls())
    }

    /// Puts a process into slot 0 as a switch of threads does, for measurements: its 8 directory entries, the slots that
    /// its key does not open, the translations. Whether anything changed.
    pub fn switch_process(&mut self, number: ProcessNumber) -> bool {
        let (home, key) = (self.process_base(number), 1 << number | 1);
        let ram = &mut self.computer.board.ram;
        let switched = self.state.space.switch(ram, home);
        let closed = self.state.space.close(ram, key);
        if switched || closed {
            self.flush();
        }
        switched || closed
    }

    /// Names and bases of all loaded DLLs, those of the kernel's half among them.
    pub fn module_bases(&self) -> Vec<(String, u32)> {
        let modules = self.state.modules.iter().flatten();
        let images = modules.map(|module| &self.state.images[module.image as usize]);
        images.map(|image| (image.name.clone(), image.base)).collect()
    }

    /// The address of a symbol of a module, by name, in slot-0 form.
    pub fn exported(&self, module: &str, name: &str) -> Option<u32> {
        let index = self.find_module(module)?;
        self.export(self.module_image(index)?, &super::image::Symbol::Name(name.to_owned()), 0)
    }
}

impl Device {
    /// The bytes of a page of an image that nobody has touched yet, by its mapped address: what the first touch will
    /// find there.
    pub fn page_on_demand(&self, mapped: u32) -> Option<Vec<u8>> {
        let (image, rva) = self.image_on_demand(mapped)?;
        let bytes = &image.bytes;
        let start = (rva as usize).min(bytes.len());
        let mut page = bytes[start..bytes.len().min(start + 0x1000)].to_vec();
        page.resize(0x1000, 0);
        Some(page)
    }

    /// The name of the image that such a page comes from, and where the page is in it.
    pub fn home_on_demand(&self, mapped: u32) -> Option<(String, Rva)> {
        self.image_on_demand(mapped).map(|(image, rva)| (image.name.clone(), Rva(rva)))
    }

    fn image_on_demand(&self, mapped: u32) -> Option<(&Image, u32)> {
        use super::processor::{ON_DEMAND, PRESENT};
        let page = mapped & !0xfff;
        let entry = self.entry(page);
        if entry & PRESENT != 0 || entry & ON_DEMAND == 0 {
            return None;
        }
        let (index, rva) = self.image_page(page, entry)?;
        Some((self.state.images.get(index as usize)?, rva))
    }

    /// The file of a module of the ROM, made anew from what the ROM keeps.
    pub fn rom_module_file(&self, name: &str) -> Option<Vec<u8>> {
        let image = &self.rom.image;
        let (region, module) = image.modules().find(|(_, module)| module.name.eq_ignore_ascii_case(name))?;
        vatlas_images::rom::rebuild(image, &self.rom.bytes, region, module).ok().map(|rebuilt| rebuilt.bytes)
    }
}

//! A computer with page tables and one program in user mode, for tests and benchmarks.

use vatlas_machine::cpu::{Board, Engine, HostTraps, Interpreter, Registers};
use vatlas_machine::{Event, Ram};
use vatlas_space::{Pa, PageTableEntry};

/// Where programs are, as their linker script says.
pub const PROGRAM: u32 = 0x0040_1000;
/// Top of the stack.
pub const STACK_TOP: u32 = 0x0013_0000;
/// Physical address of the page directory.
const DIRECTORY: u32 = 0x1000;
/// Physical address of the first page table; that of directory entry n is n pages further.
const TABLES: u32 = 0x2000;
/// Physical address of what is mapped at 0; everything is mapped in order.
const MEMORY: u32 = 0x0001_0000;
/// User addresses that are mapped.
const MAPPED: u32 = 0x0080_0000;

/// A processor and its board.
pub struct Bench {
    pub engine: Interpreter,
    pub board: Board,
}

impl Bench {
    /// The program at [`PROGRAM`], with user pages from 0 to 8 MB, all vectors for the host.
    pub fn new(program: &[u8]) -> Self {
        let mut ram = Ram::new((MEMORY + MAPPED) >> 12);
        for page in 0..MAPPED >> 12 {
            let entry = (MEMORY + (page << 12)) | 7;
            assert!(ram.write_u32(Pa((TABLES + page * 4).into()), entry));
        }
        for table in 0..MAPPED >> 22 {
            assert!(ram.write_u32(Pa((DIRECTORY + table * 4).into()), (TABLES + (table << 12)) | 7));
        }
        assert!(ram.write(Pa((MEMORY + PROGRAM).into()), program));
        let mut engine = Interpreter::new();
        let mut registers = Registers::flat_user();
        registers.control.cr3 = DIRECTORY;
        registers.control.cr0 |= 1 << 31;
        registers.eip = PROGRAM;
        registers.gpr[4] = STACK_TOP;
        engine.set_registers(&registers);
        *engine.traps() = HostTraps::all();
        Self { engine, board: Board::new(ram) }
    }

    /// Physical address of a user address.
    #[allow(dead_code, reason = "not every user of this file looks at memory")]
    pub fn pa(va: u32) -> Pa {
        Pa((MEMORY + va).into())
    }

    /// The page-table entry of a user address.
    #[allow(dead_code, reason = "not every user of this file looks at tables")]
    pub fn entry_at(va: u32) -> Pa {
        Pa((TABLES + (va >> 12) * 4).into())
    }

    /// Changes a page-table entry, and says so.
    #[allow(dead_code, reason = "not every user of this file changes tables")]
    pub fn set_entry(&mut self, va: u32, entry: PageTableEntry) {
        assert!(self.board.ram.write_u32(Self::entry_at(va), entry.0 as u32));
        self.engine.flush();
    }

    /// Runs the program with this EAX until it asks the host; its result and its instructions.
    #[allow(dead_code, reason = "not every user of this file runs whole programs")]
    pub fn run_program(&mut self, argument: u32, piece: u64) -> (u32, u64) {
        let mut registers = self.engine.registers();
        registers.gpr[0] = argument;
        registers.gpr[4] = STACK_TOP;
        registers.eip = PROGRAM;
        self.engine.set_registers(&registers);
        let mut executed = 0;
        loop {
            let run = self.engine.run(&mut self.board, piece);
            executed += run.executed;
            assert_eq!(run.unsupported, []);
            match run.event {
                None => {}
                Some(Event::Interrupt(0x2e)) => return (self.engine.registers().gpr[0], executed),
                other => panic!("{other:?} {:?}", self.engine.registers()),
            }
        }
    }
}

//! The programs that are stopped, and the symbols that a walk of their stacks may have.

use std::{cell::RefCell, collections::HashMap, fs, path::PathBuf, rc::Rc, sync::Arc};
use vatlas_debug::symbol_provider::SymbolProvider;
use vatlas_guest::LIBRARIES;
use vatlas_space::Module;
use vatlas_symbols::{ModuleSymbols, SymbolFile, open, open::image_files};

/// Which kernel runs a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kernel {
    Nt,
    Ce,
}

/// A program of `fixtures`.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub kernel: Kernel,
    pub file: &'static str,
    /// The folder, and the symbols that the walk gets: none, those in the image, or those of the PDB beside it.
    pub folder: &'static str,
    pub symbols: Given,
}

/// What a walk gets of a program's symbols. The libraries of the guest have nothing but their exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    Nothing,
    Image,
    Pdb,
}

const fn stacks(file: &'static str, symbols: Given) -> Program {
    Program { kernel: Kernel::Nt, file, folder: "machine/stacks", symbols }
}

const fn other(file: &'static str) -> Program {
    Program { kernel: Kernel::Nt, file, folder: "machine/programs", symbols: Given::Nothing }
}

const fn device(file: &'static str, symbols: Given) -> Program {
    Program { kernel: Kernel::Ce, file, folder: "ce/stacks", symbols }
}

const fn other_of_device(file: &'static str) -> Program {
    Program { kernel: Kernel::Ce, file, folder: "ce/programs", symbols: Given::Nothing }
}

pub const PROGRAMS: [Program; 33] = [
    stacks("gcc-o0.exe", Given::Image),
    stacks("gcc-o1.exe", Given::Image),
    stacks("gcc-o2.exe", Given::Image),
    stacks("gcc-o3.exe", Given::Image),
    stacks("gcc-os.exe", Given::Image),
    stacks("clang-o0.exe", Given::Pdb),
    stacks("clang-o1.exe", Given::Pdb),
    stacks("clang-o2.exe", Given::Pdb),
    stacks("gcc-o0.exe", Given::Nothing),
    stacks("gcc-o1.exe", Given::Nothing),
    stacks("gcc-o2.exe", Given::Nothing),
    stacks("gcc-o3.exe", Given::Nothing),
    stacks("gcc-os.exe", Given::Nothing),
    stacks("gcc-o0-bare.exe", Given::Nothing),
    stacks("gcc-o2-bare.exe", Given::Nothing),
    stacks("clang-o0.exe", Given::Nothing),
    stacks("clang-o1.exe", Given::Nothing),
    stacks("clang-o2.exe", Given::Nothing),
    other("hello.exe"),
    other("threads.exe"),
    other("library.exe"),
    other("lines.exe"),
    device("ce-o0.exe", Given::Image),
    device("ce-o1.exe", Given::Image),
    device("ce-o2.exe", Given::Image),
    device("ce-os.exe", Given::Image),
    device("ce-o0.exe", Given::Nothing),
    device("ce-o1.exe", Given::Nothing),
    device("ce-o2.exe", Given::Nothing),
    device("ce-os.exe", Given::Nothing),
    other_of_device("heap.exe"),
    other_of_device("files.exe"),
    other_of_device("threads.exe"),
];

impl Program {
    /// A file of its folder.
    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(PathBuf::from(FIXTURES).join(self.folder).join(file)).unwrap()
    }

    /// A file that the guest brings, if it is one.
    fn library(&self, name: &str) -> Option<Vec<u8>> {
        let is_it = |other: &str| other.eq_ignore_ascii_case(name);
        match self.kernel {
            Kernel::Nt => LIBRARIES.iter().find(|(other, _)| is_it(other)).map(|(_, bytes)| bytes.to_vec()),
            Kernel::Ce => DEVICE.iter().find(|other| is_it(other)).map(|name| guest_file(name)),
        }
    }
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

/// The system of a device.
pub const DEVICE: [&str; 6] = ["nk.exe", "coredll.dll", "filesys.exe", "device.exe", "gwes.exe", "shell.exe"];

/// A file of the device's system.
pub fn guest_file(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(FIXTURES).join("../guest/ce/bin").join(name)).unwrap()
}

/// The symbols of a program and of the guest's libraries.
pub struct Symbols {
    program: Program,
    opened: RefCell<HashMap<String, Rc<ModuleSymbols>>>,
}

impl Symbols {
    pub fn of(program: &Program) -> Self {
        Self { program: *program, opened: RefCell::default() }
    }

    fn files(&self, module: &str) -> Vec<Box<dyn SymbolFile>> {
        if let Some(bytes) = self.program.library(module) {
            return image_files(module, &(Arc::new(bytes) as _)).unwrap();
        }
        let read = |file: &str| Arc::new(self.program.read(file));
        match self.program.symbols {
            Given::Nothing => Vec::new(),
            Given::Image => image_files(module, &(read(self.program.file) as _)).unwrap(),
            Given::Pdb => {
                let name = self.program.file.replace(".exe", ".pdb");
                vec![open(&name, read(&name)).unwrap()]
            }
        }
    }
}

impl SymbolProvider for Symbols {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        let name = module.path.rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
        let mut opened = self.opened.borrow_mut();
        let symbols = opened.entry(name.clone()).or_insert_with(|| Rc::new(ModuleSymbols::new(self.files(&name))));
        Rc::clone(symbols)
    }
}

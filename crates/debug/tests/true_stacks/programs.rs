//! The programs that are stopped, the machine that runs them, and the symbols that a walk may have.

use std::{cell::RefCell, collections::HashMap, fs, path::PathBuf, rc::Rc, sync::Arc};
use vatlas_debug::symbol_provider::SymbolProvider;
use vatlas_guest::LIBRARIES;
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, GivenFile, Host, StoreError};
use vatlas_machine::nt::{Configuration, Program as Started, System};
use vatlas_space::Module;
use vatlas_symbols::{ModuleSymbols, SymbolFile, open, open::image_files};

/// A program of `fixtures/machine`.
#[derive(Clone, Copy, Debug)]
pub struct Program {
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
    Program { file, folder: "stacks", symbols }
}

const fn other(file: &'static str) -> Program {
    Program { file, folder: "programs", symbols: Given::Nothing }
}

pub const PROGRAMS: [Program; 22] = [
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
];

/// A host without files; what is written is lost.
struct Nobody;

impl Console for Nobody {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, _: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        Ok(ConsoleInput::End)
    }

    fn write(&mut self, _: ConsoleEnd, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Host for Nobody {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

impl Program {
    fn path(&self, file: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/machine").join(self.folder).join(file)
    }

    /// A system that is about to run it.
    pub fn start(&self) -> System {
        let libraries = LIBRARIES.iter();
        let library = |(name, bytes): &(&str, &'static [u8])| GivenFile {
            path: format!("WINDOWS\\system32\\{name}"),
            bytes: (*bytes).into(),
        };
        let mut given: Vec<GivenFile> = libraries.map(library).collect();
        let bytes = fs::read(self.path(self.file)).unwrap();
        given.push(GivenFile { path: self.file.to_owned(), bytes: bytes.into() });
        let mut system = System::new(Configuration { given, ..Configuration::default() }, Box::new(Nobody)).unwrap();
        let path = format!("C:\\{}", self.file);
        let started = Started { path, command_line: self.file.to_owned(), ..Started::default() };
        system.start_program(&started).unwrap();
        system
    }
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
        let library = LIBRARIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(module));
        if let Some((name, bytes)) = library {
            return image_files(name, &(Arc::new(bytes.to_vec()) as _)).unwrap();
        }
        let read = |file: &str| Arc::new(fs::read(self.program.path(file)).unwrap());
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

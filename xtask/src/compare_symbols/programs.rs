//! The programs that are asked about: the fixtures with symbols, read once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use vatlas_images::pe::PeHeaders;
use vatlas_space::Rva;
use vatlas_symbols::{PdbFile, SymbolFile};

/// The programs whose symbols are in a PDB beside them.
const WITH_PDB: [&str; 4] = ["counters-x86", "counters-x64", "counters-arm", "counters-arm64"];
/// The programs whose symbols are in them.
const WITH_DWARF: [&str; 3] = ["gcc-x86-dwarf2", "gcc-x64-dwarf5", "clang-x64-dwarf4"];

/// A program and its symbols.
pub struct Program {
    /// Its file name without extension.
    pub name: &'static str,
    /// The image, beside its PDB under the name that the image tells.
    pub image: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its headers.
    pub headers: PeHeaders,
    /// What our reader makes of the best symbols.
    pub symbols: Box<dyn SymbolFile>,
    /// Our reader of the PDB, and where that is.
    pub pdb: Option<(PdbFile, PathBuf)>,
}

impl Program {
    /// Addresses of code: every byte of what can be executed.
    pub fn code(&self) -> Vec<Rva> {
        let sections = self.headers.sections.iter().filter(|section| section.executable);
        sections.flat_map(|section| (section.rva.0..section.rva.0 + section.virtual_size).map(Rva)).collect()
    }

    /// An address of a section that is given by number.
    pub fn rva(&self, section: usize, offset: u32) -> Option<Rva> {
        let section = self.headers.sections.get(section.checked_sub(1)?)?;
        Some(Rva(section.rva.0.checked_add(offset)?))
    }

    /// Whether it is for x64.
    pub fn is_x64(&self) -> bool {
        self.headers.machine == vatlas_space::Machine::X64
    }
}

/// All of them.
pub struct Programs {
    /// With a PDB.
    pub with_pdb: Vec<Program>,
    /// With DWARF.
    pub with_dwarf: Vec<Program>,
    /// Folder for files that the other programs need.
    pub work: PathBuf,
    /// Folder of the fixtures that have DWARF.
    pub dwarf: PathBuf,
}

impl Programs {
    /// Reads the fixtures, and copies images beside their PDBs under the names that the images tell.
    ///
    /// # Errors
    /// A fixture cannot be read.
    pub fn read(root: &Path) -> Result<Self, String> {
        let (counters, dwarf) = (root.join("fixtures/symbols/counters"), root.join("fixtures/symbols/dwarf"));
        let work = root.join("target/compare-symbols");
        let mut with_pdb = Vec::new();
        for name in WITH_PDB {
            let folder = work.join(name);
            make(&folder)?;
            let image = folder.join("counters.exe");
            let pdb = folder.join("counters.pdb");
            copy(&counters.join(format!("{name}.exe")), &image)?;
            copy(&counters.join(format!("{name}.pdb")), &pdb)?;
            with_pdb.push(program(name, image, Some(pdb))?);
        }
        let programs = WITH_DWARF.iter().map(|name| program(name, dwarf.join(format!("{name}.exe")), None));
        Ok(Self { with_pdb, with_dwarf: programs.collect::<Result<_, _>>()?, work, dwarf })
    }
}

fn program(name: &'static str, image: PathBuf, pdb: Option<PathBuf>) -> Result<Program, String> {
    let bytes = read(&image)?;
    let in_file = |problem: vatlas_space::Problem| format!("{name}: {problem}");
    let headers = PeHeaders::read(&bytes).map_err(in_file)?;
    let best = Arc::new(pdb.as_deref().map_or_else(|| Ok(bytes.clone()), read)?);
    let symbols = vatlas_symbols::open(name, best.clone()).map_err(in_file)?;
    let open = |place| PdbFile::open(name, best.clone()).map(|file| (file, place)).map_err(in_file);
    let pdb = pdb.map(open).transpose()?;
    Ok(Program { name, image, bytes, headers, symbols, pdb })
}

pub(super) fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|cause| format!("{}: {cause}", folder.display()))
}

pub(super) fn read(place: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(place).map_err(|cause| format!("{}: {cause}", place.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::copy(from, to).map(|_| ()).map_err(|cause| format!("{}: {cause}", from.display()))
}

//! The options by which every command is told where symbols are.

use crate::symbol_finder::folder::FolderIndex;
use std::{path::PathBuf, rc::Rc};

/// Where to look for symbols, and how strictly.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct SymbolArgs {
    /// Symbol file, folder or symbol path (srv*STORE) to look in first; may be given several times
    #[arg(long, value_name = "PATH")]
    pub symbols: Vec<PathBuf>,
    /// Use symbol files of the right name even when they belong to another build
    #[arg(long)]
    pub force_symbols: bool,
    /// Read symbol files anew and keep no index of them
    #[arg(long)]
    pub no_cache: bool,
    /// The folder that was given instead of a file, listed already.
    #[arg(skip)]
    pub folder: Option<Rc<FolderIndex>>,
}

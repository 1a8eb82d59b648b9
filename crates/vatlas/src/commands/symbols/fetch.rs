//! What to fetch on a computer with a network: addresses, places in a store, identities. Nothing is fetched here.

use super::modules::ModuleRow;
use crate::{draw::text::printable, output::Output, symbol_finder::SymbolFinder};
use vatlas_space::Module;
use vatlas_symbols::{identity::wanted_by, store_key::StoreKey};

/// The server that is named when no symbol path names one: that of the system's own files.
const USUAL_SERVER: &str = "https://msdl.microsoft.com/download/symbols";

/// The file that a module lacks: its PDB, or where the module does not name one the image, which does.
pub struct Wanted {
    /// Its place in a store.
    pub key: StoreKey,
    /// Its identity in words.
    pub identity: String,
}

impl Wanted {
    /// What a module lacks; `None` when it does not tell.
    pub fn of(module: &Module) -> Option<Self> {
        let record = module.debug_record.as_ref().and_then(wanted_by);
        let pdb = StoreKey::of_module_pdb(module).zip(record);
        let pdb = pdb.map(|(key, identity)| Self { key, identity: identity.to_string() });
        let image = || Some(Self { key: StoreKey::of_module_image(module)?, identity: image_identity(module) });
        pdb.or_else(image)
    }

    /// Where servers have it.
    pub fn urls(&self, servers: &[String]) -> Vec<String> {
        servers.iter().map(|server| self.key.url(server)).collect()
    }
}

/// Time stamp and size, by which an image is known.
pub fn image_identity(module: &Module) -> String {
    format!("time stamp {:08x}, size {:#x}", module.time_date_stamp, module.range.size())
}

/// The servers of the symbol paths, or the usual one.
pub fn servers(finder: &SymbolFinder<'_>) -> Vec<String> {
    match finder.servers() {
        [] => vec![USUAL_SERVER.to_owned()],
        servers => servers.to_vec(),
    }
}

/// Prints a line for every file and server: address, path in a store, identity, with tabs between.
pub fn print(rows: &[ModuleRow], servers: &[String], output: &mut Output) {
    let mut keys: Vec<StoreKey> = Vec::new();
    for row in rows {
        let Some(wanted) = Wanted::of(row.module()) else {
            let name = row.module().name();
            output.remark(&format!("{name}: neither its identity nor that of its PDB is told; nothing to ask for"));
            continue;
        };
        // Two modules may be one file.
        if keys.contains(&wanted.key) {
            continue;
        }
        for url in wanted.urls(servers) {
            let fields = [url, wanted.key.path(), wanted.identity.clone()].map(|field| printable(&field).into_owned());
            output.line(&fields.join("\t"));
        }
        keys.push(wanted.key);
    }
}

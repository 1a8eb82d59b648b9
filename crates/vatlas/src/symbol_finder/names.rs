//! What the symbol files of a module may be called, best first.

use vatlas_space::{DebugRecord, Module};
use vatlas_symbols::{
    Identity,
    identity::wanted_by,
    store_key::{StoreKey, pdb_name, safe_file_name},
};

/// What is looked for: names for folders, keys for symbol stores.
pub struct Wanted<'m> {
    /// The module.
    pub module: &'m Module,
    /// File names, each once without regard to case.
    pub names: Vec<String>,
    /// Places in a store.
    pub keys: Vec<StoreKey>,
}

impl<'m> Wanted<'m> {
    /// What is looked for, for a module. Names come from a dump: those that could lead elsewhere are left out.
    pub fn of(module: &'m Module) -> Self {
        let image = safe_file_name(module.name());
        let record = module.debug_record.as_ref();
        let pdb = record.and_then(pdb_name).and_then(safe_file_name);
        let stems: Vec<&str> = [pdb, image].into_iter().flatten().map(stem).collect();
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: String| {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        };
        pdb.into_iter().for_each(|pdb| add(pdb.to_owned()));
        for extension in ["pdb", "pd_", "sym", "map"] {
            stems.iter().for_each(|stem| add(format!("{stem}.{extension}")));
        }
        if let Some(image) = image {
            // GNU tools put theirs behind the whole name.
            ["sym", "map", "debug"].iter().for_each(|extension| add(format!("{image}.{extension}")));
            add(image.to_owned());
        }
        let identity = record.and_then(wanted_by);
        // An ELF record has no name: Breakpad takes that of the image.
        let breakpad = if matches!(record, Some(DebugRecord::ElfBuildId(_))) { image } else { pdb };
        Self { module, names, keys: keys(module, breakpad, identity.as_ref()) }
    }

    /// Whether a file of this name may belong to the module.
    pub fn fits(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

fn keys(module: &Module, name: Option<&str>, identity: Option<&Identity>) -> Vec<StoreKey> {
    let breakpad = name.zip(identity).and_then(|(name, identity)| StoreKey::of_breakpad(name, identity));
    [StoreKey::of_module_pdb(module), breakpad, StoreKey::of_module_image(module)].into_iter().flatten().collect()
}

/// A name without its extension.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_space::{Guid, Va, VaRange};

    const GUID: Guid = Guid { data1: 1, data2: 2, data3: 3, data4: [4; 8] };

    fn check(path: &str, pdb: Option<&str>, names: &str, keys: &[&str]) {
        let record = |name: &str| DebugRecord::Pdb70 { guid: GUID, age: 1, name: name.to_owned() };
        let module = Module {
            path: path.to_owned(),
            range: VaRange::sized(Va(0x40_0000), 0x5000).unwrap(),
            data: None,
            time_date_stamp: 0x49f0_0000,
            checksum: 0,
            version: None,
            debug_record: pdb.map(record),
        };
        let wanted = Wanted::of(&module);
        assert_eq!(wanted.names.join(" "), names);
        assert_eq!(wanted.keys.iter().map(StoreKey::path).collect::<Vec<_>>(), keys);
    }

    #[test]
    fn names_come_from_the_record_and_the_module() {
        let names = "main.pdb app.pdb main.pd_ app.pd_ main.sym app.sym main.map app.map app.exe.sym app.exe.map \
                     app.exe.debug app.exe";
        let id = "000000010002000304040404040404041";
        let keys =
            [&*format!("main.pdb/{id}/main.pdb"), &*format!("main.pdb/{id}/main.sym"), "app.exe/49F000005000/app.exe"];
        check("C:\\x\\app.exe", Some("D:\\out\\main.pdb"), names, &keys);
        let names = "App.pdb App.pd_ App.sym App.map App.exe.sym App.exe.map App.exe.debug App.exe";
        check(
            "App.exe",
            Some("App.pdb"),
            names,
            &[&*format!("App.pdb/{id}/App.pdb"), &*format!("App.pdb/{id}/App.sym"), "App.exe/49F000005000/App.exe"],
        );
        let names = "app.pdb app.pd_ app.sym app.map app.exe.sym app.exe.map app.exe.debug app.exe";
        check("app.exe", None, names, &["app.exe/49F000005000/app.exe"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_left_out() {
        check("..", Some("c:\\.."), "", &[]);
        let names = "passwd.pdb passwd.pd_ passwd.sym passwd.map passwd.sym passwd";
        let names = names.replace("passwd.map passwd.sym passwd", "passwd.map passwd.debug passwd");
        check("../../etc/passwd", Some("a\0b.pdb"), &names, &["passwd/49F000005000/passwd"]);
    }
}

//! Drivers: from a file to `DriverEntry`, and away again.
//!
//! Our choices, since there is no registry: the service `NAME` is the file `C:\WINDOWS\system32\drivers\NAME.sys`, and
//! opening `\\.\NAME` loads it when nobody has that name yet, where on NT a service control manager or Plug and Play
//! would have done so. `DriverEntry` runs on the thread that asked, where NT uses one of the system's.

use crate::files::{CreateRequest, ObjectName};
use crate::memory::{FileIdentity, NtStatus, PoolKind};
use crate::nt::ring0::{SYSTEM_PROCESS, Then};
use crate::nt::thread::ThreadIndex;
use crate::nt::user_memory::utf16;
use crate::nt::{Call, Done, Handler, Reply, System, status};
use vatlas_space::Va;

/// `FILE_READ_DATA`, `SYNCHRONIZE`.
const READ_ACCESS: u32 = 0x10_0001;
const SYNCHRONOUS: u32 = 0x20;
/// Drivers that a driver's import may drag in.
const DEEPEST: u32 = 8;
/// Where the first device is in a `DRIVER_OBJECT`.
const FIRST_DEVICE: u32 = 0x04;
/// In a `DEVICE_OBJECT`: open file objects, next device.
const REFERENCES: u32 = 0x04;
const NEXT_DEVICE: u32 = 0x0c;
/// Devices of a driver that are looked at.
const MOST_DEVICES: usize = 1024;
/// `\Registry\Machine\System\CurrentControlSet\Services\`.
const SERVICES_KEY: &str = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";

/// What is done when a driver was loaded.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum AfterLoad {
    /// Nothing: it was loaded when the system started.
    Nothing,
    /// The status goes to whoever asked.
    Tell,
    /// A call that opens a device is made again.
    Open(Call),
}

impl System {
    /// Begins to load a driver by the name of its service, on a thread whose registers are saved.
    ///
    /// # Errors
    /// There is no such file, it is no driver, or it is loaded already.
    pub(crate) fn load_driver(&mut self, thread: ThreadIndex, name: &str, after: AfterLoad) -> Result<(), NtStatus> {
        let (base, arguments) = self.map_driver(name)?;
        let routine = self.ring0.host.initialize_driver();
        self.call_kernel(thread, routine, &arguments, Then::DriverLoaded { base, after });
        Ok(())
    }

    /// Maps a driver; where it is, and the arguments of `IopInitializeDriver`.
    fn map_driver(&mut self, name: &str) -> Result<(u32, [u32; 6]), NtStatus> {
        let file_name = format!("{name}.sys");
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if !self.ring0.host.is_there() || !is_name {
            return Err(status::OBJECT_NAME_NOT_FOUND);
        }
        if self.system_module(&file_name).is_some() {
            return Err(status::IMAGE_ALREADY_LOADED);
        }
        let path = format!("C:\\WINDOWS\\system32\\drivers\\{file_name}");
        let file = self.read_whole_file(&path)?;
        let number = self.load_system_image(&file_name, &path, &file, DEEPEST)?;
        let module = self.ring0.modules[number].clone();
        let names = self.driver_names(name).inspect_err(|_| self.unload_system_image(module.base))?;
        let [object_name, key] = names;
        let arguments = [module.section.va(0), module.base, module.bytes, module.entry, object_name, key];
        Ok((module.base, arguments))
    }

    /// The name of a driver's object and its key, in pool, for `DriverEntry`.
    fn driver_names(&mut self, name: &str) -> Result<[u32; 2], NtStatus> {
        let object = utf16(&format!("\\Driver\\{name}\0"));
        let key = utf16(&format!("{SERVICES_KEY}{name}\0"));
        let block = self.pool_block(PoolKind::NonPaged, *b"DrvN", (object.len() + key.len()) as u32)?;
        self.put(block, 0, &object);
        self.put(block, object.len() as u32, &key);
        Ok([block.va(0), block.va(object.len() as u32)])
    }

    /// `DriverEntry` returned.
    pub(crate) fn driver_loaded(
        &mut self,
        thread: ThreadIndex,
        base: u32,
        after: AfterLoad,
        (result, driver): (NtStatus, u32),
    ) {
        if status::is_error(result) {
            self.unload_system_image(base);
        } else {
            if let Some(module) = self.ring0.modules.iter_mut().find(|module| module.base == base) {
                module.driver = driver;
            }
            self.discard_initialization(base);
        }
        match after {
            AfterLoad::Nothing => {}
            AfterLoad::Open(call) if !status::is_error(result) => match self.handle(call.number, &call) {
                Ok(Done::Status(status)) | Err(status) => self.set_result(thread, status),
                Ok(Done::Later) => {}
            },
            AfterLoad::Tell | AfterLoad::Open(_) => self.set_result(thread, result),
        }
    }

    /// Lets a driver go that has no open device.
    ///
    /// # Errors
    /// There is no such driver, or one of its devices is open.
    pub(crate) fn unload_driver(&mut self, thread: ThreadIndex, name: &str) -> Result<(), NtStatus> {
        let module = self.system_module(&format!("{name}.sys")).filter(|module| module.driver != 0);
        let (base, driver) = module.map(|module| (module.base, module.driver)).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
        let word = |at: u32| self.memory.read_kernel_u32(&self.computer.board.ram, Va(at.into())).unwrap_or_default();
        let mut device = word(driver.wrapping_add(FIRST_DEVICE));
        for _ in 0..MOST_DEVICES {
            if device == 0 {
                break;
            }
            if word(device.wrapping_add(REFERENCES)) != 0 {
                return Err(status::DEVICE_BUSY);
            }
            device = word(device.wrapping_add(NEXT_DEVICE));
        }
        let routine = self.ring0.host.unload_driver();
        self.call_kernel(thread, routine, &[driver], Then::DriverUnloaded { base });
        Ok(())
    }

    pub(crate) fn driver_unloaded(&mut self, thread: ThreadIndex, base: u32, result: NtStatus) {
        if !status::is_error(result) {
            self.unload_system_image(base);
        }
        self.set_result(thread, result);
    }

    /// Drivers that are there from the start: each begins on a thread of the system's, before any program.
    ///
    /// # Errors
    /// As `load_driver`.
    pub fn preload_driver(&mut self, name: &str) -> Result<(), NtStatus> {
        let (base, arguments) = self.map_driver(name)?;
        let thread = self.create_system_thread(SYSTEM_PROCESS, (0, 0)).inspect_err(|_| {
            self.unload_system_image(base);
        })?;
        // The thread runs nothing but the driver's entry, and ends where it returns.
        let routine = self.ring0.host.initialize_driver();
        let calls = &mut self.threads[thread.0].calls;
        let first = calls.pop();
        self.threads[thread.0].frame = first.map_or(self.threads[thread.0].frame, |call| call.resume);
        self.threads[thread.0].pending_exit = Some(0);
        self.call_kernel(thread, routine, &arguments, Then::DriverLoaded { base, after: AfterLoad::Nothing });
        self.set_priority(thread, PRELOAD_PRIORITY);
        Ok(())
    }

    /// Opens a file of the guest; its file object and identity.
    pub(crate) fn open_for_reading(
        &mut self,
        path: &str,
    ) -> Result<(crate::files::FileNumber, FileIdentity), NtStatus> {
        let name: Vec<u16> = format!("\\??\\{path}").encode_utf16().collect();
        let request =
            CreateRequest { access: READ_ACCESS, attributes: 0, share: 1, disposition: 1, options: SYNCHRONOUS };
        let created = self.files.borrow_mut().create(ObjectName { root: None, name: &name }, &request)?;
        let identity = self.files.borrow().identity(created.file);
        identity.map(|identity| (created.file, identity)).inspect_err(|_| {
            self.files.borrow_mut().cleanup(created.file);
            self.files.borrow_mut().close(created.file);
        })
    }
}

/// The services of this file.
pub(crate) const SERVICES: &[(&str, Handler)] =
    &[("NtLoadDriver", nt_load_driver), ("NtUnloadDriver", nt_unload_driver)];

/// Drivers come before all programs.
const PRELOAD_PRIORITY: u8 = 30;

/// `NtLoadDriver(Name)`: the key of a service, whose last part is its name.
fn nt_load_driver(system: &mut System, call: &Call) -> Reply {
    let name = service_name(system, call)?;
    system.load_driver(call.thread, &name, AfterLoad::Tell)?;
    Ok(Done::Later)
}

/// `NtUnloadDriver(Name)`.
fn nt_unload_driver(system: &mut System, call: &Call) -> Reply {
    let name = service_name(system, call)?;
    system.unload_driver(call.thread, &name)?;
    Ok(Done::Later)
}

fn service_name(system: &mut System, call: &Call) -> Result<String, NtStatus> {
    let path = system.read_unicode_string(call.space, call.arguments[0])?;
    let is_key = path.len() > SERVICES_KEY.len()
        && path.is_char_boundary(SERVICES_KEY.len())
        && path[..SERVICES_KEY.len()].eq_ignore_ascii_case(SERVICES_KEY);
    if is_key { Ok(path[SERVICES_KEY.len()..].to_owned()) } else { Err(status::OBJECT_PATH_SYNTAX_BAD) }
}

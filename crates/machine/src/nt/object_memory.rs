//! Objects in guest memory, in XP's layouts: whoever reads a dump finds the type, name and body of each behind its
//! `OBJECT_HEADER`. Who waits, and what a file is, is known in Rust.
//!
//! ```text
//! OBJECT_HEADER_NAME_INFO 10h   the directory that has the object, and its name there (room for it is always there)
//! OBJECT_HEADER 18h             references, handles, OBJECT_TYPE
//! body                          EPROCESS, ETHREAD, KEVENT, KMUTANT, KSEMAPHORE, ETIMER, SECTION_OBJECT, FILE_OBJECT,
//!                               OBJECT_DIRECTORY, OBJECT_SYMBOLIC_LINK; DEVICE_OBJECT, DRIVER_OBJECT where the driver
//!                               has them
//! ```
//!
//! Bodies of devices and drivers, and file objects of devices, are made by `ntoskrnl.exe`, with room before them.
//! `SignalState`, `Limit` and the owner of a mutant are kept up to date; queues of waiting threads are empty.

use crate::files::{DeviceKind, FileNumber};
use crate::memory::{NtStatus, PoolKind, Section};
use crate::nt::guest::GuestBlock;
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::user_memory::utf16;
use crate::nt::{System, status};
use vatlas_rules::nt::structures::{
    DIRECTORY_BUCKETS, device_object, directory_entry, dispatcher, file_object, header, object_directory,
    object_header, object_name, object_type, section_object, symbolic_link,
};
use vatlas_space::Va;

/// Where the header is in a block with room for a name, and where the body is.
const HEADER: u32 = object_name::BYTES;
const BODY: u32 = HEADER + object_header::BYTES;
/// `IO_TYPE_DEVICE`, `IO_TYPE_FILE` in front of their sizes.
const DEVICE_HEADER: u32 = 3 | device_object::BYTES << 16;
const FILE_HEADER: u32 = 5 | file_object::BYTES << 16;
/// Entries of one list of a directory that are looked at.
const MOST_ENTRIES: usize = 1 << 16;

/// Where an object is in guest memory; nowhere for a dispatcher object of a driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ObjectPlace {
    /// Room for the name, then the header, then the body. At 0: there is none.
    block: GuestBlock,
    /// Whether the block is the kernel's, not a driver's.
    is_owned: bool,
    /// Text of the name; 0 for none.
    text: u32,
    /// `OBJECT_DIRECTORY_ENTRY`; 0 for none.
    entry: u32,
    /// The directory that has it, and in which list.
    directory: Option<(ObjectId, u32)>,
}

impl ObjectPlace {
    const fn is_there(self) -> bool {
        self.block.va(0) != 0
    }

    /// Address of the `OBJECT_HEADER`; 0 for none.
    pub(crate) const fn header(self) -> u32 {
        if self.is_there() { self.block.va(HEADER) } else { 0 }
    }

    /// The body.
    pub(crate) const fn body(self) -> GuestBlock {
        self.block.moved(BODY)
    }
}

/// What the object manager has in guest memory besides objects.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ObjectRoots {
    /// `OBJECT_TYPE`s in the order of [`ObjectType`], that of types last.
    types: Vec<GuestBlock>,
    /// Devices of files.
    volume: u32,
    null: u32,
    console: u32,
    pipes: u32,
}

/// Types with a key: the tag of their blocks.
const TYPES: [(ObjectType, [u8; 4]); 13] = [
    (ObjectType::Directory, *b"Dire"),
    (ObjectType::SymbolicLink, *b"Symb"),
    (ObjectType::Process, *b"Pro\xe3"),
    (ObjectType::Thread, *b"Thr\xe5"),
    (ObjectType::Event, *b"Even"),
    (ObjectType::Mutant, *b"Muta"),
    (ObjectType::Semaphore, *b"Sema"),
    (ObjectType::Timer, *b"Time"),
    (ObjectType::KeyedEvent, *b"Keye"),
    (ObjectType::Section, *b"Sect"),
    (ObjectType::File, *b"File"),
    (ObjectType::Device, *b"Devi"),
    (ObjectType::Driver, *b"Driv"),
];
/// Place of the type of types among them.
const TYPE_OF_TYPES: usize = TYPES.len();
/// The tag of types.
const TYPE_TAG: [u8; 4] = *b"ObjT";

fn tag(kind: ObjectType) -> [u8; 4] {
    TYPES.iter().find(|(other, _)| *other == kind).map_or(*b"Obj ", |(_, tag)| *tag)
}

/// Objects that hold no dispatcher header are in paged pool, as on NT.
const fn pool(kind: ObjectType) -> PoolKind {
    match kind {
        ObjectType::Directory | ObjectType::SymbolicLink | ObjectType::Section => PoolKind::Paged,
        _ => PoolKind::NonPaged,
    }
}

/// The list of a directory in which a name is (our choice).
fn bucket(name: &str) -> u32 {
    let units = name.to_uppercase().encode_utf16().fold(0_u32, |sum, unit| sum.wrapping_mul(31) + u32::from(unit));
    units % DIRECTORY_BUCKETS
}

/// A `UNICODE_STRING`.
fn counted(text: &[u8], at: u32) -> [u8; 8] {
    let length = text.len().min(0xfffc) as u32;
    let word = length | (length + 2) << 16;
    let ([a, b, c, d], [e, f, g, h]) = (word.to_le_bytes(), at.to_le_bytes());
    [a, b, c, d, e, f, g, h]
}

impl System {
    fn kernel_bytes(&mut self, at: u32, bytes: &[u8]) {
        self.memory.write_kernel(&mut self.computer.board.ram, Va(at.into()), bytes);
    }

    fn kernel_u32(&self, at: u32) -> u32 {
        self.memory.read_kernel_u32(&self.computer.board.ram, Va(at.into())).unwrap_or_default()
    }

    fn set_kernel_u32(&mut self, at: u32, value: u32) {
        self.memory.write_kernel_u32(&mut self.computer.board.ram, Va(at.into()), value);
    }

    /// The types of objects. They come before all objects.
    pub(crate) fn make_object_types(&mut self) -> Result<(), NtStatus> {
        for place in 0..=TYPE_OF_TYPES {
            let block = self.pool_block(PoolKind::NonPaged, TYPE_TAG, BODY + object_type::BYTES)?;
            self.objects.roots.types.push(block.moved(BODY));
            let (name, tag) = TYPES.get(place).map_or(("Type", TYPE_TAG), |(kind, tag)| (kind.name(), *tag));
            let text = self.name_text(&utf16(name))?;
            let body = block.moved(BODY);
            self.put(body, object_type::NAME, &counted(&utf16(name), text));
            self.put_u32(body, object_type::INDEX, place as u32 + 1);
            self.put_u32(body, object_type::KEY, u32::from_le_bytes(tag));
            self.init_list(body.va(object_type::TYPE_LIST));
        }
        let of_types = self.objects.roots.types[TYPE_OF_TYPES].va(0);
        for place in 0..=TYPE_OF_TYPES {
            let block = self.objects.roots.types[place].moved(0_u32.wrapping_sub(BODY));
            self.put_u32(block, HEADER + object_header::POINTER_COUNT, 1);
            self.put_u32(block, HEADER + object_header::TYPE, of_types);
            self.count_in_type(TYPE_OF_TYPES, object_type::OBJECTS, 1);
        }
        Ok(())
    }

    /// `ObpRootDirectoryObject` and `ObpTypeObjectType`: the root directory and the type of types.
    pub(crate) fn show_object_roots(&mut self) {
        let root = self.objects.find("\\").and_then(|root| self.objects.get(root));
        let root = root.map_or(0, |root| root.place.body().va(0));
        let of_types = self.objects.roots.types.get(TYPE_OF_TYPES).map_or(0, |block| block.va(0));
        self.set_kernel_u32(self.variables.root_directory, root);
        self.set_kernel_u32(self.variables.type_of_types, of_types);
    }

    /// What programs cannot open by these names, but everybody who looks finds: types, the devices of files, the drive.
    pub(crate) fn make_fixed_objects(&mut self) -> Result<(), NtStatus> {
        for place in 0..=TYPE_OF_TYPES {
            let block = self.objects.roots.types[place].moved(0_u32.wrapping_sub(BODY));
            let name = TYPES.get(place).map_or("Type", |(kind, _)| kind.name());
            let place = ObjectPlace { block, is_owned: true, ..ObjectPlace::default() };
            self.show_name(place, &format!("\\ObjectTypes\\{name}"))?;
        }
        self.objects.roots.volume = self.fixed_device("HarddiskVolume1", 7)?;
        self.objects.roots.null = self.fixed_device("Null", 0x15)?;
        self.objects.roots.console = self.fixed_device("Console", 0)?;
        self.objects.roots.pipes = self.fixed_device("NamedPipe", 0x11)?;
        let link = Body::SymbolicLink("\\Device\\HarddiskVolume1".to_owned());
        let place = self.object_room(&link)?;
        self.set_kernel_u32(place.header(), 1);
        self.fill_body(&link, place.body());
        self.show_name(place, "\\??\\C:")?;
        Ok(())
    }

    /// A `DEVICE_OBJECT` of the kernel's, with its `FILE_DEVICE_*` type.
    fn fixed_device(&mut self, name: &str, kind: u32) -> Result<u32, NtStatus> {
        let block = self.pool_block(PoolKind::NonPaged, tag(ObjectType::Device), BODY + device_object::BYTES)?;
        let place = ObjectPlace { block, is_owned: true, ..ObjectPlace::default() };
        self.put_u32(place.body(), device_object::TYPE, DEVICE_HEADER);
        self.put_u32(place.body(), device_object::DEVICE_TYPE, kind);
        self.show_header(place, ObjectType::Device, 1);
        self.show_name(place, &format!("\\Device\\{name}"))?;
        Ok(place.body().va(0))
    }

    fn name_text(&mut self, text: &[u8]) -> Result<u32, NtStatus> {
        let ram = &mut self.computer.board.ram;
        let at = self.memory.pool_allocate(ram, PoolKind::Paged, *b"ObNm", text.len() as u32 + 2)?;
        self.kernel_bytes(at.0 as u32, text);
        self.kernel_bytes((at.0 as u32).wrapping_add(text.len() as u32), &[0, 0]);
        Ok(at.0 as u32)
    }

    fn count_in_type(&mut self, kind: usize, field: u32, by: u32) {
        let Some(block) = self.objects.roots.types.get(kind).copied() else { return };
        let count = self.get_u32(block, field).wrapping_add(by);
        self.put_u32(block, field, count);
        let most = field - object_type::OBJECTS + object_type::MOST_OBJECTS;
        if count as i32 > self.get_u32(block, most) as i32 {
            self.put_u32(block, most, count);
        }
    }

    fn show_header(&mut self, place: ObjectPlace, kind: ObjectType, references: u32) {
        let of_kind = self.objects.roots.types.get(kind as usize).map_or(0, |block| block.va(0));
        self.put_u32(place.block, HEADER + object_header::POINTER_COUNT, references);
        self.put_u32(place.block, HEADER + object_header::TYPE, of_kind);
        self.count_in_type(kind as usize, object_type::OBJECTS, 1);
    }

    /// Room for an object: all zeroes but for the header.
    ///
    /// # Errors
    /// A pool or memory is full.
    fn object_room(&mut self, body: &Body) -> Result<ObjectPlace, NtStatus> {
        let bytes = match body {
            Body::Event { .. } => dispatcher::EVENT_BYTES,
            Body::Mutant(_) => dispatcher::MUTANT_BYTES,
            Body::Semaphore { .. } => dispatcher::SEMAPHORE_BYTES,
            Body::Timer(_) => dispatcher::TIMER_BYTES,
            Body::Directory => object_directory::BYTES,
            Body::SymbolicLink(target) => symbolic_link::BYTES + text_room(target),
            Body::Section(_) => section_object::BYTES,
            Body::File(file) => file_object::BYTES + text_room(&self.file_text(*file).1),
            _ => 8,
        };
        self.room_of(body.kind(), bytes)
    }

    /// Room for an object of a kind whose body has so many bytes.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn room_of(&mut self, kind: ObjectType, bytes: u32) -> Result<ObjectPlace, NtStatus> {
        let block = self.pool_block(pool(kind), tag(kind), BODY + bytes)?;
        let place = ObjectPlace { block, is_owned: true, ..ObjectPlace::default() };
        self.show_header(place, kind, 0);
        Ok(place)
    }

    /// An object of a driver, or a file object of a device: `ntoskrnl.exe` left room before the body.
    pub(crate) fn room_before(&mut self, kind: ObjectType, body: u32) -> ObjectPlace {
        let block = self.kernel_block(body.wrapping_sub(BODY)).unwrap_or_default();
        let place = ObjectPlace { block, ..ObjectPlace::default() };
        if place.is_there() {
            self.put(block, 0, &[0; BODY as usize]);
            self.show_header(place, kind, 0);
        }
        place
    }

    /// What an object had is free again.
    pub(crate) fn free_room(&mut self, place: ObjectPlace, kind: ObjectType) {
        if !place.is_there() {
            return;
        }
        self.hide_name(place);
        self.count_in_type(kind as usize, object_type::OBJECTS, u32::MAX);
        if place.is_owned {
            self.free_block(place.block);
        }
    }

    /// A new object, with one reference and no handle.
    ///
    /// # Errors
    /// A pool or memory is full.
    pub(crate) fn make_object(&mut self, body: Body) -> Result<ObjectId, NtStatus> {
        let place = match &body {
            Body::Device(at) | Body::Driver(at) | Body::DeviceFile(at) => self.room_before(body.kind(), *at),
            Body::Dispatcher(_) => ObjectPlace::default(),
            _ => self.object_room(&body)?,
        };
        if place.is_owned {
            self.fill_body(&body, place.body());
        }
        Ok(self.insert_object(body, place))
    }

    /// A new object that has its place already.
    pub(crate) fn insert_object(&mut self, body: Body, place: ObjectPlace) -> ObjectId {
        let object = self.objects.insert(body, place);
        self.show_counts(object);
        object
    }

    /// One more reference.
    pub(crate) fn reference_object(&mut self, object: ObjectId) {
        if let Some(object) = self.objects.get_mut(object) {
            object.references += 1;
        }
        self.show_counts(object);
    }

    /// One more handle, or one less. It is a reference, too, which the caller gives back.
    pub(crate) fn count_handle(&mut self, object: ObjectId, is_more: bool) {
        let Some(counted) = self.objects.get_mut(object) else { return };
        let (kind, by) = (counted.body.kind(), if is_more { 1 } else { u32::MAX });
        counted.handles = counted.handles.saturating_add_signed(by as i32);
        counted.references += u32::from(is_more);
        self.count_in_type(kind as usize, object_type::HANDLES, by);
        self.show_counts(object);
    }

    /// `PointerCount` and `HandleCount`.
    pub(crate) fn show_counts(&mut self, object: ObjectId) {
        let Some(object) = self.objects.get(object).filter(|object| object.place.is_there()) else { return };
        let (block, references, handles) = (object.place.block, object.references, object.handles);
        self.put_u32(block, HEADER + object_header::POINTER_COUNT, references);
        self.put_u32(block, HEADER + object_header::HANDLE_COUNT, handles);
    }

    /// Whoever has the memory of an object takes it back: nothing is written there from now on.
    pub(crate) fn leave_room(&mut self, object: ObjectId) {
        let Some(left) = self.objects.get_mut(object) else { return };
        let (place, kind) = (std::mem::take(&mut left.place), left.body.kind());
        self.free_room(place, kind);
    }

    /// Gives an object its name: a full path whose directory exists.
    ///
    /// # Errors
    /// The directory does not exist, or a pool is full.
    pub(crate) fn name_object(&mut self, object: ObjectId, path: &str) -> Result<(), NtStatus> {
        self.objects.set_name(object, path)?;
        let place = self.objects.get(object).map(|object| object.place).unwrap_or_default();
        if !place.is_there() {
            return Ok(());
        }
        let shown = self.show_name(place, path);
        match (shown, self.objects.get_mut(object)) {
            (Ok(place), Some(named)) => {
                named.place = place;
                Ok(())
            }
            (shown, _) => {
                self.objects.unname(object);
                shown.map(|_| ())
            }
        }
    }

    /// Writes the name, and puts the object into its directory, which gets one more reference.
    fn show_name(&mut self, place: ObjectPlace, path: &str) -> Result<ObjectPlace, NtStatus> {
        let (folder, name) = path.rsplit_once('\\').ok_or(status::OBJECT_PATH_SYNTAX_BAD)?;
        let folder = self.objects.find(if folder.is_empty() { "\\" } else { folder }).filter(|_| !name.is_empty());
        let directory = folder.and_then(|folder| Some((folder, self.objects.get(folder)?.place.body())));
        let name = utf16(if name.is_empty() { "\\" } else { name });
        let text = self.name_text(&name)?;
        let entry = match directory {
            None => 0,
            Some(_) => {
                let ram = &mut self.computer.board.ram;
                let entry = self.memory.pool_allocate(ram, PoolKind::Paged, *b"ObDi", directory_entry::BYTES);
                entry.inspect_err(|_| self.memory.pool_free(&mut self.computer.board.ram, Va(text.into())))?.0 as u32
            }
        };
        let mut named = ObjectPlace { text, entry, ..place };
        self.put(place.block, object_name::NAME, &counted(&name, text));
        self.put_u8(place.block, HEADER + object_header::NAME_INFO, object_name::BYTES as u8);
        if let Some((folder, block)) = directory {
            let bucket = bucket(path.rsplit('\\').next().unwrap_or_default());
            let head = block.va(object_directory::BUCKETS + 4 * bucket);
            let next = self.kernel_u32(head);
            self.set_kernel_u32(entry + directory_entry::CHAIN_LINK, next);
            self.set_kernel_u32(entry + directory_entry::OBJECT, place.body().va(0));
            self.set_kernel_u32(head, entry);
            self.put_u32(place.block, object_name::DIRECTORY, block.va(0));
            self.reference_object(folder);
            named.directory = Some((folder, bucket));
        }
        Ok(named)
    }

    /// Takes an object out of its directory.
    fn hide_name(&mut self, place: ObjectPlace) {
        if let Some((folder, bucket)) = place.directory {
            let block = self.objects.get(folder).map(|folder| folder.place.body()).unwrap_or_default();
            let mut link = block.va(object_directory::BUCKETS + 4 * bucket);
            for _ in 0..MOST_ENTRIES {
                match self.kernel_u32(link) {
                    0 => break,
                    entry if entry == place.entry => {
                        let next = self.kernel_u32(entry + directory_entry::CHAIN_LINK);
                        self.set_kernel_u32(link, next);
                        break;
                    }
                    entry => link = entry + directory_entry::CHAIN_LINK,
                }
            }
            self.release_object(folder);
        }
        for block in [place.text, place.entry].into_iter().filter(|block| *block != 0) {
            self.memory.pool_free(&mut self.computer.board.ram, Va(block.into()));
        }
        self.obey_flush();
    }

    /// The device of a file object, and its name there.
    fn file_text(&self, file: FileNumber) -> (u32, String) {
        let (kind, name) = self.files.borrow().device_name(file).unwrap_or((DeviceKind::Volume, String::new()));
        let roots = &self.objects.roots;
        let device = match kind {
            DeviceKind::Volume => roots.volume,
            DeviceKind::Null => roots.null,
            DeviceKind::Console => roots.console,
            DeviceKind::Pipes => roots.pipes,
        };
        (device, name)
    }

    /// The `FILE_OBJECT` to which the control area of a section leads. Without room there is none.
    pub(crate) fn show_section_file(&mut self, section: &Section) {
        let index = section.control_area();
        let area = self.memory.area(index).filter(|area| area.file_object.0 == 0);
        let path = area.and_then(|area| self.files.borrow().path_of(area.file()?));
        let Some(text) = path.map(|path| utf16(&path)) else { return };
        let bytes = BODY + file_object::BYTES + text.len() as u32 + 2;
        let Ok(block) = self.pool_block(PoolKind::NonPaged, tag(ObjectType::File), bytes) else { return };
        let (body, device) = (block.moved(BODY), self.objects.roots.volume);
        let of_files = self.objects.roots.types.get(ObjectType::File as usize).map_or(0, |block| block.va(0));
        self.put_u32(block, HEADER + object_header::POINTER_COUNT, 1);
        self.put_u32(block, HEADER + object_header::TYPE, of_files);
        self.put_u32(body, file_object::TYPE, FILE_HEADER);
        self.put_u32(body, file_object::DEVICE_OBJECT, device);
        self.put(body, file_object::FILE_NAME, &counted(&text, body.va(file_object::BYTES)));
        self.kernel_bytes(body.va(file_object::BYTES), &text);
        let at = Va(block.va(0).into());
        self.memory.set_file_object(&mut self.computer.board.ram, index, body.va(0), at);
    }

    /// Writes what an object begins with.
    fn fill_body(&mut self, body: &Body, at: GuestBlock) {
        let (kind, words) = match body {
            Body::Event { is_manual, .. } => (u32::from(!is_manual), dispatcher::EVENT_BYTES / 4),
            Body::Mutant(_) => (2, dispatcher::MUTANT_BYTES / 4),
            Body::Semaphore { limit, .. } => {
                self.put_u32(at, dispatcher::LIMIT, *limit);
                (5, dispatcher::SEMAPHORE_BYTES / 4)
            }
            Body::Timer(timer) => (8 + u32::from(!timer.is_manual), 0x28 / 4),
            Body::SymbolicLink(target) => {
                let text = utf16(target);
                let now = self.clock.now();
                self.put(at, symbolic_link::CREATION_TIME, &now.to_le_bytes());
                self.put(at, symbolic_link::LINK_TARGET, &counted(&text, at.va(symbolic_link::BYTES)));
                return self.kernel_bytes(at.va(symbolic_link::BYTES), &text);
            }
            Body::File(file) => {
                let (device, name) = self.file_text(*file);
                let text = utf16(&name);
                self.put_u32(at, file_object::TYPE, FILE_HEADER);
                self.put_u32(at, file_object::DEVICE_OBJECT, device);
                self.put(at, file_object::FILE_NAME, &counted(&text, at.va(file_object::BYTES)));
                return self.kernel_bytes(at.va(file_object::BYTES), &text);
            }
            Body::Section(section) => {
                let area = self.memory.area(section.control_area());
                let (segment, size) = area.map_or((0, 0), |area| (area.segment().0 as u32, area.size));
                self.put_u32(at, section_object::SEGMENT, segment);
                return self.put(at, section_object::SIZE, &size.to_le_bytes());
            }
            _ => return,
        };
        self.put_u32(at, header::TYPE, kind | words << 16);
        self.init_list(at.va(header::WAIT_LIST_HEAD));
        self.show_state(body, at);
    }

    /// `SignalState` of an object that was signaled, taken, or set back.
    pub(crate) fn show_signal(&mut self, object: ObjectId) {
        let Some(object) = self.objects.get(object).filter(|object| object.place.is_owned) else { return };
        let (body, at) = (object.body.clone(), object.place.body());
        self.show_state(&body, at);
    }

    fn show_state(&mut self, body: &Body, at: GuestBlock) {
        let state = match body {
            Body::Event { is_signaled, .. } => u32::from(*is_signaled),
            Body::Semaphore { count, .. } => *count,
            Body::Timer(timer) => u32::from(timer.is_signaled),
            Body::Mutant(mutant) => {
                let owner = mutant.owner.map_or(0, |owner| self.threads[owner.0].block.va(0));
                self.put_u32(at, dispatcher::OWNER_THREAD, owner);
                self.put_u8(at, dispatcher::ABANDONED, mutant.is_abandoned.into());
                1_u32.wrapping_sub(mutant.count)
            }
            _ => return,
        };
        self.put_u32(at, header::SIGNAL_STATE, state);
    }
}

/// Bytes of a text with its end.
fn text_room(text: &str) -> u32 {
    (2 * text.encode_utf16().count() as u32).saturating_add(2)
}

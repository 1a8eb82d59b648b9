//! Objects with names: `OBJECT_ATTRIBUTES`, creating and opening.
//!
//! ```text
//! +0 Length 18h   +4 RootDirectory   +8 ObjectName   +C Attributes   +10 SecurityDescriptor   +14 SecurityQos
//! ```

use crate::memory::NtStatus;
use crate::nt::call::Call;
use crate::nt::handles::INHERIT;
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::{Done, Reply, System, status};

/// `OBJ_INHERIT`.
pub(crate) const OBJ_INHERIT: u32 = 0x2;
/// `OBJ_OPENIF`: an object that has the name is opened.
const OBJ_OPENIF: u32 = 0x80;
/// Symbolic links that one name may lead through.
const MOST_LINKS: usize = 8;

/// What `OBJECT_ATTRIBUTES` say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Attributes {
    /// The handle that the name is relative to; 0 for none.
    pub root: u32,
    /// The name as it was given; none for an object without.
    pub name: Option<String>,
    pub flags: u32,
}

impl System {
    /// Reads `OBJECT_ATTRIBUTES`; a null pointer is an object without name and attributes.
    pub(crate) fn read_attributes(&mut self, call: &Call, at: u32) -> Result<Attributes, NtStatus> {
        if at == 0 {
            return Ok(Attributes::default());
        }
        let bytes: [u8; 0x18] = self.read_array(call.space, at)?;
        let word = |number: usize| bytes.as_chunks().0.get(number).map_or(0, |word| u32::from_le_bytes(*word));
        if word(0) != 0x18 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let (root, name_at, flags) = (word(1), word(2), word(3));
        let name = if name_at == 0 { None } else { Some(self.read_unicode_string(call.space, name_at)?) };
        Ok(Attributes { root, name: name.filter(|name| !name.is_empty()), flags })
    }

    /// The full path of a name in the object directories, symbolic links followed. None for an object without name.
    pub(crate) fn object_path(&self, call: &Call, attributes: &Attributes) -> Result<Option<String>, NtStatus> {
        let Some(name) = &attributes.name else { return Ok(None) };
        let mut path = if attributes.root == 0 {
            if !name.starts_with('\\') {
                return Err(status::OBJECT_PATH_SYNTAX_BAD);
            }
            name.clone()
        } else {
            let root = self.object_by_handle(call, attributes.root, ObjectType::Directory)?;
            let folder = self.objects.get(root).and_then(|object| object.name.clone()).unwrap_or_default();
            format!("{}\\{name}", folder.trim_end_matches('\\'))
        };
        // Session-relative names: there is one session.
        for prefix in ["\\BaseNamedObjects\\Global\\", "\\BaseNamedObjects\\Local\\"] {
            if path.len() > prefix.len() && path.is_char_boundary(prefix.len()) {
                let (front, rest) = path.split_at(prefix.len());
                if front.eq_ignore_ascii_case(prefix) {
                    path = format!("\\BaseNamedObjects\\{rest}");
                }
            }
        }
        for _ in 0..MOST_LINKS {
            match self.objects.find(&path).and_then(|object| self.objects.body(object)) {
                Some(Body::SymbolicLink(target)) => path.clone_from(target),
                _ => break,
            }
        }
        Ok(Some(path))
    }

    /// Creates an object, or opens the one that has the name when that is asked for; a handle for it.
    pub(crate) fn create_object(
        &mut self,
        call: &Call,
        (out, access, attributes): (u32, u32, u32),
        body: Body,
    ) -> Reply {
        let (path, flags) = match self.new_name(call, (out, access, attributes), body.kind()) {
            Ok(Some(name)) => name,
            Ok(None) => {
                self.drop_body(body);
                return Ok(Done::Status(status::OBJECT_NAME_EXISTS));
            }
            Err(status) => {
                self.drop_body(body);
                return Err(status);
            }
        };
        let object = match self.make_object(body.clone()) {
            Ok(object) => object,
            Err(status) => {
                self.drop_body(body);
                return Err(status);
            }
        };
        let named = path.map_or(Ok(()), |path| self.name_object(object, &path));
        let given = named.and_then(|()| self.give_handle(call, (out, access, flags), object));
        self.release_object(object);
        given.map(|()| Done::Status(status::SUCCESS))
    }

    /// The name that a new object gets, and its flags; `None` when one of the same type has it, which was opened.
    fn new_name(
        &mut self,
        call: &Call,
        (out, access, attributes): (u32, u32, u32),
        kind: ObjectType,
    ) -> Result<Option<(Option<String>, u32)>, NtStatus> {
        self.probe_write(call.space, out, 4)?;
        let attributes = self.read_attributes(call, attributes)?;
        let path = self.object_path(call, &attributes)?;
        let Some(existing) = path.as_deref().and_then(|path| self.objects.find(path)) else {
            return Ok(Some((path, attributes.flags)));
        };
        let is_same = self.objects.body(existing).is_some_and(|other| other.kind() == kind);
        match () {
            () if attributes.flags & OBJ_OPENIF == 0 => return Err(status::OBJECT_NAME_COLLISION),
            () if !is_same => return Err(status::OBJECT_TYPE_MISMATCH),
            () => {}
        }
        self.give_handle(call, (out, access, attributes.flags), existing)?;
        Ok(None)
    }

    /// What was to become an object goes.
    fn drop_body(&mut self, body: Body) {
        if let Body::Section(section) = body {
            self.memory.close_section(&mut self.computer.board.ram, section);
            self.obey_flush();
        }
    }

    /// Opens the object of a type that has a name; a handle for it.
    pub(crate) fn open_object(
        &mut self,
        call: &Call,
        (out, access, attributes): (u32, u32, u32),
        kind: ObjectType,
    ) -> Reply {
        self.probe_write(call.space, out, 4)?;
        let attributes = self.read_attributes(call, attributes)?;
        let path = self.object_path(call, &attributes)?.ok_or(status::OBJECT_PATH_SYNTAX_BAD)?;
        let object = self.objects.find(&path).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
        if self.objects.body(object).is_none_or(|body| body.kind() != kind) {
            return Err(status::OBJECT_TYPE_MISMATCH);
        }
        self.give_handle(call, (out, access, attributes.flags), object)?;
        Ok(Done::Status(status::SUCCESS))
    }

    /// Makes a handle and writes it where the program wants it.
    pub(crate) fn give_handle(
        &mut self,
        call: &Call,
        (out, access, flags): (u32, u32, u32),
        object: ObjectId,
    ) -> Result<(), NtStatus> {
        let handle = self.open_handle(call.process, object, access)?;
        if flags & OBJ_INHERIT != 0 {
            self.set_handle_attributes(call.process, handle, INHERIT);
        }
        self.write_u32(call.space, out, handle)
    }

    /// Takes a reference away; what the object was made of goes with the last one.
    pub(crate) fn release_object(&mut self, object: ObjectId) {
        let Some(gone) = self.objects.release(object) else { return self.show_counts(object) };
        let kind = gone.body.kind();
        match gone.body {
            Body::Timer(timer) => {
                if let Some(key) = timer.key {
                    self.clock.cancel(key);
                }
            }
            Body::File(file) => self.files.borrow_mut().close(file),
            Body::Dispatcher(pointer) => {
                self.ring0.dispatchers.remove(&pointer);
            }
            Body::Section(section) => {
                self.memory.close_section(&mut self.computer.board.ram, section);
                self.obey_flush();
            }
            Body::Process(process) => self.forget_process(process),
            Body::Thread(thread) => self.forget_thread(thread),
            _ => {}
        }
        self.free_room(gone.place, kind);
    }
}

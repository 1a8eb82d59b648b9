//! What an expression has computed so far: a type, and where the value is.

use super::{
    error::{Span, WatchError},
    store::TypeStore,
};
use crate::value::{Bytes, Integer, Place, strip};
use std::rc::Rc;
use vatlas_space::{ProcessIndex, Step, Va};
use vatlas_symbols::{
    Type, TypeId,
    type_text::{size_of, type_name},
    types::BasicKind,
};

/// Where a value lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Home {
    /// In memory.
    Memory,
    /// In these registers.
    Register(String),
    /// In no place: the debug information has it.
    Constant,
    /// In no place: it was computed.
    Computed,
}

/// A typed value, not read yet when it is in memory.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub store: Rc<TypeStore>,
    pub id: TypeId,
    pub place: Place,
    pub home: Home,
    /// Whose memory.
    pub process: ProcessIndex,
    /// How it was found.
    pub steps: Vec<Step>,
}

/// A number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Number {
    Integer(Integer),
    Float(f64),
}

impl Operand {
    pub fn new(store: Rc<TypeStore>, id: TypeId, place: Place, process: ProcessIndex) -> Self {
        Self { store, id, place, home: Home::Memory, process, steps: Vec::new() }
    }

    /// Bytes that were computed.
    pub fn computed(store: &Rc<TypeStore>, id: TypeId, bytes: &[u8], process: ProcessIndex) -> Self {
        let place = Place::here(Bytes::known(bytes));
        Self { home: Home::Computed, ..Self::new(Rc::clone(store), id, place, process) }
    }

    pub fn integer(store: &Rc<TypeStore>, number: Integer, process: ProcessIndex) -> Self {
        let id = store.integer(number.width, number.is_signed);
        let bytes = usize::try_from(number.width / 8).unwrap_or(16).clamp(1, 16);
        Self::computed(store, id, &number.number().to_le_bytes()[..bytes], process)
    }

    pub fn float(store: &Rc<TypeStore>, number: f64, process: ProcessIndex) -> Self {
        let id = store.basic(BasicKind::Float, 8, "double");
        Self::computed(store, id, &number.to_le_bytes(), process)
    }

    /// An address as a pointer to a type.
    pub fn pointer(store: &Rc<TypeStore>, target: TypeId, to: Va, process: ProcessIndex) -> Self {
        let id = store.pointer_to(target);
        let size = usize::try_from(vatlas_symbols::Types::pointer_size(&**store)).unwrap_or(8).min(8);
        Self::computed(store, id, &to.0.to_le_bytes()[..size], process)
    }

    /// The same value where it is, as another type.
    pub fn at(&self, id: TypeId, place: Place) -> Self {
        Self { id, place, ..self.clone() }
    }

    pub fn type_name(&self) -> String {
        type_name(&*self.store, self.id)
    }

    pub fn size(&self) -> Option<u64> {
        size_of(&*self.store, self.id)
    }

    /// The type without `typedef` and `const`.
    pub fn stripped(&self, span: Span) -> Result<(TypeId, Type), WatchError> {
        strip(&*self.store, self.id).map_err(|problem| WatchError::of_type(span, problem))
    }
}

//! What hangs on the host and cannot be data: a file, a store. A copy of the state does not have it; it is made anew.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Something of the host among data. Its copy, and what is read back from a snapshot, is empty until it is given again.
pub struct Live<T>(Option<T>);

impl<T> Live<T> {
    /// It is there.
    pub const fn new(what: T) -> Self {
        Self(Some(what))
    }

    /// It is not there.
    pub const fn none() -> Self {
        Self(None)
    }

    /// What is there.
    pub const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// What is there, to be changed.
    pub const fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Takes it out.
    pub const fn take(&mut self) -> Option<T> {
        self.0.take()
    }

    /// Gives it.
    pub fn set(&mut self, what: T) {
        self.0 = Some(what);
    }
}

impl<T> Default for Live<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<Option<T>> for Live<T> {
    fn from(what: Option<T>) -> Self {
        Self(what)
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(None)
    }
}

/// The same whether it is there or not: it is no part of the state, whose hash is made of what is printed.
impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("live")
    }
}

impl<T> Serialize for Live<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, T> Deserialize<'de> for Live<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self(None))
    }
}

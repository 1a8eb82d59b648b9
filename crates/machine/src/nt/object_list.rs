//! The objects of a stopped system, as somebody who looks wants to know them.

use crate::nt::System;
use crate::nt::objects::Object;
use vatlas_space::SystemObject;

impl System {
    /// The objects that have a name in the system's directories.
    pub fn named_objects(&self) -> Vec<SystemObject> {
        let named = self.objects.named().filter_map(|id| self.objects.get(id));
        let object = |object: &Object| SystemObject {
            type_name: object.body.kind().name().to_owned(),
            name: object.name.clone().unwrap_or_default(),
            handle_count: object.handles,
            pointer_count: object.references,
        };
        named.map(object).collect()
    }
}

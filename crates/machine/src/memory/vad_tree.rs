//! The tree of descriptors in guest memory, at `EPROCESS.VadRoot`, in XP's layout.
//!
//! ```text
//! 00 StartingVpn  04 EndingVpn  08 Parent  0C Left  10 Right  14 VadFlags      tag VadS: private
//! 18 ControlArea  1C FirstPrototypePte  20 LastContiguousPte  24 VadFlags2     tag Vad : a view
//! 28 Secured {first address, last address}  30 (not used)                      tag Vadl: secured
//! ```
//!
//! XP's tree adjusts itself when it is searched. Here its shape follows from the page numbers alone: each descriptor
//! has a priority, a hash of its first page, and is above all that have a lower one, so the depth stays logarithmic.

use crate::memory::{Memory, NtStatus, PoolKind, SpaceIndex, Vad};
use crate::ram::Ram;
use vatlas_rules::nt::structures::vad as vad_offsets;
use vatlas_space::Va;

const PARENT: u64 = vad_offsets::PARENT as u64;
const LEFT: u64 = vad_offsets::LEFT as u64;
const RIGHT: u64 = vad_offsets::RIGHT as u64;
const FLAGS: u64 = vad_offsets::FLAGS as u64;
/// Most pages that the 19 bits of `CommitCharge` hold; one more would mean that nothing is counted.
const MOST_COMMIT: u32 = 0x7_fffe;

/// Which descriptor is above which.
const fn priority(first: u32) -> u32 {
    first.wrapping_mul(0x9e37_79b1)
}

/// `VadFlags` of XP.
fn flags(vad: &Vad) -> u32 {
    let bit = |is_set: bool, bit: u32| u32::from(is_set) << bit;
    vad.commit.min(MOST_COMMIT)
        | bit(vad.view.is_some_and(|view| view.is_image), 20)
        | bit(vad.is_secured, 22)
        | bit(vad.is_watched, 23)
        | (u32::from(vad.protection.0) & 0x1f) << 24
        | bit(vad.is_committed, 30)
        | bit(vad.view.is_none(), 31)
}

/// `VadFlags2` of XP.
fn flags2(vad: &Vad) -> u32 {
    let bit = |is_set: bool, bit: u32| u32::from(is_set) << bit;
    vad.view.map_or(0, |view| view.offset & 0xff_ffff | bit(view.is_inherited, 30))
        | bit(vad.is_secured, 25)
        | bit(vad.is_secured, 28)
        | bit(vad.view.is_some_and(|view| !view.is_image) && vad.protection.0 & 5 == 5, 31)
}

impl Memory {
    /// Memory for a descriptor.
    pub(crate) fn new_vad_node(&mut self, ram: &mut Ram, vad: &Vad) -> Result<Va, NtStatus> {
        let (tag, bytes) = match vad {
            Vad { is_secured: true, .. } => (*b"Vadl", 0x34),
            Vad { view: Some(_), .. } => (*b"Vad ", 0x28),
            _ => (*b"VadS", 0x18),
        };
        self.pool_allocate(ram, PoolKind::NonPaged, tag, bytes)
    }

    /// Puts a descriptor into the tree. It gets memory when it has none.
    pub(crate) fn insert_vad(&mut self, ram: &mut Ram, space: SpaceIndex, mut vad: Vad) -> Result<(), NtStatus> {
        if vad.node == Va(0) {
            vad.node = self.new_vad_node(ram, &vad)?;
        }
        self.spaces[space.0].vads.insert(vad);
        self.write_vad(ram, &vad);
        self.link_vad(ram, space, &vad);
        Ok(())
    }

    /// Takes a descriptor out of the tree; its memory stays.
    pub(crate) fn unlink_vad(&mut self, ram: &mut Ram, space: SpaceIndex, vad: &Vad) {
        self.spaces[space.0].vads.remove(vad.first);
        let node = vad.node;
        // Down, until at most one descriptor is under it.
        while let (left, right) = (self.vad_field(ram, node, LEFT), self.vad_field(ram, node, RIGHT))
            && (left != Va(0) && right != Va(0))
        {
            let is_left = priority(self.first_page(ram, left)) > priority(self.first_page(ram, right));
            self.rotate_up(ram, space, if is_left { left } else { right });
        }
        let left = self.vad_field(ram, node, LEFT);
        let child = if left == Va(0) { self.vad_field(ram, node, RIGHT) } else { left };
        let parent = self.vad_field(ram, node, PARENT);
        self.replace_child(ram, space, parent, node, child);
        [PARENT, LEFT, RIGHT].iter().for_each(|field| self.set_vad_field(ram, node, *field, Va(0)));
    }

    /// Takes a descriptor away.
    pub(crate) fn delete_vad(&mut self, ram: &mut Ram, space: SpaceIndex, vad: &Vad) {
        self.unlink_vad(ram, space, vad);
        self.pool_free(ram, vad.node);
    }

    /// Changes what a descriptor says; not its range.
    pub(crate) fn update_vad(&mut self, ram: &mut Ram, space: SpaceIndex, first: u32, change: impl FnOnce(&mut Vad)) {
        let Some(vad) = self.spaces[space.0].vads.update(first, change) else { return };
        self.set_vad_field(ram, vad.node, FLAGS, Va(flags(&vad).into()));
    }

    /// Tells where `EPROCESS.VadRoot` is, in the kernel half: from now on it has the root.
    pub fn set_vad_root(&mut self, ram: &mut Ram, space: SpaceIndex, cell: Va) {
        self.spaces[space.0].root_cell = Some(cell);
        self.set_root(ram, space, self.space(space).vad_root());
    }

    fn set_root(&mut self, ram: &mut Ram, space: SpaceIndex, root: Va) {
        self.spaces[space.0].vad_root = root;
        if let Some(cell) = self.spaces[space.0].root_cell {
            self.write_kernel_u32(ram, cell, root.0 as u32);
        }
    }

    fn vad_field(&self, ram: &Ram, node: Va, field: u64) -> Va {
        Va(self.read_kernel_u32(ram, Va(node.0 + field)).unwrap_or_default().into())
    }

    fn set_vad_field(&self, ram: &mut Ram, node: Va, field: u64, value: Va) {
        self.write_kernel_u32(ram, Va(node.0 + field), value.0 as u32);
    }

    fn first_page(&self, ram: &Ram, node: Va) -> u32 {
        self.vad_field(ram, node, 0).0 as u32
    }

    fn write_vad(&self, ram: &mut Ram, vad: &Vad) {
        let mut words = vec![vad.first, vad.last, 0, 0, 0, flags(vad)];
        if vad.view.is_some() || vad.is_secured {
            let last = vad.prototype_of(vad.last).unwrap_or_default().0 as u32;
            let first = vad.view.map_or(0, |view| view.prototype.0 as u32);
            let area = vad.view.map_or(0, |view| self.control_area_address(view.area).0 as u32);
            words.extend([area, first, last, flags2(vad)]);
        }
        if vad.is_secured {
            words.extend([vad.first << 12, vad.last << 12 | 0xfff]);
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.write_kernel(ram, vad.node, &bytes);
    }

    /// Hangs a descriptor in where its page number belongs, then moves it up to where its priority belongs.
    fn link_vad(&mut self, ram: &mut Ram, space: SpaceIndex, vad: &Vad) {
        let (mut parent, mut side) = (Va(0), LEFT);
        let mut next = self.space(space).vad_root();
        while next != Va(0) {
            side = if vad.first < self.first_page(ram, next) { LEFT } else { RIGHT };
            (parent, next) = (next, self.vad_field(ram, next, side));
        }
        if parent == Va(0) {
            return self.set_root(ram, space, vad.node);
        }
        self.set_vad_field(ram, parent, side, vad.node);
        self.set_vad_field(ram, vad.node, PARENT, parent);
        while parent != Va(0) && priority(self.first_page(ram, parent)) < priority(vad.first) {
            self.rotate_up(ram, space, vad.node);
            parent = self.vad_field(ram, vad.node, PARENT);
        }
    }

    /// `child` takes the place of `node` under `parent`, or as the root.
    fn replace_child(&mut self, ram: &mut Ram, space: SpaceIndex, parent: Va, node: Va, child: Va) {
        match parent {
            Va(0) => self.set_root(ram, space, child),
            _ if self.vad_field(ram, parent, LEFT) == node => self.set_vad_field(ram, parent, LEFT, child),
            _ => self.set_vad_field(ram, parent, RIGHT, child),
        }
        if child != Va(0) {
            self.set_vad_field(ram, child, PARENT, parent);
        }
    }

    /// A node and its parent change places; the order stays.
    fn rotate_up(&mut self, ram: &mut Ram, space: SpaceIndex, node: Va) {
        let parent = self.vad_field(ram, node, PARENT);
        let above = self.vad_field(ram, parent, PARENT);
        let (side, other) = if self.vad_field(ram, parent, LEFT) == node { (LEFT, RIGHT) } else { (RIGHT, LEFT) };
        let inner = self.vad_field(ram, node, other);
        self.set_vad_field(ram, parent, side, inner);
        if inner != Va(0) {
            self.set_vad_field(ram, inner, PARENT, parent);
        }
        self.replace_child(ram, space, above, parent, node);
        self.set_vad_field(ram, node, other, parent);
        self.set_vad_field(ram, parent, PARENT, node);
    }
}

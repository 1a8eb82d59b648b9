//! Virtual address descriptors: the tree at `EPROCESS.VadRoot`.

use super::memory::{KernelMemory, PAGE, Reader, field};
use vatlas_rules::nt::{
    pte::MmProtection,
    structures::vad::{CONTROL_AREA, ENDING_VPN, FIRST_PROTOTYPE_PTE, FLAGS, LEFT, RIGHT, STARTING_VPN},
};
use vatlas_space::{Protection, RegionKind, Va, VaRange, Vad};

/// Most descriptors of a process: each is for 64 KB at least.
const MOST: usize = 1 << 16;
/// All bits of `CommitCharge`: pages are not counted.
const NOT_COUNTED: u32 = 0x7_ffff;
const IMAGE_MAP: u32 = 1 << 20;
const NO_CHANGE: u32 = 1 << 22;
const MEM_COMMIT: u32 = 1 << 30;
const PRIVATE_MEMORY: u32 = 1 << 31;

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// The descriptors under a root, in order of address.
    pub(super) fn vads(self, root: Option<Va>) -> Vec<Vad> {
        let mut found: Vec<Vad> = Vec::new();
        let mut open: Vec<Va> = root.into_iter().collect();
        while let Some(at) = open.pop() {
            if found.len() == MOST {
                break;
            }
            found.extend(self.vad(at));
            open.extend([LEFT, RIGHT].iter().filter_map(|side| self.kernel_pointer(field(at, *side)?)));
        }
        found.sort_by_key(|vad| vad.range.first());
        found.dedup_by_key(|vad| vad.range.first());
        found
    }

    /// The descriptor of an address: down the tree.
    pub(super) fn vad_of(self, root: Option<Va>, va: Va) -> Option<Vad> {
        let mut next = root;
        for _ in 0..MOST {
            let vad = self.vad(next?)?;
            let side = match va {
                va if va < vad.range.first() => LEFT,
                va if va > vad.range.last() => RIGHT,
                _ => return Some(vad),
            };
            next = self.kernel_pointer(field(vad.at, side)?);
        }
        None
    }

    fn vad(self, at: Va) -> Option<Vad> {
        let [first, last] = [STARTING_VPN, ENDING_VPN].map(|offset| self.kernel_u32(field(at, offset)?));
        let flags = self.kernel_u32(field(at, FLAGS)?)?;
        let range = VaRange::new(Va(u64::from(first?) * PAGE), Va(u64::from(last?) * PAGE + (PAGE - 1)))?;
        let is_private = flags & PRIVATE_MEMORY != 0;
        let view = |offset| if is_private { None } else { self.kernel_pointer(field(at, offset)?) };
        let control_area = view(CONTROL_AREA);
        let commit = flags & NOT_COUNTED;
        Some(Vad {
            at,
            range,
            kind: match flags {
                flags if flags & IMAGE_MAP != 0 => RegionKind::Image,
                _ if is_private => RegionKind::Private,
                _ => RegionKind::Mapped,
            },
            protection: Protection(MmProtection((flags >> 24 & 0x1f) as u8).protection().0),
            commit: (commit != NOT_COUNTED).then_some(commit),
            is_committed: flags & MEM_COMMIT != 0,
            is_secured: flags & NO_CHANGE != 0,
            control_area,
            first_prototype: view(FIRST_PROTOTYPE_PTE),
            file: control_area.and_then(|area| self.control_area_file(area)),
        })
    }
}

//! Heaps, proven: by the signature in front of a segment and by the process's own heap list.
//!
//! Offsets are those of the public symbols of `ntdll` (`_PEB`, `_HEAP`, `_HEAP_SEGMENT`).

use vatlas_space::{AddressSpace, PointerWidth, Region, Source, Step, Va, VaRange};

/// `_HEAP_SEGMENT.SegmentSignature`: since Windows Vista a heap begins with its first segment.
const SEGMENT_SIGNATURE: u32 = 0xffee_ffee;
/// `_HEAP.Signature` of the heaps of Windows NT 4 to Server 2003.
const OLD_HEAP_SIGNATURE: u32 = 0xeeff_eeff;
/// `_SEGMENT_HEAP.Signature` of Windows 10.
const SEGMENT_HEAP_SIGNATURE: u32 = 0xddee_ddee;

/// More heaps than this in one process are taken for damage.
const MOST_HEAPS: u32 = 4096;

/// Where the fields lie in one pointer width.
struct Fields {
    /// `_PEB.NumberOfHeaps` and `_PEB.ProcessHeaps`.
    peb_count: u64,
    peb_list: u64,
    /// The signature of segment or heap, behind one heap entry.
    signature: u64,
    /// `_HEAP_SEGMENT.Heap` since Vista, and before.
    heap: u64,
    old_heap: u64,
    /// `_HEAP_SEGMENT.NumberOfPages` since Vista.
    pages: u64,
}

const FIELDS32: Fields =
    Fields { peb_count: 0x88, peb_list: 0x90, signature: 0x8, heap: 0x18, old_heap: 0x10, pages: 0x20 };
const FIELDS64: Fields =
    Fields { peb_count: 0xe8, peb_list: 0xf0, signature: 0x10, heap: 0x28, old_heap: 0x18, pages: 0x38 };

fn fields(width: PointerWidth) -> &'static Fields {
    match width {
        PointerWidth::Bits32 => &FIELDS32,
        PointerWidth::Bits64 => &FIELDS64,
    }
}

/// A proof that an address belongs to a heap.
pub(crate) struct HeapProof {
    pub heap: Va,
    pub range: VaRange,
    pub step: Step,
}

/// The heaps that a PEB lists; empty when the list is not captured.
pub(crate) fn listed(space: &dyn AddressSpace, width: PointerWidth, peb: Va) -> Vec<Va> {
    let fields = fields(width);
    let count = peb.checked_add(fields.peb_count).and_then(|at| space.read_u32(at).ok());
    let list = peb.checked_add(fields.peb_list).and_then(|at| space.read_pointer(at, width).ok());
    let (Some(count), Some(list)) = (count.filter(|count| *count <= MOST_HEAPS), list) else { return Vec::new() };
    (0..u64::from(count))
        .map_while(|index| space.read_pointer(list.checked_add(index * width.bytes() as u64)?, width).ok())
        .filter(|heap| heap.0 != 0)
        .collect()
}

/// Proves the heap around `va`: the front of its allocation (or, where allocations are not known, of a listed
/// heap that reaches so far) carries a signature and names a heap.
pub(crate) fn prove(
    space: &dyn AddressSpace,
    width: PointerWidth,
    va: Va,
    region: &Region,
    listed: &[Va],
) -> Option<HeapProof> {
    if let Some(base) = region.allocation_base {
        // A damaged list may name a base above the region.
        let range = VaRange::new(base, region.range.last()).filter(|range| range.contains(va))?;
        return front(space, width, base, listed).map(|(heap, finding)| proof(heap, range, base, &finding));
    }
    let base = listed[..listed.partition_point(|heap| *heap <= va)].last().copied()?;
    let (heap, finding) = front(space, width, base, listed)?;
    let range = VaRange::sized(base, segment_size(space, width, base)?)?;
    range.contains(va).then(|| proof(heap, range, base, &finding))
}

fn proof(heap: Va, range: VaRange, base: Va, finding: &str) -> HeapProof {
    HeapProof { heap, range, step: Step::new(format!("{finding} of heap {heap}"), Source::Memory(base)) }
}

/// What stands at the front of an allocation: the heap, and the finding in words.
fn front(space: &dyn AddressSpace, width: PointerWidth, base: Va, listed: &[Va]) -> Option<(Va, String)> {
    let fields = fields(width);
    let signature = space.read_u32(base.checked_add(fields.signature)?).ok()?;
    let is_listed = listed.binary_search(&base).is_ok();
    let words = |name: &str| format!("the allocation begins with the signature {signature:08x} ({name}) and is part");
    match signature {
        OLD_HEAP_SIGNATURE if is_listed => Some((base, words("heap, in the PEB's list"))),
        SEGMENT_HEAP_SIGNATURE if is_listed => Some((base, words("segment heap, in the PEB's list"))),
        SEGMENT_SIGNATURE => [fields.heap, fields.old_heap].into_iter().find_map(|field| {
            let heap = space.read_pointer(base.checked_add(field)?, width).ok()?;
            if listed.binary_search(&heap).is_ok() {
                return Some((heap, words("heap segment; its heap is in the PEB's list")));
            }
            let confirmed = listed.is_empty() && has_signature(space, heap, fields);
            confirmed.then(|| (heap, words("heap segment; its heap is signed too")))
        }),
        _ => None,
    }
}

fn has_signature(space: &dyn AddressSpace, heap: Va, fields: &Fields) -> bool {
    let signature = heap.checked_add(fields.signature).and_then(|at| space.read_u32(at).ok());
    matches!(signature, Some(SEGMENT_SIGNATURE | OLD_HEAP_SIGNATURE))
}

/// Bytes of the segment at `base`, by its own count of pages.
fn segment_size(space: &dyn AddressSpace, width: PointerWidth, base: Va) -> Option<u64> {
    let fields = fields(width);
    let signature = space.read_u32(base.checked_add(fields.signature)?).ok()?;
    let pages = space.read_u32(base.checked_add(fields.pages)?).ok()?;
    (signature == SEGMENT_SIGNATURE && pages > 0).then(|| u64::from(pages) * 0x1000)
}

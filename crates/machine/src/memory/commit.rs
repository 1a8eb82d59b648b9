//! Commit charge: the promise that each committed page has a frame or a page of a page file when it needs one.
//!
//! ```text
//! limit = usable frames - reserve + sum over page files of (pages now - 1)
//! ```

use crate::memory::NtStatus;

/// The commit charge of the system, in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct CommitCharge {
    charged: u32,
    limit: u32,
    peak: u32,
}

impl CommitCharge {
    pub(crate) const fn new(limit: u32) -> Self {
        Self { charged: 0, limit, peak: 0 }
    }

    /// Pages that are promised.
    pub const fn charged(&self) -> u32 {
        self.charged
    }

    /// Most pages that can be promised now; growing page files raises it.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Most pages that were promised.
    pub const fn peak(&self) -> u32 {
        self.peak
    }

    /// By how much the limit is too low for `pages` more.
    pub(crate) const fn missing(&self, pages: u32) -> u32 {
        self.charged.saturating_add(pages).saturating_sub(self.limit)
    }

    pub(crate) const fn raise(&mut self, pages: u32) {
        self.limit = self.limit.saturating_add(pages);
    }

    pub(crate) fn charge(&mut self, pages: u32) -> Result<(), NtStatus> {
        if self.missing(pages) > 0 {
            return Err(NtStatus::COMMITMENT_LIMIT);
        }
        self.charged += pages;
        self.peak = self.peak.max(self.charged);
        Ok(())
    }

    pub(crate) const fn release(&mut self, pages: u32) {
        self.charged = self.charged.saturating_sub(pages);
    }
}

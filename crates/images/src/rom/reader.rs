//! What reading an image needs at every step: the file, its addresses, the problems so far, and bounds on what is kept.

use super::memory::RomMemory;
use vatlas_space::{Problem, Va};

/// Problems of one file beyond which only their number is kept.
const MOST_PROBLEMS: usize = 100;
/// The longest name, in bytes: that of a file system of Windows CE.
const LONGEST_NAME: u64 = 260;

/// A file that is being read.
pub(super) struct Reader<'a> {
    pub file: &'a [u8],
    pub memory: &'a RomMemory,
    pub problems: Vec<Problem>,
    /// Bytes of tables that may still be read: as many as the file has, since no two good tables share bytes.
    left: u64,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a [u8], memory: &'a RomMemory) -> Self {
        Self { file, memory, problems: Vec::new(), left: file.len() as u64 }
    }

    /// Whether that many bytes of tables may be read; takes them if so.
    pub fn take(&mut self, bytes: u64) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Notes damage.
    pub fn damage(&mut self, cause: String) {
        self.problem(Problem::damage("ROM image", cause));
    }

    /// Notes a problem, up to a number that a person may read.
    pub fn problem(&mut self, problem: Problem) {
        match self.problems.len() {
            ..MOST_PROBLEMS => self.problems.push(problem),
            MOST_PROBLEMS => self.problems.push(Problem::damage("ROM image", "more problems than are listed")),
            _ => {}
        }
    }

    /// A name that ends with a zero; a hole in the image gives an empty one, which is told.
    pub fn text(&mut self, va: Va, of: &str) -> String {
        let bytes = self.memory.bytes(self.file, va, LONGEST_NAME);
        let end = bytes.iter().position(|byte| *byte == 0);
        let name = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned();
        if name.is_empty() || end.is_none() {
            self.damage(format!("{of} has no name that can be read at {va}"));
        }
        name
    }
}

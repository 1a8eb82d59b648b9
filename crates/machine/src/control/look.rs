//! The moment at which a judge is asked, as a condition sees it.

use super::Controlled;
use crate::cpu::Engine;
use vatlas_space::control::{MOMENT_FLAGS, MOMENT_PC, Moment, Position, Who};
use vatlas_space::{Pa, Va};

/// A machine that is asked in the middle of a run.
pub(super) struct Look<'a, K: ?Sized> {
    pub kernel: &'a K,
    pub processor: usize,
}

impl<K: Controlled + ?Sized> Moment for Look<'_, K> {
    fn who(&self) -> Who {
        self.kernel.who(self.processor)
    }

    fn register(&self, number: u8) -> u32 {
        let Some(processor) = self.kernel.computer().processors.get(self.processor) else { return 0 };
        let (general, eip, flags) = processor.user_state();
        match number {
            MOMENT_PC => eip,
            MOMENT_FLAGS => flags,
            number => general.get(usize::from(number)).copied().unwrap_or_default(),
        }
    }

    fn read(&self, process: Option<u32>, va: Va, bytes: &mut [u8]) -> bool {
        let computer = self.kernel.computer();
        let Some(process) = process else {
            let processor = computer.processors.get(self.processor);
            return processor.is_some_and(|processor| processor.read(&computer.board, va, bytes) == bytes.len());
        };
        let mut done = 0;
        while done < bytes.len() {
            let at = va.checked_add(done as u64).and_then(|va| u32::try_from(va.0).ok());
            let Some((at, (pa, _))) = at.and_then(|at| Some((at, self.kernel.find(process, at)?))) else {
                return false;
            };
            let length = (0x1000 - (at as usize & 0xfff)).min(bytes.len() - done);
            if !computer.board.ram.read(Pa(pa.into()), &mut bytes[done..done + length]) {
                return false;
            }
            done += length;
        }
        true
    }

    fn position(&self) -> Position {
        self.kernel.position()
    }
}

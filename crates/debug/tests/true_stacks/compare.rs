//! How a walk differs from the truth, and where programs are stopped.

use vatlas_debug::stack::Stack;
use vatlas_machine::cpu::OpenCall;
use vatlas_space::Va;

/// Random numbers, the same every time.
pub struct Random(u64);

impl Random {
    /// Those of a program.
    pub fn of(file: &str) -> Self {
        Self(0x7661_746c_6173_0000 | file.len() as u64)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    /// So many numbers of instructions below an end, in order.
    pub fn places(&mut self, count: usize, end: u64) -> Vec<u64> {
        let mut places: Vec<u64> = (0..count).map(|_| self.below(end)).collect();
        places.sort_unstable();
        places
    }
}

/// How a walk differs from the truth: at which frame, and how that one was found. `form` gives addresses one form.
pub fn difference(stack: &Stack, calls: &[OpenCall], form: impl Fn(Va) -> Va) -> Option<String> {
    let walked: Vec<Va> = stack.frames.iter().skip(1).map(|frame| form(frame.pc)).collect();
    let truth: Vec<Va> = calls.iter().map(|call| form(Va(call.back.into()))).collect();
    if walked == truth {
        return None;
    }
    let same = walked.iter().zip(&truth).take_while(|(one, other)| one == other).count();
    let callee = stack.frames.get(same).map_or_else(String::new, |frame| {
        let module = frame.module.as_ref().map(|module| format!("{}+{:x}", module.name, module.rva.0));
        let symbol = frame.lookup.as_ref().map_or_else(String::new, |lookup| lookup.symbol.name.to_string());
        format!("{} {symbol}", module.unwrap_or_else(|| frame.pc.to_string()))
    });
    let found =
        stack.frames.get(same + 1).map_or_else(|| format!("{:?}", stack.end), |frame| frame.found_by.to_string());
    let expected = truth.get(same).map_or("the bottom".to_owned(), |va| format!("{:x}", va.0));
    Some(format!("caller of {callee} by {found}, is {expected}"))
}

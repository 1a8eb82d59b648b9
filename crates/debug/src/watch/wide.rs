//! Floating-point and vector registers, by the names that debug information has for them and for their parts.

use vatlas_space::{Machine, ProcessIndex, Registers, Target, ThreadId, WideRegister};

/// The registers of a thread that are wider than general ones: they are those of its innermost frame, for a frame that
/// called another may have had others. Empty for any other frame.
pub(super) fn of_frame(
    target: &dyn Target,
    process: ProcessIndex,
    thread: Option<ThreadId>,
    frame: &Registers,
) -> Vec<WideRegister> {
    let known = thread.and_then(|id| target.processes().get(process.0)?.thread(id));
    let own = known.and_then(|thread| thread.registers());
    let is_innermost = own.is_some_and(|own| (own.machine, own.pc, own.sp) == (frame.machine, frame.pc, frame.sp));
    match thread.filter(|_| is_innermost) {
        Some(thread) => target.wide_registers(process, thread),
        None => Vec::new(),
    }
}

/// The bytes of a register, lowest first: of the whole, or of the low part that a name stands for.
pub(super) fn bytes(machine: Machine, wide: &[WideRegister], name: &str) -> Option<Vec<u8>> {
    let name = name.to_ascii_lowercase();
    let find = |name: &str| wide.iter().find(|register| register.name.eq_ignore_ascii_case(name));
    if let Some(register) = find(&name) {
        return Some(register.bytes.clone());
    }
    // The whole registers, widest first, and the bytes that the name stands for.
    let (wholes, number, size): (&[&str], &str, usize) = match machine {
        Machine::X86 | Machine::X64 => match name.strip_prefix("xmm") {
            Some(number) => (&["ymm", "zmm"], number, 16),
            None => (&["zmm"], name.strip_prefix("ymm")?, 32),
        },
        Machine::Arm64 => {
            let (letter, number) = name.split_at_checked(1)?;
            (&["v"], number, 1 << "bhsdq".find(letter)?)
        }
        _ => return None,
    };
    number.parse::<u8>().ok()?;
    let whole = wholes.iter().find_map(|letters| find(&format!("{letters}{number}")))?;
    whole.bytes.get(..size).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(machine: Machine, name: &str, expected: Option<&[u8]>) {
        let register = |name: &str, size: u8| WideRegister { name: name.to_owned(), bytes: (1..=size).collect() };
        let wide = [register("ymm0", 32), register("xmm1", 16), register("v3", 16)];
        assert_eq!(bytes(machine, &wide, name).as_deref(), expected, "{name}");
    }

    #[test]
    fn parts_of_wide_registers() {
        let all: Vec<u8> = (1..=32).collect();
        check(Machine::X64, "ymm0", Some(&all));
        check(Machine::X64, "XMM0", Some(&all[..16]));
        check(Machine::X64, "xmm1", Some(&all[..16]));
        check(Machine::X64, "ymm1", None);
        check(Machine::X64, "xmm2", None);
        check(Machine::Arm64, "q3", Some(&all[..16]));
        check(Machine::Arm64, "d3", Some(&all[..8]));
        check(Machine::Arm64, "s3", Some(&all[..4]));
        check(Machine::Arm64, "h3", Some(&all[..2]));
        check(Machine::Arm64, "x3", None);
        check(Machine::Arm64, "", None);
        check(Machine::Arm64, "é", None);
    }
}

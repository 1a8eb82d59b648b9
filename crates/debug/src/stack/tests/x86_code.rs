//! x86 functions without symbols and without frame pointers: what their code alone tells.

use super::*;

/// Where the code of a test is.
const FUNCTION: u64 = CODE + 0x100;

/// A thread at `pc` with these words on its stack: who called, how that was found, how far it is trusted.
fn check(code: &[u8], pc: u64, words: &[u64], expected: (u64, FoundBy, Trust)) {
    let target = target(Machine::X86, code, words, &x86(pc, STACK, 0x1234_5678));
    let stack = stack(&target, &Symbols::new(&[]));
    let caller = &stack.frames[1];
    assert_eq!((caller.pc.0, caller.found_by, caller.trust), expected, "{stack:#?}");
}

#[test]
fn every_way_leads_to_the_same_return() {
    // sub esp, 8; test eax, eax; je; xor eax, eax; add esp, 8; ret
    let code = b"\x83\xec\x08\x85\xc0\x74\x02\x31\xc0\x83\xc4\x08\xc3";
    let found = (RETURN, FoundBy::Prologue, Trust::Exact);
    check(code, FUNCTION, &[RETURN, OTHER], found);
    check(code, FUNCTION + 5, &[OTHER, OTHER, RETURN], found);
    check(code, FUNCTION + 12, &[RETURN, OTHER], found);
}

#[test]
fn a_called_function_takes_its_arguments_off() {
    // push 1; call f; ret ... f: ret 4
    let code = b"\x6a\x01\xe8\x01\x00\x00\x00\xc3\xc2\x04\x00";
    check(code, FUNCTION, &[RETURN, OTHER], (RETURN, FoundBy::Prologue, Trust::Exact));
}

#[test]
fn a_function_that_works_on_the_frame_is_a_part_of_it() {
    // leave in a function of its own: call f; ret ... f: pop ecx; mov esp, ebp; pop ebp; push ecx; ret
    let code = b"\x55\x8b\xec\x83\xec\x08\x90\xe8\x01\x00\x00\x00\xc3\x59\x8b\xe5\x5d\x51\xc3";
    check(code, FUNCTION, &[RETURN, OTHER], (RETURN, FoundBy::Prologue, Trust::Exact));
}

#[test]
fn a_function_that_never_returns_is_known_by_its_call() {
    // sub esp, 8; call f; f: jmp f ... a call of all this at 40h
    let mut code = [0xcc; 0x45];
    code[..10].copy_from_slice(b"\x83\xec\x08\xe8\x00\x00\x00\x00\xeb\xfe");
    code[0x40..].copy_from_slice(b"\xe8\xbb\xff\xff\xff");
    let back = FUNCTION + 0x45;
    check(&code, FUNCTION + 3, &[OTHER, OTHER, back], (back, FoundBy::Prologue, Trust::Exact));
}

#[test]
fn code_that_leads_nowhere_ends_the_walk() {
    // jmp to itself; a table of jumps that is not there; a call of itself
    for code in [&b"\xeb\xfe"[..], b"\xff\x24\x85\xff\xff\xff\xff", b"\xe8\xfb\xff\xff\xff"] {
        let target = target(Machine::X86, code, &[0, 0, RETURN], &x86(FUNCTION, STACK, 0));
        assert!(stack(&target, &Symbols::new(&[])).frames.len() < 20, "{code:x?}");
    }
}

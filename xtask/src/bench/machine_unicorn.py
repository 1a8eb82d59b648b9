"""Times a freestanding program under Unicorn for `cargo xtask bench`: program, EAX, count of instructions.

Unicorn counts instructions, as the machine does, and translates addresses by itself. Prints the seconds of the fastest
of five runs; the result in EAX must be the same in all.
"""
import sys
import time

from unicorn import Uc, UC_ARCH_X86, UC_MODE_32
from unicorn.x86_const import UC_X86_REG_EAX, UC_X86_REG_EIP, UC_X86_REG_ESP

PROGRAM, STACK_TOP, MEMORY = 0x401000, 0x130000, 0x800000


def run(code, rounds, count):
    uc = Uc(UC_ARCH_X86, UC_MODE_32)
    uc.mem_map(0, MEMORY)
    uc.mem_write(PROGRAM, code)
    uc.reg_write(UC_X86_REG_EAX, rounds)
    uc.reg_write(UC_X86_REG_ESP, STACK_TOP)
    start = time.perf_counter()
    # The last instruction is the interrupt that asks the host; it is not executed.
    uc.emu_start(PROGRAM, 0xffffffff, count=count - 1)
    passed = time.perf_counter() - start
    return passed, uc.reg_read(UC_X86_REG_EAX), uc.reg_read(UC_X86_REG_EIP)


def main():
    code = open(sys.argv[1], "rb").read()
    runs = [run(code, int(sys.argv[2]), int(sys.argv[3])) for _ in range(5)]
    if len({(eax, eip) for _, eax, eip in runs}) != 1:
        sys.exit("the runs differ")
    print(min(passed for passed, _, _ in runs))


main()

"""Executes single instructions for `cargo xtask compare-cpu`: records in on standard input, records out.

Record: 16 bytes of code, EAX..EDI, EFLAGS, 512 bytes of data at 0x20000, XMM0-7, MXCSR, x87 control and status word,
ST0-7 as 10 bytes each. The answer is the same record after one instruction, with EIP in front and one byte that is 1
when the instruction faulted.
"""
import struct
import sys

from unicorn import Uc, UcError, UC_ARCH_X86, UC_MODE_32
from unicorn.x86_const import *

CODE, DATA, DATA_BYTES = 0x10000, 0x20000, 512
GPR = [UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
       UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI]
XMM = [UC_X86_REG_XMM0 + n for n in range(8)]
FP = [UC_X86_REG_FP0 + n for n in range(8)]
SIZE = 16 + 36 + DATA_BYTES + 128 + 4 + 4 + 80


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def main():
    uc = Uc(UC_ARCH_X86, UC_MODE_32)
    uc.mem_map(CODE, 0x1000)
    uc.mem_map(DATA, 0x1000)
    # SSE is enabled as an operating system would.
    uc.reg_write(UC_X86_REG_CR4, uc.reg_read(UC_X86_REG_CR4) | 0x600)
    blank = uc.context_save()
    while True:
        record = read_exactly(sys.stdin.buffer, SIZE)
        if record is None:
            return
        uc.context_restore(blank)
        code = record[:16]
        uc.mem_write(CODE, code)
        uc.ctl_remove_cache(CODE, CODE + 0x100)
        uc.mem_write(DATA, record[52:52 + DATA_BYTES])
        for register, value in zip(GPR, struct.unpack_from("<8I", record, 16)):
            uc.reg_write(register, value)
        uc.reg_write(UC_X86_REG_EFLAGS, struct.unpack_from("<I", record, 48)[0])
        at = 52 + DATA_BYTES
        for n in range(8):
            uc.reg_write(XMM[n], int.from_bytes(record[at + 16 * n:at + 16 * n + 16], "little"))
        mxcsr, control, status = struct.unpack_from("<IHH", record, at + 128)
        uc.reg_write(UC_X86_REG_MXCSR, mxcsr)
        uc.reg_write(UC_X86_REG_FPCW, control)
        uc.reg_write(UC_X86_REG_FPSW, status)
        # ST6 and ST7 are empty.
        top = status >> 11 & 7
        uc.reg_write(UC_X86_REG_FPTAG, 3 << (2 * (top + 6 & 7)) | 3 << (2 * (top + 7 & 7)))
        for n in range(8):
            uc.reg_write(FP[(status >> 11) + n & 7], struct.unpack_from("<QH", record, at + 136 + 10 * n))
        fault = 0
        try:
            uc.emu_start(CODE, CODE + 0x800, count=1)
            # One element of a repetition counts as an instruction there.
            while code[0] in (0xF2, 0xF3) and uc.reg_read(UC_X86_REG_EIP) == CODE:
                uc.emu_start(CODE, CODE + 0x800, count=1)
        except UcError:
            fault = 1
        out = [struct.pack("<IB", uc.reg_read(UC_X86_REG_EIP), fault), code]
        out.append(struct.pack("<9I", *[uc.reg_read(r) for r in GPR], uc.reg_read(UC_X86_REG_EFLAGS)))
        out.append(bytes(uc.mem_read(DATA, DATA_BYTES)))
        out += [uc.reg_read(r).to_bytes(16, "little") for r in XMM]
        out.append(struct.pack("<IHH", uc.reg_read(UC_X86_REG_MXCSR), uc.reg_read(UC_X86_REG_FPCW),
                               uc.reg_read(UC_X86_REG_FPSW)))
        top = uc.reg_read(UC_X86_REG_FPSW) >> 11 & 7
        out += [struct.pack("<QH", *uc.reg_read(FP[top + n & 7])) for n in range(8)]
        sys.stdout.buffer.write(b"".join(out))
        sys.stdout.buffer.flush()


main()

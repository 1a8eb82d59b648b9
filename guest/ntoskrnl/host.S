# What ntoskrnl.exe asks the machine's kernel: EAX the number, `vmcall`, EAX the result. The rows are those of
# crates/machine/src/nt/kernel_calls.rs; arguments lie on the stack as the caller left them.

    .intel_syntax noprefix
    .text

    .macro HOST name, number, bytes
    .globl _\name\()@\bytes
    .balign 8
_\name\()@\bytes:
    mov     eax, \number
    vmcall
    .if \bytes
    ret     \bytes
    .else
    ret
    .endif
    .endm

    .macro HOSTFAST name, number, bytes
    .globl @\name\()@\bytes
    .balign 8
@\name\()@\bytes:
    mov     eax, \number
    vmcall
    ret
    .endm

    HOST ExAllocatePoolWithTag, 0x00, 12
    HOST ExAllocatePoolWithQuotaTag, 0x01, 12
    HOST ExFreePoolWithTag, 0x02, 8
    HOST HostInsertObject, 0x03, 12
    HOST HostRemoveObject, 0x04, 4
    HOST IoCreateSymbolicLink, 0x05, 8
    HOST IoDeleteSymbolicLink, 0x06, 4
    HOST KeWaitForSingleObject, 0x07, 20
    HOST KeDelayExecutionThread, 0x08, 12
    HOST KeSetEvent, 0x09, 12
    HOST KeReleaseSemaphore, 0x0a, 16
    HOST KeReleaseMutex, 0x0b, 8
    HOST PsCreateSystemThread, 0x0c, 28
    HOST PsTerminateSystemThread, 0x0d, 4
    HOST KeBugCheckEx, 0x0e, 20
    HOST ObReferenceObjectByHandle, 0x0f, 24
    HOSTFAST ObfDereferenceObject, 0x10, 4
    HOST HostDebugText, 0x11, 8
    HOST MmGetSystemRoutineAddress, 0x12, 4
    HOST MmIsAddressValid, 0x13, 4
    HOST MmLockPagableDataSection, 0x14, 4
    HOST MmUnlockPagableImageSection, 0x15, 4
    HOST ZwClose, 0x16, 4
    HOST HostLeaveDispatchLevel, 0x17, 0

# Where a routine that the kernel called returns: EAX and EDX are its result.
    .globl _HostReturn
    .balign 8
_HostReturn:
    vmcall
    int3

    .globl _KeGetCurrentThread@0
_KeGetCurrentThread@0:
    mov     eax, fs:[0x124]
    ret

    .globl @InterlockedIncrement@4, @InterlockedDecrement@4, @InterlockedExchange@8
    .globl @InterlockedCompareExchange@12, @InterlockedExchangeAdd@8
@InterlockedIncrement@4:
    mov     eax, 1
    lock xadd [ecx], eax
    inc     eax
    ret
@InterlockedDecrement@4:
    mov     eax, -1
    lock xadd [ecx], eax
    dec     eax
    ret
@InterlockedExchange@8:
    mov     eax, edx
    xchg    [ecx], eax
    ret
@InterlockedCompareExchange@12:
    mov     eax, [esp + 4]
    lock cmpxchg [ecx], edx
    ret     4
@InterlockedExchangeAdd@8:
    mov     eax, edx
    lock xadd [ecx], eax
    ret

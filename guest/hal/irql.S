# Interrupt request levels and spin locks, as the hardware abstraction layer of a multiprocessor has them. The level is
# in the processor's own control region.

    .intel_syntax noprefix
    .text
    .set IRQL, 0x24
    .set DISPATCH_LEVEL, 2
# Number of HostLeaveDispatchLevel among the calls of ntoskrnl's host.S.
    .set LEAVE_DISPATCH_LEVEL, 0x17

    .globl _KeGetCurrentIrql@0, @KfRaiseIrql@4, _KeRaiseIrqlToDpcLevel@0, @KfLowerIrql@4
    .globl @KfAcquireSpinLock@4, @KfReleaseSpinLock@8

_KeGetCurrentIrql@0:
    movzx   eax, byte ptr fs:[IRQL]
    ret

_KeRaiseIrqlToDpcLevel@0:
    mov     cl, DISPATCH_LEVEL
@KfRaiseIrql@4:
    movzx   eax, byte ptr fs:[IRQL]
    mov     fs:[IRQL], cl
    ret

# Below DISPATCH_LEVEL other threads may have the processor again.
@KfLowerIrql@4:
    movzx   eax, byte ptr fs:[IRQL]
    mov     fs:[IRQL], cl
    cmp     al, DISPATCH_LEVEL
    jb      1f
    cmp     cl, DISPATCH_LEVEL
    jae     1f
    mov     eax, LEAVE_DISPATCH_LEVEL
    vmcall
1:  ret

@KfAcquireSpinLock@4:
    movzx   eax, byte ptr fs:[IRQL]
    mov     byte ptr fs:[IRQL], DISPATCH_LEVEL
1:  lock bts dword ptr [ecx], 0
    jc      2f
    ret
2:  pause
    test    dword ptr [ecx], 1
    jnz     2b
    jmp     1b

@KfReleaseSpinLock@8:
    lock and dword ptr [ecx], 0
    mov     cl, dl
    jmp     @KfLowerIrql@4

# Where the kernel enters user mode, and how user mode enters the kernel.

    .intel_syntax noprefix
    .text

    .globl _KiFastSystemCall@0, _KiFastSystemCallRet@0, _KiIntSystemCall@0
    .balign 16
_KiFastSystemCall@0:
    mov     edx, esp
    sysenter
    .balign 16
_KiFastSystemCallRet@0:
    ret
    .balign 16
_KiIntSystemCall@0:
    lea     edx, [esp + 8]
    int     0x2e
    ret

# [esp] routine, its three arguments, then the CONTEXT to continue with. The routine takes its arguments away.
    .globl _KiUserApcDispatcher@16
    .balign 16
_KiUserApcDispatcher@16:
    lea     edi, [esp + 0x10]
    pop     eax
    call    eax
    push    1
    push    edi
    call    _NtContinue@8
    push    eax
    call    _RtlRaiseStatus@4
    int3

# [esp] EXCEPTION_RECORD *, [esp + 4] CONTEXT *. Neither way comes back unless the kernel refuses.
    .globl _KiUserExceptionDispatcher@8
    .balign 16
_KiUserExceptionDispatcher@8:
    cld
    mov     ebx, [esp]
    mov     esi, [esp + 4]
    push    esi
    push    ebx
    call    _RtlDispatchException@8
    test    al, al
    je      1f
    push    0
    push    esi
    call    _NtContinue@8
    jmp     2f
1:  push    0
    push    esi
    push    ebx
    call    _NtRaiseException@12
2:  push    eax
    call    _RtlRaiseStatus@4
    int3

# The kernel lets a system service return here with TEB.ExceptionCode set. The exception comes from the service's caller.
    .globl _KiRaiseUserExceptionDispatcher@0
    .balign 16
_KiRaiseUserExceptionDispatcher@0:
    push    eax
    mov     eax, fs:[0x18]
    push    dword ptr [eax + 0x1a4]
    call    _RtlRaiseStatus@4
    pop     eax
    ret

# eax = start address, ebx = its argument.
    .globl _RtlUserThreadStart@0
    .balign 16
_RtlUserThreadStart@0:
    xor     ebp, ebp
    push    ebx
    push    eax
    push    0
    jmp     _RtlRunThread@8

# VOID RtlCaptureContext(PCONTEXT): the caller of the function that calls it, found by that function's frame pointer.
    .globl _RtlCaptureContext@4
    .balign 16
_RtlCaptureContext@4:
    push    ebx
    mov     ebx, [esp + 8]
    mov     [ebx + 0xb0], eax
    mov     [ebx + 0xac], ecx
    mov     [ebx + 0xa8], edx
    mov     eax, [esp]
    mov     [ebx + 0xa4], eax
    mov     [ebx + 0xa0], esi
    mov     [ebx + 0x9c], edi
    call    capture_segments
    mov     eax, [ebp + 4]
    mov     [ebx + 0xb8], eax
    mov     eax, [ebp]
    mov     [ebx + 0xb4], eax
    lea     eax, [ebp + 8]
    mov     [ebx + 0xc4], eax
    pop     ebx
    ret     4

# The whole double word of each selector: stores of a segment register would write half of it.
capture_segments:
    mov     dword ptr [ebx], 0x10007
    mov     eax, gs
    mov     [ebx + 0x8c], eax
    mov     eax, fs
    mov     [ebx + 0x90], eax
    mov     eax, es
    mov     [ebx + 0x94], eax
    mov     eax, ds
    mov     [ebx + 0x98], eax
    mov     eax, cs
    mov     [ebx + 0xbc], eax
    mov     eax, ss
    mov     [ebx + 0xc8], eax
    pushfd
    pop     dword ptr [ebx + 0xc0]
    ret

# VOID RtlRaiseException(PEXCEPTION_RECORD): raised where this call returns to, with the caller's registers.
    .globl _RtlRaiseException@4
    .balign 16
_RtlRaiseException@4:
    push    ebp
    mov     ebp, esp
    pushfd
    sub     esp, 0x2cc
    push    ebx
    lea     ebx, [esp + 4]
    mov     [ebx + 0xb0], eax
    mov     [ebx + 0xac], ecx
    mov     [ebx + 0xa8], edx
    mov     eax, [esp]
    mov     [ebx + 0xa4], eax
    mov     [ebx + 0xa0], esi
    mov     [ebx + 0x9c], edi
    call    capture_segments
    mov     eax, [ebp - 4]
    mov     [ebx + 0xc0], eax
    mov     eax, [ebp]
    mov     [ebx + 0xb4], eax
    mov     eax, [ebp + 4]
    mov     [ebx + 0xb8], eax
    lea     ecx, [ebp + 12]
    mov     [ebx + 0xc4], ecx
    mov     ecx, [ebp + 8]
    mov     [ecx + 12], eax
    push    1
    push    ebx
    push    ecx
    call    _NtRaiseException@12
    push    eax
    call    _RtlRaiseStatus@4
    int3

# EXCEPTION_DISPOSITION RtlpExecuteHandler(record, frame, context, dispatcher, handler, guard), cdecl.
# The guard is a handler of ours: it sees exceptions inside the handler, and the frame that was being asked.
    .globl _RtlpExecuteHandler
    .balign 16
_RtlpExecuteHandler:
    push    ebp
    mov     ebp, esp
    push    ebx
    push    esi
    push    edi
    push    [ebp + 12]
    push    [ebp + 28]
    push    fs:[0]
    mov     fs:[0], esp
    push    [ebp + 20]
    push    [ebp + 16]
    push    [ebp + 12]
    push    [ebp + 8]
    mov     ecx, [ebp + 24]
    xor     eax, eax
    xor     ebx, ebx
    xor     esi, esi
    xor     edi, edi
    call    ecx
    mov     esp, fs:[0]
    pop     fs:[0]
    add     esp, 8
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret

# Breakpoints that debuggers know.
    .globl _DbgBreakPoint@0, _DbgUserBreakPoint@0
    .balign 16
_DbgBreakPoint@0:
_DbgUserBreakPoint@0:
    int3
    ret

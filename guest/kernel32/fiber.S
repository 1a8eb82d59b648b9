# Fibers: the switch saves what a call preserves, and the thread's stack and chain of handlers with it.
# A fiber has XP's layout: data, chain, base and limit of the stack, the stack's allocation, then a CONTEXT.

    .intel_syntax noprefix
    .text
    .globl _SwitchToFiber@4, _BaseFiberStart@0

    .set CHAIN, 0x04
    .set STACK_BASE, 0x08
    .set STACK_LIMIT, 0x0c
    .set ALLOCATION, 0x10
    .set FLAGS, 0x14
    .set CONTROL_WORD, 0x14 + 0x1c
    .set SAVED_EDI, 0x14 + 0x9c
    .set SAVED_ESI, 0x14 + 0xa0
    .set SAVED_EBX, 0x14 + 0xa4
    .set SAVED_EAX, 0x14 + 0xb0
    .set SAVED_EBP, 0x14 + 0xb4
    .set SAVED_EIP, 0x14 + 0xb8
    .set SAVED_ESP, 0x14 + 0xc4
    .set SAVED_MXCSR, 0x14 + 0xcc + 0x18

    .set TEB_FIBER, 0x10
    .set TEB_ALLOCATION, 0xe0c
    .set FLOATING_POINT, 8

_SwitchToFiber@4:
    mov     edx, fs:[0x18]
    mov     eax, [edx + TEB_FIBER]
    mov     ecx, [esp + 4]
    mov     [eax + SAVED_EDI], edi
    mov     [eax + SAVED_ESI], esi
    mov     [eax + SAVED_EBX], ebx
    mov     [eax + SAVED_EBP], ebp
    mov     ebx, [esp]
    mov     [eax + SAVED_EIP], ebx
    lea     ebx, [esp + 8]
    mov     [eax + SAVED_ESP], ebx
    test    dword ptr [eax + FLAGS], FLOATING_POINT
    jz      1f
    fnstcw  [eax + CONTROL_WORD]
    stmxcsr [eax + SAVED_MXCSR]
1:
    mov     ebx, [edx]
    mov     [eax + CHAIN], ebx
    mov     ebx, [edx + 8]
    mov     [eax + STACK_LIMIT], ebx

    mov     [edx + TEB_FIBER], ecx
    mov     ebx, [ecx + CHAIN]
    mov     [edx], ebx
    mov     ebx, [ecx + STACK_BASE]
    mov     [edx + 4], ebx
    mov     ebx, [ecx + STACK_LIMIT]
    mov     [edx + 8], ebx
    mov     ebx, [ecx + ALLOCATION]
    mov     [edx + TEB_ALLOCATION], ebx
    test    dword ptr [ecx + FLAGS], FLOATING_POINT
    jz      2f
    fldcw   [ecx + CONTROL_WORD]
    ldmxcsr [ecx + SAVED_MXCSR]
2:
    mov     edi, [ecx + SAVED_EDI]
    mov     esi, [ecx + SAVED_ESI]
    mov     ebx, [ecx + SAVED_EBX]
    mov     ebp, [ecx + SAVED_EBP]
    mov     esp, [ecx + SAVED_ESP]
    jmp     [ecx + SAVED_EIP]

# A new fiber begins here: its function is in the saved eax, its value is its data.
_BaseFiberStart@0:
    mov     eax, fs:[0x10]
    push    [eax]
    push    [eax + SAVED_EAX]
    call    _BaseRunFiber@8
    ud2

# 64-bit integers and stack probes as Microsoft's compilers call them: arguments on the stack, taken away by the callee.

    .intel_syntax noprefix
    .text

    .globl __allmul
__allmul:
    mov     eax, [esp + 4]
    mul     dword ptr [esp + 12]
    mov     ecx, [esp + 4]
    imul    ecx, [esp + 16]
    add     edx, ecx
    mov     ecx, [esp + 8]
    imul    ecx, [esp + 12]
    add     edx, ecx
    ret     16

    .globl __allshl, __allshr, __aullshr
__allshl:
    cmp     cl, 64
    jae     zero
    cmp     cl, 32
    jae     1f
    shld    edx, eax, cl
    shl     eax, cl
    ret
1:  mov     edx, eax
    xor     eax, eax
    shl     edx, cl
    ret
__allshr:
    cmp     cl, 64
    jae     2f
    cmp     cl, 32
    jae     1f
    shrd    eax, edx, cl
    sar     edx, cl
    ret
1:  mov     eax, edx
    sar     edx, 31
    sar     eax, cl
    ret
2:  sar     edx, 31
    mov     eax, edx
    ret
__aullshr:
    cmp     cl, 64
    jae     zero
    cmp     cl, 32
    jae     1f
    shrd    eax, edx, cl
    shr     edx, cl
    ret
1:  mov     eax, edx
    xor     edx, edx
    shr     eax, cl
    ret
zero:
    xor     eax, eax
    xor     edx, edx
    ret

# The divisions are C functions (common/divide.c) with the same arguments; only who takes them away differs.
    .macro DIVISION name, worker
    .globl \name
\name:
    push    [esp + 16]
    push    [esp + 16]
    push    [esp + 16]
    push    [esp + 16]
    call    \worker
    add     esp, 16
    ret     16
    .endm
    DIVISION __alldiv, ___divdi3
    DIVISION __allrem, ___moddi3
    DIVISION __aulldiv, ___udivdi3
    DIVISION __aullrem, ___umoddi3

# eax = bytes to reserve: touches each page on the way, so that the guard page moves.
    .globl __chkstk, __alloca_probe
__chkstk:
__alloca_probe:
    push    ecx
    lea     ecx, [esp + 8]
1:  cmp     eax, 0x1000
    jb      2f
    sub     ecx, 0x1000
    test    [ecx], ecx
    sub     eax, 0x1000
    jmp     1b
2:  sub     ecx, eax
    test    [ecx], ecx
    mov     eax, esp
    mov     esp, ecx
    mov     ecx, [eax]
    push    [eax + 4]
    ret

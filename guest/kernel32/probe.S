# BOOL BasepProbe(address, writes): reads a byte, and writes it back if asked, under a handler that turns a fault to FALSE.

    .intel_syntax noprefix
    .text
    .globl _BasepProbe@8
_BasepProbe@8:
    mov     ecx, [esp + 4]
    mov     edx, [esp + 8]
    push    offset handler
    push    fs:[0]
    mov     fs:[0], esp
    mov     al, [ecx]
    test    edx, edx
    je      1f
    mov     [ecx], al
1:  mov     eax, 1
2:  pop     fs:[0]
    add     esp, 4
    ret     8

# The frame lies at the stack pointer of the probe: it goes on behind the touch, with FALSE.
handler:
    mov     eax, [esp + 4]
    test    dword ptr [eax + 4], 6
    jne     3f
    mov     ecx, [esp + 8]
    mov     edx, [esp + 12]
    mov     dword ptr [edx + 0xb8], offset refused
    mov     [edx + 0xc4], ecx
    xor     eax, eax
    ret
3:  mov     eax, 1
    ret
refused:
    xor     eax, eax
    jmp     2b

# Exceptions where C cannot: calls of handlers with another frame pointer, one probed access.
    .intel_syntax noprefix
    .text

# enum disposition CoreCallHandler(record, frame, context)
    .globl _CoreCallHandler
_CoreCallHandler:
    push    ebp
    mov     ebp, esp
    push    ebx
    push    esi
    push    edi
    push    0
    push    [ebp + 16]
    push    [ebp + 12]
    push    [ebp + 8]
    mov     eax, [ebp + 12]
    call    [eax + 4]
    lea     esp, [ebp - 12]
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret

# int CoreCallFilter(filter, frame pointer), void CoreCallFinally(handler, frame pointer)
    .globl _CoreCallFilter, _CoreCallFinally
_CoreCallFilter:
_CoreCallFinally:
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     eax, [esp + 20]
    mov     ebp, [esp + 24]
    call    eax
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret

# void CoreEnterHandler(handler, frame pointer): never returns; the function keeps its stack pointer below the entry.
    .globl _CoreEnterHandler
_CoreEnterHandler:
    mov     eax, [esp + 4]
    mov     ebp, [esp + 8]
    mov     esp, [ebp - 24]
    jmp     eax

# BOOL CoreProbe(byte, is_write, probe)
    .globl _CoreProbe
_CoreProbe:
    mov     ecx, [esp + 12]
    mov     edx, [esp + 4]
    mov     dword ptr [ecx + 8], offset 2f
    mov     [ecx + 12], esp
    mov     fs:[0], ecx
    cmp     dword ptr [esp + 8], 0
    mov     al, [edx]
    je      1f
    mov     [edx], al
1:  xor     eax, eax
2:  mov     ecx, [esp + 12]
    mov     edx, [ecx]
    mov     fs:[0], edx
    ret

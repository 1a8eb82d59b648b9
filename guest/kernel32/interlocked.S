# Interlocked operations and singly linked lists, as kernel32 exports them: stdcall.

    .intel_syntax noprefix
    .text
    .globl _InterlockedIncrement@4, _InterlockedDecrement@4, _InterlockedExchange@8
    .globl _InterlockedExchangeAdd@8, _InterlockedCompareExchange@12

_InterlockedIncrement@4:
    mov     ecx, [esp + 4]
    mov     eax, 1
    lock xadd [ecx], eax
    inc     eax
    ret     4

_InterlockedDecrement@4:
    mov     ecx, [esp + 4]
    or      eax, -1
    lock xadd [ecx], eax
    dec     eax
    ret     4

_InterlockedExchange@8:
    mov     ecx, [esp + 4]
    mov     eax, [esp + 8]
    xchg    [ecx], eax
    ret     8

_InterlockedExchangeAdd@8:
    mov     ecx, [esp + 4]
    mov     eax, [esp + 8]
    lock xadd [ecx], eax
    ret     8

_InterlockedCompareExchange@12:
    mov     ecx, [esp + 4]
    mov     edx, [esp + 8]
    mov     eax, [esp + 12]
    lock cmpxchg [ecx], edx
    ret     12

# SLIST_HEADER: the first entry, a depth (16 bits) and a sequence (16 bits), exchanged as 8 bytes.
    .globl _InitializeSListHead@4, _InterlockedPushEntrySList@8, _InterlockedPopEntrySList@4
    .globl _InterlockedFlushSList@4, _QueryDepthSList@4

_InitializeSListHead@4:
    mov     eax, [esp + 4]
    mov     dword ptr [eax], 0
    mov     dword ptr [eax + 4], 0
    ret     4

_InterlockedPushEntrySList@8:
    push    ebx
    push    esi
    mov     esi, [esp + 12]
    mov     ebx, [esp + 16]
    mov     eax, [esi]
    mov     edx, [esi + 4]
1:  mov     [ebx], eax
    lea     ecx, [edx + 0x10001]
    lock cmpxchg8b [esi]
    jne     1b
    pop     esi
    pop     ebx
    ret     8

# An entry that was popped meanwhile may be read, its memory has to stay mapped.
_InterlockedPopEntrySList@4:
    push    ebx
    push    esi
    mov     esi, [esp + 12]
    mov     eax, [esi]
    mov     edx, [esi + 4]
1:  test    eax, eax
    je      2f
    lea     ecx, [edx - 1]
    mov     ebx, [eax]
    lock cmpxchg8b [esi]
    jne     1b
2:  pop     esi
    pop     ebx
    ret     4

_InterlockedFlushSList@4:
    push    ebx
    push    esi
    mov     esi, [esp + 12]
    mov     eax, [esi]
    mov     edx, [esi + 4]
1:  xor     ebx, ebx
    mov     ecx, edx
    and     ecx, 0xffff0000
    lock cmpxchg8b [esi]
    jne     1b
    pop     esi
    pop     ebx
    ret     4

_QueryDepthSList@4:
    mov     eax, [esp + 4]
    movzx   eax, word ptr [eax + 4]
    ret     4

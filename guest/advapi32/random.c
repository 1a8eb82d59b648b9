/* Random numbers and the context of a provider that makes them. The machine is deterministic: what they begin with is
   its clock and the process, so they are the same in every run of the same program, and no secret. */

#include "advapi.h"
#include <wincrypt.h>

#define CONTEXT_SIGNATURE 0x56435253u

typedef struct {
    ULONG signature, references;
} Context;

/* xorshift with a multiplication (Marsaglia; Vigna): one state for the process. */
static ULONGLONG State;
static RTL_CRITICAL_SECTION Lock = {.LockCount = -1};

static ULONGLONG Seed(void)
{
    LARGE_INTEGER counter, time;
    NtQueryPerformanceCounter(&counter, NULL);
    NtQuerySystemTime(&time);
    ULONGLONG process = (ULONG_PTR)CurrentTeb()->ClientId.UniqueProcess;
    return ((ULONGLONG)counter.QuadPart * 0x9e3779b97f4a7c15ull ^ (ULONGLONG)time.QuadPart ^ process << 40) | 1;
}

static ULONGLONG Next(void)
{
    if (State == 0)
        State = Seed();
    State ^= State >> 12;
    State ^= State << 25;
    State ^= State >> 27;
    return State * 0x2545f4914f6cdd1dull;
}

/* RtlGenRandom, under the name by which it is exported. */
BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG size)
{
    PUCHAR to = buffer;
    RtlEnterCriticalSection(&Lock);
    while (size > 0) {
        ULONGLONG value = Next();
        ULONG part = min(size, (ULONG)sizeof value);
        memcpy(to, &value, part);
        to += part;
        size -= part;
    }
    RtlLeaveCriticalSection(&Lock);
    return TRUE;
}

/* Key containers are not kept: only a context without one can be had. */
BOOL WINAPI CryptAcquireContextW(HCRYPTPROV *out, LPCWSTR container, LPCWSTR provider, DWORD type, DWORD flags)
{
    (void)provider;
    if (type != PROV_RSA_FULL && type != PROV_RSA_AES)
        return AdvapiFail((ULONG)NTE_BAD_PROV_TYPE);
    if (!(flags & CRYPT_VERIFYCONTEXT) || container != NULL)
        return AdvapiFail((ULONG)NTE_BAD_KEYSET);
    Context *context = RtlAllocateHeap(CurrentPeb()->ProcessHeap, 0, sizeof *context);
    if (context == NULL)
        return AdvapiFail(ERROR_NOT_ENOUGH_MEMORY);
    *context = (Context){CONTEXT_SIGNATURE, 1};
    *out = (HCRYPTPROV)context;
    return TRUE;
}

BOOL WINAPI CryptAcquireContextA(HCRYPTPROV *out, LPCSTR container, LPCSTR provider, DWORD type, DWORD flags)
{
    (void)provider;
    return CryptAcquireContextW(out, container != NULL ? L"x" : NULL, NULL, type, flags);
}

static Context *ContextOf(HCRYPTPROV provider)
{
    Context *context = (Context *)provider;
    if (context != NULL && context->signature == CONTEXT_SIGNATURE)
        return context;
    AdvapiFail(ERROR_INVALID_PARAMETER);
    return NULL;
}

BOOL WINAPI CryptGenRandom(HCRYPTPROV provider, DWORD size, BYTE *buffer)
{
    return ContextOf(provider) != NULL && SystemFunction036(buffer, size);
}

BOOL WINAPI CryptContextAddRef(HCRYPTPROV provider, DWORD *reserved, DWORD flags)
{
    Context *context = ContextOf(provider);
    (void)reserved, (void)flags;
    if (context != NULL)
        __sync_add_and_fetch(&context->references, 1);
    return context != NULL;
}

BOOL WINAPI CryptReleaseContext(HCRYPTPROV provider, DWORD flags)
{
    Context *context = ContextOf(provider);
    if (context == NULL || flags != 0)
        return context != NULL ? AdvapiFail((ULONG)NTE_BAD_FLAGS) : FALSE;
    if (__sync_sub_and_fetch(&context->references, 1) == 0) {
        context->signature = 0;
        RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, context);
    }
    return TRUE;
}

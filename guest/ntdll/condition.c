/* Condition variables and slim reader/writer locks. XP has neither: these are Windows Vista's, for programs that want
   them; a thread that has to wait is parked, and a lock is handed from its owner to who waits longest. */

#include "parking.h"

/* A lock's word: owned alone, somebody is parked, the number of readers above. */
#define ALONE 1u
#define PARKED_THREADS 2u
#define READER 0x10u

enum { WaitsAlone, WaitsShared, WaitsForCondition };

typedef volatile LONG *Word;

static BOOL Change(Word word, ULONG from, ULONG to)
{
    return InterlockedCompareExchange(word, (LONG)to, (LONG)from) == (LONG)from;
}

VOID NTAPI RtlInitializeSRWLock(PRTL_SRWLOCK lock) { lock->Ptr = NULL; }
VOID NTAPI RtlInitializeConditionVariable(PRTL_CONDITION_VARIABLE condition) { condition->Ptr = NULL; }

BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(PRTL_SRWLOCK lock) { return (BOOLEAN)Change((Word)lock, 0, ALONE); }

BOOLEAN NTAPI RtlTryAcquireSRWLockShared(PRTL_SRWLOCK lock)
{
    for (;;) {
        ULONG value = (ULONG) * (Word)lock;
        if (value & (ALONE | PARKED_THREADS))
            return FALSE;
        if (Change((Word)lock, value, value + READER))
            return TRUE;
    }
}

/* Says that somebody is parked, unless the lock has become free, which then belongs to the caller. */
static BOOL MarkOrTake(Word word, ULONG kind)
{
    for (;;) {
        ULONG value = (ULONG)*word;
        BOOL is_free = kind == WaitsAlone ? value == 0 : !(value & (ALONE | PARKED_THREADS));
        ULONG taken = kind == WaitsAlone ? ALONE : value + READER;
        if (Change(word, value, is_free ? taken : value | PARKED_THREADS))
            return is_free;
    }
}

static void AcquireSlowly(PRTL_SRWLOCK lock, ULONG kind)
{
    PARKED self;
    ParkingLock();
    BOOL is_taken = MarkOrTake((Word)lock, kind);
    if (!is_taken)
        ParkingAppend(&self, lock, kind);
    ParkingUnlock();
    if (!is_taken)
        ParkingWait(&self, NULL);
}

VOID NTAPI RtlAcquireSRWLockExclusive(PRTL_SRWLOCK lock)
{
    if (!RtlTryAcquireSRWLockExclusive(lock))
        AcquireSlowly(lock, WaitsAlone);
}

VOID NTAPI RtlAcquireSRWLockShared(PRTL_SRWLOCK lock)
{
    if (!RtlTryAcquireSRWLockShared(lock))
        AcquireSlowly(lock, WaitsShared);
}

/* The lock is nobody's and threads are parked at it: the first writer, or all readers before the next writer, own it
   now. While threads are parked the word is changed under the parking lock only. */
static PPARKED HandOver(Word word)
{
    PPARKED chosen = NULL, *end = &chosen, first = ParkingFirst((const void *)word);
    ULONG value = 0;
    for (; first != NULL && (value == 0 || first->kind == WaitsShared) && !(value & ALONE);
         first = ParkingFirst((const void *)word)) {
        value = first->kind == WaitsAlone ? ALONE : value + READER;
        ParkingRemove(first);
        first->next = NULL;
        *end = first;
        end = &first->next;
    }
    *word = (LONG)(value | (first != NULL ? PARKED_THREADS : 0));
    return chosen;
}

static void ReleaseAll(PPARKED chosen)
{
    while (chosen != NULL) {
        PPARKED next = chosen->next; /* behind the release it is no longer ours */
        ParkingRelease(chosen);
        chosen = next;
    }
}

static void Let(PRTL_SRWLOCK lock, ULONG held)
{
    Word word = (Word)lock;
    PPARKED chosen = NULL;
    for (ULONG value = (ULONG)*word; !(value & PARKED_THREADS); value = (ULONG)*word)
        if (Change(word, value, value - held))
            return;
    ParkingLock();
    ULONG left = (ULONG)*word - held;
    if (left & ~PARKED_THREADS)
        *word = (LONG)left;
    else
        chosen = HandOver(word);
    ParkingUnlock();
    ReleaseAll(chosen);
}

VOID NTAPI RtlReleaseSRWLockExclusive(PRTL_SRWLOCK lock) { Let(lock, ALONE); }
VOID NTAPI RtlReleaseSRWLockShared(PRTL_SRWLOCK lock) { Let(lock, READER); }

static void ParkAt(PRTL_CONDITION_VARIABLE condition, PPARKED self)
{
    ParkingLock();
    ParkingAppend(self, condition, WaitsForCondition);
    ParkingUnlock();
}

NTSTATUS NTAPI RtlSleepConditionVariableCS(PRTL_CONDITION_VARIABLE condition, PRTL_CRITICAL_SECTION section,
                                           PLARGE_INTEGER timeout)
{
    PARKED self;
    ParkAt(condition, &self);
    RtlLeaveCriticalSection(section);
    NTSTATUS status = ParkingWait(&self, timeout);
    RtlEnterCriticalSection(section);
    return status;
}

NTSTATUS NTAPI RtlSleepConditionVariableSRW(PRTL_CONDITION_VARIABLE condition, PRTL_SRWLOCK lock,
                                            PLARGE_INTEGER timeout, ULONG flags)
{
    BOOL is_shared = flags & RTL_CONDITION_VARIABLE_LOCKMODE_SHARED;
    PARKED self;
    ParkAt(condition, &self);
    Let(lock, is_shared ? READER : ALONE);
    NTSTATUS status = ParkingWait(&self, timeout);
    if (is_shared)
        RtlAcquireSRWLockShared(lock);
    else
        RtlAcquireSRWLockExclusive(lock);
    return status;
}

static void Wake(PRTL_CONDITION_VARIABLE condition, ULONG most)
{
    PPARKED chosen = NULL, *end = &chosen;
    ParkingLock();
    for (PPARKED at; most > 0 && (at = ParkingFirst(condition)) != NULL; most--) {
        ParkingRemove(at);
        at->next = NULL;
        *end = at;
        end = &at->next;
    }
    ParkingUnlock();
    ReleaseAll(chosen);
}

VOID NTAPI RtlWakeConditionVariable(PRTL_CONDITION_VARIABLE condition) { Wake(condition, 1); }
VOID NTAPI RtlWakeAllConditionVariable(PRTL_CONDITION_VARIABLE condition) { Wake(condition, MAXDWORD); }

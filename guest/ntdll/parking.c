/* Parked threads: a list in order of arrival, and a keyed event by which each is released. */

#include "parking.h"

NTSTATUS NTAPI NtCreateKeyedEvent(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, ULONG);
NTSTATUS NTAPI NtWaitForKeyedEvent(HANDLE, PVOID, BOOLEAN, PLARGE_INTEGER);
NTSTATUS NTAPI NtReleaseKeyedEvent(HANDLE, PVOID, BOOLEAN, PLARGE_INTEGER);

#define KEYED_EVENT_ACCESS 0xf0003

static RTL_CRITICAL_SECTION Lock = {.LockCount = -1};
static PPARKED First, *Last = &First;
static HANDLE Event;

/* Made when the first thread parks; the lock is held then. */
static HANDLE KeyedEvent(void)
{
    if (Event == NULL) {
        NTSTATUS status = NtCreateKeyedEvent(&Event, KEYED_EVENT_ACCESS, NULL, 0);
        if (!NT_SUCCESS(status))
            RtlRaiseStatus(status);
    }
    return Event;
}

void ParkingLock(void) { RtlEnterCriticalSection(&Lock); }
void ParkingUnlock(void) { RtlLeaveCriticalSection(&Lock); }

void ParkingAppend(PPARKED parked, const void *place, ULONG kind)
{
    KeyedEvent();
    *parked = (PARKED){NULL, place, kind};
    *Last = parked;
    Last = &parked->next;
}

PPARKED ParkingFirst(const void *place)
{
    for (PPARKED at = First; at != NULL; at = at->next)
        if (at->place == place)
            return at;
    return NULL;
}

BOOL ParkingRemove(PPARKED parked)
{
    for (PPARKED *link = &First; *link != NULL; link = &(*link)->next) {
        if (*link != parked)
            continue;
        *link = parked->next;
        if (Last == &parked->next)
            Last = link;
        parked->place = NULL;
        return TRUE;
    }
    return FALSE;
}

NTSTATUS ParkingWait(PPARKED parked, PLARGE_INTEGER timeout)
{
    NTSTATUS status = NtWaitForKeyedEvent(Event, parked, FALSE, timeout);
    if (status != STATUS_TIMEOUT)
        return status;
    ParkingLock();
    BOOL was_waiting = ParkingRemove(parked);
    ParkingUnlock();
    return was_waiting ? STATUS_TIMEOUT : NtWaitForKeyedEvent(Event, parked, FALSE, NULL);
}

void ParkingRelease(PPARKED parked) { NtReleaseKeyedEvent(Event, parked, FALSE, NULL); }

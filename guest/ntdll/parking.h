/* Threads that are parked at an address: what condition variables and slim locks wait with. */
#ifndef PARKING_H
#define PARKING_H

#include "ntdll.h"

/* One thread that waits; it lies on the thread's stack and is linked, first come first, while `place` is set. */
typedef struct _PARKED {
    struct _PARKED *next;
    const void *place;
    ULONG kind;
} PARKED, *PPARKED;

/* The list of all that are parked in this process, and the lock around it. */
void ParkingLock(void);
void ParkingUnlock(void);
/* Appends; the lock is held. */
void ParkingAppend(PPARKED parked, const void *place, ULONG kind);
/* The first that waits at a place; the lock is held. */
PPARKED ParkingFirst(const void *place);
/* Takes one off the list; the lock is held. FALSE when it was not on it. */
BOOL ParkingRemove(PPARKED parked);
/* Waits until Release; a thread that was taken off the list meanwhile is released without fail. */
NTSTATUS ParkingWait(PPARKED parked, PLARGE_INTEGER timeout);
/* Lets one go on that was taken off the list; the lock is not held. */
void ParkingRelease(PPARKED parked);

#endif

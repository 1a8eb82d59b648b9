/* What timers and registered waits share: a callback that may run in another thread, and an end that waits for it. */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "ntdll.h"
#include "pool.h"

typedef struct {
    WAITORTIMERCALLBACKFUNC call;
    PVOID value;
    ULONG flags;
    ULONG running;  /* calls that were begun or queued and have not returned */
    BOOL is_ending; /* nobody begins another; the last to return frees the memory */
    HANDLE finished; /* to be signalled then */
    PVOID memory;
} CALLBACK_STATE, *PCALLBACK_STATE;

extern RTL_CRITICAL_SECTION CallbackLock;

/* The interrupt time, in units of 100 ns. */
LONGLONG CallbackNow(void);
/* Runs it here, or in a thread of the pool; `fired` is its second argument. */
void CallbackRun(PCALLBACK_STATE state, BOOLEAN fired, BOOL is_here);
/* One of the calls that `running` counts is over. */
void CallbackReturned(PCALLBACK_STATE state);
/* Ends it: `completion` NULL does not wait, INVALID_HANDLE_VALUE does, an event is signalled. STATUS_PENDING when calls
   still run. The lock is held, and released. */
NTSTATUS CallbackEnd(PCALLBACK_STATE state, HANDLE completion);

#endif

/* What the files of ntoskrnl.exe share, and its table for the machine's kernel. */
#ifndef KI_H
#define KI_H

#define GUEST_KERNEL
#include "ntddk.h"

/* Types of dispatcher objects. */
enum { EventNotificationObject = 0, EventSynchronizationObject = 1, MutantObject = 2, SemaphoreObject = 5 };
/* Types of I/O structures. */
enum { IO_TYPE_DEVICE = 3, IO_TYPE_DRIVER = 4, IO_TYPE_FILE = 5, IO_TYPE_IRP = 6 };

/* Calls of the machine's kernel that no driver sees; see host.S. */
NTSTATUS NTAPI HostInsertObject(ULONG kind, PVOID body, PUNICODE_STRING name);
VOID NTAPI HostRemoveObject(PVOID body);
VOID NTAPI HostDebugText(const char *text, ULONG length);
VOID NTAPI HostLeaveDispatchLevel(void);
enum { INSERT_DEVICE = 1, INSERT_DRIVER = 2 };

static inline void InitializeListHead(PLIST_ENTRY head) { head->Flink = head->Blink = head; }

extern KSPIN_LOCK IopDatabaseLock;
#endif

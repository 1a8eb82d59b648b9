/* The modules of any process, read from its loader's list. */
#ifndef MODULES_H
#define MODULES_H

#include "rtl.h"

typedef struct {
    HANDLE process;
    PLIST_ENTRY head, next;
    ULONG left; /* a process may have broken its list */
} ModuleWalk;

/* Begins at the program itself. A process that has not run yet has no list: STATUS_PARTIAL_COPY. */
NTSTATUS ModuleWalkBegin(ModuleWalk *walk, HANDLE process);
/* The next module's record; STATUS_NO_MORE_ENTRIES behind the last. */
NTSTATUS ModuleWalkNext(ModuleWalk *walk, PLDR_DATA_TABLE_ENTRY out);
/* The record of the module with a base; a base of NULL is the program. */
NTSTATUS ModuleFind(HANDLE process, PVOID base, PLDR_DATA_TABLE_ENTRY out);
/* A string of the process, cut to fit, ended by a zero; its length in characters. */
NTSTATUS ModuleText(HANDLE process, const UNICODE_STRING *string, PWSTR buffer, ULONG size, PULONG length);

#endif

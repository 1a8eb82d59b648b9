/* A snapshot of tool help: a section with a header and four lists, each with the place of its next entry. */
#ifndef TOOLHELP_H
#define TOOLHELP_H

#include "base.h"
#include <tlhelp32.h>

enum { ListOfProcesses, ListOfThreads, ListOfModules, ListOfHeaps, ListCount };

typedef struct {
    ULONG offset, count, next;
} SnapshotList;

typedef struct {
    SnapshotList lists[ListCount];
} Snapshot;

/* What the lists are gathered in, before they become a section. */
typedef struct {
    PCHAR bytes;
    ULONG count, room;
} Gathered;

/* Appends an entry; FALSE without memory. */
BOOL SnapshotAppend(Gathered *list, const void *entry, ULONG size);
NTSTATUS SnapshotProcesses(Gathered *processes, Gathered *threads);
NTSTATUS SnapshotModules(Gathered *modules, DWORD id);
NTSTATUS SnapshotHeaps(Gathered *heaps, DWORD id);

#endif

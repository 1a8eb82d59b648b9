/* Tables of atoms: names that are counted and get numbers from C000h up; numbers below are atoms by themselves. */

#include "ntdll.h"
#include "atom.h"

#define FIRST_ATOM 0xc000u
#define MOST_ATOMS 0x4000u
#define USUAL_BUCKETS 37

typedef struct _ATOM_ENTRY {
    struct _ATOM_ENTRY *next;
    RTL_ATOM atom;
    USHORT references, flags;
    UCHAR length;
    WCHAR name[];
} ATOM_ENTRY, *PATOM_ENTRY;

struct _RTL_ATOM_TABLE {
    RTL_CRITICAL_SECTION lock;
    ULONG buckets;
    PATOM_ENTRY by_number[MOST_ATOMS];
    PATOM_ENTRY by_name[];
};

enum { Pinned = 1 };

/* A table's numbers take 64 KB; they are reserved with it. */
NTSTATUS NTAPI RtlCreateAtomTable(ULONG buckets, PRTL_ATOM_TABLE *out)
{
    if (*out != NULL)
        return STATUS_SUCCESS;
    buckets = buckets <= 1 ? USUAL_BUCKETS : buckets;
    PRTL_ATOM_TABLE table = Allocate(sizeof *table + buckets * sizeof(PATOM_ENTRY));
    if (table == NULL)
        return STATUS_NO_MEMORY;
    table->buckets = buckets;
    RtlInitializeCriticalSection(&table->lock);
    *out = table;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlEmptyAtomTable(PRTL_ATOM_TABLE table, BOOLEAN pinned_too)
{
    RtlEnterCriticalSection(&table->lock);
    for (ULONG bucket = 0; bucket < table->buckets; bucket++)
        for (PATOM_ENTRY *link = &table->by_name[bucket]; *link != NULL;) {
            PATOM_ENTRY entry = *link;
            if (entry->flags & Pinned && !pinned_too) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            table->by_number[entry->atom - FIRST_ATOM] = NULL;
            Release(entry);
        }
    RtlLeaveCriticalSection(&table->lock);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDestroyAtomTable(PRTL_ATOM_TABLE table)
{
    RtlEmptyAtomTable(table, TRUE);
    RtlDeleteCriticalSection(&table->lock);
    Release(table);
    return STATUS_SUCCESS;
}

/* A number as a pointer, or "#" and decimal digits: an atom without a table. FALSE for a real name. */
static BOOL IsNumber(PCWSTR name, RTL_ATOM *atom, NTSTATUS *status)
{
    ULONG value = (ULONG)(ULONG_PTR)name;
    if ((ULONG_PTR)name >= 0x10000) {
        if (*name != '#')
            return FALSE;
        value = 0;
        for (PCWSTR at = name + 1; *at != 0; at++) {
            if (*at < '0' || *at > '9' || value > 0xffff)
                return FALSE;
            value = value * 10 + (*at - '0');
        }
    }
    *status = value != 0 && value < FIRST_ATOM ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    *atom = (RTL_ATOM)value;
    return TRUE;
}

static PATOM_ENTRY *Find(PRTL_ATOM_TABLE table, PCWSTR name, SIZE_T length)
{
    ULONG hash = 0;
    for (SIZE_T index = 0; index < length; index++)
        hash = hash * 31 + RtlUpcaseUnicodeChar(name[index]);
    PATOM_ENTRY *link = &table->by_name[hash % table->buckets];
    while (*link != NULL && ((*link)->length != length || _wcsnicmp((*link)->name, name, length) != 0))
        link = &(*link)->next;
    return link;
}

static NTSTATUS AddEntry(PRTL_ATOM_TABLE table, PATOM_ENTRY *link, PCWSTR name, SIZE_T length)
{
    ULONG number = 0;
    while (number < MOST_ATOMS && table->by_number[number] != NULL)
        number++;
    PATOM_ENTRY entry = number < MOST_ATOMS ? Allocate(sizeof *entry + (length + 1) * sizeof(WCHAR)) : NULL;
    if (entry == NULL)
        return STATUS_NO_MEMORY;
    entry->atom = (RTL_ATOM)(FIRST_ATOM + number);
    entry->length = (UCHAR)length;
    memcpy(entry->name, name, length * sizeof(WCHAR));
    table->by_number[number] = entry;
    *link = entry;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAddAtomToAtomTable(PRTL_ATOM_TABLE table, PCWSTR name, RTL_ATOM *out)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (IsNumber(name, out, &status))
        return status;
    SIZE_T length = wcslen(name);
    if (length == 0)
        return STATUS_OBJECT_NAME_INVALID;
    if (length > RTL_MAXIMUM_ATOM_LENGTH)
        return STATUS_INVALID_PARAMETER;
    RtlEnterCriticalSection(&table->lock);
    PATOM_ENTRY *link = Find(table, name, length);
    if (*link == NULL)
        status = AddEntry(table, link, name, length);
    if (NT_SUCCESS(status)) {
        (*link)->references += (*link)->references != MAXWORD;
        *out = (*link)->atom;
    }
    RtlLeaveCriticalSection(&table->lock);
    return status;
}

NTSTATUS NTAPI RtlLookupAtomInAtomTable(PRTL_ATOM_TABLE table, PCWSTR name, RTL_ATOM *out)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (IsNumber(name, out, &status))
        return status;
    SIZE_T length = wcslen(name);
    if (length == 0)
        return STATUS_OBJECT_NAME_INVALID;
    RtlEnterCriticalSection(&table->lock);
    PATOM_ENTRY entry = *Find(table, name, length);
    if (entry != NULL)
        *out = entry->atom;
    RtlLeaveCriticalSection(&table->lock);
    return entry != NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* The entry of a number; the table is locked. */
static PATOM_ENTRY EntryOf(PRTL_ATOM_TABLE table, RTL_ATOM atom)
{
    return atom >= FIRST_ATOM ? table->by_number[atom - FIRST_ATOM] : NULL;
}

NTSTATUS NTAPI RtlDeleteAtomFromAtomTable(PRTL_ATOM_TABLE table, RTL_ATOM atom)
{
    if (atom < FIRST_ATOM)
        return atom != 0 ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    RtlEnterCriticalSection(&table->lock);
    PATOM_ENTRY entry = EntryOf(table, atom);
    NTSTATUS status = entry == NULL ? STATUS_INVALID_HANDLE : entry->flags & Pinned ? STATUS_WAS_LOCKED : STATUS_SUCCESS;
    if (status == STATUS_SUCCESS && --entry->references == 0) {
        *Find(table, entry->name, entry->length) = entry->next;
        table->by_number[atom - FIRST_ATOM] = NULL;
        Release(entry);
    }
    RtlLeaveCriticalSection(&table->lock);
    return status;
}

NTSTATUS NTAPI RtlPinAtomInAtomTable(PRTL_ATOM_TABLE table, RTL_ATOM atom)
{
    RtlEnterCriticalSection(&table->lock);
    PATOM_ENTRY entry = EntryOf(table, atom);
    if (entry != NULL)
        entry->flags |= Pinned;
    RtlLeaveCriticalSection(&table->lock);
    return entry != NULL ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

/* The name's length in bytes goes in as the buffer's and out as what was copied, without the zero. */
NTSTATUS NTAPI RtlQueryAtomInAtomTable(PRTL_ATOM_TABLE table, RTL_ATOM atom, PULONG references, PULONG pins, PWSTR buffer,
                                       PULONG length)
{
    WCHAR digits[8];
    ULONG count = 1, is_pinned = 1, characters;
    if (atom == 0)
        return STATUS_INVALID_PARAMETER;
    RtlEnterCriticalSection(&table->lock);
    PATOM_ENTRY entry = EntryOf(table, atom);
    PCWSTR name = entry != NULL ? entry->name : digits;
    if (entry != NULL)
        count = entry->references, is_pinned = entry->flags & Pinned, characters = entry->length;
    else
        characters = (ULONG)_snwprintf(digits, COUNT_OF(digits), L"#%u", atom);
    NTSTATUS status = entry == NULL && atom >= FIRST_ATOM ? STATUS_INVALID_HANDLE : STATUS_SUCCESS;
    if (NT_SUCCESS(status) && references != NULL)
        *references = count;
    if (NT_SUCCESS(status) && pins != NULL)
        *pins = is_pinned;
    if (NT_SUCCESS(status) && buffer != NULL && *length < sizeof(WCHAR))
        status = STATUS_BUFFER_TOO_SMALL;
    if (NT_SUCCESS(status) && buffer != NULL) {
        characters = min(characters, *length / (ULONG)sizeof(WCHAR) - 1);
        memcpy(buffer, name, characters * sizeof(WCHAR));
        buffer[characters] = 0;
    }
    if (NT_SUCCESS(status) && length != NULL)
        *length = characters * sizeof(WCHAR);
    RtlLeaveCriticalSection(&table->lock);
    return status;
}

/* Atoms: the process's own table, which is ntdll's, and the global one, which is the kernel's. */

#include "base.h"
#include "atom.h"

#define USUAL_BUCKETS 37

static PRTL_ATOM_TABLE Table;

typedef struct {
    USHORT UsageCount, Flags, NameLength;
    WCHAR Name[RTL_MAXIMUM_ATOM_LENGTH + 1];
} AtomInformation;

BOOL WINAPI InitAtomTable(DWORD buckets)
{
    BOOL is_made = TRUE;
    RtlAcquirePebLock();
    if (Table == NULL)
        is_made = BaseCheck(RtlCreateAtomTable(buckets, &Table));
    RtlReleasePebLock();
    return is_made;
}

static ATOM Told(NTSTATUS status, const RTL_ATOM *atom) { return BaseCheck(status) ? *atom : 0; }

ATOM WINAPI AddAtomW(LPCWSTR name)
{
    RTL_ATOM atom;
    return InitAtomTable(USUAL_BUCKETS) ? Told(RtlAddAtomToAtomTable(Table, name, &atom), &atom) : 0;
}

ATOM WINAPI FindAtomW(LPCWSTR name)
{
    RTL_ATOM atom;
    return InitAtomTable(USUAL_BUCKETS) ? Told(RtlLookupAtomInAtomTable(Table, name, &atom), &atom) : 0;
}

ATOM WINAPI DeleteAtom(ATOM atom)
{
    return InitAtomTable(USUAL_BUCKETS) && BaseCheck(RtlDeleteAtomFromAtomTable(Table, atom)) ? 0 : atom;
}

UINT WINAPI GetAtomNameW(ATOM atom, LPWSTR buffer, int size)
{
    ULONG length = (ULONG)max(size, 0) * sizeof(WCHAR);
    if (size <= 0)
        return (UINT)BaseFail(ERROR_MORE_DATA);
    if (!InitAtomTable(USUAL_BUCKETS) || !BaseCheck(RtlQueryAtomInAtomTable(Table, atom, NULL, NULL, buffer, &length)))
        return 0;
    return length / sizeof(WCHAR);
}

/* A number or "#" and digits never reaches the kernel. */
static BOOL IsNumber(LPCWSTR name, ATOM *atom)
{
    UNICODE_STRING digits;
    ULONG value = (ULONG)(ULONG_PTR)name;
    if ((ULONG_PTR)name >= 0x10000) {
        if (*name != '#')
            return FALSE;
        RtlInitUnicodeString(&digits, name + 1);
        if (!NT_SUCCESS(RtlUnicodeStringToInteger(&digits, 10, &value)))
            return FALSE;
    }
    *atom = value < MAXINTATOM ? (ATOM)value : 0;
    if (*atom == 0)
        BaseFail(ERROR_INVALID_PARAMETER);
    return TRUE;
}

static ULONG BytesOf(LPCWSTR name) { return wcslen(name) * sizeof(WCHAR); }

ATOM WINAPI GlobalAddAtomW(LPCWSTR name)
{
    ATOM atom;
    return IsNumber(name, &atom) ? atom : Told(NtAddAtom(name, BytesOf(name), &atom), &atom);
}

ATOM WINAPI GlobalFindAtomW(LPCWSTR name)
{
    ATOM atom;
    return IsNumber(name, &atom) ? atom : Told(NtFindAtom(name, BytesOf(name), &atom), &atom);
}

ATOM WINAPI GlobalDeleteAtom(ATOM atom) { return atom < MAXINTATOM || BaseCheck(NtDeleteAtom(atom)) ? 0 : atom; }

UINT WINAPI GlobalGetAtomNameW(ATOM atom, LPWSTR buffer, int size)
{
    AtomInformation information = {0};
    if (size <= 0)
        return (UINT)BaseFail(ERROR_MORE_DATA);
    if (atom < MAXINTATOM)
        information.NameLength = (USHORT)(_snwprintf(information.Name, 8, L"#%u", atom) * (int)sizeof(WCHAR));
    else if (!BaseCheck(NtQueryInformationAtom(atom, 0, &information, sizeof information, NULL)))
        return 0;
    UINT length = min(information.NameLength / (UINT)sizeof(WCHAR), (UINT)size - 1);
    memcpy(buffer, information.Name, length * sizeof(WCHAR));
    buffer[length] = 0;
    return length;
}

typedef ATOM(WINAPI *ByName)(LPCWSTR);

static ATOM Widened(ByName call, LPCSTR name)
{
    if ((ULONG_PTR)name < 0x10000)
        return call((LPCWSTR)name);
    PWSTR wide = BaseWide(name);
    ATOM atom = wide != NULL ? call(wide) : 0;
    BaseRelease(wide);
    return atom;
}

ATOM WINAPI AddAtomA(LPCSTR name) { return Widened(AddAtomW, name); }
ATOM WINAPI FindAtomA(LPCSTR name) { return Widened(FindAtomW, name); }
ATOM WINAPI GlobalAddAtomA(LPCSTR name) { return Widened(GlobalAddAtomW, name); }
ATOM WINAPI GlobalFindAtomA(LPCSTR name) { return Widened(GlobalFindAtomW, name); }

static UINT NarrowName(UINT(WINAPI *call)(ATOM, LPWSTR, int), ATOM atom, LPSTR buffer, int size)
{
    WCHAR wide[RTL_MAXIMUM_ATOM_LENGTH + 1];
    ULONG length = 0;
    if (size <= 0)
        return (UINT)BaseFail(ERROR_MORE_DATA);
    UINT characters = call(atom, wide, COUNT_OF(wide));
    if (characters == 0)
        return 0;
    RtlUnicodeToMultiByteN(buffer, (ULONG)size - 1, &length, wide, characters * sizeof(WCHAR));
    buffer[length] = 0;
    return length;
}

UINT WINAPI GetAtomNameA(ATOM atom, LPSTR buffer, int size) { return NarrowName(GetAtomNameW, atom, buffer, size); }
UINT WINAPI GlobalGetAtomNameA(ATOM atom, LPSTR buffer, int size) { return NarrowName(GlobalGetAtomNameW, atom, buffer, size); }

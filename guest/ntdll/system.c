/* The system's version, stack traces, GUIDs as text, the debugger's way in. */

#include "ntdll.h"

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW out)
{
    const PEB *peb = CurrentPeb();
    ULONG size = out->dwOSVersionInfoSize;
    out->dwMajorVersion = peb->OSMajorVersion;
    out->dwMinorVersion = peb->OSMinorVersion;
    out->dwBuildNumber = peb->OSBuildNumber;
    out->dwPlatformId = peb->OSPlatformId;
    ULONG pack = peb->OSCSDVersion >> 8;
    _snwprintf(out->szCSDVersion, COUNT_OF(out->szCSDVersion), pack != 0 ? L"Service Pack %u" : L"", pack);
    if (size == sizeof(RTL_OSVERSIONINFOEXW)) {
        PRTL_OSVERSIONINFOEXW more = (PRTL_OSVERSIONINFOEXW)out;
        more->wServicePackMajor = (USHORT)pack;
        more->wServicePackMinor = peb->OSCSDVersion & 0xff;
        more->wSuiteMask = VER_SUITE_SINGLEUSERTS;
        more->wProductType = VER_NT_WORKSTATION;
        more->wReserved = 0;
    }
    return STATUS_SUCCESS;
}

/* The high bits of the build say that it is one for sale. */
VOID NTAPI RtlGetNtVersionNumbers(PULONG major, PULONG minor, PULONG build)
{
    const PEB *peb = CurrentPeb();
    if (major != NULL)
        *major = peb->OSMajorVersion;
    if (minor != NULL)
        *minor = peb->OSMinorVersion;
    if (build != NULL)
        *build = peb->OSBuildNumber | 0xf0000000;
}

/* Return addresses along the chain of frames, as far as frames lie on this stack and above each other. */
USHORT NTAPI RtlCaptureStackBackTrace(ULONG skip, ULONG most, PVOID *out, PULONG hash)
{
    const NT_TIB *tib = &CurrentTeb()->NtTib;
    const ULONG_PTR *frame = __builtin_frame_address(0);
    ULONG sum = 0;
    USHORT count = 0;
    for (ULONG index = 0; count < most; index++) {
        const ULONG_PTR *next = (const ULONG_PTR *)frame[0];
        if (frame[1] == 0)
            break;
        if (index >= skip) {
            out[count++] = (PVOID)frame[1];
            sum += frame[1];
        }
        if (next <= frame || (PVOID)next < tib->StackLimit || (PVOID)(next + 2) > tib->StackBase || (ULONG_PTR)next & 3)
            break;
        frame = next;
    }
    if (hash != NULL)
        *hash = sum;
    return count;
}

/* {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx} */
NTSTATUS NTAPI RtlStringFromGUID(const GUID *guid, PUNICODE_STRING out)
{
    WCHAR text[40];
    const UCHAR *rest = guid->Data4;
    _snwprintf(text, COUNT_OF(text), L"{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", (ULONG)guid->Data1, guid->Data2,
               guid->Data3, rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6], rest[7]);
    return RtlCreateUnicodeString(out, text) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static BOOL Digits(PCWSTR *at, ULONG count, PULONG value)
{
    *value = 0;
    while (count-- > 0) {
        WCHAR digit = *(*at)++ | 0x20;
        if (digit >= '0' && digit <= '9')
            *value = *value << 4 | (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            *value = *value << 4 | (digit - 'a' + 10u);
        else
            return FALSE;
    }
    return TRUE;
}

NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING text, GUID *out)
{
    PCWSTR at = text->Buffer;
    ULONG one, two, three, byte;
    if (text->Length < 38 * sizeof(WCHAR) || *at++ != '{' || !Digits(&at, 8, &one) || *at++ != '-' ||
        !Digits(&at, 4, &two) || *at++ != '-' || !Digits(&at, 4, &three) || *at++ != '-')
        return STATUS_INVALID_PARAMETER;
    GUID made = {one, (USHORT)two, (USHORT)three, {0}};
    for (ULONG index = 0; index < 8; index++) {
        if ((index == 2 && *at++ != '-') || !Digits(&at, 2, &byte))
            return STATUS_INVALID_PARAMETER;
        made.Data4[index] = (UCHAR)byte;
    }
    *out = made;
    return *at == '}' ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* Where DebugBreakProcess begins a thread. */
VOID NTAPI DbgUiRemoteBreakin(PVOID unused)
{
    (void)unused;
    if (CurrentPeb()->BeingDebugged)
        __asm__ volatile("int3");
    RtlExitUserThread(STATUS_SUCCESS);
}

/* Who the user is, and the names of privileges. Tokens are the kernel's: what it does not have fails as it says. */

#include "advapi.h"

static const WCHAR UserName[] = L"user";

BOOL WINAPI GetUserNameW(LPWSTR buffer, LPDWORD size)
{
    DWORD room = *size;
    *size = COUNT_OF(UserName);
    if (room < COUNT_OF(UserName))
        return AdvapiFail(ERROR_INSUFFICIENT_BUFFER);
    memcpy(buffer, UserName, sizeof UserName);
    return TRUE;
}

BOOL WINAPI GetUserNameA(LPSTR buffer, LPDWORD size)
{
    DWORD room = *size;
    *size = COUNT_OF(UserName);
    if (room < COUNT_OF(UserName))
        return AdvapiFail(ERROR_INSUFFICIENT_BUFFER);
    RtlUnicodeToMultiByteN(buffer, room, NULL, UserName, sizeof UserName);
    return TRUE;
}

/* In the order of their numbers, from 2 up. */
static const PCWSTR Privileges[] = {
    L"SeCreateTokenPrivilege",          L"SeAssignPrimaryTokenPrivilege",   L"SeLockMemoryPrivilege",
    L"SeIncreaseQuotaPrivilege",        L"SeMachineAccountPrivilege",       L"SeTcbPrivilege",
    L"SeSecurityPrivilege",             L"SeTakeOwnershipPrivilege",        L"SeLoadDriverPrivilege",
    L"SeSystemProfilePrivilege",        L"SeSystemtimePrivilege",           L"SeProfileSingleProcessPrivilege",
    L"SeIncreaseBasePriorityPrivilege", L"SeCreatePagefilePrivilege",       L"SeCreatePermanentPrivilege",
    L"SeBackupPrivilege",               L"SeRestorePrivilege",              L"SeShutdownPrivilege",
    L"SeDebugPrivilege",                L"SeAuditPrivilege",                L"SeSystemEnvironmentPrivilege",
    L"SeChangeNotifyPrivilege",         L"SeRemoteShutdownPrivilege",       L"SeUndockPrivilege",
    L"SeSyncAgentPrivilege",            L"SeEnableDelegationPrivilege",     L"SeManageVolumePrivilege",
    L"SeImpersonatePrivilege",          L"SeCreateGlobalPrivilege",
};
#define FIRST_PRIVILEGE 2

BOOL WINAPI LookupPrivilegeValueW(LPCWSTR system, LPCWSTR name, PLUID out)
{
    if (system != NULL && *system != 0)
        return AdvapiFail(RPC_S_SERVER_UNAVAILABLE);
    for (ULONG index = 0; index < COUNT_OF(Privileges); index++)
        if (_wcsicmp(Privileges[index], name) == 0) {
            *out = (LUID){FIRST_PRIVILEGE + index, 0};
            return TRUE;
        }
    return AdvapiFail(ERROR_NO_SUCH_PRIVILEGE);
}

BOOL WINAPI LookupPrivilegeValueA(LPCSTR system, LPCSTR name, PLUID out)
{
    WCHAR wide[64];
    ULONG length;
    RtlMultiByteToUnicodeN(wide, sizeof wide - sizeof(WCHAR), &length, name, strlen(name));
    wide[length / sizeof(WCHAR)] = 0;
    return LookupPrivilegeValueW(system != NULL && *system != 0 ? L"x" : NULL, wide, out);
}

BOOL WINAPI LookupPrivilegeNameW(LPCWSTR system, PLUID value, LPWSTR buffer, LPDWORD size)
{
    if (system != NULL && *system != 0)
        return AdvapiFail(RPC_S_SERVER_UNAVAILABLE);
    ULONG index = value->LowPart - FIRST_PRIVILEGE;
    if (value->HighPart != 0 || index >= COUNT_OF(Privileges))
        return AdvapiFail(ERROR_NO_SUCH_PRIVILEGE);
    DWORD length = wcslen(Privileges[index]), room = *size;
    *size = length < room ? length : length + 1;
    if (length >= room)
        return AdvapiFail(ERROR_INSUFFICIENT_BUFFER);
    wcscpy(buffer, Privileges[index]);
    return TRUE;
}

NTSTATUS NTAPI NtOpenProcessToken(HANDLE, ACCESS_MASK, PHANDLE);
NTSTATUS NTAPI NtOpenThreadToken(HANDLE, ACCESS_MASK, BOOLEAN, PHANDLE);
NTSTATUS NTAPI NtQueryInformationToken(HANDLE, ULONG, PVOID, ULONG, PULONG);
NTSTATUS NTAPI NtAdjustPrivilegesToken(HANDLE, BOOLEAN, PVOID, ULONG, PVOID, PULONG);

BOOL WINAPI OpenProcessToken(HANDLE process, DWORD access, PHANDLE token)
{
    return AdvapiCheck(NtOpenProcessToken(process, access, token));
}

BOOL WINAPI OpenThreadToken(HANDLE thread, DWORD access, BOOL as_self, PHANDLE token)
{
    return AdvapiCheck(NtOpenThreadToken(thread, access, as_self != 0, token));
}

BOOL WINAPI GetTokenInformation(HANDLE token, TOKEN_INFORMATION_CLASS what, LPVOID out, DWORD size, PDWORD needed)
{
    return AdvapiCheck(NtQueryInformationToken(token, what, out, size, needed));
}

BOOL WINAPI AdjustTokenPrivileges(HANDLE token, BOOL disable_all, PTOKEN_PRIVILEGES wanted, DWORD size,
                                  PTOKEN_PRIVILEGES before, PDWORD needed)
{
    NTSTATUS status = NtAdjustPrivilegesToken(token, disable_all != 0, wanted, size, before, needed);
    if (!AdvapiCheck(status))
        return FALSE;
    RtlSetLastWin32Error(status == STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : ERROR_SUCCESS);
    return TRUE;
}

BOOL WINAPI DllMain(HMODULE module, DWORD reason, PVOID context)
{
    (void)context;
    if (reason == DLL_PROCESS_ATTACH)
        LdrDisableThreadCalloutsForDll(module);
    return TRUE;
}

/* Where LoadLibrary looks when the program has said so: SetDllDirectory, or the directory of the module itself. */

#include "module_search.h"

static PWSTR DllDirectory;

BOOL WINAPI SetDllDirectoryW(LPCWSTR path)
{
    PWSTR copy = NULL;
    if (path != NULL && wcschr(path, ';') != NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (path != NULL) {
        copy = BaseAllocate((wcslen(path) + 1) * sizeof(WCHAR));
        if (copy == NULL)
            return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
        wcscpy(copy, path);
    }
    RtlAcquirePebLock();
    PWSTR old = DllDirectory;
    DllDirectory = copy;
    RtlReleasePebLock();
    BaseRelease(old);
    return TRUE;
}

BOOL WINAPI SetDllDirectoryA(LPCSTR path)
{
    PWSTR wide = BaseWide(path);
    BOOL is_set = (path == NULL || wide != NULL) && SetDllDirectoryW(wide);
    BaseRelease(wide);
    return is_set;
}

DWORD WINAPI GetDllDirectoryW(DWORD size, LPWSTR buffer)
{
    RtlAcquirePebLock();
    DWORD length = BaseCopyOut(DllDirectory != NULL ? DllDirectory : L"", buffer, size);
    RtlReleasePebLock();
    return length;
}

DWORD WINAPI GetDllDirectoryA(DWORD size, LPSTR buffer)
{
    RtlAcquirePebLock();
    DWORD length = BaseNarrow(DllDirectory != NULL ? DllDirectory : L"", buffer, size);
    RtlReleasePebLock();
    return length;
}

/* The directory of a module that is named with its path, in place of the program's. */
static PWSTR AlteredList(PCWSTR name)
{
    PCWSTR slash = wcsrchr(name, '\\');
    if (slash == NULL)
        return NULL;
    PWSTR rest = BaseSearchList(L";%s\\system32;%s\\system;%s;.;");
    SIZE_T length = (SIZE_T)(slash - name);
    PWSTR list = rest != NULL ? BaseAllocate((length + wcslen(rest) + 2) * sizeof(WCHAR)) : NULL;
    if (list != NULL) {
        memcpy(list, name, length * sizeof(WCHAR));
        list[length] = ';';
        wcscpy(list + length + 1, rest);
    }
    BaseRelease(rest);
    return list;
}

PWSTR BaseDllSearchList(PCWSTR name, DWORD flags)
{
    if (flags & LOAD_WITH_ALTERED_SEARCH_PATH)
        return AlteredList(name);
    RtlAcquirePebLock();
    PWSTR list = NULL;
    if (DllDirectory != NULL && wcslen(DllDirectory) < MAX_PATH) {
        WCHAR middle[MAX_PATH + 40] = L";";
        wcscat(middle, DllDirectory);
        wcscat(middle, *DllDirectory != 0 ? L";%s\\system32;%s\\system;%s;" : L"%s\\system32;%s\\system;%s;");
        list = wcschr(DllDirectory, '%') == NULL ? BaseSearchList(middle) : NULL;
    }
    RtlReleasePebLock();
    return list;
}

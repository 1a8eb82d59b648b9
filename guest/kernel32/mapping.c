/* Sections: CreateFileMapping, MapViewOfFile and their kin. */

#include "base.h"

#define SECTION_ATTRIBUTES (SEC_FILE | SEC_IMAGE | SEC_RESERVE | SEC_COMMIT | SEC_NOCACHE | SEC_LARGE_PAGES)

static BOOL MayWrite(ULONG protect)
{
    return protect == PAGE_READWRITE || protect == PAGE_EXECUTE_READWRITE;
}

HANDLE WINAPI CreateFileMappingW(HANDLE file, LPSECURITY_ATTRIBUTES security, DWORD protect, DWORD high, DWORD low,
                                 LPCWSTR name)
{
    ULONG attributes = protect & SECTION_ATTRIBUTES;
    LARGE_INTEGER size = {.LowPart = low, .HighPart = (LONG)high};
    BaseObject object;
    HANDLE section;
    protect &= ~SECTION_ATTRIBUTES;
    BOOL is_known = protect == PAGE_READONLY || protect == PAGE_WRITECOPY || MayWrite(protect) ||
                    protect == PAGE_EXECUTE_READ || protect == PAGE_EXECUTE_WRITECOPY;
    if (!is_known || (file == INVALID_HANDLE_VALUE && size.QuadPart == 0)) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    ACCESS_MASK access = STANDARD_RIGHTS_REQUIRED | SECTION_QUERY | SECTION_MAP_READ;
    access |= MayWrite(protect) ? SECTION_MAP_WRITE : 0;
    access |= protect >= PAGE_EXECUTE ? SECTION_MAP_EXECUTE : 0;
    NTSTATUS status = NtCreateSection(&section, access, BaseNamed(&object, name, security, FALSE),
                                      size.QuadPart != 0 ? &size : NULL, protect,
                                      attributes != 0 ? attributes : SEC_COMMIT,
                                      file == INVALID_HANDLE_VALUE ? NULL : file);
    return BaseCreated(status, section);
}

HANDLE WINAPI CreateFileMappingA(HANDLE file, LPSECURITY_ATTRIBUTES security, DWORD protect, DWORD high, DWORD low,
                                 LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE section = CreateFileMappingW(file, security, protect, high, low, wide);
    BaseRelease(wide);
    return section;
}

HANDLE WINAPI OpenFileMappingW(DWORD access, BOOL inherits, LPCWSTR name)
{
    BaseObject object;
    HANDLE section;
    ACCESS_MASK wanted = access == FILE_MAP_COPY ? SECTION_MAP_READ : access & (DWORD)~FILE_MAP_COPY;
    if (name == NULL) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    return BaseCheck(NtOpenSection(&section, wanted, BaseNamed(&object, name, NULL, inherits))) ? section : NULL;
}

HANDLE WINAPI OpenFileMappingA(DWORD access, BOOL inherits, LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE section = OpenFileMappingW(access, inherits, wide);
    BaseRelease(wide);
    return section;
}

static ULONG ProtectionFor(DWORD access)
{
    if (access == FILE_MAP_COPY)
        return PAGE_WRITECOPY;
    if (access & FILE_MAP_WRITE)
        return PAGE_READWRITE;
    return access & FILE_MAP_READ ? PAGE_READONLY : PAGE_NOACCESS;
}

LPVOID WINAPI MapViewOfFileEx(HANDLE section, DWORD access, DWORD high, DWORD low, SIZE_T size, LPVOID base)
{
    LARGE_INTEGER offset = {.LowPart = low, .HighPart = (LONG)high};
    NTSTATUS status = NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, &offset, &size, ViewShare, 0,
                                         ProtectionFor(access));
    return BaseCheck(status) ? base : NULL;
}

LPVOID WINAPI MapViewOfFile(HANDLE section, DWORD access, DWORD high, DWORD low, SIZE_T size)
{
    return MapViewOfFileEx(section, access, high, low, size, NULL);
}

BOOL WINAPI UnmapViewOfFile(LPCVOID base) { return BaseCheck(NtUnmapViewOfSection(NtCurrentProcess(), (PVOID)base)); }

BOOL WINAPI FlushViewOfFile(LPCVOID address, SIZE_T size)
{
    IO_STATUS_BLOCK block;
    PVOID base = (PVOID)address;
    NTSTATUS status = NtFlushVirtualMemory(NtCurrentProcess(), &base, &size, &block);
    return status == STATUS_NOT_MAPPED_DATA || BaseCheck(status);
}

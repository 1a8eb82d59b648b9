/* Calls by name: the set FILESYS_APIS. */
#include "filesys.h"

/* Three letters, a digit, a colon: a device, which is device.exe's. */
static BOOL is_device(LPCWSTR name)
{
    return wcslen(name) == 5 && name[4] == ':' && name[3] >= '0' && name[3] <= '9';
}

static HANDLE create_file(LPCWSTR name, DWORD access, DWORD share, LPVOID attributes, DWORD disposition, DWORD flags,
                          HANDLE like)
{
    (void)attributes;
    (void)like;
    if (is_device(name))
        return OpenDevice(name, access, share);
    LONG store = StoreOpen(name, access, disposition, flags);
    if (store < 0)
        return INVALID_HANDLE_VALUE;
    DWORD error = GetLastError();
    struct open_file *file = LocalAlloc(LMEM_ZEROINIT, sizeof *file);
    if (!file) {
        StoreClose(store);
        return INVALID_HANDLE_VALUE;
    }
    file->store = store;
    file->access = access;
    HANDLE handle = CreateAPIHandle(file_set, file);
    SetLastError(error);
    return handle ? handle : INVALID_HANDLE_VALUE;
}

static HANDLE find_first(LPCWSTR pattern, WIN32_FIND_DATAW *found)
{
    if (wcslen(pattern) >= 260) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    if (!StoreFind(pattern, 0, found))
        return INVALID_HANDLE_VALUE;
    struct search *search = LocalAlloc(LMEM_ZEROINIT, sizeof *search);
    if (!search)
        return INVALID_HANDLE_VALUE;
    wcscpy(search->pattern, pattern);
    search->next = 1;
    HANDLE handle = CreateAPIHandle(search_set, search);
    return handle ? handle : INVALID_HANDLE_VALUE;
}

static BOOL create_directory(LPCWSTR name, LPVOID attributes)
{
    (void)attributes;
    return StoreCreateDirectory(name);
}

enum { CHUNK = 0x1000 };

static BOOL copy(LONG from, LONG to)
{
    BYTE *bytes = LocalAlloc(0, CHUNK);
    DWORD place = 0;
    LONG count = -1;
    while (bytes && (count = StoreRead(from, bytes, CHUNK, place)) > 0) {
        if (StoreWrite(to, bytes, (DWORD)count, place) != count) {
            count = -1;
            break;
        }
        place += (DWORD)count;
    }
    LocalFree(bytes);
    return count == 0;
}

static BOOL copy_file(LPCWSTR from, LPCWSTR to, BOOL fail_if_there)
{
    LONG source = StoreOpen(from, GENERIC_READ, OPEN_EXISTING, 0);
    if (source < 0)
        return FALSE;
    LONG target = StoreOpen(to, GENERIC_WRITE, fail_if_there ? CREATE_NEW : CREATE_ALWAYS, 0);
    BOOL is_done = target >= 0 && copy(source, target);
    if (target >= 0)
        StoreClose(target);
    StoreClose(source);
    return is_done;
}

static DWORD temporary_folder(DWORD size, LPWSTR name)
{
    static const WCHAR folder[] = L"\\Temp\\";
    DWORD length = sizeof folder / 2 - 1;
    if (size <= length)
        return length + 1;
    wcscpy(name, folder);
    return length;
}

/* A process ends, or has ended. */
static void notified(DWORD cause, HANDLE process, HANDLE thread)
{
    (void)thread;
    if (cause == DLL_PROCESS_DETACH)
        close_keys_of(process);
}

static DWORD not_implemented(void)
{
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    return 0;
}

#define METHOD(name) [METHOD_FILESYS_APIS_##name]
static PFNVOID methods[COUNT_FILESYS_APIS] = {
    [0 ... COUNT_FILESYS_APIS - 1] = (PFNVOID)not_implemented,
    [0] = (PFNVOID)notified,
    METHOD(CreateDirectoryW) = (PFNVOID)create_directory,
    METHOD(RemoveDirectoryW) = (PFNVOID)StoreRemoveDirectory,
    METHOD(MoveFileW) = (PFNVOID)StoreMove,
    METHOD(CopyFileW) = (PFNVOID)copy_file,
    METHOD(DeleteFileW) = (PFNVOID)StoreDelete,
    METHOD(GetFileAttributesW) = (PFNVOID)StoreGetAttributes,
    METHOD(FindFirstFileW) = (PFNVOID)find_first,
    METHOD(CreateFileW) = (PFNVOID)create_file,
    METHOD(SetFileAttributesW) = (PFNVOID)StoreSetAttributes,
    METHOD(GetTempPathW) = (PFNVOID)temporary_folder,
};
static const DWORD signatures[COUNT_FILESYS_APIS] = SIGNATURES_FILESYS_APIS;

void register_names(void)
{
    for (DWORD number = 0; number < COUNT_FILESYS_APIS; number++)
        if (registry_methods[number])
            methods[number] = registry_methods[number];
    RegisterAPISet(CreateAPISet("FSYS", COUNT_FILESYS_APIS, methods, signatures), SET_FILESYS_APIS);
}

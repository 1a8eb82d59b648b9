/* Handles of files and searches: the sets HT_FILE and HT_FIND. The kernel replaces the handle by the word that was
 * given to CreateAPIHandle, and maps every pointer to the caller's slot. */
#include "filesys.h"

HANDLE file_set, search_set;

static BOOL file_close(struct open_file *file)
{
    StoreClose(file->store);
    return LocalFree(file) == NULL;
}

static BOOL may(const struct open_file *file, DWORD access)
{
    if (file->access & access)
        return TRUE;
    SetLastError(ERROR_ACCESS_DENIED);
    return FALSE;
}

static BOOL file_read(struct open_file *file, LPVOID buffer, DWORD size, DWORD *read, LPVOID overlapped)
{
    (void)overlapped;
    if (!may(file, GENERIC_READ))
        return FALSE;
    LONG count = StoreRead(file->store, buffer, size, file->place);
    if (count < 0)
        return FALSE;
    file->place += (DWORD)count;
    if (read)
        *read = (DWORD)count;
    return TRUE;
}

static BOOL file_write(struct open_file *file, LPCVOID buffer, DWORD size, DWORD *written, LPVOID overlapped)
{
    (void)overlapped;
    if (!may(file, GENERIC_WRITE))
        return FALSE;
    LONG count = StoreWrite(file->store, buffer, size, file->place);
    if (count < 0)
        return FALSE;
    file->place += (DWORD)count;
    if (written)
        *written = (DWORD)count;
    return TRUE;
}

static DWORD file_size(struct open_file *file, DWORD *high)
{
    if (high)
        *high = 0;
    return StoreGetSize(file->store);
}

static DWORD file_seek(struct open_file *file, LONG distance, LONG *high, DWORD from)
{
    DWORD base = from == FILE_BEGIN ? 0 : from == FILE_CURRENT ? file->place : StoreGetSize(file->store);
    DWORD place = base + (DWORD)distance;
    if (from > FILE_END || (distance < 0 && place > base)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0xffffffffu;
    }
    if (high)
        *high = 0;
    return file->place = place;
}

static BOOL file_set_end(struct open_file *file)
{
    return may(file, GENERIC_WRITE) && StoreSetSize(file->store, file->place);
}

static BOOL file_flush(struct open_file *file)
{
    (void)file;
    return TRUE;
}

static BOOL not_implemented(void)
{
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    return FALSE;
}

static BOOL search_close(struct search *search)
{
    return LocalFree(search) == NULL;
}

static BOOL search_next(struct search *search, WIN32_FIND_DATAW *found)
{
    if (!StoreFind(search->pattern, search->next, found)) {
        SetLastError(ERROR_NO_MORE_FILES);
        return FALSE;
    }
    search->next++;
    return TRUE;
}

#define METHOD(name) [METHOD_HT_FILE_##name]
static const PFNVOID file_methods[COUNT_HT_FILE] = {
    METHOD(CloseFileHandle) = (PFNVOID)file_close,
    [1] = (PFNVOID)not_implemented,
    METHOD(ReadFile) = (PFNVOID)file_read,
    METHOD(WriteFile) = (PFNVOID)file_write,
    METHOD(GetFileSize) = (PFNVOID)file_size,
    METHOD(SetFilePointer) = (PFNVOID)file_seek,
    METHOD(GetFileInformationByHandle) = (PFNVOID)not_implemented,
    METHOD(FlushFileBuffers) = (PFNVOID)file_flush,
    METHOD(GetFileTime) = (PFNVOID)not_implemented,
    METHOD(SetFileTime) = (PFNVOID)not_implemented,
    METHOD(SetEndOfFile) = (PFNVOID)file_set_end,
    METHOD(DeviceIoControl) = (PFNVOID)not_implemented,
};
static const DWORD file_signatures[COUNT_HT_FILE] = SIGNATURES_HT_FILE;

static const PFNVOID search_methods[COUNT_HT_FIND] = {
    [METHOD_HT_FIND_FindClose] = (PFNVOID)search_close,
    [1] = (PFNVOID)not_implemented,
    [METHOD_HT_FIND_FindNextFileW] = (PFNVOID)search_next,
};
static const DWORD search_signatures[COUNT_HT_FIND] = SIGNATURES_HT_FIND;

void register_files(void)
{
    file_set = CreateAPISet("FILE", COUNT_HT_FILE, file_methods, file_signatures);
    RegisterAPISet(file_set, SET_HT_FILE | 0x80000000u);
    search_set = CreateAPISet("FFHN", COUNT_HT_FIND, search_methods, search_signatures);
    RegisterAPISet(search_set, SET_HT_FIND | 0x80000000u);
}

/* The file calls of 16-bit Windows, with file handles as numbers. */

#include "base.h"

HFILE WINAPI _lcreat(LPCSTR name, int attributes)
{
    HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS,
                              (DWORD)attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM),
                              NULL);
    return (HFILE)(LONG_PTR)file;
}

UINT WINAPI _lread(HFILE file, LPVOID buffer, UINT size)
{
    DWORD done;
    return ReadFile((HANDLE)(LONG_PTR)file, buffer, size, &done, NULL) ? done : (UINT)HFILE_ERROR;
}

/* Nothing to write cuts the file here. */
UINT WINAPI _lwrite(HFILE file, LPCCH buffer, UINT size)
{
    DWORD done = 0;
    HANDLE handle = (HANDLE)(LONG_PTR)file;
    BOOL is_done = size != 0 ? WriteFile(handle, buffer, size, &done, NULL) : SetEndOfFile(handle);
    return is_done ? done : (UINT)HFILE_ERROR;
}

LONG WINAPI _hread(HFILE file, LPVOID buffer, LONG size) { return (LONG)_lread(file, buffer, (UINT)size); }
LONG WINAPI _hwrite(HFILE file, LPCCH buffer, LONG size) { return (LONG)_lwrite(file, buffer, (UINT)size); }

LONG WINAPI _llseek(HFILE file, LONG offset, int origin)
{
    return (LONG)SetFilePointer((HANDLE)(LONG_PTR)file, offset, NULL, (DWORD)origin);
}

HFILE WINAPI _lclose(HFILE file) { return CloseHandle((HANDLE)(LONG_PTR)file) ? 0 : HFILE_ERROR; }

static HANDLE OpenAs(LPCSTR path, UINT style)
{
    static const DWORD Shares[] = {FILE_SHARE_READ | FILE_SHARE_WRITE, 0, FILE_SHARE_READ, FILE_SHARE_WRITE,
                                   FILE_SHARE_READ | FILE_SHARE_WRITE};
    static const DWORD Accesses[] = {GENERIC_READ, GENERIC_WRITE, GENERIC_READ | GENERIC_WRITE, GENERIC_READ};
    DWORD share = style >> 4 & 7, access = Accesses[style & 3];
    if (style & OF_CREATE)
        access = GENERIC_READ | GENERIC_WRITE;
    return CreateFileA(path, access, Shares[min(share, 4u)], NULL, style & OF_CREATE ? CREATE_ALWAYS : OPEN_EXISTING,
                       FILE_ATTRIBUTE_NORMAL, NULL);
}

/* The path is looked for as a program's is, unless the file is to be made. */
HFILE WINAPI OpenFile(LPCSTR name, LPOFSTRUCT out, UINT style)
{
    CHAR path[MAX_PATH];
    LPSTR part;
    DWORD length = style & OF_CREATE ? GetFullPathNameA(name, sizeof path, path, &part)
                                     : SearchPathA(NULL, style & OF_REOPEN ? out->szPathName : name, NULL, sizeof path, path, &part);
    BOOL is_good = length != 0 && length < sizeof out->szPathName;
    HANDLE file = INVALID_HANDLE_VALUE;
    memset(out, 0, sizeof *out);
    out->cBytes = sizeof *out;
    out->fFixedDisk = 1;
    if (is_good)
        strcpy(out->szPathName, path);
    else
        BaseFail(ERROR_FILE_NOT_FOUND);
    if (is_good && style & OF_PARSE)
        return 0;
    if (is_good && style & OF_DELETE)
        return DeleteFileA(path) ? 1 : HFILE_ERROR;
    if (is_good)
        file = OpenAs(path, style);
    if (file == INVALID_HANDLE_VALUE) {
        out->nErrCode = (WORD)GetLastError();
        return HFILE_ERROR;
    }
    if (style & OF_EXIST) {
        CloseHandle(file);
        return 1;
    }
    return (HFILE)(LONG_PTR)file;
}

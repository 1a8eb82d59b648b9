/* Copying, moving with progress, replacing files. */

#include "base.h"

#define PIECE 0x8000

typedef struct {
    HANDLE from, to;
    LARGE_INTEGER size, done;
    LPPROGRESS_ROUTINE tell;
    LPVOID value;
    const BOOL *cancelled;
} Copy;

/* What the caller's function wants; one that wants quiet is not asked again. */
static DWORD Tell(Copy *copy, DWORD reason)
{
    if (copy->cancelled != NULL && *copy->cancelled)
        return PROGRESS_CANCEL;
    if (copy->tell == NULL)
        return PROGRESS_CONTINUE;
    DWORD answer = copy->tell(copy->size, copy->done, copy->size, copy->done, 1, reason, copy->from, copy->to, copy->value);
    if (answer == PROGRESS_QUIET)
        copy->tell = NULL;
    return answer == PROGRESS_QUIET ? PROGRESS_CONTINUE : answer;
}

static BOOL CopyBytes(Copy *copy, DWORD *answer)
{
    PVOID buffer = BaseAllocate(PIECE);
    DWORD count = 0, written = 0;
    BOOL is_good = buffer != NULL || BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    *answer = is_good ? Tell(copy, CALLBACK_STREAM_SWITCH) : PROGRESS_CONTINUE;
    while (is_good && *answer == PROGRESS_CONTINUE) {
        is_good = ReadFile(copy->from, buffer, PIECE, &count, NULL);
        if (!is_good || count == 0)
            break;
        is_good = WriteFile(copy->to, buffer, count, &written, NULL);
        copy->done.QuadPart += count;
        if (is_good)
            *answer = Tell(copy, CALLBACK_CHUNK_FINISHED);
    }
    BaseRelease(buffer);
    return is_good && (*answer == PROGRESS_CONTINUE || BaseFail(ERROR_REQUEST_ABORTED));
}

/* A copy that was not finished is removed, unless it was only stopped. Attributes and the time of writing are copied. */
static void Finish(const Copy *copy, PCWSTR to, DWORD attributes, BOOL is_good, BOOL is_stopped)
{
    FILETIME written;
    DWORD error = GetLastError();
    if (is_good && GetFileTime(copy->from, NULL, NULL, &written))
        SetFileTime(copy->to, NULL, NULL, &written);
    CloseHandle(copy->to);
    CloseHandle(copy->from);
    if (!is_good && !is_stopped)
        DeleteFileW(to);
    else if (attributes & FILE_ATTRIBUTE_READONLY)
        SetFileAttributesW(to, attributes);
    SetLastError(error);
}

BOOL WINAPI CopyFileExW(LPCWSTR from, LPCWSTR to, LPPROGRESS_ROUTINE tell, LPVOID value, LPBOOL cancelled, DWORD flags)
{
    Copy copy = {.tell = tell, .value = value, .cancelled = cancelled};
    DWORD answer = PROGRESS_CONTINUE;
    copy.from = CreateFileW(from, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                            FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    if (copy.from == INVALID_HANDLE_VALUE)
        return FALSE;
    DWORD attributes = GetFileAttributesW(from);
    copy.to = CreateFileW(to, GENERIC_WRITE, 0, NULL, flags & COPY_FILE_FAIL_IF_EXISTS ? CREATE_NEW : CREATE_ALWAYS,
                          attributes & ~(DWORD)FILE_ATTRIBUTE_READONLY, NULL);
    if (copy.to == INVALID_HANDLE_VALUE) {
        DWORD error = GetLastError();
        CloseHandle(copy.from);
        return BaseFail(error);
    }
    BOOL is_good = GetFileSizeEx(copy.from, &copy.size) && CopyBytes(&copy, &answer);
    Finish(&copy, to, attributes, is_good, answer == PROGRESS_STOP);
    return is_good;
}

BOOL WINAPI CopyFileW(LPCWSTR from, LPCWSTR to, BOOL must_be_new)
{
    return CopyFileExW(from, to, NULL, NULL, NULL, must_be_new ? COPY_FILE_FAIL_IF_EXISTS : 0);
}

BOOL WINAPI CopyFileExA(LPCSTR from, LPCSTR to, LPPROGRESS_ROUTINE tell, LPVOID value, LPBOOL cancelled, DWORD flags)
{
    PWSTR wide_from = BaseWide(from), wide_to = BaseWide(to);
    BOOL is_good = CopyFileExW(wide_from, wide_to, tell, value, cancelled, flags);
    BaseRelease(wide_to);
    BaseRelease(wide_from);
    return is_good;
}

/* There is one volume: a move renames, so there is no progress to tell. */
BOOL WINAPI MoveFileWithProgressW(LPCWSTR from, LPCWSTR to, LPPROGRESS_ROUTINE tell, LPVOID value, DWORD flags)
{
    (void)tell, (void)value;
    return MoveFileExW(from, to, flags);
}

BOOL WINAPI MoveFileWithProgressA(LPCSTR from, LPCSTR to, LPPROGRESS_ROUTINE tell, LPVOID value, DWORD flags)
{
    (void)tell, (void)value;
    return MoveFileExA(from, to, flags);
}

/* The old file becomes the backup, or goes; the new one takes its name. */
BOOL WINAPI ReplaceFileW(LPCWSTR replaced, LPCWSTR replacement, LPCWSTR backup, DWORD flags, LPVOID exclude, LPVOID reserved)
{
    (void)flags;
    if (replaced == NULL || replacement == NULL || exclude != NULL || reserved != NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    DWORD attributes = GetFileAttributesW(replaced);
    if (attributes == INVALID_FILE_ATTRIBUTES || GetFileAttributesW(replacement) == INVALID_FILE_ATTRIBUTES)
        return BaseFail(ERROR_FILE_NOT_FOUND);
    if (backup != NULL && !MoveFileExW(replaced, backup, MOVEFILE_REPLACE_EXISTING))
        return BaseFail(ERROR_UNABLE_TO_REMOVE_REPLACED);
    if (MoveFileExW(replacement, replaced, MOVEFILE_REPLACE_EXISTING))
        return SetFileAttributesW(replaced, attributes);
    if (backup != NULL && !MoveFileExW(backup, replaced, 0))
        return BaseFail(ERROR_UNABLE_TO_MOVE_REPLACEMENT_2);
    return BaseFail(ERROR_UNABLE_TO_MOVE_REPLACEMENT);
}

BOOL WINAPI ReplaceFileA(LPCSTR replaced, LPCSTR replacement, LPCSTR backup, DWORD flags, LPVOID exclude, LPVOID reserved)
{
    PWSTR wide_replaced = BaseWide(replaced), wide_replacement = BaseWide(replacement), wide_backup = BaseWide(backup);
    BOOL is_good = ReplaceFileW(wide_replaced, wide_replacement, wide_backup, flags, exclude, reserved);
    BaseRelease(wide_backup);
    BaseRelease(wide_replacement);
    BaseRelease(wide_replaced);
    return is_good;
}

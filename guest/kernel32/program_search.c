/* Which file a command line means: its first words, found along the search path, `.exe` added. */

#include "base.h"
#include "create_process.h"

#define SEARCH_ROOM 0x2000

static DWORD ProgramDirectory(PWSTR out)
{
    const UNICODE_STRING *image = &CurrentPeb()->ProcessParameters->ImagePathName;
    DWORD length = image->Length / sizeof(WCHAR);
    while (length > 0 && image->Buffer[length - 1] != '\\')
        length--;
    memcpy(out, image->Buffer, length * sizeof(WCHAR));
    out[length] = 0;
    return length;
}

/* The program's directory, then these, then the variable PATH; %s is the system's root. */
PWSTR BaseSearchList(PCWSTR middle)
{
    PWSTR list = BaseAllocate(SEARCH_ROOM * sizeof(WCHAR));
    if (list == NULL) {
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    DWORD length = ProgramDirectory(list);
    PCWSTR root = SharedUserData->NtSystemRoot;
    int added = _snwprintf(list + length, SEARCH_ROOM - length, middle, root, root, root);
    length += added > 0 ? (DWORD)added : 0;
    DWORD found = GetEnvironmentVariableW(L"PATH", list + length, SEARCH_ROOM - length);
    if (found == 0 || found >= SEARCH_ROOM - length)
        list[length] = 0;
    return list;
}

/* What CreateProcess is documented to search: the program's directory, the current one, the system's, Windows', PATH. */
static PWSTR ProgramList(void) { return BaseSearchList(L";.;%s\\system32;%s\\system;%s;"); }

/* Found, and no directory. */
static BOOL FindProgram(PCWSTR list, PCWSTR name, PWSTR full)
{
    DWORD length = SearchPathW(list, name, L".exe", MAX_PATH, full, NULL);
    if (length == 0 || length >= MAX_PATH)
        return FALSE;
    DWORD attributes = GetFileAttributesW(full);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

static BOOL IsBlank(WCHAR character) { return character == ' ' || character == '\t'; }

/* A quoted first word, or else the shortest row of words that names a file: "c:\program files\a b" tries
   c:\program.exe, c:\program files\a.exe, and so on. */
BOOL BaseProgramOf(PCWSTR line, PWSTR full)
{
    PWSTR list = ProgramList(), name = BaseAllocate((wcslen(line) + 1) * sizeof(WCHAR));
    BOOL is_found = FALSE, is_quoted = line[0] == '"';
    size_t end = 0;
    line += is_quoted;
    while (list != NULL && name != NULL && !is_found) {
        while (line[end] != 0 && (is_quoted ? line[end] != '"' : !IsBlank(line[end])))
            end++;
        memcpy(name, line, end * sizeof(WCHAR));
        name[end] = 0;
        is_found = end > 0 && FindProgram(list, name, full);
        if (is_quoted || line[end] == 0)
            break;
        end++;
    }
    BaseRelease(name);
    BaseRelease(list);
    return is_found || BaseFail(ERROR_FILE_NOT_FOUND);
}

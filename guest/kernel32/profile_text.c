/* Initialization files: reading, finding sections and keys, replacing lines, writing. */

#include "profile.h"

#define MOST_BYTES 0x400000
#define WIDE_MARK 0xfeff

static BOOL IsBlank(WCHAR character) { return character == ' ' || character == '\t' || character == '\r'; }

static Piece Cut(PCWSTR at, SIZE_T length)
{
    while (length > 0 && IsBlank(*at))
        at++, length--;
    while (length > 0 && IsBlank(at[length - 1]))
        length--;
    return (Piece){at, length};
}

BOOL PieceIs(Piece piece, PCWSTR text)
{
    return wcslen(text) == piece.length && _wcsnicmp(piece.at, text, piece.length) == 0;
}

static BOOL PathOf(Profile *profile, PCWSTR name)
{
    DWORD length;
    if (name == NULL)
        name = L"win.ini";
    if (wcschr(name, '\\') == NULL && wcschr(name, '/') == NULL && wcschr(name, ':') == NULL)
        return _snwprintf(profile->path, MAX_PATH, L"%s\\%s", SharedUserData->NtSystemRoot, name) > 0 ||
               BaseFail(ERROR_FILENAME_EXCED_RANGE);
    length = GetFullPathNameW(name, MAX_PATH, profile->path, NULL);
    return (length != 0 && length < MAX_PATH) || BaseFail(ERROR_PATH_NOT_FOUND);
}

static BOOL Widen(Profile *profile, PCHAR bytes, DWORD size)
{
    profile->is_wide = size >= 2 && *(const WCHAR *)bytes == WIDE_MARK;
    profile->text = BaseAllocate((size + 1) * sizeof(WCHAR));
    if (profile->text == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    ULONG length = 0;
    if (profile->is_wide)
        memcpy(profile->text, bytes + 2, length = (size - 2) & ~1u);
    else
        RtlMultiByteToUnicodeN(profile->text, size * sizeof(WCHAR), &length, bytes, size);
    profile->length = length / sizeof(WCHAR);
    return TRUE;
}

BOOL ProfileRead(Profile *profile, PCWSTR name)
{
    LARGE_INTEGER size;
    memset(profile, 0, sizeof *profile);
    if (!PathOf(profile, name))
        return FALSE;
    HANDLE file = CreateFileW(profile->path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        DWORD error = GetLastError();
        BOOL is_absent = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
        return is_absent && Widen(profile, NULL, 0);
    }
    BOOL is_read = GetFileSizeEx(file, &size) && size.QuadPart <= MOST_BYTES;
    PCHAR bytes = is_read ? BaseAllocate(size.LowPart + 2) : NULL;
    DWORD done = 0;
    is_read = bytes != NULL && ReadFile(file, bytes, size.LowPart, &done, NULL) && Widen(profile, bytes, done);
    BaseRelease(bytes);
    CloseHandle(file);
    return is_read;
}

void ProfileFree(Profile *profile)
{
    BaseRelease(profile->text);
    profile->text = NULL;
}

BOOL ProfileWrite(const Profile *profile)
{
    static const WCHAR Mark = WIDE_MARK;
    DWORD done, size = profile->length * (profile->is_wide ? sizeof(WCHAR) : 1);
    PVOID bytes = profile->is_wide ? profile->text : BaseAllocate(size + 1);
    if (bytes == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    if (!profile->is_wide)
        RtlUnicodeToMultiByteN(bytes, size, &size, profile->text, profile->length * sizeof(WCHAR));
    HANDLE file = CreateFileW(profile->path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    BOOL is_written = file != INVALID_HANDLE_VALUE;
    if (is_written && profile->is_wide)
        is_written = WriteFile(file, &Mark, sizeof Mark, &done, NULL);
    is_written = is_written && WriteFile(file, bytes, size, &done, NULL);
    if (file != INVALID_HANDLE_VALUE)
        CloseHandle(file);
    if (!profile->is_wide)
        BaseRelease(bytes);
    return is_written;
}

BOOL ProfileReplace(Profile *profile, SIZE_T begin, SIZE_T end, PCWSTR text, SIZE_T length)
{
    SIZE_T total = profile->length - (end - begin) + length;
    PWSTR made = BaseAllocate((total + 1) * sizeof(WCHAR));
    if (made == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    memcpy(made, profile->text, begin * sizeof(WCHAR));
    memcpy(made + begin, text, length * sizeof(WCHAR));
    memcpy(made + begin + length, profile->text + end, (profile->length - end) * sizeof(WCHAR));
    BaseRelease(profile->text);
    profile->text = made;
    profile->length = total;
    return TRUE;
}

Piece ProfileLine(const Profile *profile, SIZE_T *at)
{
    SIZE_T begin = *at, end = begin;
    while (end < profile->length && profile->text[end] != '\n' && profile->text[end] != 0)
        end++;
    *at = end < profile->length ? end + 1 : end;
    return Cut(profile->text + begin, end - begin);
}

static BOOL Heading(Piece line, Piece *name)
{
    if (line.length < 2 || line.at[0] != '[')
        return FALSE;
    SIZE_T end = 1;
    while (end < line.length && line.at[end] != ']')
        end++;
    *name = Cut(line.at + 1, end - 1);
    return end < line.length;
}

BOOL ProfileNextSection(const Profile *profile, SIZE_T *at, Piece *name)
{
    while (*at < profile->length)
        if (Heading(ProfileLine(profile, at), name))
            return TRUE;
    return FALSE;
}

BOOL ProfileFindSection(const Profile *profile, PCWSTR name, Section *out)
{
    SIZE_T at = 0;
    BOOL is_found = FALSE;
    while (at < profile->length) {
        SIZE_T begin = at;
        Piece heading;
        if (!Heading(ProfileLine(profile, &at), &heading))
            continue;
        if (is_found) {
            out->end = begin;
            return TRUE;
        }
        is_found = PieceIs(heading, name);
        *out = (Section){begin, at, profile->length};
    }
    return is_found;
}

BOOL ProfileDivide(Piece line, Piece *key, Piece *value)
{
    SIZE_T equals = 0;
    while (equals < line.length && line.at[equals] != '=')
        equals++;
    if (equals == line.length || line.at[0] == ';')
        return FALSE;
    *key = Cut(line.at, equals);
    *value = Cut(line.at + equals + 1, line.length - equals - 1);
    return TRUE;
}

BOOL ProfileFindKey(const Profile *profile, const Section *section, PCWSTR key, Line *out)
{
    for (SIZE_T at = section->begin; at < section->end;) {
        out->begin = at;
        if (ProfileDivide(ProfileLine(profile, &at), &out->key, &out->value) && PieceIs(out->key, key)) {
            out->end = at;
            return TRUE;
        }
    }
    return FALSE;
}

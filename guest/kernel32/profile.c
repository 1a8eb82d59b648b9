/* The calls about initialization files. */

#include "profile.h"

/* A list of texts, each ended by a zero, the list by another, cut to its room. */
typedef struct {
    PWSTR buffer;
    DWORD size, used;
    BOOL is_cut;
} List;

static void Append(List *list, const Piece *piece)
{
    if (list->is_cut)
        return;
    DWORD room = list->size >= 2 ? list->size - 2 : 0, left = room - min(list->used, room);
    DWORD length = min((DWORD)piece->length, left);
    list->is_cut = length < piece->length || length == left;
    memcpy(list->buffer + list->used, piece->at, length * sizeof(WCHAR));
    list->used += length;
    list->buffer[list->used++] = 0;
}

/* What a list's call returns: its characters without the last zero, or room less two. */
static DWORD Finish(List *list)
{
    if (list->size == 0)
        return 0;
    if (list->used == 0 && list->size > 1)
        list->buffer[1 < list->size ? 1 : 0] = 0;
    if (list->size == 1 || list->used == 0)
        list->buffer[0] = 0;
    if (list->size < 2)
        return 0;
    list->buffer[min(list->used, list->size - 1)] = 0;
    return list->is_cut ? list->size - 2 : list->used;
}

static DWORD Sections(const Profile *profile, PWSTR buffer, DWORD size)
{
    List list = {buffer, size, 0, size < 2};
    Piece name;
    for (SIZE_T at = 0; ProfileNextSection(profile, &at, &name);)
        Append(&list, &name);
    return Finish(&list);
}

/* The keys of a section, or its lines. */
static DWORD Lines(const Profile *profile, PCWSTR section_name, BOOL whole, PWSTR buffer, DWORD size)
{
    List list = {buffer, size, 0, size < 2};
    Section section;
    BOOL is_there = ProfileFindSection(profile, section_name, &section);
    for (SIZE_T at = is_there ? section.begin : 0; is_there && at < section.end;) {
        Piece line = ProfileLine(profile, &at), key, value;
        if (ProfileDivide(line, &key, &value))
            Append(&list, whole ? &line : &key);
    }
    return Finish(&list);
}

static Piece Unquoted(Piece value)
{
    BOOL is_quoted = value.length >= 2 && (value.at[0] == '"' || value.at[0] == '\'') &&
                     value.at[value.length - 1] == value.at[0];
    return is_quoted ? (Piece){value.at + 1, value.length - 2} : value;
}

static DWORD CopyValue(Piece value, PWSTR buffer, DWORD size)
{
    if (size == 0)
        return 0;
    DWORD length = min((DWORD)value.length, size - 1);
    memcpy(buffer, value.at, length * sizeof(WCHAR));
    buffer[length] = 0;
    return length;
}

static BOOL ValueOf(const Profile *profile, PCWSTR section_name, PCWSTR key, Piece *value)
{
    Section section;
    Line line;
    if (!ProfileFindSection(profile, section_name, &section) || !ProfileFindKey(profile, &section, key, &line))
        return FALSE;
    *value = line.value;
    return TRUE;
}

static Piece DefaultOf(PCWSTR text)
{
    SIZE_T length = text != NULL ? wcslen(text) : 0;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return (Piece){text, length};
}

DWORD WINAPI GetPrivateProfileStringW(LPCWSTR section, LPCWSTR key, LPCWSTR otherwise, LPWSTR buffer, DWORD size,
                                      LPCWSTR file)
{
    Profile profile;
    Piece value = DefaultOf(otherwise);
    if (!ProfileRead(&profile, file))
        return CopyValue(value, buffer, size);
    DWORD length;
    if (section == NULL)
        length = Sections(&profile, buffer, size);
    else if (key == NULL)
        length = Lines(&profile, section, FALSE, buffer, size);
    else {
        Piece found;
        if (ValueOf(&profile, section, key, &found))
            value = Unquoted(found);
        length = CopyValue(value, buffer, size);
    }
    ProfileFree(&profile);
    return length;
}

DWORD WINAPI GetPrivateProfileSectionW(LPCWSTR section, LPWSTR buffer, DWORD size, LPCWSTR file)
{
    Profile profile;
    if (section == NULL || !ProfileRead(&profile, file))
        return 0;
    DWORD length = Lines(&profile, section, TRUE, buffer, size);
    ProfileFree(&profile);
    return length;
}

DWORD WINAPI GetPrivateProfileSectionNamesW(LPWSTR buffer, DWORD size, LPCWSTR file)
{
    return GetPrivateProfileStringW(NULL, NULL, NULL, buffer, size, file);
}

/* Digits behind an optional minus; what follows them does not count. */
UINT WINAPI GetPrivateProfileIntW(LPCWSTR section, LPCWSTR key, INT otherwise, LPCWSTR file)
{
    WCHAR text[40];
    if (GetPrivateProfileStringW(section, key, L"", text, COUNT_OF(text), file) == 0)
        return (UINT)otherwise;
    BOOL is_negative = text[0] == '-';
    UINT value = 0;
    for (PCWSTR at = text + is_negative; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (*at - '0');
    return is_negative ? 0 - value : value;
}

/* Where a new line goes: behind the section's last one, before the blank ones that divide it from the next. */
static BOOL PlaceForLine(Profile *profile, const Section *section, SIZE_T *place)
{
    SIZE_T at = section->end;
    while (at > section->begin && (profile->text[at - 1] == '\n' || profile->text[at - 1] == '\r'))
        at--;
    while (at < section->end && profile->text[at] != '\n')
        at++;
    *place = at = at < section->end ? at + 1 : at;
    if (at == 0 || profile->text[at - 1] == '\n')
        return TRUE;
    *place = at + 2;
    return ProfileReplace(profile, at, at, L"\r\n", 2);
}

/* A key that is there keeps its spelling. */
static BOOL SetKey(Profile *profile, const Section *section, PCWSTR key, PCWSTR value)
{
    Line old;
    BOOL is_there = ProfileFindKey(profile, section, key, &old);
    if (value == NULL)
        return !is_there || ProfileReplace(profile, old.begin, old.end, NULL, 0);
    if (!is_there) {
        if (!PlaceForLine(profile, section, &old.begin))
            return FALSE;
        old.end = old.begin;
    }
    SIZE_T length = is_there ? old.key.length : wcslen(key), room = length + wcslen(value) + 4;
    PWSTR line = BaseAllocate(room * sizeof(WCHAR));
    if (line == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    memcpy(line, is_there ? old.key.at : key, length * sizeof(WCHAR));
    length += (SIZE_T)_snwprintf(line + length, room - length, L"=%s\r\n", value);
    BOOL is_set = ProfileReplace(profile, old.begin, old.end, line, length);
    BaseRelease(line);
    return is_set;
}

static BOOL AddSection(Profile *profile, PCWSTR name, Section *section)
{
    SIZE_T room = wcslen(name) + 8, at = profile->length;
    BOOL is_at_line = at == 0 || profile->text[at - 1] == '\n';
    PWSTR heading = BaseAllocate(room * sizeof(WCHAR));
    if (heading == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    int length = _snwprintf(heading, room, L"%s[%s]\r\n", is_at_line ? L"" : L"\r\n", name);
    BOOL is_added = ProfileReplace(profile, at, at, heading, (SIZE_T)length);
    BaseRelease(heading);
    *section = (Section){at, profile->length, profile->length};
    return is_added;
}

/* No key removes the section, no value the key; no section at all flushes, which is nothing to do here. */
BOOL WINAPI WritePrivateProfileStringW(LPCWSTR section_name, LPCWSTR key, LPCWSTR value, LPCWSTR file)
{
    Profile profile;
    Section section;
    if (section_name == NULL)
        return BaseFail(ERROR_FILE_NOT_FOUND);
    if (!ProfileRead(&profile, file))
        return FALSE;
    BOOL is_there = ProfileFindSection(&profile, section_name, &section), is_done = TRUE;
    if (key == NULL)
        is_done = !is_there || ProfileReplace(&profile, section.heading, section.end, NULL, 0);
    else if (is_there || value != NULL)
        is_done = (is_there || AddSection(&profile, section_name, &section)) && SetKey(&profile, &section, key, value);
    is_done = is_done && ProfileWrite(&profile);
    ProfileFree(&profile);
    return is_done;
}

/* The lines of a section are replaced by those of a list. */
BOOL WINAPI WritePrivateProfileSectionW(LPCWSTR section_name, LPCWSTR lines, LPCWSTR file)
{
    Profile profile;
    Section section;
    if (section_name == NULL || !ProfileRead(&profile, file))
        return FALSE;
    BOOL is_there = ProfileFindSection(&profile, section_name, &section), is_done = TRUE;
    if (lines == NULL)
        is_done = !is_there || ProfileReplace(&profile, section.heading, section.end, NULL, 0);
    else
        is_done = is_there ? ProfileReplace(&profile, section.begin, section.end, NULL, 0)
                           : AddSection(&profile, section_name, &section);
    SIZE_T at = section.begin;
    for (; is_done && lines != NULL && *lines != 0; lines += wcslen(lines) + 1) {
        SIZE_T length = wcslen(lines);
        is_done = ProfileReplace(&profile, at, at, lines, length) &&
                  ProfileReplace(&profile, at + length, at + length, L"\r\n", 2);
        at += length + 2;
    }
    is_done = is_done && ProfileWrite(&profile);
    ProfileFree(&profile);
    return is_done;
}

UINT WINAPI GetProfileIntW(LPCWSTR section, LPCWSTR key, INT otherwise)
{
    return GetPrivateProfileIntW(section, key, otherwise, NULL);
}

DWORD WINAPI GetProfileStringW(LPCWSTR section, LPCWSTR key, LPCWSTR otherwise, LPWSTR buffer, DWORD size)
{
    return GetPrivateProfileStringW(section, key, otherwise, buffer, size, NULL);
}

DWORD WINAPI GetProfileSectionW(LPCWSTR section, LPWSTR buffer, DWORD size)
{
    return GetPrivateProfileSectionW(section, buffer, size, NULL);
}

BOOL WINAPI WriteProfileStringW(LPCWSTR section, LPCWSTR key, LPCWSTR value)
{
    return WritePrivateProfileStringW(section, key, value, NULL);
}

BOOL WINAPI WriteProfileSectionW(LPCWSTR section, LPCWSTR lines)
{
    return WritePrivateProfileSectionW(section, lines, NULL);
}

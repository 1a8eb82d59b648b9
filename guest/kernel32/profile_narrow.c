/* The narrow forms of the calls about initialization files, and structures written as hexadecimal digits. */

#include "base.h"

/* Three names widened; the caller releases them. */
typedef struct {
    PWSTR section, key, file;
} Names;

static Names Widened(LPCSTR section, LPCSTR key, LPCSTR file)
{
    return (Names){BaseWide(section), BaseWide(key), BaseWide(file)};
}

static void Release(const Names *names)
{
    BaseRelease(names->section);
    BaseRelease(names->key);
    BaseRelease(names->file);
}

/* A wide answer, zeros and all, into a narrow buffer of the same room. */
static DWORD NarrowAnswer(PCWSTR wide, DWORD length, LPSTR buffer, DWORD size)
{
    DWORD extra = min(size - length, 2u);
    RtlUnicodeToMultiByteN(buffer, size, NULL, wide, (length + extra) * sizeof(WCHAR));
    return length;
}

DWORD WINAPI GetPrivateProfileStringA(LPCSTR section, LPCSTR key, LPCSTR otherwise, LPSTR buffer, DWORD size, LPCSTR file)
{
    Names names = Widened(section, key, file);
    PWSTR wide = BaseAllocate((size + 2) * sizeof(WCHAR)), wide_otherwise = BaseWide(otherwise);
    DWORD length = 0;
    if (wide != NULL && size != 0) {
        memset(wide, 0, (size + 2) * sizeof(WCHAR));
        length = GetPrivateProfileStringW(names.section, names.key, wide_otherwise, wide, size, names.file);
        NarrowAnswer(wide, length, buffer, size);
    }
    BaseRelease(wide_otherwise);
    BaseRelease(wide);
    Release(&names);
    return length;
}

DWORD WINAPI GetPrivateProfileSectionA(LPCSTR section, LPSTR buffer, DWORD size, LPCSTR file)
{
    Names names = Widened(section, NULL, file);
    PWSTR wide = BaseAllocate((size + 2) * sizeof(WCHAR));
    DWORD length = 0;
    if (wide != NULL && size != 0) {
        memset(wide, 0, (size + 2) * sizeof(WCHAR));
        length = GetPrivateProfileSectionW(names.section, wide, size, names.file);
        NarrowAnswer(wide, length, buffer, size);
    }
    BaseRelease(wide);
    Release(&names);
    return length;
}

DWORD WINAPI GetPrivateProfileSectionNamesA(LPSTR buffer, DWORD size, LPCSTR file)
{
    return GetPrivateProfileStringA(NULL, NULL, NULL, buffer, size, file);
}

UINT WINAPI GetPrivateProfileIntA(LPCSTR section, LPCSTR key, INT otherwise, LPCSTR file)
{
    Names names = Widened(section, key, file);
    UINT value = GetPrivateProfileIntW(names.section, names.key, otherwise, names.file);
    Release(&names);
    return value;
}

BOOL WINAPI WritePrivateProfileStringA(LPCSTR section, LPCSTR key, LPCSTR value, LPCSTR file)
{
    Names names = Widened(section, key, file);
    PWSTR wide = BaseWide(value);
    BOOL is_done = WritePrivateProfileStringW(names.section, names.key, wide, names.file);
    BaseRelease(wide);
    Release(&names);
    return is_done;
}

BOOL WINAPI WritePrivateProfileSectionA(LPCSTR section, LPCSTR lines, LPCSTR file)
{
    Names names = Widened(section, NULL, file);
    PWSTR wide = NULL;
    if (lines != NULL) {
        SIZE_T length = 1;
        for (LPCSTR at = lines; *at != 0; at += strlen(at) + 1)
            length += strlen(at) + 1;
        wide = BaseAllocate(length * sizeof(WCHAR));
        if (wide != NULL)
            RtlMultiByteToUnicodeN(wide, length * sizeof(WCHAR), NULL, lines, length);
    }
    BOOL is_done = (lines == NULL || wide != NULL) && WritePrivateProfileSectionW(names.section, wide, names.file);
    BaseRelease(wide);
    Release(&names);
    return is_done;
}

UINT WINAPI GetProfileIntA(LPCSTR section, LPCSTR key, INT otherwise)
{
    return GetPrivateProfileIntA(section, key, otherwise, NULL);
}

DWORD WINAPI GetProfileStringA(LPCSTR section, LPCSTR key, LPCSTR otherwise, LPSTR buffer, DWORD size)
{
    return GetPrivateProfileStringA(section, key, otherwise, buffer, size, NULL);
}

DWORD WINAPI GetProfileSectionA(LPCSTR section, LPSTR buffer, DWORD size)
{
    return GetPrivateProfileSectionA(section, buffer, size, NULL);
}

BOOL WINAPI WriteProfileStringA(LPCSTR section, LPCSTR key, LPCSTR value)
{
    return WritePrivateProfileStringA(section, key, value, NULL);
}

BOOL WINAPI WriteProfileSectionA(LPCSTR section, LPCSTR lines) { return WritePrivateProfileSectionA(section, lines, NULL); }

/* Two digits for each byte, then two for the sum of all. */
BOOL WINAPI WritePrivateProfileStructW(LPCWSTR section, LPCWSTR key, LPVOID data, UINT size, LPCWSTR file)
{
    static const WCHAR Digits[] = L"0123456789ABCDEF";
    const BYTE *bytes = data;
    BYTE sum = 0;
    if (data == NULL)
        return WritePrivateProfileStringW(section, key, NULL, file);
    PWSTR text = BaseAllocate((size * 2 + 3) * sizeof(WCHAR));
    if (text == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    for (UINT index = 0; index <= size; index++) {
        BYTE byte = index < size ? bytes[index] : sum;
        text[index * 2] = Digits[byte >> 4];
        text[index * 2 + 1] = Digits[byte & 15];
        sum += byte;
    }
    text[size * 2 + 2] = 0;
    BOOL is_done = WritePrivateProfileStringW(section, key, text, file);
    BaseRelease(text);
    return is_done;
}

static int DigitOf(WCHAR digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return (digit | 0x20) >= 'a' && (digit | 0x20) <= 'f' ? (digit | 0x20) - 'a' + 10 : -1;
}

static BOOL Decode(PCWSTR text, BYTE *bytes, UINT size)
{
    BYTE sum = 0, last = 0;
    for (UINT index = 0; index <= size; index++) {
        int high = DigitOf(text[index * 2]), low = high >= 0 ? DigitOf(text[index * 2 + 1]) : -1;
        if (low < 0)
            return FALSE;
        last = (BYTE)(high << 4 | low);
        if (index < size)
            bytes[index] = last, sum += last;
    }
    return last == sum;
}

BOOL WINAPI GetPrivateProfileStructW(LPCWSTR section, LPCWSTR key, LPVOID data, UINT size, LPCWSTR file)
{
    DWORD room = size * 2 + 4;
    PWSTR text = BaseAllocate(room * sizeof(WCHAR));
    if (text == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    DWORD length = GetPrivateProfileStringW(section, key, L"", text, room, file);
    BOOL is_good = length == size * 2 + 2 && Decode(text, data, size);
    BaseRelease(text);
    return is_good || BaseFail(length == 0 ? ERROR_FILE_NOT_FOUND : length == size * 2 + 2 ? ERROR_INVALID_DATA : ERROR_BAD_LENGTH);
}

BOOL WINAPI WritePrivateProfileStructA(LPCSTR section, LPCSTR key, LPVOID data, UINT size, LPCSTR file)
{
    Names names = Widened(section, key, file);
    BOOL is_done = WritePrivateProfileStructW(names.section, names.key, data, size, names.file);
    Release(&names);
    return is_done;
}

BOOL WINAPI GetPrivateProfileStructA(LPCSTR section, LPCSTR key, LPVOID data, UINT size, LPCSTR file)
{
    Names names = Widened(section, key, file);
    BOOL is_done = GetPrivateProfileStructW(names.section, names.key, data, size, names.file);
    Release(&names);
    return is_done;
}

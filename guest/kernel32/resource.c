/* Resources: finding, loading and enumerating them. A name is a number, or a text, or "#" and a number. */

#include "base.h"

typedef struct {
    ULONG_PTR value;
    PWSTR made;
} Name;

/* Texts are compared in capitals; a number stands for itself. */
static BOOL NameOf(Name *name, LPCWSTR from)
{
    UNICODE_STRING digits;
    ULONG number;
    *name = (Name){(ULONG_PTR)from, NULL};
    if (name->value < 0x10000)
        return TRUE;
    if (*from == '#') {
        RtlInitUnicodeString(&digits, from + 1);
        if (!NT_SUCCESS(RtlUnicodeStringToInteger(&digits, 10, &number)) || number > 0xffff)
            return BaseFail(ERROR_INVALID_PARAMETER);
        name->value = number;
        return TRUE;
    }
    size_t length = wcslen(from) + 1;
    name->made = BaseAllocate(length * sizeof(WCHAR));
    if (name->made == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    for (size_t index = 0; index < length; index++)
        name->made[index] = RtlUpcaseUnicodeChar(from[index]);
    name->value = (ULONG_PTR)name->made;
    return TRUE;
}

static HMODULE ImageOf(HMODULE module) { return module != NULL ? module : CurrentPeb()->ImageBaseAddress; }

HRSRC WINAPI FindResourceExW(HMODULE module, LPCWSTR type, LPCWSTR name, WORD language)
{
    Name kind = {0}, own = {0};
    PIMAGE_RESOURCE_DATA_ENTRY leaf = NULL;
    if (NameOf(&kind, type) && NameOf(&own, name)) {
        ULONG_PTR path[3] = {kind.value, own.value, language};
        BaseCheck(LdrFindResource_U(ImageOf(module), path, 3, &leaf));
    }
    BaseRelease(own.made);
    BaseRelease(kind.made);
    return (HRSRC)leaf;
}

HRSRC WINAPI FindResourceW(HMODULE module, LPCWSTR name, LPCWSTR type)
{
    return FindResourceExW(module, type, name, MAKELANGID(LANG_NEUTRAL, SUBLANG_NEUTRAL));
}

/* A narrow name widened, unless it is a number. */
static PWSTR WideName(LPCSTR name) { return (ULONG_PTR)name < 0x10000 ? (PWSTR)name : BaseWide(name); }

static void ReleaseName(PWSTR name)
{
    if ((ULONG_PTR)name >= 0x10000)
        BaseRelease(name);
}

HRSRC WINAPI FindResourceExA(HMODULE module, LPCSTR type, LPCSTR name, WORD language)
{
    PWSTR wide_type = WideName(type), wide_name = WideName(name);
    HRSRC found = FindResourceExW(module, wide_type, wide_name, language);
    ReleaseName(wide_name);
    ReleaseName(wide_type);
    return found;
}

HRSRC WINAPI FindResourceA(HMODULE module, LPCSTR name, LPCSTR type)
{
    return FindResourceExA(module, type, name, MAKELANGID(LANG_NEUTRAL, SUBLANG_NEUTRAL));
}

HGLOBAL WINAPI LoadResource(HMODULE module, HRSRC resource)
{
    PVOID address = NULL;
    if (resource == NULL)
        return NULL;
    BaseCheck(LdrAccessResource(ImageOf(module), (PIMAGE_RESOURCE_DATA_ENTRY)resource, &address, NULL));
    return address;
}

/* What is loaded lies in the image: nothing to lock, and nothing to free. */
LPVOID WINAPI LockResource(HGLOBAL data) { return data; }

BOOL WINAPI FreeResource(HGLOBAL data)
{
    (void)data;
    return FALSE;
}

DWORD WINAPI SizeofResource(HMODULE module, HRSRC resource)
{
    (void)module;
    return resource != NULL ? ((PIMAGE_RESOURCE_DATA_ENTRY)resource)->Size : (DWORD)BaseFail(ERROR_INVALID_HANDLE);
}

/* One level of the tree: what is told for each entry is a text or a number. */
typedef struct {
    HMODULE module;
    PIMAGE_RESOURCE_DIRECTORY root, directory;
} Level;

static BOOL LevelAt(Level *level, HMODULE module, const ULONG_PTR *path, ULONG depth)
{
    ULONG size;
    level->module = ImageOf(module);
    level->root = RtlImageDirectoryEntryToData(level->module, TRUE, IMAGE_DIRECTORY_ENTRY_RESOURCE, &size);
    return BaseCheck(LdrFindResourceDirectory_U(level->module, path, depth, &level->directory));
}

static ULONG CountOf(const Level *level)
{
    return level->directory->NumberOfNamedEntries + level->directory->NumberOfIdEntries;
}

/* The name of an entry: a copy on the heap, or a number. */
static PWSTR EntryName(const Level *level, ULONG index)
{
    PIMAGE_RESOURCE_DIRECTORY_ENTRY entry = (PIMAGE_RESOURCE_DIRECTORY_ENTRY)(level->directory + 1) + index;
    if (!entry->NameIsString)
        return (PWSTR)(ULONG_PTR)entry->Id;
    PIMAGE_RESOURCE_DIR_STRING_U text = (PVOID)((PCHAR)level->root + entry->NameOffset);
    PWSTR copy = BaseAllocate((text->Length + 1) * sizeof(WCHAR));
    if (copy != NULL) {
        memcpy(copy, text->NameString, text->Length * sizeof(WCHAR));
        copy[text->Length] = 0;
    }
    return copy;
}

BOOL WINAPI EnumResourceTypesW(HMODULE module, ENUMRESTYPEPROCW call, LONG_PTR value)
{
    Level level;
    BOOL goes_on = LevelAt(&level, module, NULL, 0);
    for (ULONG index = 0; goes_on && index < CountOf(&level); index++) {
        PWSTR name = EntryName(&level, index);
        goes_on = call(module, name, value);
        ReleaseName(name);
    }
    return goes_on;
}

BOOL WINAPI EnumResourceNamesW(HMODULE module, LPCWSTR type, ENUMRESNAMEPROCW call, LONG_PTR value)
{
    Level level;
    Name kind;
    BOOL goes_on = NameOf(&kind, type) && LevelAt(&level, module, &kind.value, 1);
    for (ULONG index = 0; goes_on && index < CountOf(&level); index++) {
        PWSTR name = EntryName(&level, index);
        goes_on = call(module, type, name, value);
        ReleaseName(name);
    }
    BaseRelease(kind.made);
    return goes_on;
}

BOOL WINAPI EnumResourceLanguagesW(HMODULE module, LPCWSTR type, LPCWSTR name, ENUMRESLANGPROCW call, LONG_PTR value)
{
    Level level;
    Name kind = {0}, own = {0};
    BOOL goes_on = NameOf(&kind, type) && NameOf(&own, name);
    ULONG_PTR path[2] = {kind.value, own.value};
    goes_on = goes_on && LevelAt(&level, module, path, 2);
    for (ULONG index = 0; goes_on && index < CountOf(&level); index++)
        goes_on = call(module, type, name, (WORD)(ULONG_PTR)EntryName(&level, index), value);
    BaseRelease(own.made);
    BaseRelease(kind.made);
    return goes_on;
}

/* The narrow forms hand narrow names to the program's function. */
typedef struct {
    FARPROC call;
    LPCSTR type, name;
    LONG_PTR value;
} Narrowed;

static LPSTR NarrowName(LPCWSTR name, CHAR buffer[MAX_PATH])
{
    if ((ULONG_PTR)name < 0x10000)
        return (LPSTR)name;
    return BaseNarrow(name, buffer, MAX_PATH) < MAX_PATH ? buffer : NULL;
}

static BOOL CALLBACK TypeNarrowed(HMODULE module, LPWSTR type, LONG_PTR value)
{
    const Narrowed *narrowed = (const Narrowed *)value;
    CHAR buffer[MAX_PATH];
    return ((ENUMRESTYPEPROCA)narrowed->call)(module, NarrowName(type, buffer), narrowed->value);
}

static BOOL CALLBACK NameNarrowed(HMODULE module, LPCWSTR type, LPWSTR name, LONG_PTR value)
{
    const Narrowed *narrowed = (const Narrowed *)value;
    CHAR buffer[MAX_PATH];
    (void)type;
    return ((ENUMRESNAMEPROCA)narrowed->call)(module, narrowed->type, NarrowName(name, buffer), narrowed->value);
}

static BOOL CALLBACK LanguageNarrowed(HMODULE module, LPCWSTR type, LPCWSTR name, WORD language, LONG_PTR value)
{
    const Narrowed *narrowed = (const Narrowed *)value;
    (void)type, (void)name;
    return ((ENUMRESLANGPROCA)narrowed->call)(module, narrowed->type, narrowed->name, language, narrowed->value);
}

BOOL WINAPI EnumResourceTypesA(HMODULE module, ENUMRESTYPEPROCA call, LONG_PTR value)
{
    Narrowed narrowed = {(FARPROC)call, NULL, NULL, value};
    return EnumResourceTypesW(module, TypeNarrowed, (LONG_PTR)&narrowed);
}

BOOL WINAPI EnumResourceNamesA(HMODULE module, LPCSTR type, ENUMRESNAMEPROCA call, LONG_PTR value)
{
    Narrowed narrowed = {(FARPROC)call, type, NULL, value};
    PWSTR wide = WideName(type);
    BOOL goes_on = EnumResourceNamesW(module, wide, NameNarrowed, (LONG_PTR)&narrowed);
    ReleaseName(wide);
    return goes_on;
}

BOOL WINAPI EnumResourceLanguagesA(HMODULE module, LPCSTR type, LPCSTR name, ENUMRESLANGPROCA call, LONG_PTR value)
{
    Narrowed narrowed = {(FARPROC)call, type, name, value};
    PWSTR wide_type = WideName(type), wide_name = WideName(name);
    BOOL goes_on = EnumResourceLanguagesW(module, wide_type, wide_name, LanguageNarrowed, (LONG_PTR)&narrowed);
    ReleaseName(wide_name);
    ReleaseName(wide_type);
    return goes_on;
}

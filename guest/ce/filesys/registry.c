/* The registry: keys and values on the heap of filesys.exe. At the start it is filled from the ROM file default.reg, a
 * text as registry editors write it (on devices a compiled form of the same).
 *
 * A handle of a key is the address of a record of who opened it; what is none of them is refused. Records of a process
 * that ended are taken away.
 *
 * Pointers of callers are touched before the lock is taken: a thread that faults in here ends with its process, and
 * would keep the lock. */
#include "filesys.h"

enum {
    ROOTS = 4,              /* HKEY_CLASSES_ROOT, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, HKEY_USERS */
    LONGEST_NAME = 255,     /* letters of the name of a key or value */
    LARGEST_VALUE = 0x1000, /* bytes of a value */
    DEEPEST = 16,           /* keys above one another */
    LONGEST_PATH = DEEPEST * (LONGEST_NAME + 1)
};

struct value {
    struct value *next;
    DWORD type, size;
    BYTE *data;
    WCHAR name[];
};

struct key {
    struct key *parent, *next, *children;
    struct value *values;
    DWORD opened;
    WCHAR name[];
};

struct open_key {
    struct open_key *next;
    struct key *key;
    HANDLE owner;
};

static struct key *roots[ROOTS];
static struct open_key *opened;
static CRITICAL_SECTION lock;

static BOOL is_text(LPCWSTR text)
{
    return text == NULL || wcslen(text) < LONGEST_PATH;
}

/* A place for a result that may be left out. */
static BOOL is_place(LPVOID place, DWORD size)
{
    return place == NULL || !IsBadWritePtr(place, size);
}

static struct open_key *record_of(HKEY handle)
{
    struct open_key *record;
    for (record = opened; record && record != (struct open_key *)handle; record = record->next)
        continue;
    return record;
}

static struct key *key_of(HKEY handle)
{
    DWORD root = (DWORD)handle - (DWORD)HKEY_CLASSES_ROOT;
    struct open_key *record = root < ROOTS ? NULL : record_of(handle);
    return root < ROOTS ? roots[root] : record ? record->key : NULL;
}

static struct key *child_of(struct key *key, LPCWSTR name, size_t length)
{
    struct key *child;
    for (child = key->children; child; child = child->next)
        if (wcslen(child->name) == length && _wcsnicmp(child->name, name, length) == 0)
            break;
    return child;
}

static struct key *add_key(struct key *parent, LPCWSTR name, size_t length)
{
    struct key **place, *key = LocalAlloc(LMEM_ZEROINIT, sizeof *key + 2 * (length + 1));
    if (!key)
        return NULL;
    memcpy(key->name, name, 2 * length);
    key->parent = parent;
    /* In the order in which they were made, which is the order in which they are listed. */
    for (place = &parent->children; *place; place = &(*place)->next)
        continue;
    return *place = key;
}

/* Whether a path has names that can be, and does not lead too deep. */
static BOOL is_path(const struct key *key, LPCWSTR path)
{
    DWORD depth = 0;
    for (; key; key = key->parent)
        depth++;
    for (; path && *path; depth++) {
        LPCWSTR end = wcschr(path, '\\');
        size_t length = end ? (size_t)(end - path) : wcslen(path);
        if (length == 0 || length > LONGEST_NAME || depth >= DEEPEST)
            return FALSE;
        path += length + (end != NULL);
    }
    return TRUE;
}

/* Follows names with backslashes between them; missing keys are made, or are an error. */
static DWORD walk(struct key **key, LPCWSTR path, BOOL make, BOOL *is_new)
{
    if (!is_path(*key, path))
        return ERROR_INVALID_PARAMETER;
    while (path && *path) {
        LPCWSTR end = wcschr(path, '\\');
        size_t length = end ? (size_t)(end - path) : wcslen(path);
        struct key *child = child_of(*key, path, length);
        if (!child && !make)
            return ERROR_FILE_NOT_FOUND;
        if (!child) {
            child = add_key(*key, path, length);
            *is_new = TRUE;
        }
        if (!child)
            return ERROR_NOT_ENOUGH_MEMORY;
        *key = child;
        path += length + (end != NULL);
    }
    return ERROR_SUCCESS;
}

static DWORD open_or_make(HKEY parent, LPCWSTR path, BOOL make, HKEY *result, DWORD *disposition)
{
    BOOL is_new = FALSE;
    if (!is_text(path) || !result || !is_place(result, sizeof *result) || !is_place(disposition, 4))
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key *key = key_of(parent);
    DWORD error = key ? walk(&key, path, make, &is_new) : ERROR_INVALID_HANDLE;
    if (error == ERROR_SUCCESS) {
        struct open_key *record = LocalAlloc(0, sizeof *record);
        if (record) {
            *record = (struct open_key){opened, key, GetCallerProcess()};
            opened = record;
            key->opened++;
            *result = (HKEY)record;
            if (disposition)
                *disposition = is_new ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
        } else {
            error = ERROR_NOT_ENOUGH_MEMORY;
        }
    }
    LeaveCriticalSection(&lock);
    return error;
}

static DWORD open_key(HKEY parent, LPCWSTR path, DWORD options, DWORD access, HKEY *result)
{
    (void)options;
    (void)access;
    return open_or_make(parent, path, FALSE, result, NULL);
}

static DWORD create_key(HKEY parent, LPCWSTR path, DWORD reserved, LPWSTR class, DWORD options, DWORD access,
                       LPVOID security, HKEY *result, DWORD *disposition)
{
    (void)reserved;
    (void)class;
    (void)options;
    (void)access;
    (void)security;
    return open_or_make(parent, path, TRUE, result, disposition);
}

static void close_record(struct open_key **place)
{
    struct open_key *gone = *place;
    *place = gone->next;
    gone->key->opened--;
    LocalFree(gone);
}

static DWORD close_key(HKEY handle)
{
    struct open_key **place;
    if ((DWORD)handle - (DWORD)HKEY_CLASSES_ROOT < ROOTS)
        return ERROR_SUCCESS;
    EnterCriticalSection(&lock);
    for (place = &opened; *place && *place != (struct open_key *)handle; place = &(*place)->next)
        continue;
    BOOL is_there = *place != NULL;
    if (is_there)
        close_record(place);
    LeaveCriticalSection(&lock);
    return is_there ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
}

void close_keys_of(HANDLE process)
{
    EnterCriticalSection(&lock);
    for (struct open_key **place = &opened; *place;) {
        if ((*place)->owner == process)
            close_record(place);
        else
            place = &(*place)->next;
    }
    LeaveCriticalSection(&lock);
}

static struct value **value_of(struct key *key, LPCWSTR name)
{
    struct value **place;
    for (place = &key->values; *place && _wcsicmp((*place)->name, name ? name : L"") != 0; place = &(*place)->next)
        continue;
    return place;
}

/* Gives bytes of a value: without a buffer only their number. */
static DWORD give(const struct value *value, DWORD *type, BYTE *data, DWORD *size)
{
    if (type)
        *type = value->type;
    DWORD room = size ? *size : 0;
    if (size)
        *size = value->size;
    if (data && room < value->size)
        return ERROR_MORE_DATA;
    if (data)
        memcpy(data, value->data, value->size);
    return ERROR_SUCCESS;
}

static DWORD query_value(HKEY handle, LPCWSTR name, DWORD *reserved, DWORD *type, BYTE *data, DWORD *size)
{
    (void)reserved;
    if (!is_text(name) || !is_place(type, 4) || !is_place(size, 4) || (data && (!size || !is_place(data, *size))))
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key *key = key_of(handle);
    struct value *value = key ? *value_of(key, name) : NULL;
    DWORD error = !key ? ERROR_INVALID_HANDLE : !value ? ERROR_FILE_NOT_FOUND : give(value, type, data, size);
    LeaveCriticalSection(&lock);
    return error;
}

static void remove_value(struct value **place)
{
    struct value *gone = *place;
    *place = gone->next;
    LocalFree(gone->data);
    LocalFree(gone);
}

static DWORD put_value(struct key *key, LPCWSTR name, DWORD type, const BYTE *data, DWORD size)
{
    size_t length = name ? wcslen(name) : 0;
    if (length > LONGEST_NAME || size > LARGEST_VALUE || (size && !data))
        return ERROR_INVALID_PARAMETER;
    struct value **place, *value = LocalAlloc(LMEM_ZEROINIT, sizeof *value + 2 * (length + 1));
    BYTE *bytes = LocalAlloc(0, size ? size : 1);
    if (!value || !bytes) {
        LocalFree(value);
        LocalFree(bytes);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    memcpy(bytes, data, size);
    memcpy(value->name, name, 2 * length);
    value->type = type;
    value->size = size;
    value->data = bytes;
    place = value_of(key, name);
    if (*place) {
        value->next = (*place)->next;
        struct value *old = *place;
        *place = value;
        LocalFree(old->data);
        LocalFree(old);
    } else {
        *place = value;
    }
    return ERROR_SUCCESS;
}

static DWORD set_value(HKEY handle, LPCWSTR name, DWORD reserved, DWORD type, const BYTE *data, DWORD size)
{
    (void)reserved;
    if (!is_text(name) || size > LARGEST_VALUE || (size && IsBadReadPtr(data, size)))
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key *key = key_of(handle);
    DWORD error = key ? put_value(key, name, type, data, size) : ERROR_INVALID_HANDLE;
    LeaveCriticalSection(&lock);
    return error;
}

static DWORD delete_value(HKEY handle, LPCWSTR name)
{
    if (!is_text(name))
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key *key = key_of(handle);
    struct value **place = key ? value_of(key, name) : NULL;
    DWORD error = !key ? ERROR_INVALID_HANDLE : !*place ? ERROR_FILE_NOT_FOUND : ERROR_SUCCESS;
    if (error == ERROR_SUCCESS)
        remove_value(place);
    LeaveCriticalSection(&lock);
    return error;
}

/* Whether somebody has a key or one below it open. Keys are not deeper than DEEPEST. */
static BOOL is_open(const struct key *key)
{
    if (key->opened)
        return TRUE;
    for (const struct key *child = key->children; child; child = child->next)
        if (is_open(child))
            return TRUE;
    return FALSE;
}

static void free_key(struct key *key)
{
    while (key->children) {
        struct key *child = key->children;
        key->children = child->next;
        free_key(child);
    }
    while (key->values)
        remove_value(&key->values);
    LocalFree(key);
}

/* With everything below it. */
static DWORD delete_key(HKEY parent, LPCWSTR path)
{
    if (!path || !is_text(path) || !*path)
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key **place, *key = key_of(parent);
    DWORD error = key ? walk(&key, path, FALSE, NULL) : ERROR_INVALID_HANDLE;
    if (error == ERROR_SUCCESS && is_open(key))
        error = ERROR_ACCESS_DENIED;
    if (error == ERROR_SUCCESS) {
        for (place = &key->parent->children; *place != key; place = &(*place)->next)
            continue;
        *place = key->next;
        free_key(key);
    }
    LeaveCriticalSection(&lock);
    return error;
}

/* A buffer for a name of so many letters. */
static BOOL is_buffer(LPWSTR name, DWORD *size)
{
    return name && size && is_place(size, 4) && *size <= LONGEST_PATH && is_place(name, 2 * *size);
}

/* Gives a name; `size` counts letters, the zero among them before and not after. */
static DWORD give_name(LPCWSTR name, LPWSTR buffer, DWORD *size)
{
    DWORD length = wcslen(name);
    if (*size <= length)
        return ERROR_MORE_DATA;
    wcscpy(buffer, name);
    *size = length;
    return ERROR_SUCCESS;
}

static DWORD enum_key(HKEY handle, DWORD index, LPWSTR name, DWORD *size, DWORD *reserved, LPWSTR class,
                     DWORD *class_size, LPVOID written)
{
    (void)reserved;
    (void)class;
    (void)written;
    if (!is_buffer(name, size) || !is_place(class_size, 4))
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key *key = key_of(handle), *child = key ? key->children : NULL;
    for (; child && index > 0; index--)
        child = child->next;
    DWORD error = !key ? ERROR_INVALID_HANDLE : !child ? ERROR_NO_MORE_ITEMS : give_name(child->name, name, size);
    if (error == ERROR_SUCCESS && class_size)
        *class_size = 0;
    LeaveCriticalSection(&lock);
    return error;
}

static DWORD enum_value(HKEY handle, DWORD index, LPWSTR name, DWORD *size, DWORD *reserved, DWORD *type, BYTE *data,
                       DWORD *data_size)
{
    (void)reserved;
    if (!is_buffer(name, size) || !is_place(type, 4) || !is_place(data_size, 4) ||
        (data && (!data_size || !is_place(data, *data_size))))
        return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&lock);
    struct key *key = key_of(handle);
    struct value *value = key ? key->values : NULL;
    for (; value && index > 0; index--)
        value = value->next;
    DWORD error = !key ? ERROR_INVALID_HANDLE : !value ? ERROR_NO_MORE_ITEMS : give_name(value->name, name, size);
    if (error == ERROR_SUCCESS)
        error = give(value, type, data, data_size);
    LeaveCriticalSection(&lock);
    return error;
}

/* The text of the ROM file: [key], "name"="text", "name"=dword:hex, "name"=hex:1,2; `@` is the name that is empty. */

static struct key *root_of(LPCWSTR name, LPCWSTR *rest)
{
    static const LPCWSTR names[ROOTS] = {L"HKEY_CLASSES_ROOT", L"HKEY_CURRENT_USER", L"HKEY_LOCAL_MACHINE",
                                         L"HKEY_USERS"};
    for (DWORD root = 0; root < ROOTS; root++) {
        size_t length = wcslen(names[root]);
        if (_wcsnicmp(name, names[root], length) == 0 && (name[length] == 0 || name[length] == '\\')) {
            *rest = name + length + (name[length] == '\\');
            return roots[root];
        }
    }
    return NULL;
}

/* Takes a text in quotes out, in its place; what follows it. */
static LPWSTR quoted(LPWSTR text)
{
    LPWSTR to = text, from = text + 1;
    while (*from && *from != '"') {
        if (from[0] == '\\' && from[1])
            from++;
        *to++ = *from++;
    }
    BOOL is_whole = *from == '"';
    *to = 0;
    return is_whole ? from + 1 : NULL;
}

static void value_line(struct key *key, LPWSTR line)
{
    BYTE bytes[256];
    LPWSTR name = line, rest = line[0] == '"' ? quoted(line) : line + 1;
    if (line[0] == '@')
        name = L"";
    if (!rest || *rest++ != '=')
        return;
    if (*rest == '"') {
        LPWSTR text = rest;
        if (quoted(text))
            put_value(key, name, REG_SZ, (const BYTE *)text, 2 * (wcslen(text) + 1));
    } else if (_wcsnicmp(rest, L"dword:", 6) == 0) {
        DWORD number = (DWORD)wcstol(rest + 6, NULL, 16);
        put_value(key, name, REG_DWORD, (const BYTE *)&number, 4);
    } else if (_wcsnicmp(rest, L"hex:", 4) == 0) {
        DWORD count = 0;
        LPWSTR at = rest + 4;
        while (*at && count < sizeof bytes) {
            LPWSTR end;
            bytes[count] = (BYTE)wcstol(at, &end, 16);
            if (end == at)
                break;
            count++;
            at = *end == ',' ? end + 1 : end;
        }
        put_value(key, name, REG_BINARY, bytes, count);
    }
}

static struct key *key_line(LPWSTR line)
{
    LPCWSTR path;
    BOOL is_new;
    LPWSTR end = wcsrchr(line, ']');
    if (!end)
        return NULL;
    *end = 0;
    struct key *key = root_of(line + 1, &path);
    return key && walk(&key, path, TRUE, &is_new) == ERROR_SUCCESS ? key : NULL;
}

static void reg_line(LPWSTR line, struct key **key)
{
    if (line[0] == '[')
        *key = key_line(line);
    else if (*key && (line[0] == '"' || line[0] == '@'))
        value_line(*key, line);
}

static void read_defaults(void)
{
    enum { LINE = 1024 };
    static WCHAR line[LINE];
    struct key *key = NULL;
    DWORD length = 0;
    LONG file = StoreOpen(L"\\Windows\\default.reg", GENERIC_READ, OPEN_EXISTING, 0);
    if (file < 0)
        return;
    DWORD size = StoreGetSize(file);
    BYTE *bytes = LocalAlloc(0, size + 1);
    LONG count = bytes ? StoreRead(file, bytes, size, 0) : 0;
    StoreClose(file);
    for (LONG at = 0; at <= count; at++) {
        BYTE letter = at < count ? bytes[at] : '\n';
        if (letter == '\n') {
            line[length] = 0;
            length = 0;
            reg_line(line, &key);
        } else if (letter != '\r' && length < LINE - 1) {
            line[length++] = letter;
        }
    }
    LocalFree(bytes);
}

void start_registry(void)
{
    InitializeCriticalSection(&lock);
    for (DWORD root = 0; root < ROOTS; root++)
        roots[root] = LocalAlloc(LMEM_ZEROINIT, sizeof **roots + 2);
    read_defaults();
}

#define METHOD(name) [METHOD_FILESYS_APIS_##name]
const PFNVOID registry_methods[COUNT_FILESYS_APIS] = {
    METHOD(RegCloseKey) = (PFNVOID)close_key,
    METHOD(RegCreateKeyExW) = (PFNVOID)create_key,
    METHOD(RegOpenKeyExW) = (PFNVOID)open_key,
    METHOD(RegQueryValueExW) = (PFNVOID)query_value,
    METHOD(RegSetValueExW) = (PFNVOID)set_value,
    METHOD(RegDeleteValueW) = (PFNVOID)delete_value,
    METHOD(RegDeleteKeyW) = (PFNVOID)delete_key,
    METHOD(RegEnumKeyExW) = (PFNVOID)enum_key,
    METHOD(RegEnumValueW) = (PFNVOID)enum_value,
};

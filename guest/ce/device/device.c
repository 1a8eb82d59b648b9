/* device.exe: loads drivers, which are DLLs, and passes on what is asked of a device. A driver exports functions that
 * begin with the three letters of its device's name: XYZ_Init, XYZ_Open, XYZ_Read and so on.
 *
 * At the start it loads the drivers of the ROM file drivers.txt: a line `ECH1: echo.dll` each. */
#include "ce.h"
#include "api_calls.h"

struct device {
    struct device *next;
    WCHAR name[6]; /* "ECH1:" */
    HMODULE module;
    DWORD context;
    DWORD (*init)(DWORD parameter);
    BOOL (*deinit)(DWORD context);
    DWORD (*open)(DWORD context, DWORD access, DWORD share);
    BOOL (*close)(DWORD context);
    DWORD (*read)(DWORD context, LPVOID buffer, DWORD size);
    DWORD (*write)(DWORD context, LPCVOID buffer, DWORD size);
    DWORD (*seek)(DWORD context, LONG distance, DWORD from);
    BOOL (*control)(DWORD context, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, DWORD *returned);
};

struct open_device {
    struct device *device;
    DWORD context;
};

static struct device *devices;
static CRITICAL_SECTION lock;
static HANDLE handle_set;

static FARPROC function(HMODULE module, LPCWSTR prefix, LPCWSTR name)
{
    WCHAR whole[24];
    wsprintfW(whole, L"%.3s_%s", prefix, name);
    return GetProcAddressW(module, whole);
}

static struct device *load(LPCWSTR name, LPCWSTR dll, DWORD parameter)
{
    struct device *device = LocalAlloc(LMEM_ZEROINIT, sizeof *device);
    if (!device)
        return NULL;
    device->module = LoadLibraryW(dll);
    if (!device->module) {
        LocalFree(device);
        return NULL;
    }
    wcsncpy(device->name, name, 5);
    device->init = (void *)function(device->module, name, L"Init");
    device->deinit = (void *)function(device->module, name, L"Deinit");
    device->open = (void *)function(device->module, name, L"Open");
    device->close = (void *)function(device->module, name, L"Close");
    device->read = (void *)function(device->module, name, L"Read");
    device->write = (void *)function(device->module, name, L"Write");
    device->seek = (void *)function(device->module, name, L"Seek");
    device->control = (void *)function(device->module, name, L"IOControl");
    device->context = device->init ? device->init(parameter) : 0;
    if (!device->context) {
        FreeLibrary(device->module);
        LocalFree(device);
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    EnterCriticalSection(&lock);
    device->next = devices;
    devices = device;
    LeaveCriticalSection(&lock);
    return device;
}

static struct device *find(LPCWSTR name)
{
    struct device *device;
    EnterCriticalSection(&lock);
    for (device = devices; device && _wcsicmp(device->name, name) != 0; device = device->next)
        continue;
    LeaveCriticalSection(&lock);
    return device;
}

static HANDLE register_device(LPCWSTR type, DWORD index, LPCWSTR dll, DWORD parameter)
{
    WCHAR name[8];
    wsprintfW(name, L"%.3s%u:", type, index % 10);
    if (wcslen(name) != 5 || find(name)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    return load(name, dll, parameter);
}

static BOOL deregister_device(struct device *gone)
{
    struct device **place;
    EnterCriticalSection(&lock);
    for (place = &devices; *place && *place != gone; place = &(*place)->next)
        continue;
    BOOL is_there = *place != NULL;
    if (is_there)
        *place = gone->next;
    LeaveCriticalSection(&lock);
    if (!is_there) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    if (gone->deinit)
        gone->deinit(gone->context);
    FreeLibrary(gone->module);
    LocalFree(gone);
    return TRUE;
}

static HANDLE open_device(LPCWSTR name, DWORD access, DWORD share)
{
    struct device *device = find(name);
    struct open_device *opened;
    DWORD context = device && device->open ? device->open(device->context, access, share) : 0;
    if (!context || !(opened = LocalAlloc(0, sizeof *opened))) {
        SetLastError(ERROR_DEV_NOT_EXIST);
        return INVALID_HANDLE_VALUE;
    }
    opened->device = device;
    opened->context = context;
    HANDLE handle = CreateAPIHandle(handle_set, opened);
    return handle ? handle : INVALID_HANDLE_VALUE;
}

static BOOL not_implemented(void)
{
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    return FALSE;
}

static BOOL close(struct open_device *opened)
{
    if (opened->device->close)
        opened->device->close(opened->context);
    return LocalFree(opened) == NULL;
}

static BOOL read(struct open_device *opened, LPVOID buffer, DWORD size, DWORD *count, LPVOID overlapped)
{
    (void)overlapped;
    if (!opened->device->read)
        return not_implemented();
    DWORD result = opened->device->read(opened->context, buffer, size);
    if (count)
        *count = result == 0xffffffffu ? 0 : result;
    return result != 0xffffffffu;
}

static BOOL write(struct open_device *opened, LPCVOID buffer, DWORD size, DWORD *count, LPVOID overlapped)
{
    (void)overlapped;
    if (!opened->device->write)
        return not_implemented();
    DWORD result = opened->device->write(opened->context, buffer, size);
    if (count)
        *count = result == 0xffffffffu ? 0 : result;
    return result != 0xffffffffu;
}

static DWORD seek(struct open_device *opened, LONG distance, LONG *high, DWORD from)
{
    (void)high;
    if (!opened->device->seek)
        return not_implemented() - 1u;
    return opened->device->seek(opened->context, distance, from);
}

static BOOL control(struct open_device *opened, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
                    DWORD *returned, LPVOID overlapped)
{
    (void)overlapped;
    if (!opened->device->control)
        return not_implemented();
    return opened->device->control(opened->context, code, in, in_size, out, out_size, returned);
}

static void notified(DWORD cause, HANDLE process, HANDLE thread)
{
    (void)cause;
    (void)process;
    (void)thread;
}

#define METHOD(name) [METHOD_DEVMGR_APIS_##name]
static const PFNVOID methods[COUNT_DEVMGR_APIS] = {
    [0 ... COUNT_DEVMGR_APIS - 1] = (PFNVOID)not_implemented,
    [0] = (PFNVOID)notified,
    METHOD(RegisterDevice) = (PFNVOID)register_device,
    METHOD(DeregisterDevice) = (PFNVOID)deregister_device,
    METHOD(DeactivateDevice) = (PFNVOID)deregister_device,
    METHOD(OpenDevice) = (PFNVOID)open_device,
};
static const DWORD signatures[COUNT_DEVMGR_APIS] = SIGNATURES_DEVMGR_APIS;

static const PFNVOID handle_methods[COUNT_HT_FILE] = {
    [0 ... COUNT_HT_FILE - 1] = (PFNVOID)not_implemented,
    [METHOD_HT_FILE_CloseFileHandle] = (PFNVOID)close,
    [METHOD_HT_FILE_ReadFile] = (PFNVOID)read,
    [METHOD_HT_FILE_WriteFile] = (PFNVOID)write,
    [METHOD_HT_FILE_SetFilePointer] = (PFNVOID)seek,
    [METHOD_HT_FILE_DeviceIoControl] = (PFNVOID)control,
};
static const DWORD handle_signatures[COUNT_HT_FILE] = SIGNATURES_HT_FILE;

/* `ECH1: echo.dll` */
static void load_line(char *text)
{
    WCHAR line[80];
    mbstowcs(line, text, 79);
    line[79] = 0;
    LPWSTR blank = wcschr(line, ' ');
    if (line[0] == '#' || !blank || blank - line != 5)
        return;
    *blank = 0;
    if (!load(line, blank + 1, 0))
        NKDbgPrintfW(L"device: cannot load %s: error %u\r\n", blank + 1, GetLastError());
}

static void load_built_in(void)
{
    DWORD count = 0;
    HANDLE file = CreateFileW(L"\\Windows\\drivers.txt", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return;
    DWORD size = GetFileSize(file, NULL);
    char *bytes = LocalAlloc(LMEM_ZEROINIT, size + 1);
    if (bytes)
        ReadFile(file, bytes, size, &count, NULL);
    CloseHandle(file);
    for (char *line = bytes, *end; line && *line; line = end) {
        for (end = line; *end && *end != '\n' && *end != '\r'; end++)
            continue;
        while (*end == '\n' || *end == '\r')
            *end++ = 0;
        load_line(line);
    }
    LocalFree(bytes);
}

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    InitializeCriticalSection(&lock);
    handle_set = CreateAPISet("DEVH", COUNT_HT_FILE, handle_methods, handle_signatures);
    RegisterAPISet(handle_set, SET_HT_FILE | 0x80000000u);
    RegisterAPISet(CreateAPISet("DEVM", COUNT_DEVMGR_APIS, methods, signatures), SET_DEVMGR_APIS);
    load_built_in();
    for (;;)
        Sleep(INFINITE);
}

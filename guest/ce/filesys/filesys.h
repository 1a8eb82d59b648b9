/* filesys.exe: files of ROM and of the object store, searches, the list of programs to start. */
#ifndef FILESYS_H
#define FILESYS_H

#include "ce.h"
#include "api_calls.h"

/* The kernel keeps the bytes of the object store and shows the files of ROM: set 3. */
LONG StoreOpen(LPCWSTR name, DWORD access, DWORD disposition, DWORD attributes);
BOOL StoreClose(LONG file);
LONG StoreRead(LONG file, LPVOID buffer, DWORD size, DWORD offset);
LONG StoreWrite(LONG file, LPCVOID buffer, DWORD size, DWORD offset);
DWORD StoreGetSize(LONG file);
BOOL StoreSetSize(LONG file, DWORD size);
BOOL StoreDelete(LPCWSTR name);
BOOL StoreCreateDirectory(LPCWSTR name);
BOOL StoreRemoveDirectory(LPCWSTR name);
BOOL StoreMove(LPCWSTR from, LPCWSTR to);
DWORD StoreGetAttributes(LPCWSTR name);
BOOL StoreSetAttributes(LPCWSTR name, DWORD attributes);
BOOL StoreFind(LPCWSTR pattern, DWORD index, WIN32_FIND_DATAW *found);
HANDLE OpenDevice(LPCWSTR name, DWORD access, DWORD share);

/* An open file: what a handle of the set HT_FILE stands for. The kernel looks at its first word when the file is
 * mapped. */
struct open_file {
    LONG store;
    DWORD place, access;
};

/* A search: the pattern and how many entries were given. */
struct search {
    DWORD next;
    WCHAR pattern[260];
};

extern HANDLE file_set, search_set;
/* Methods of the registry at their numbers in the set FILESYS_APIS. */
extern const PFNVOID registry_methods[COUNT_FILESYS_APIS];

void register_files(void);
void register_names(void);
void start_registry(void);
/* Handles of keys of a process that ended. */
void close_keys_of(HANDLE process);
void launch(void);

#endif

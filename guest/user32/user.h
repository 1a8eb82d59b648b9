/* What the files of user32 share. */
#ifndef USER_H
#define USER_H

#include "rtl.h"

int __cdecl _vsnprintf(char *, size_t, const char *, va_list);
int __cdecl _vsnwprintf(wchar_t *, size_t, const wchar_t *, va_list);

/* A narrow text as a wide one on the heap; NULL for NULL or without memory. */
PWSTR UserWide(LPCSTR text);
void UserRelease(PVOID memory);
/* FALSE, with a last error. */
BOOL UserFail(ULONG error);

#endif

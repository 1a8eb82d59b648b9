/* What the files of psapi share. */
#ifndef PS_H
#define PS_H

#include "../modules/modules.h"

#define PSAPI_VERSION 1 /* the functions under their own names */
#include <psapi.h>

/* Whether the status is a success; if not, the last error says which Win32 error it is. */
BOOL PsCheck(NTSTATUS status);
/* FALSE, with a last error. */
BOOL PsFail(NTSTATUS status);
/* A wide text into a narrow buffer, cut to fit; the characters without the zero. */
DWORD PsNarrow(PCWSTR text, LPSTR buffer, DWORD size);

#endif

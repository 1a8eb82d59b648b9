/* What the files of advapi32 share. */
#ifndef ADVAPI_H
#define ADVAPI_H

#include "security.h"

/* Whether the status is a success; if not, the last error says which Win32 error it is. */
BOOL AdvapiCheck(NTSTATUS status);
/* FALSE, with a last error. */
BOOL AdvapiFail(ULONG error);

#endif

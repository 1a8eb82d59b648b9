/* Where LoadLibrary looks. */
#ifndef MODULE_SEARCH_H
#define MODULE_SEARCH_H

#include "base.h"

/* The directories for a module, on the heap; NULL for the usual ones. */
PWSTR BaseDllSearchList(PCWSTR name, DWORD flags);

#endif

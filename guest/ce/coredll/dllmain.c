/* The entry point of coredll: every process and thread passes it first. */
#include "ce.h"

BOOL DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        return GetProcessHeap() != NULL;
    return TRUE;
}

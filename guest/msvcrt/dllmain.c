/* The DLL's entry point: what must stand before the first call, and what every thread takes and gives back. */
#include "crt.h"

enum { PROCESS_DETACH, PROCESS_ATTACH, THREAD_ATTACH, THREAD_DETACH };

BOOL WINAPI DllMain(void *module, DWORD reason, void *reserved)
{
    (void)module;
    (void)reserved;
    if (reason == PROCESS_ATTACH) {
        if (!crt_heap_start())
            return 0;
        crt_locks_start();
        if (!crt_threads_start())
            return 0;
        crt_time_start();
        crt_files_start();
        crt_streams_start();
        crt_environment_start();
    } else if (reason == THREAD_DETACH) {
        crt_thread_end();
    } else if (reason == PROCESS_DETACH) {
        crt_streams_end();
    }
    return 1;
}

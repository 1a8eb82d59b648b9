/* Recovery after a stack overflow: the guard page below the stack is set up again. */
#include "crt.h"

enum { COMMITTED = 0x1000, READ_WRITE = 4, GUARD = 0x100, PAGE = 0x1000 };

/* The lowest page of the stack that is committed, with its region; null if it cannot be found. The first page of the
 * reservation does not count: it is never part of the stack. */
static char *lowest_committed(const char *inside, MEMORY_BASIC_INFORMATION *region)
{
    char *place;
    if (!VirtualQuery(inside, region, sizeof *region))
        return 0;
    for (place = (char *)region->allocation + PAGE; place < inside; place = (char *)region->base + region->size) {
        if (!VirtualQuery(place, region, sizeof *region))
            return 0;
        if (region->state == COMMITTED)
            return place;
    }
    return 0;
}

/* To be called when the handler of the overflow has unwound the stack. Returns 0 if the stack in use still reaches down
 * to the page that must become the guard. */
int _resetstkoflw(void)
{
    MEMORY_BASIC_INFORMATION region;
    DWORD old;
    char *here = __builtin_frame_address(0), *lowest = lowest_committed(here, &region);
    if (!lowest)
        return 0;
    if (region.protection & GUARD)
        return 1;
    if (lowest + 2 * PAGE > here || !VirtualProtect(lowest, PAGE, READ_WRITE | GUARD, &old))
        return 0;
    /* The thread's block says where the usable stack ends; the system goes by it when the guard is hit. */
    __asm__ volatile("movl %0, %%fs:8" : : "r"(lowest + PAGE));
    return 1;
}

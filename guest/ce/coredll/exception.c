/* Structured exceptions on x86: the chain at fs:[0], handlers called from its front, unwinding, and the handler that
 * compilers of Microsoft name in each function's entry (_except_handler3). */
#include "ce.h"

#define END ((struct registration *)-1)

enum disposition CoreCallHandler(EXCEPTION_RECORD *record, struct registration *frame, CONTEXT *context);
int CoreCallFilter(LPVOID filter, LPVOID frame_pointer);
void CoreCallFinally(LPVOID handler, LPVOID frame_pointer);
void CoreEnterHandler(LPVOID handler, LPVOID frame_pointer) __attribute__((noreturn));

static struct registration *chain(void)
{
    struct registration *first;
    __asm__ volatile("movl %%fs:0, %0" : "=r"(first));
    return first;
}

static void set_chain(struct registration *first)
{
    __asm__ volatile("movl %0, %%fs:0" : : "r"(first) : "memory");
}

/* The kernel calls this for every exception of a thread: TRUE when a handler wants to go on with the context, which it
 * may have changed; FALSE when nobody handled it. */
BOOL RtlDispatchException(EXCEPTION_RECORD *record, CONTEXT *context)
{
    for (struct registration *frame = chain(); frame != END && frame; frame = frame->next) {
        if ((DWORD)frame & 3)
            return FALSE;
        if (CoreCallHandler(record, frame, context) == ExceptionContinueExecution)
            return !(record->ExceptionFlags & EXCEPTION_NONCONTINUABLE);
    }
    return FALSE;
}

/* Calls every handler in front of the target once more, to clean up, and takes it out of the chain. */
void CoreUnwind(struct registration *target, EXCEPTION_RECORD *given)
{
    EXCEPTION_RECORD own = {0xc0000027, EXCEPTION_UNWINDING, NULL, NULL, 0, {0}};
    EXCEPTION_RECORD *record = given ? given : &own;
    CONTEXT context;
    memset(&context, 0, sizeof context);
    record->ExceptionFlags |= EXCEPTION_UNWINDING | (target ? 0 : EXCEPTION_EXIT_UNWIND);
    for (struct registration *frame = chain(); frame != END && frame && frame != target; frame = chain()) {
        CoreCallHandler(record, frame, &context);
        set_chain(frame->next);
    }
}

void RtlUnwind(struct registration *target, LPVOID ip, EXCEPTION_RECORD *record, DWORD result)
{
    (void)ip;
    (void)result;
    CoreUnwind(target, record);
}

/* A function's table: for each level the level around it, its filter (none: it is a __finally) and its handler. */
struct scope {
    LONG previous;
    LPVOID filter, handler;
};

/* What a function puts into the chain; EBP is where the frame pointer of its code points. */
struct function_frame {
    struct registration registration;
    struct scope *table;
    LONG level;
    DWORD frame_pointer;
};

struct pointers {
    EXCEPTION_RECORD *record;
    CONTEXT *context;
};

static void unwind_levels(struct function_frame *frame, LONG until)
{
    while (frame->level != -1 && frame->level != until) {
        struct scope *scope = &frame->table[frame->level];
        frame->level = scope->previous;
        if (!scope->filter)
            CoreCallFinally(scope->handler, &frame->frame_pointer);
    }
}

enum disposition _except_handler3(EXCEPTION_RECORD *record, struct registration *registration, CONTEXT *context,
                                  void *dispatcher)
{
    struct function_frame *frame = (struct function_frame *)registration;
    struct pointers pointers = {record, context};
    (void)dispatcher;
    if (record->ExceptionFlags & (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND)) {
        unwind_levels(frame, -1);
        return ExceptionContinueSearch;
    }
    /* GetExceptionInformation() reads the word before the entry. */
    ((struct pointers **)registration)[-1] = &pointers;
    for (LONG level = frame->level; level != -1; level = frame->table[level].previous) {
        struct scope *scope = &frame->table[level];
        if (!scope->filter)
            continue;
        int answer = CoreCallFilter(scope->filter, &frame->frame_pointer);
        if (answer < 0)
            return ExceptionContinueExecution;
        if (answer > 0) {
            CoreUnwind(registration, NULL);
            unwind_levels(frame, level);
            frame->level = scope->previous;
            CoreEnterHandler(scope->handler, &frame->frame_pointer);
        }
    }
    return ExceptionContinueSearch;
}

/* A read or write that faults is answered here: probes of IsBadReadPtr. */
struct probe {
    struct registration registration;
    DWORD good, stack; /* where to go on, and with which stack */
};

static enum disposition probe_handler(EXCEPTION_RECORD *record, struct registration *registration, CONTEXT *context, void *d)
{
    struct probe *probe = (struct probe *)registration;
    (void)d;
    if (record->ExceptionFlags & EXCEPTION_UNWINDING)
        return ExceptionContinueSearch;
    context->Eip = probe->good;
    context->Esp = probe->stack;
    context->Eax = 1;
    return ExceptionContinueExecution;
}

/* Whether one access to a byte faults. */
BOOL CoreProbe(volatile BYTE *byte, BOOL is_write, struct probe *probe);

static BOOL is_bad(const BYTE *first, DWORD size, BOOL is_write)
{
    struct probe probe;
    if (size == 0)
        return FALSE;
    const BYTE *last = first + size - 1;
    if (last < first)
        return TRUE;
    probe.registration.next = chain();
    probe.registration.handler = probe_handler;
    BOOL bad = FALSE;
    for (const BYTE *at = first; !bad; at = (const BYTE *)(((DWORD)at | 0xfff) + 1)) {
        bad = CoreProbe((volatile BYTE *)at, is_write, &probe);
        if ((DWORD)at >> 12 == (DWORD)last >> 12)
            break;
    }
    return bad;
}

BOOL IsBadReadPtr(LPCVOID pointer, DWORD size)
{
    return is_bad(pointer, size, FALSE);
}

BOOL IsBadWritePtr(LPVOID pointer, DWORD size)
{
    return is_bad(pointer, size, TRUE);
}

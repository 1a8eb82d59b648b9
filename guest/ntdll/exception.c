/* Structured exceptions on x86: the chain at fs:[0], asked in two passes, and vectored handlers before it. */

#include "ntdll.h"

typedef EXCEPTION_DISPOSITION(__cdecl *Handler)(PEXCEPTION_RECORD, PVOID frame, PCONTEXT, PVOID dispatcher);

typedef struct _REGISTRATION {
    struct _REGISTRATION *Next;
    Handler Handler;
} REGISTRATION, *PREGISTRATION;

/* What RtlpExecuteHandler builds around a handler's call: the frame that was being asked comes behind. */
typedef struct _GUARD {
    REGISTRATION Registration;
    PREGISTRATION Establisher;
} GUARD;

#define CHAIN_END ((PREGISTRATION)-1)

EXCEPTION_DISPOSITION __cdecl RtlpExecuteHandler(PEXCEPTION_RECORD, PREGISTRATION, PCONTEXT, PREGISTRATION *, Handler,
                                                 Handler guard) __asm__("_RtlpExecuteHandler");

static PREGISTRATION Chain(void) { return (PREGISTRATION)CurrentTeb()->NtTib.ExceptionList; }

static EXCEPTION_DISPOSITION __cdecl DispatchGuard(PEXCEPTION_RECORD record, PVOID frame, PCONTEXT context,
                                                   PVOID dispatcher)
{
    (void)context;
    if (record->ExceptionFlags & EXCEPTION_UNWIND)
        return ExceptionContinueSearch;
    *(PREGISTRATION *)dispatcher = ((GUARD *)frame)->Establisher;
    return ExceptionNestedException;
}

static EXCEPTION_DISPOSITION __cdecl UnwindGuard(PEXCEPTION_RECORD record, PVOID frame, PCONTEXT context,
                                                 PVOID dispatcher)
{
    (void)context;
    if (!(record->ExceptionFlags & EXCEPTION_UNWIND))
        return ExceptionContinueSearch;
    *(PREGISTRATION *)dispatcher = ((GUARD *)frame)->Establisher;
    return ExceptionCollidedUnwind;
}

static BOOL LiesOnStack(PREGISTRATION frame)
{
    PTEB teb = CurrentTeb();
    return ((ULONG_PTR)frame & 3) == 0 && (PVOID)frame >= teb->NtTib.StackLimit &&
           (PVOID)(frame + 1) <= teb->NtTib.StackBase;
}

static BOOL HandlerIsCode(PREGISTRATION frame)
{
    PTEB teb = CurrentTeb();
    PVOID handler = (PVOID)frame->Handler;
    return handler < teb->NtTib.StackLimit || handler >= teb->NtTib.StackBase;
}

static void RaiseAbout(PEXCEPTION_RECORD record, NTSTATUS code)
{
    EXCEPTION_RECORD raised = {.ExceptionCode = code, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};
    raised.ExceptionRecord = record;
    RtlRaiseException(&raised);
}

BOOLEAN NTAPI RtlDispatchException(PEXCEPTION_RECORD record, PCONTEXT context)
{
    LdrpReportIfMissing(record, context);
    if (RtlpCallVectoredHandlers(record, context))
        return TRUE;
    PREGISTRATION nested = NULL;
    for (PREGISTRATION frame = Chain(); frame != CHAIN_END; frame = frame->Next) {
        PREGISTRATION dispatcher = NULL;
        if (!LiesOnStack(frame) || !HandlerIsCode(frame)) {
            record->ExceptionFlags |= EXCEPTION_STACK_INVALID;
            return FALSE;
        }
        EXCEPTION_DISPOSITION answer =
            RtlpExecuteHandler(record, frame, context, &dispatcher, frame->Handler, DispatchGuard);
        if (frame == nested) {
            record->ExceptionFlags &= ~EXCEPTION_NESTED_CALL;
            nested = NULL;
        }
        if (answer == ExceptionContinueExecution && !(record->ExceptionFlags & EXCEPTION_NONCONTINUABLE))
            return TRUE;
        if (answer == ExceptionContinueExecution)
            RaiseAbout(record, STATUS_NONCONTINUABLE_EXCEPTION);
        if (answer == ExceptionNestedException) {
            record->ExceptionFlags |= EXCEPTION_NESTED_CALL;
            nested = max(nested, dispatcher);
        } else if (answer != ExceptionContinueSearch) {
            RaiseAbout(record, STATUS_INVALID_DISPOSITION);
        }
    }
    return FALSE;
}

static void Pop(PREGISTRATION frame) { CurrentTeb()->NtTib.ExceptionList = (PVOID)frame->Next; }

/* Calls every handler up to the target for its cleanup and takes it off the chain; then simply returns, so that the
   caller goes on behind its call with all its registers, and with the value in eax. */
static PVOID __attribute__((noinline)) Unwind(PREGISTRATION target, PEXCEPTION_RECORD record, PCONTEXT context,
                                              PVOID value)
{
    for (PREGISTRATION frame = Chain(); frame != CHAIN_END && frame != target; frame = Chain()) {
        PREGISTRATION dispatcher = frame;
        if (target != NULL && frame > target)
            RaiseAbout(record, STATUS_INVALID_UNWIND_TARGET);
        if (!LiesOnStack(frame))
            RaiseAbout(record, STATUS_BAD_STACK);
        EXCEPTION_DISPOSITION answer =
            RtlpExecuteHandler(record, frame, context, &dispatcher, frame->Handler, UnwindGuard);
        if (answer == ExceptionCollidedUnwind)
            frame = dispatcher;
        else if (answer != ExceptionContinueSearch)
            RaiseAbout(record, STATUS_INVALID_DISPOSITION);
        Pop(frame);
    }
    return value;
}

/* TargetIp is not used on x86: unwinding ends where the call returns to. Declared with a result here, because the value
   reaches the caller in eax. */
PVOID NTAPI RtlUnwindWithValue(PVOID target, PVOID ip, PEXCEPTION_RECORD record, PVOID value) __asm__("_RtlUnwind@16");
PVOID NTAPI RtlUnwindWithValue(PVOID target, PVOID ip, PEXCEPTION_RECORD record, PVOID value)
{
    EXCEPTION_RECORD own = {.ExceptionCode = STATUS_UNWIND};
    CONTEXT context;
    (void)ip;
    if (record == NULL) {
        own.ExceptionAddress = __builtin_return_address(0);
        record = &own;
    }
    record->ExceptionFlags |= EXCEPTION_UNWINDING | (target == NULL ? EXCEPTION_EXIT_UNWIND : 0);
    RtlCaptureContext(&context);
    context.Eax = (ULONG_PTR)value;
    return Unwind(target, record, &context, value);
}

VOID NTAPI RtlRaiseStatus(NTSTATUS status)
{
    EXCEPTION_RECORD record = {.ExceptionCode = status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};
    RtlRaiseException(&record);
}

typedef struct _VECTORED {
    LIST_ENTRY Links;
    PVECTORED_EXCEPTION_HANDLER Handler;
} VECTORED, *PVECTORED;

static LIST_ENTRY Vectored = {&Vectored, &Vectored};

/* The handlers change while the loader's lock is held; they are called without it. */
static PRTL_CRITICAL_SECTION VectoredLock(void) { return &LdrpLoaderLock; }

PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
    PVECTORED entry = Allocate(sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->Handler = handler;
    RtlEnterCriticalSection(VectoredLock());
    ListInsertBefore(first ? Vectored.Flink : &Vectored, &entry->Links);
    RtlLeaveCriticalSection(VectoredLock());
    return entry;
}

ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID handle)
{
    BOOL is_found = FALSE;
    RtlEnterCriticalSection(VectoredLock());
    for (PLIST_ENTRY at = Vectored.Flink; at != &Vectored && !is_found; at = at->Flink)
        is_found = at == handle;
    if (is_found)
        ListRemove(handle);
    RtlLeaveCriticalSection(VectoredLock());
    if (is_found)
        Release(handle);
    return is_found;
}

BOOLEAN RtlpCallVectoredHandlers(PEXCEPTION_RECORD record, PCONTEXT context)
{
    EXCEPTION_POINTERS pointers = {record, context};
    PLIST_ENTRY at = Vectored.Flink;
    while (at != &Vectored) {
        PLIST_ENTRY next = at->Flink;
        if (CONTAINING_RECORD(at, VECTORED, Links)->Handler(&pointers) == EXCEPTION_CONTINUE_EXECUTION)
            return TRUE;
        at = next;
    }
    return FALSE;
}

static PTOP_LEVEL_EXCEPTION_FILTER UnhandledFilter;

VOID NTAPI RtlSetUnhandledExceptionFilter(PTOP_LEVEL_EXCEPTION_FILTER filter) { UnhandledFilter = filter; }

LONG RtlpCallUnhandledFilter(PEXCEPTION_RECORD record, PCONTEXT context)
{
    EXCEPTION_POINTERS pointers = {record, context};
    return UnhandledFilter != NULL ? UnhandledFilter(&pointers) : EXCEPTION_CONTINUE_SEARCH;
}

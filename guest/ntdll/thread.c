/* How threads start, are made, and end. */

#include "ntdll.h"

static EXCEPTION_DISPOSITION __cdecl LastHandler(PEXCEPTION_RECORD record, PVOID frame, PCONTEXT context,
                                                 PVOID dispatcher)
{
    (void)frame, (void)dispatcher;
    if (record->ExceptionFlags & (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND))
        return ExceptionContinueSearch;
    switch (RtlpCallUnhandledFilter(record, context)) {
    case EXCEPTION_CONTINUE_EXECUTION:
        return ExceptionContinueExecution;
    case EXCEPTION_EXECUTE_HANDLER:
        NtTerminateProcess(NtCurrentProcess(), record->ExceptionCode);
        /* fall through */
    default:
        return ExceptionContinueSearch;
    }
}

/* The bottom of every thread: a frame on the chain, the thread's function, the end. */
VOID NTAPI RtlpRunThread(PUSER_THREAD_START_ROUTINE start, PVOID argument)
{
    struct {
        PVOID Next, Handler;
    } volatile registration = {CurrentTeb()->NtTib.ExceptionList, (PVOID)LastHandler};
    CurrentTeb()->NtTib.ExceptionList = (PVOID)&registration;
    RtlExitUserThread(start(argument));
}

VOID NTAPI RtlExitUserThread(NTSTATUS status)
{
    ULONG is_last = 0;
    NtQueryInformationThread(NtCurrentThread(), ThreadAmILastThread, &is_last, sizeof is_last, NULL);
    if (is_last)
        RtlExitUserProcess(status);
    LdrShutdownThread();
    CurrentTeb()->FreeStackOnTermination = TRUE;
    NtTerminateThread(NULL, status);
    for (;;)
        NtTerminateThread(NtCurrentThread(), status);
}

/* The other threads end while none of them is inside the heap or the parameters, which the modules' ends still need. */
VOID NTAPI RtlExitUserProcess(NTSTATUS status)
{
    RtlAcquirePebLock();
    RtlLockHeap(CurrentPeb()->ProcessHeap);
    NtTerminateProcess(NULL, status);
    RtlUnlockHeap(CurrentPeb()->ProcessHeap);
    RtlReleasePebLock();
    LdrShutdownProcess();
    for (;;)
        NtTerminateProcess(NtCurrentProcess(), status);
}

static SIZE_T RoundUp(SIZE_T size, SIZE_T unit) { return (size + unit - 1) & ~(unit - 1); }

/* A reservation with pages at its top committed and a guard page below them. Sizes of 0 mean those of the program. */
NTSTATUS NTAPI RtlCreateUserStack(SIZE_T commit, SIZE_T reserve, ULONG zero_bits, SIZE_T page, SIZE_T granularity,
                                  PINITIAL_TEB out)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(CurrentPeb()->ImageBaseAddress);
    (void)zero_bits;
    if (reserve == 0)
        reserve = headers->OptionalHeader.SizeOfStackReserve;
    if (commit == 0)
        commit = headers->OptionalHeader.SizeOfStackCommit;
    commit = RoundUp(max(commit, (SIZE_T)1), page);
    if (commit >= reserve)
        reserve = RoundUp(commit, 0x100000);
    reserve = RoundUp(reserve, granularity);
    PVOID base = NULL;
    NTSTATUS status = NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &reserve, MEM_RESERVE, PAGE_READWRITE);
    if (!NT_SUCCESS(status))
        return status;
    BOOL has_guard = reserve > commit + page;
    SIZE_T size = commit + (has_guard ? page : 0);
    PVOID start = (PCHAR)base + reserve - size;
    out->OldStackBase = out->OldStackLimit = NULL;
    out->StackAllocationBase = base;
    out->StackBase = (PCHAR)base + reserve;
    out->StackLimit = (PCHAR)base + reserve - commit;
    status = NtAllocateVirtualMemory(NtCurrentProcess(), &start, 0, &size, MEM_COMMIT, PAGE_READWRITE);
    ULONG old;
    if (NT_SUCCESS(status) && has_guard) {
        size = page;
        status = NtProtectVirtualMemory(NtCurrentProcess(), &start, &size, PAGE_READWRITE | PAGE_GUARD, &old);
    }
    if (!NT_SUCCESS(status)) {
        reserve = 0;
        NtFreeVirtualMemory(NtCurrentProcess(), &base, &reserve, MEM_RELEASE);
    }
    return status;
}

/* The user selectors of NT, an EFLAGS with interrupts on; RtlUserThreadStart takes eax and ebx. */
static void StartContext(PCONTEXT context, PVOID start, PVOID argument, PVOID stack)
{
    memset(context, 0, sizeof *context);
    context->ContextFlags = CONTEXT_FULL;
    context->SegCs = 0x1b;
    context->SegDs = context->SegEs = context->SegSs = 0x23;
    context->SegFs = 0x3b;
    context->EFlags = 0x202;
    context->Eax = (ULONG_PTR)start;
    context->Ebx = (ULONG_PTR)argument;
    context->Eip = (ULONG_PTR)RtlUserThreadStart;
    context->Esp = (ULONG_PTR)stack - 4 * sizeof(ULONG);
}

NTSTATUS NTAPI RtlCreateUserThread(HANDLE process, PVOID security, BOOLEAN suspended, ULONG zero_bits, SIZE_T reserve,
                                   SIZE_T commit, PVOID start, PVOID argument, PHANDLE thread, PCLIENT_ID id)
{
    INITIAL_TEB stack;
    CONTEXT context;
    CLIENT_ID own_id;
    HANDLE own_thread;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .SecurityDescriptor = security};
    if (process != NtCurrentProcess())
        return STATUS_NOT_IMPLEMENTED;
    NTSTATUS status = RtlCreateUserStack(commit, reserve, zero_bits, PAGE_SIZE, ALLOCATION_UNIT, &stack);
    if (!NT_SUCCESS(status))
        return status;
    StartContext(&context, start, argument, stack.StackBase);
    status = NtCreateThread(&own_thread, THREAD_ALL_ACCESS, &attributes, process, id != NULL ? id : &own_id, &context,
                            &stack, suspended);
    if (!NT_SUCCESS(status)) {
        SIZE_T size = 0;
        NtFreeVirtualMemory(NtCurrentProcess(), &stack.StackAllocationBase, &size, MEM_RELEASE);
        return status;
    }
    if (thread != NULL)
        *thread = own_thread;
    else
        NtClose(own_thread);
    return status;
}

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

/* The bottom of every thread and fiber: a frame on the chain, the function, the end. */
VOID NTAPI RtlRunThread(PUSER_THREAD_START_ROUTINE start, PVOID argument)
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

/* A reservation with pages at its top committed and a guard page below them. */
NTSTATUS RtlpCreateStack(HANDLE process, SIZE_T commit, SIZE_T reserve, PINITIAL_TEB out)
{
    ULONG old;
    commit = RoundUp(max(commit, (SIZE_T)1), PAGE_SIZE);
    if (commit >= reserve)
        reserve = RoundUp(commit, 0x100000);
    reserve = RoundUp(reserve, ALLOCATION_UNIT);
    PVOID base = NULL;
    NTSTATUS status = NtAllocateVirtualMemory(process, &base, 0, &reserve, MEM_RESERVE, PAGE_READWRITE);
    if (!NT_SUCCESS(status))
        return status;
    BOOL has_guard = reserve > commit + PAGE_SIZE;
    SIZE_T size = commit + (has_guard ? PAGE_SIZE : 0);
    PVOID start = (PCHAR)base + reserve - size;
    *out = (INITIAL_TEB){NULL, NULL, (PCHAR)base + reserve, (PCHAR)base + reserve - commit, base};
    status = NtAllocateVirtualMemory(process, &start, 0, &size, MEM_COMMIT, PAGE_READWRITE);
    if (NT_SUCCESS(status) && has_guard) {
        size = PAGE_SIZE;
        status = NtProtectVirtualMemory(process, &start, &size, PAGE_READWRITE | PAGE_GUARD, &old);
    }
    if (!NT_SUCCESS(status)) {
        reserve = 0;
        NtFreeVirtualMemory(process, &base, &reserve, MEM_RELEASE);
    }
    return status;
}

/* Sizes of 0 mean those of the program. Both units are the machine's. */
NTSTATUS NTAPI RtlCreateUserStack(SIZE_T commit, SIZE_T reserve, ULONG zero_bits, SIZE_T page, SIZE_T granularity,
                                  PINITIAL_TEB out)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(CurrentPeb()->ImageBaseAddress);
    (void)zero_bits, (void)page, (void)granularity;
    if (reserve == 0)
        reserve = headers->OptionalHeader.SizeOfStackReserve;
    if (commit == 0)
        commit = headers->OptionalHeader.SizeOfStackCommit;
    return RtlpCreateStack(NtCurrentProcess(), commit, reserve, out);
}

/* The user selectors of NT, an EFLAGS with interrupts on; RtlUserThreadStart takes eax and ebx. It lies at the same
   address in every process, since ntdll does. */
void RtlpStartContext(PCONTEXT context, PVOID start, PVOID argument, PVOID stack)
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

/* Sizes that are 0 are those of the caller's program: XP asks its own image, too. */
NTSTATUS NTAPI RtlCreateUserThread(HANDLE process, PVOID security, BOOLEAN suspended, ULONG zero_bits, SIZE_T reserve,
                                   SIZE_T commit, PVOID start, PVOID argument, PHANDLE thread, PCLIENT_ID id)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(CurrentPeb()->ImageBaseAddress);
    INITIAL_TEB stack;
    CONTEXT context;
    CLIENT_ID own_id;
    HANDLE own_thread;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .SecurityDescriptor = security};
    (void)zero_bits;
    NTSTATUS status = RtlpCreateStack(process, commit != 0 ? commit : headers->OptionalHeader.SizeOfStackCommit,
                                      reserve != 0 ? reserve : headers->OptionalHeader.SizeOfStackReserve, &stack);
    if (!NT_SUCCESS(status))
        return status;
    RtlpStartContext(&context, start, argument, stack.StackBase);
    status = NtCreateThread(&own_thread, THREAD_ALL_ACCESS, &attributes, process, id != NULL ? id : &own_id, &context,
                            &stack, suspended);
    if (!NT_SUCCESS(status)) {
        SIZE_T size = 0;
        NtFreeVirtualMemory(process, &stack.StackAllocationBase, &size, MEM_RELEASE);
        return status;
    }
    if (thread != NULL)
        *thread = own_thread;
    else
        NtClose(own_thread);
    return status;
}

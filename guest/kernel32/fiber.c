/* Fibers: stacks that a thread switches between by itself. */

#include "base.h"

typedef struct {
    PVOID FiberData, ExceptionList, StackBase, StackLimit, DeallocationStack;
    CONTEXT FiberContext;
} FIBER, *PFIBER;
OFFSET_IS(FIBER, FiberContext, 0x14);

#define USUAL_CONTROL_WORD 0x27f
#define USUAL_MXCSR 0x1f80
#define MXCSR_PLACE 0x18

VOID WINAPI BaseFiberStart(VOID);

/* A fiber's function that returns ends the thread; a handler of last resort is below it, as below a thread's. */
VOID WINAPI BaseRunFiber(LPFIBER_START_ROUTINE start, LPVOID value)
{
    RtlRunThread((PUSER_THREAD_START_ROUTINE)(PVOID)start, value);
}

static PFIBER NewFiber(LPVOID value, DWORD flags)
{
    PFIBER fiber = RtlAllocateHeap(CurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, sizeof *fiber);
    if (flags & (DWORD)~FIBER_FLAG_FLOAT_SWITCH || fiber == NULL) {
        BaseRelease(fiber);
        BaseFail(fiber == NULL ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER);
        return NULL;
    }
    fiber->FiberData = value;
    fiber->FiberContext.ContextFlags = CONTEXT_FULL | (flags & FIBER_FLAG_FLOAT_SWITCH ? CONTEXT_FLOATING_POINT : 0);
    fiber->FiberContext.FloatSave.ControlWord = USUAL_CONTROL_WORD;
    memcpy(fiber->FiberContext.ExtendedRegisters + MXCSR_PLACE, &(DWORD){USUAL_MXCSR}, sizeof(DWORD));
    return fiber;
}

BOOL WINAPI IsThreadAFiber(VOID) { return CurrentTeb()->HasFiberData; }

LPVOID WINAPI ConvertThreadToFiberEx(LPVOID value, DWORD flags)
{
    PTEB teb = CurrentTeb();
    if (teb->HasFiberData) {
        BaseFail(ERROR_ALREADY_FIBER);
        return NULL;
    }
    PFIBER fiber = NewFiber(value, flags);
    if (fiber == NULL)
        return NULL;
    fiber->StackBase = teb->NtTib.StackBase;
    fiber->StackLimit = teb->NtTib.StackLimit;
    fiber->DeallocationStack = teb->DeallocationStack;
    fiber->ExceptionList = (PVOID)teb->NtTib.ExceptionList;
    teb->NtTib.FiberData = fiber;
    teb->HasFiberData = TRUE;
    return fiber;
}

LPVOID WINAPI ConvertThreadToFiber(LPVOID value) { return ConvertThreadToFiberEx(value, 0); }

BOOL WINAPI ConvertFiberToThread(VOID)
{
    PTEB teb = CurrentTeb();
    if (!teb->HasFiberData)
        return BaseFail(ERROR_ALREADY_THREAD);
    teb->HasFiberData = FALSE;
    BaseRelease(teb->NtTib.FiberData);
    teb->NtTib.FiberData = NULL;
    return TRUE;
}

LPVOID WINAPI CreateFiberEx(SIZE_T commit, SIZE_T reserve, DWORD flags, LPFIBER_START_ROUTINE start, LPVOID value)
{
    INITIAL_TEB stack;
    PFIBER fiber = NewFiber(value, flags);
    if (fiber == NULL)
        return NULL;
    if (!BaseCheck(RtlCreateUserStack(commit, reserve, 0, PAGE_SIZE, ALLOCATION_UNIT, &stack))) {
        BaseRelease(fiber);
        return NULL;
    }
    fiber->ExceptionList = (PVOID)-1;
    fiber->StackBase = stack.StackBase;
    fiber->StackLimit = stack.StackLimit;
    fiber->DeallocationStack = stack.StackAllocationBase;
    fiber->FiberContext.Eax = (ULONG_PTR)start;
    fiber->FiberContext.Eip = (ULONG_PTR)BaseFiberStart;
    fiber->FiberContext.Esp = (ULONG_PTR)stack.StackBase - 4 * sizeof(ULONG);
    return fiber;
}

LPVOID WINAPI CreateFiber(SIZE_T stack, LPFIBER_START_ROUTINE start, LPVOID value)
{
    return CreateFiberEx(stack, 0, 0, start, value);
}

/* The fiber that runs takes its thread with it. */
VOID WINAPI DeleteFiber(LPVOID memory)
{
    PFIBER fiber = memory;
    PTEB teb = CurrentTeb();
    SIZE_T size = 0;
    if (teb->HasFiberData && teb->NtTib.FiberData == fiber)
        ExitThread(1);
    NtFreeVirtualMemory(NtCurrentProcess(), &fiber->DeallocationStack, &size, MEM_RELEASE);
    BaseRelease(fiber);
}

/* Structured exception handling for compiled __try blocks: the handler they name, and unwinding.
 * The frame (public descriptions, e.g. M. Pietrek, Microsoft Systems Journal, January 1997): at ebp-16 the two words of
 * the registration, then a table of scopes {outer scope, filter, handler}, the current scope, and ebp; above them, at
 * ebp-20, the EXCEPTION_POINTERS that filters ask for, and at ebp-24 esp. */
#include "crt.h"

struct scope {
    int outer;
    int (*filter)(void); /* null: the handler is a __finally */
    void (*handler)(void);
};

struct frame {
    struct frame *next;
    void *handler;
    const struct scope *scopes;
    int current;
    uint32_t ebp;
};

enum { CONTINUE_EXECUTION, CONTINUE_SEARCH, UNWINDING = 2 | 4, OUTERMOST = -1 };

/* Filters and handlers are parts of the function that holds the __try: they run on its ebp. */
int crt_call_filter(int (*filter)(void), void *ebp);
void crt_enter_handler(void (*handler)(void), void *ebp) __attribute__((noreturn));
void _local_unwind2(struct frame *frame, int until);
void _global_unwind2(struct frame *frame);

__asm__(".text\n"
        ".globl _crt_call_filter\n"
        "_crt_call_filter:\n"
        "    pushl %ebp\n"
        "    pushl %ebx\n"
        "    pushl %esi\n"
        "    pushl %edi\n"
        "    movl 24(%esp), %ebp\n"
        "    call *20(%esp)\n"
        "    popl %edi\n"
        "    popl %esi\n"
        "    popl %ebx\n"
        "    popl %ebp\n"
        "    ret\n"
        /* An __except block loads esp from ebp-24 by itself, and never returns here. */
        ".globl _crt_enter_handler\n"
        "_crt_enter_handler:\n"
        "    movl 4(%esp), %eax\n"
        "    movl 8(%esp), %ebp\n"
        "    jmp *%eax\n"
        ".globl __global_unwind2\n"
        "__global_unwind2:\n"
        "    pushl %ebp\n"
        "    movl %esp, %ebp\n"
        "    pushl %ebx\n"
        "    pushl %esi\n"
        "    pushl %edi\n"
        "    pushl $0\n"
        "    pushl $0\n"
        "    pushl $1f\n"
        "    pushl 8(%ebp)\n"
        "    call *__imp__RtlUnwind@16\n"
        "1:  popl %edi\n"
        "    popl %esi\n"
        "    popl %ebx\n"
        "    popl %ebp\n"
        "    ret\n");

/* Runs the __finally blocks from the current scope outward, up to but not with `until`. */
void _local_unwind2(struct frame *frame, int until)
{
    while (frame->current != OUTERMOST && frame->current != until) {
        const struct scope *scope = &frame->scopes[frame->current];
        frame->current = scope->outer;
        if (!scope->filter) {
            struct thread_data *thread = crt_thread();
            void *outer = thread->unwinding;
            thread->unwinding = &frame->ebp;
            crt_call_filter((int (*)(void))(uintptr_t)scope->handler, &frame->ebp);
            thread->unwinding = outer;
        }
    }
}

/* A __finally block asks whether it runs because of an exception: it does if the unwinding called it. */
int crt_is_unwinding(void *ebp)
{
    return crt_thread()->unwinding == ebp;
}

__asm__(".globl __abnormal_termination\n"
        "__abnormal_termination:\n"
        "    pushl %ebp\n"
        "    call _crt_is_unwinding\n"
        "    addl $4, %esp\n"
        "    ret\n");

int _except_handler3(EXCEPTION_RECORD *record, struct frame *frame, void *context, void *dispatcher)
{
    EXCEPTION_POINTERS pointers = {record, context}, *place = &pointers;
    (void)dispatcher;
    __asm__("" : "+r"(place)); /* a filter reads what lies in this function's frame: the compiler need not know */
    if (record->flags & UNWINDING) {
        _local_unwind2(frame, OUTERMOST);
        return CONTINUE_SEARCH;
    }
    ((EXCEPTION_POINTERS **)frame)[-1] = place;
    for (int level = frame->current; level != OUTERMOST; level = frame->scopes[level].outer) {
        const struct scope *scope = &frame->scopes[level];
        int answer = scope->filter ? crt_call_filter(scope->filter, &frame->ebp) : 0;
        if (answer < 0)
            return CONTINUE_EXECUTION;
        if (answer > 0) {
            _global_unwind2(frame);
            _local_unwind2(frame, level);
            frame->current = scope->outer;
            crt_enter_handler(scope->handler, &frame->ebp);
        }
    }
    return CONTINUE_SEARCH;
}

/* The older form differs in who stores the pointers; the frame's part that is read here is the same. */
int _except_handler2(EXCEPTION_RECORD *record, struct frame *frame, void *context, void *dispatcher)
{
    return _except_handler3(record, frame, context, dispatcher);
}

/* What setjmp saves: the layout that compilers know. */
struct jump {
    uint32_t ebp, ebx, edi, esi, esp, eip;
    struct frame *registration;
    int scope;
    uint32_t cookie;
    void(WINAPI *unwind)(struct jump *);
    uint32_t data[6];
};
enum { JUMP_COOKIE = 0x56433230 };

/* _setjmp(jump) and _setjmp3(jump, count, unwind, scope, data...) */
__asm__(".globl __setjmp\n"
        "__setjmp:\n"
        "    movl 4(%esp), %edx\n"
        "    call crt_save_registers\n"
        "    movl $0, 32(%edx)\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        ".globl __setjmp3\n"
        "__setjmp3:\n"
        "    movl 4(%esp), %edx\n"
        "    call crt_save_registers\n"
        "    movl $0x56433230, 32(%edx)\n"
        "    movl $0, 36(%edx)\n"
        "    movl 8(%esp), %ecx\n"
        "    testl %ecx, %ecx\n"
        "    jz 3f\n"
        "    movl 12(%esp), %eax\n"
        "    movl %eax, 36(%edx)\n"
        "    decl %ecx\n"
        "    jz 3f\n"
        "    movl 16(%esp), %eax\n"
        "    movl %eax, 28(%edx)\n"
        "    decl %ecx\n"
        "    jz 3f\n"
        "    cmpl $6, %ecx\n"
        "    jbe 1f\n"
        "    movl $6, %ecx\n"
        "1:  movl 16(%esp,%ecx,4), %eax\n"
        "    movl %eax, 36(%edx,%ecx,4)\n"
        "    decl %ecx\n"
        "    jnz 1b\n"
        "3:  xorl %eax, %eax\n"
        "    ret\n"
        /* The caller's registers; esp as it is when setjmp's return address stands on top. */
        "crt_save_registers:\n"
        "    movl %ebp, (%edx)\n"
        "    movl %ebx, 4(%edx)\n"
        "    movl %edi, 8(%edx)\n"
        "    movl %esi, 12(%edx)\n"
        "    leal 4(%esp), %eax\n"
        "    movl %eax, 16(%edx)\n"
        "    movl 4(%esp), %eax\n"
        "    movl %eax, 20(%edx)\n"
        "    movl %fs:0, %eax\n"
        "    movl %eax, 24(%edx)\n"
        "    movl $-1, 28(%edx)\n"
        "    cmpl $-1, %eax\n"
        "    je 1f\n"
        "    movl 12(%eax), %eax\n"
        "    movl %eax, 28(%edx)\n"
        "1:  ret\n"
        ".globl _crt_jump\n"
        "_crt_jump:\n"
        "    movl 4(%esp), %edx\n"
        "    movl 8(%esp), %eax\n"
        "    movl (%edx), %ebp\n"
        "    movl 4(%edx), %ebx\n"
        "    movl 8(%edx), %edi\n"
        "    movl 12(%edx), %esi\n"
        "    movl 16(%edx), %esp\n"
        "    addl $4, %esp\n"
        "    jmp *20(%edx)\n");

void crt_jump(struct jump *jump, int value) __attribute__((noreturn));

/* Leaves all frames in between, so that their __finally blocks run; then the scopes of the frame it arrives in. */
void longjmp(struct jump *jump, int value)
{
    struct frame *top;
    __asm__("movl %%fs:0, %0" : "=r"(top));
    if (jump->registration != top)
        _global_unwind2(jump->registration);
    if (jump->registration != (struct frame *)-1) {
        if (jump->cookie == JUMP_COOKIE && jump->unwind)
            jump->unwind(jump);
    }
    crt_jump(jump, value ? value : 1);
}

/* What _setjmp3 is given as `unwind` by functions with __try blocks. */
void WINAPI _seh_longjmp_unwind(struct jump *jump)
{
    _local_unwind2(jump->registration, jump->scope);
}

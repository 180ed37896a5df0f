// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine/flow.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

/* What flow_swap() keeps on a stack that is left: what functions must leave as it was. */
struct kept {
    uint32_t mxcsr;
    uint16_t x87_control, unused;
    void *r15, *r14, *r13, *r12, *rbx, *rbp, *back;
};

enum { DEFAULT_MXCSR = 0x1f80, DEFAULT_X87 = 0x37f };

void flow_swap(void **from, void *to) __attribute__((visibility("hidden")));
void flow_begin(void) __attribute__((visibility("hidden")));

/* In the order of struct kept, from its end. */
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        ".globl flow_swap\n"
        ".hidden flow_swap\n"
        ".type flow_swap, @function\n"
        "flow_swap:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    sub $8, %rsp\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    add $8, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size flow_swap, . - flow_swap\n"
        ".globl flow_begin\n"
        ".hidden flow_begin\n"
        ".type flow_begin, @function\n"
        "flow_begin:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n" /* backtraces end here */
        "    mov %r13, %rdi\n"
        "    call *%r12\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size flow_begin, . - flow_begin\n"
        ".popsection\n");

void flow_make(struct flow *f, void *stack, size_t size, void (*fn)(void *arg), void *arg)
{
    uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
    const struct kept k = {.mxcsr = DEFAULT_MXCSR,
                           .x87_control = DEFAULT_X87,
                           .r12 = (void *)fn,
                           .r13 = arg,
                           .back = (void *)flow_begin};
    f->sp = (void *)(top - sizeof k); /* flow_begin starts with an aligned stack */
    memcpy(f->sp, &k, sizeof k);
}

void flow_switch(struct flow *from, struct flow *to)
{
    flow_swap(&from->sp, to->sp);
}

#else

/* makecontext passes ints. */
static void begin(unsigned low, unsigned high)
{
    struct flow *f = (void *)((uintptr_t)high << 16 << 16 | low);
    f->fn(f->arg);
}

void flow_make(struct flow *f, void *stack, size_t size, void (*fn)(void *arg), void *arg)
{
    f->fn = fn;
    f->arg = arg;
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = stack;
    f->context.uc_stack.ss_size = size;
    f->context.uc_link = NULL;
    makecontext(&f->context, (void (*)(void))begin, 2, (unsigned)(uintptr_t)f,
                (unsigned)((uintptr_t)f >> 16 >> 16));
}

void flow_switch(struct flow *from, struct flow *to)
{
    swapcontext(&from->context, &to->context);
}

#endif

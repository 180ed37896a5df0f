/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_FLOW_H
#define MACHINE_FLOW_H
/*
 * Flows of control with stacks of their own, on one host thread at a time, which may be another one
 * each time. As ucontext.h has them, but on x86-64 without its two system calls in each switch: the
 * signal mask is the host thread's. Compilers take thread-local variables, errno among them, to
 * stay where they are during a function: do not use them before and after a switch in one.
 */
#include <stddef.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

struct flow {
#if defined(__x86_64__)
    void *sp; /* registers lie there */
#else
    ucontext_t context;
    void (*fn)(void *arg);
    void *arg;
#endif
};

/* fn(arg) begins at the first switch to f; it must not return. The stack is the caller's. */
void flow_make(struct flow *f, void *stack, size_t size, void (*fn)(void *arg), void *arg);
/* Goes on with `to`; returns when somebody switches to `from`. */
void flow_switch(struct flow *from, struct flow *to);
#endif

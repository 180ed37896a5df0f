// SPDX-License-Identifier: GPL-2.0-or-later
/* Flows of control: what is theirs, and what is the host thread's. */
#include "machine/flow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fenv.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK = 64 << 10, ROUNDS = 1000 };

struct place {
    struct flow self, back;
    uint8_t *stack;
    uint64_t steps;
    void *arg_seen;
    bool aligned, on_stack;
    int rounding;
    long ran[2];
};

static void go_in(struct place *p)
{
    flow_switch(&p->back, &p->self);
}

static void make(struct place *p, void (*fn)(void *))
{
    *p = (struct place){.stack = malloc(STACK)};
    flow_make(&p->self, p->stack, STACK, fn, p);
}

static void counts(void *arg)
{
    struct place *p = arg;
    volatile _Alignas(16) uint8_t local[16];
    p->arg_seen = arg;
    p->aligned = (uintptr_t)local % 16 == 0;
    const uint8_t *frame = __builtin_frame_address(0);
    p->on_stack = frame >= p->stack && frame < p->stack + STACK;
    for (uint64_t a = 1, b = 2, c = 3, d = 4;; a += 1, b += a, c += b, d += c) {
        p->steps = a ^ b << 16 ^ c << 32 ^ d << 48; /* kept in registers */
        flow_switch(&p->self, &p->back);
    }
}

static void flows_keep_their_locals(void **state)
{
    struct place p;
    make(&p, counts);
    for (uint64_t a = 1, b = 2, c = 3, d = 4, i = 0; i < ROUNDS;
         i++, a += 1, b += a, c += b, d += c) {
        go_in(&p);
        assert_int_equal(p.steps, a ^ b << 16 ^ c << 32 ^ d << 48);
    }
    assert_ptr_equal(p.arg_seen, &p);
    assert_true(p.aligned && p.on_stack);
    free(p.stack);
}

static void rounds_up(void *arg)
{
    struct place *p = arg;
    fesetround(FE_UPWARD);
    flow_switch(&p->self, &p->back);
    p->rounding = fegetround();
    for (;;)
        flow_switch(&p->self, &p->back);
}

static void rounding_is_each_flows_own(void **state)
{
    struct place p;
    make(&p, rounds_up);
    go_in(&p);
    assert_int_equal(fegetround(), FE_TONEAREST);
    go_in(&p);
    assert_int_equal(p.rounding, FE_UPWARD);
    free(p.stack);
}

static void notes_threads(void *arg)
{
    struct place *p = arg;
    p->ran[0] = syscall(SYS_gettid); /* compilers keep what pthread_self says */
    flow_switch(&p->self, &p->back);
    p->ran[1] = syscall(SYS_gettid);
    for (;;)
        flow_switch(&p->self, &p->back);
}

static void *in_another_thread(void *arg)
{
    go_in(arg);
    return NULL;
}

static void a_flow_goes_on_in_another_thread(void **state)
{
    struct place p;
    pthread_t other;
    make(&p, notes_threads);
    go_in(&p);
    assert_int_equal(pthread_create(&other, NULL, in_another_thread, &p), 0);
    pthread_join(other, NULL);
    assert_int_equal(p.ran[0], syscall(SYS_gettid));
    assert_int_not_equal(p.ran[0], p.ran[1]);
    free(p.stack);
}

static void flows_within_flows(void **state)
{
    struct place outer, inner;
    make(&outer, counts);
    make(&inner, counts);
    for (int i = 0; i < ROUNDS; i++) {
        go_in(&outer);
        go_in(&inner);
        assert_int_equal(outer.steps, inner.steps);
    }
    free(outer.stack);
    free(inner.stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_keep_their_locals),
        cmocka_unit_test(rounding_is_each_flows_own),
        cmocka_unit_test(a_flow_goes_on_in_another_thread),
        cmocka_unit_test(flows_within_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

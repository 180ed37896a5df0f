// SPDX-License-Identifier: GPL-2.0-or-later
// Fibers: switching, arguments, own stacks, floating-point state, fiber-local storage.
#include "check.h"

static void *main_fiber, *fibers[4];
static int order[64], steps;
static DWORD slot;
static LONG freed;

static void CALLBACK free_slot(void *value)
{
    freed += (LONG)(LONG_PTR)value;
}

static int deep(int n)
{
    volatile char pad[512];
    pad[0] = (char)n;
    if (n == 0) {
        SwitchToFiber(main_fiber);
        return 0;
    }
    return deep(n - 1) + (pad[0] == (char)n);
}

static int deep_here(int n)
{
    volatile char pad[512];
    pad[0] = (char)n;
    return n ? deep_here(n - 1) + (pad[0] == (char)n) : 0;
}

static void CALLBACK body(void *arg)
{
    int me = (int)(INT_PTR)arg;
    CHECK(GetFiberData() == arg);
    CHECK(GetCurrentFiber() == fibers[me]);
    CHECK(FlsSetValue(slot, (void *)(INT_PTR)(me + 1)));
    volatile double x = me + 0.5;
    for (int round = 0;; round++) {
        order[steps++] = me * 10 + round;
        CHECK(FlsGetValue(slot) == (void *)(INT_PTR)(me + 1));
        CHECK(x == me + 0.5);
        CHECK_EQ(deep(20), 20);
    }
}

/* Grows the fiber's own stack well beyond what it began with. */
static void CALLBACK deep_body(void *arg)
{
    (void)arg;
    CHECK_EQ(deep(1000), 1000);
    SwitchToFiber(main_fiber);
}

static void grow_a_stack(void)
{
    void *fiber = CreateFiberEx(0x1000, 0x100000, 0, deep_body, NULL);
    NEED(fiber);
    SwitchToFiber(fiber); /* comes back from the depth */
    SwitchToFiber(fiber);
    DeleteFiber(fiber);
    CHECK_EQ(deep_here(1000), 1000); /* and the thread's stack grows as before */
}

int main(void)
{
    CHECK(!IsThreadAFiber());
    main_fiber = ConvertThreadToFiberEx((void *)0x77, FIBER_FLAG_FLOAT_SWITCH);
    NEED(main_fiber);
    CHECK(IsThreadAFiber() && GetFiberData() == (void *)0x77 && GetCurrentFiber() == main_fiber);
    slot = FlsAlloc(free_slot);
    FlsSetValue(slot, (void *)1000);
    for (int i = 0; i < 4; i++) {
        fibers[i] = CreateFiber(i == 1 ? 0 : 0x20000, body, (void *)(INT_PTR)i);
        NEED(fibers[i]);
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 4; i++)
            SwitchToFiber(fibers[i]);
    CHECK_EQ(steps, 12);
    for (int i = 0; i < 12; i++)
        CHECK_EQ(order[i], i % 4 * 10 + i / 4);
    CHECK(FlsGetValue(slot) == (void *)1000);
    grow_a_stack();
    for (int i = 0; i < 4; i++)
        DeleteFiber(fibers[i]);
    CHECK_EQ(freed, 1 + 2 + 3 + 4);
    CHECK(ConvertFiberToThread());
    CHECK(!IsThreadAFiber());
    return check_done();
}

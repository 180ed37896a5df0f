// SPDX-License-Identifier: GPL-2.0-or-later
// setjmp and longjmp: through frames, nested, and in several threads at once.
#include "check.h"

#include <setjmp.h>

static jmp_buf place;

static __attribute__((noinline)) void descend(int n)
{
    volatile char frame[256];
    frame[n] = (char)n;
    if (!frame[n])
        longjmp(place, 42);
    if (n > 0)
        descend(n - 1);
}

static void through_frames(void)
{
    volatile int before = 17;
    volatile double real = 2.5;
    int r = setjmp(place);
    if (!r) {
        before = 18;
        descend(20);
        CHECK(!"reached");
    }
    CHECK_EQ(r, 42);
    CHECK_EQ(before, 18);
    CHECK(real == 2.5);
}

static void zero_becomes_one(void)
{
    int r = setjmp(place);
    if (!r)
        longjmp(place, 0);
    CHECK_EQ(r, 1);
}

static void many_times(void)
{
    volatile int count = 0;
    int r = setjmp(place);
    if (r < 500) {
        count++;
        longjmp(place, r + 1);
    }
    CHECK_EQ(count, 500);
    CHECK_EQ(r, 500);
}

static void nested(void)
{
    jmp_buf outer, inner;
    volatile int steps = 0;
    if (!setjmp(outer)) {
        steps += 1;
        if (!setjmp(inner)) {
            steps += 10;
            longjmp(inner, 1);
        } else {
            steps += 100;
            longjmp(outer, 1);
        }
    }
    CHECK_EQ(steps, 111);
}

static DWORD WINAPI own_stack(void *arg)
{
    jmp_buf here;
    volatile int rounds = 0;
    while (rounds < 100) {
        int r = setjmp(here);
        if (r) {
            rounds++;
            continue;
        }
        Sleep(0);
        longjmp(here, 1);
    }
    *(int *)arg = rounds;
    return 0;
}

static void threads_jump(void)
{
    int rounds[3] = {0};
    HANDLE t[3];
    for (int i = 0; i < 3; i++)
        t[i] = CreateThread(NULL, 0, own_stack, &rounds[i], 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(3, t, TRUE, 60000), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(rounds[i], 100);
}

int main(void)
{
    through_frames();
    zero_becomes_one();
    many_times();
    nested();
    threads_jump();
    return check_done();
}

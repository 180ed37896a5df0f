/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_TIMER_H
#define CPU_TIMER_H
/*
 * Slices in host time: a thread that waits and then calls a function, once for each arming. The
 * thread starts with the first one. Zeroed is ready; `fn` and `ctx` are set before that.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct cpu_timer {
    void (*fn)(void *ctx); /* in the timer's thread */
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, quit, armed;
    uint64_t due, sleeps_until; /* host_monotonic_ns; 0: until it is told */
};

/* Calls fn `us` from now, unless armed anew or disarmed before. */
void cpu_timer_arm(struct cpu_timer *t, uint64_t us);
void cpu_timer_disarm(struct cpu_timer *t);
/* fn is not running any more, and never will again. */
void cpu_timer_destroy(struct cpu_timer *t);
#endif

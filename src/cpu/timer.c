// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A signal from the kernel's own timers would be more punctual (microseconds against about a tenth
 * of a millisecond), but it would also interrupt system calls of the host's, and a library has no
 * signal to call its own.
 */
#include "cpu/timer.h"
#include "base/hostio.h"
#include <signal.h>
#include <time.h>

/* Arming later than what the thread sleeps for must not wake it: runs are shorter than slices. */
static void sleep_until(struct cpu_timer *t, uint64_t when)
{
    const uint64_t second = 1000000000;
    struct timespec ts = {(time_t)(when / second), (long)(when % second)};
    t->sleeps_until = when;
    if (when)
        pthread_cond_timedwait(&t->changed, &t->lock, &ts);
    else
        pthread_cond_wait(&t->changed, &t->lock);
}

static void *timer_main(void *ctx)
{
    struct cpu_timer *t = ctx;

    pthread_mutex_lock(&t->lock);
    while (!t->quit) {
        if (!t->armed) {
            sleep_until(t, 0);
        } else if (host_monotonic_ns() >= t->due) {
            t->armed = false;
            t->fn(t->ctx);
        } else {
            sleep_until(t, t->due);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void start(struct cpu_timer *t)
{
    pthread_condattr_t attr;
    sigset_t all, old;

    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all); /* signals are for the program's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    t->started = pthread_create(&t->thread, NULL, timer_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void cpu_timer_arm(struct cpu_timer *t, uint64_t us)
{
    if (!t->started)
        start(t);
    if (!t->started)
        return; /* no thread, no preemption: the guest still runs */
    pthread_mutex_lock(&t->lock);
    t->due = host_monotonic_ns() + us * 1000;
    t->armed = true;
    if (!t->sleeps_until || t->due < t->sleeps_until)
        pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void cpu_timer_disarm(struct cpu_timer *t)
{
    if (!t->started)
        return;
    pthread_mutex_lock(&t->lock);
    t->armed = false;
    pthread_mutex_unlock(&t->lock);
}

void cpu_timer_destroy(struct cpu_timer *t)
{
    if (!t->started)
        return;
    pthread_mutex_lock(&t->lock);
    t->quit = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
    t->started = false;
}

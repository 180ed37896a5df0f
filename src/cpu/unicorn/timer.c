// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slices in host time: a thread of ours that waits and then raises the flag that every block looks
 * at. A signal would be more punctual (microseconds against about a tenth of a millisecond), but a
 * library has no signal to call its own. The thread starts with the first slice.
 */
#include "cpu/unicorn/internal.h"
#include <time.h>

static bool is_due(const struct slice_timer *t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > t->due.tv_sec ||
           (now.tv_sec == t->due.tv_sec && now.tv_nsec >= t->due.tv_nsec);
}

static void *timer_main(void *ctx)
{
    struct unicorn_engine *u = ctx;
    struct slice_timer *t = &u->timer;

    pthread_mutex_lock(&t->lock);
    while (!t->quit) {
        if (!t->armed) {
            pthread_cond_wait(&t->changed, &t->lock);
        } else if (is_due(t)) {
            t->armed = false;
            atomic_store(&u->slice_over, true);
            atomic_store(&u->block_limit, 0);
        } else {
            pthread_cond_timedwait(&t->changed, &t->lock, &t->due);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void start(struct unicorn_engine *u)
{
    struct slice_timer *t = &u->timer;
    pthread_condattr_t attr;
    sigset_t all, old;

    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all); /* signals are for the program's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    t->started = pthread_create(&t->thread, NULL, timer_main, u) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void unicorn_timer_arm(struct unicorn_engine *u, uint64_t us)
{
    struct slice_timer *t = &u->timer;
    const uint64_t second = 1000000;

    if (!t->started)
        start(u);
    if (!t->started)
        return; /* no thread, no preemption: the guest still runs */
    pthread_mutex_lock(&t->lock);
    clock_gettime(CLOCK_MONOTONIC, &t->due);
    t->due.tv_sec += (time_t)(us / second);
    t->due.tv_nsec += (long)(us % second) * 1000;
    if (t->due.tv_nsec >= 1000000000) {
        t->due.tv_nsec -= 1000000000;
        t->due.tv_sec++;
    }
    t->armed = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void unicorn_timer_disarm(struct unicorn_engine *u)
{
    struct slice_timer *t = &u->timer;
    if (!t->started)
        return;
    pthread_mutex_lock(&t->lock);
    t->armed = false;
    pthread_mutex_unlock(&t->lock);
}

void unicorn_timer_destroy(struct unicorn_engine *u)
{
    struct slice_timer *t = &u->timer;
    if (!t->started)
        return;
    pthread_mutex_lock(&t->lock);
    t->quit = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking the processor out of the guest. KVM_RUN goes on until a signal arrives; immediate_exit
 * closes the gap between looking at a flag and being in the guest. A library has no signal to call
 * its own, so each engine takes a real-time signal that nobody has, and gives it back. It is sent
 * to nobody but the thread that is in KVM_RUN.
 */
#include "cpu/kvm/internal.h"
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void ignore_signal(int sig)
{
    (void)sig; /* arriving is all it has to do */
}

static bool is_default(const struct sigaction *a)
{
    return !(a->sa_flags & SA_SIGINFO) && a->sa_handler == SIG_DFL;
}

/* True: it was nobody's, and is ours now. */
static bool claim(struct kvm_engine *k, int sig)
{
    struct sigaction now, mine = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART};

    if (sigaction(sig, NULL, &now) || !is_default(&now) || sigaction(sig, &mine, &k->kick_before))
        return false;
    if (is_default(&k->kick_before))
        return true;
    sigaction(sig, &k->kick_before, NULL); /* somebody was faster */
    return false;
}

pgr_status kvm_claim_signal(struct kvm_engine *k, struct pgr_error *e)
{
    for (int sig = SIGRTMAX; sig >= SIGRTMIN; sig--) {
        if (!claim(k, sig))
            continue;
        k->kick_signal = sig;
        return PGR_OK;
    }
    return err_set(e, PGR_E_UNSUPPORTED, "kvm: the program has no real-time signal left to lend");
}

void kvm_return_signal(struct kvm_engine *k)
{
    if (k->kick_signal)
        sigaction(k->kick_signal, &k->kick_before, NULL);
}

void kvm_kick(struct kvm_engine *k)
{
    int saved = errno;
    __atomic_store_n(&k->shared->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (atomic_load(&k->in_guest))
        syscall(SYS_tgkill, getpid(), atomic_load(&k->runner), k->kick_signal);
    errno = saved;
}

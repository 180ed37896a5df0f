// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile ENGINE ROOT PROGRAM WAY…: a guest that makes the kernel keep more and more ends by
 * itself, and we live. WAY: an argument of tests/guest/exhaust.c that has no end of its own.
 */
#include "base/hostio.h"
#include "base/ntstatus.h"
#include "machine/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define TIMEOUT_NS  100000000000ull
#define KERNEL_MOST (32ull << 20)
enum { SKIPPED = 77, RSS_MOST_KIB = 512 << 10 };

static int give_up(const char *what, const struct pgr_error *e)
{
    fprintf(stderr, "%s: %s\n", what, e->text);
    return e->status == PGR_E_NOT_FOUND || e->status == PGR_E_ENGINE ? SKIPPED : 1;
}

static int run(struct pgr_machine *m, const char *way, struct pgr_error *e)
{
    struct pgr_limits limits = {.timeout_ns = TIMEOUT_NS};
    struct pgr_exit why;
    struct rusage usage;
    m->kernel_most = host_private_bytes() + KERNEL_MOST;
    if (pgr_machine_run(m, &limits, &why, e))
        return give_up("run", e);
    getrusage(RUSAGE_SELF, &usage);
    printf("%s: exit %d, %#x; %ld MiB at most\n", way, (int)why.kind, why.code,
           usage.ru_maxrss >> 10);
    return why.kind != PGR_EXIT_PROCESS || why.code != STATUS_INSUFFICIENT_RESOURCES ||
           usage.ru_maxrss > RSS_MOST_KIB;
}

static int attempt(char **argv, const char *way)
{
    const char *const args[] = {way, NULL};
    struct pgr_config config = {.engine = argv[1], .root = argv[2], .memory = 1ull << 30};
    struct pgr_program program = {.path = argv[3], .args = args, .cwd = "/", .std_fd = {-1, 1, 2}};
    struct pgr_machine *m;
    struct pgr_error e = {0};
    if (pgr_machine_create(&config, &m, &e))
        return give_up("create", &e);
    int status = pgr_machine_load(m, &program, &e) ? give_up("load", &e) : run(m, way, &e);
    pgr_machine_destroy(m);
    return status;
}

int main(int argc, char **argv)
{
    int status = 2;
    for (int i = 4; i < argc; i++)
        if ((status = attempt(argv, argv[i])))
            break;
    return status;
}

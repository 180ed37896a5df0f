// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * resume COUNT ROOT PROGRAM [ARGS…]: a program that is saved after a random number of services,
 * and goes on in a new machine, ends as one that was never stopped: same output, same exit status,
 * same number of services.
 */
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_NS 60000000000ull

static void run(struct pgr_machine *m, uint64_t services, struct pgr_exit *why)
{
    struct pgr_error e = {0};
    struct pgr_limits limits = {.timeout_ns = TIMEOUT_NS, .services = services};
    if (pgr_machine_run(m, &limits, why, &e))
        fail("run", &e);
}

static void straight(const struct program *p, struct outcome *o)
{
    int fd = output_new();
    struct pgr_machine *m = machine_load(p, fd);
    run(m, 0, &o->why);
    o->services = pgr_machine_services(m);
    pgr_machine_destroy(m);
    output_take(fd, o);
}

static void interrupted(const struct program *p, uint64_t after, struct outcome *o)
{
    struct pgr_error e = {0};
    int fd = output_new(), std[3] = {-1, fd, 2};
    struct pgr_machine *m = machine_load(p, fd);
    run(m, after, &o->why);
    if (pgr_machine_save(m, p->snapshot, &e))
        fail("save", &e);
    pgr_machine_destroy(m);
    m = machine_new(p);
    if (pgr_machine_restore(m, p->snapshot, std, &e))
        fail("restore", &e);
    run(m, 0, &o->why);
    o->services = pgr_machine_services(m);
    pgr_machine_destroy(m);
    output_take(fd, o);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->why.kind == b->why.kind && a->why.code == b->why.code && a->services == b->services &&
           a->len == b->len && !memcmp(a->out, b->out, a->len);
}

static void show(const char *what, const struct outcome *o)
{
    fprintf(stderr, "---- %s: exit %d, %u; %llu services; output:\n%s\n", what, (int)o->why.kind,
            o->why.code, (unsigned long long)o->services, o->out);
}

/* Whether the outcome is `want`; says how it differs. Takes o->out. */
static bool check(const struct outcome *want, struct outcome *o, const char *what)
{
    bool ok = same(want, o);
    if (!ok) {
        show("without a stop", want);
        show(what, o);
    }
    free(o->out);
    return ok;
}

int main(int argc, char **argv)
{
    struct program p;
    struct outcome want, got;
    uint64_t seed = 1;
    int failures = 0;
    if (argc < 4)
        return 2;
    program_init(&p, argv + 2);
    straight(&p, &want);
    straight(&p, &got);
    failures += !check(&want, &got, "the same again");
    for (long i = strtol(argv[1], NULL, 10); i > 0; i--) {
        char what[64];
        uint64_t after = 1 + next_random(&seed) % (want.services - 1);
        snprintf(what, sizeof what, "saved after service %llu", (unsigned long long)after);
        interrupted(&p, after, &got);
        failures += !check(&want, &got, what);
    }
    printf("%s %s: exit %d, %u; %llu services; %d failures\n", p.root, argc > 4 ? argv[4] : argv[3],
           (int)want.why.kind, want.why.code, (unsigned long long)want.services, failures);
    free(want.out);
    program_free(&p);
    return failures != 0;
}

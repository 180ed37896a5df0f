// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * handover COUNT ENGINES ROOT PROGRAM [ARGS…]: a program that is moved COUNT times to another
 * engine, at random services, ends as one that was never moved. ENGINES: unicorn,kvm,native. When
 * the program has ended it starts anew.
 */
#include "snapshot.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_NS 60000000000ull
enum { ENGINES_MAX = 8, MOST_SERVICES = 40, LEAK_LIMIT = 8 };

struct moves {
    const char *engines[ENGINES_MAX];
    size_t engine_count;
    long left;
    uint64_t seed;
};

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
    pgr_machine_destroy(m);
    output_take(fd, o);
}

static void moved(const struct program *p, struct moves *v, struct outcome *o)
{
    struct pgr_error e = {0};
    int fd = output_new();
    struct pgr_machine *m = machine_load(p, fd);
    do {
        run(m, v->left ? 1 + next_random(&v->seed) % MOST_SERVICES : 0, &o->why);
        if (o->why.kind != PGR_EXIT_SERVICES)
            break;
        const char *to = v->engines[next_random(&v->seed) % v->engine_count];
        if (pgr_machine_hand_over(m, to, &e))
            fail("hand over", &e);
        v->left--;
    } while (true);
    pgr_machine_destroy(m);
    output_take(fd, o);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    if (a->why.kind == b->why.kind && a->why.code == b->why.code && a->len == b->len &&
        !memcmp(a->out, b->out, a->len))
        return true;
    fprintf(stderr, "---- never moved: exit %d, %u:\n%s\n---- moved: exit %d, %u:\n%s\n",
            (int)a->why.kind, a->why.code, a->out, (int)b->why.kind, b->why.code, b->out);
    return false;
}

static int count_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    struct program p;
    struct outcome want, got;
    struct moves v = {.seed = 1};
    int failures = 0;
    if (argc < 5)
        return 2;
    program_init(&p, argv + 3);
    v.left = strtol(argv[1], NULL, 10);
    for (char *name = strtok(argv[2], ","); name && v.engine_count < ENGINES_MAX;
         name = strtok(NULL, ","))
        v.engines[v.engine_count++] = name;
    for (size_t i = v.engine_count; i--;) { /* all of them can run here, or the test is skipped */
        p.engine = v.engines[i];
        pgr_machine_destroy(machine_load(&p, output_new()));
    }
    straight(&p, &want);
    int files = count_files();
    while (v.left > 0 && !failures) {
        moved(&p, &v, &got);
        failures += !same(&want, &got);
        free(got.out);
    }
    if (count_files() > files + LEAK_LIMIT)
        failures += fprintf(stderr, "files stay open: %d, then %d\n", files, count_files()) > 0;
    printf("%s %s: exit %d, %u; %d failures\n", p.root, p.path, (int)want.why.kind, want.why.code,
           failures);
    free(want.out);
    program_free(&p);
    return failures != 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot.h"
#include <peregrine/hook.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fail(const char *what, const struct pgr_error *e)
{
    fprintf(stderr, "%s: %s\n", what, e->text);
    bool here = e->status != PGR_E_NOT_FOUND && e->status != PGR_E_ENGINE;
    exit(here || (strcmp(what, "create") && strcmp(what, "load")) ? 1 : SKIPPED);
}

void program_init(struct program *p, char **argv)
{
    struct pgr_error e = {PGR_E_IO, "cannot make the working directory"};
    char input[80];
    *p = (struct program){.root = argv[0], .path = argv[1], .args = (const char *const *)argv + 2};
    snprintf(p->dir, sizeof p->dir, "/tmp/pgr-snapshot-XXXXXX");
    if (!mkdtemp(p->dir))
        fail("setup", &e);
    snprintf(p->snapshot, sizeof p->snapshot, "%s/snapshot", p->dir);
    snprintf(input, sizeof input, "%s/input.txt", p->dir);
    FILE *f = fopen(input, "w");
    if (!f || fputs("hello there all", f) < 0 || fclose(f))
        fail("setup", &e);
}

/* The guest's own files are in the overlay: only ours are here. */
void program_free(struct program *p)
{
    char input[80];
    snprintf(input, sizeof input, "%s/input.txt", p->dir);
    unlink(input);
    unlink(p->snapshot);
    rmdir(p->dir);
}

static void looks(struct pgr_call *c, void *ctx)
{
    if (!pgr_call_function(c)[0] || !pgr_call_thread(c))
        abort();
}

/* HOOKED=1 in the environment: every call between modules is seen, before and after. */
static void hook_all(struct pgr_machine *m)
{
    struct pgr_error e = {0};
    const struct pgr_call_hook hook = {.function = "*!*", .enter = looks, .exit = looks};
    if (pgr_hook_call(m, &hook, NULL, &e))
        fail("hook", &e);
}

struct pgr_machine *machine_new(const struct program *p)
{
    struct pgr_machine *m;
    struct pgr_error e = {0};
    struct pgr_config config = {.root = p->root, .seed = 7, .engine = p->engine};
    config.intercept = getenv("HOOKED") != NULL;
    config.clock = p->engine ? PGR_CLOCK_HOST : PGR_CLOCK_VIRTUAL;
    if (pgr_machine_create(&config, &m, &e))
        fail("create", &e);
    if (config.intercept)
        hook_all(m);
    return m;
}

struct pgr_machine *machine_load(const struct program *p, int fd)
{
    struct pgr_error e = {0};
    struct pgr_machine *m = machine_new(p);
    struct pgr_program program = {
        .path = p->path, .args = p->args, .cwd = p->dir, .std_fd = {-1, fd, 2}};
    if (pgr_machine_load(m, &program, &e))
        fail("load", &e);
    return m;
}

int output_new(void)
{
    struct pgr_error e = {PGR_E_IO, "cannot make a file for the output"};
    int fd = memfd_create("output", MFD_CLOEXEC);
    if (fd < 0)
        fail("setup", &e);
    return fd;
}

void output_take(int fd, struct outcome *o)
{
    struct pgr_error e = {PGR_E_IO, "cannot read the output back"};
    struct stat st;
    if (fstat(fd, &st))
        fail("output", &e);
    o->len = (size_t)st.st_size;
    o->out = calloc(1, o->len + 1);
    if (!o->out || pread(fd, o->out, o->len, 0) != st.st_size)
        fail("output", &e);
    close(fd);
}

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

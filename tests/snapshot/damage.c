// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * damage COUNT ROOT PROGRAM [ARGS…]: a snapshot with bytes changed, or cut short, either is refused
 * with one sentence or makes a machine that runs into its limits: never more than that. Meant to be
 * built with sanitizers.
 */
#include "snapshot.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

enum { HEADER = 24, SIZE_AT = 16, SERVICES = 400, FLIPS_MAX = 4 };

static const char *const marks[] = {"MACH", "KRNL", "REGI", "NTIO", "EXEC", "MRAM",
                                    "NTMM", "SCHD", "OBJS", "MSPC", "DONE"};
enum { MARKS = sizeof marks / sizeof *marks };

struct state {
    uint8_t header[HEADER];
    uint8_t *bytes;
    uint64_t len;
    size_t mark[MARKS]; /* where each part begins */
};

static const struct pgr_error broken = {PGR_E_IO, "cannot read or write the snapshot"};

static uint8_t *read_all(const char *path, size_t *len)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &st))
        fail("snapshot", &broken);
    *len = (size_t)st.st_size;
    uint8_t *data = malloc(*len + 1);
    if (!data || fread(data, 1, *len, f) != *len)
        fail("snapshot", &broken);
    fclose(f);
    return data;
}

static void find_marks(struct state *s)
{
    size_t at = 0;
    for (int i = 0; i < MARKS; i++) {
        const uint8_t *found = memmem(s->bytes + at, s->len - at, marks[i], 4);
        if (!found)
            fail(marks[i], &broken);
        at = s->mark[i] = (size_t)(found - s->bytes);
    }
}

static void make(const struct program *p, struct state *s)
{
    struct pgr_error e = {0};
    struct pgr_exit why;
    size_t len;
    struct pgr_machine *m = machine_load(p, -1);
    uint64_t total;
    if (pgr_machine_run(m, &(struct pgr_limits){0}, &why, &e))
        fail("run", &e);
    total = pgr_machine_services(m);
    pgr_machine_destroy(m);
    m = machine_load(p, -1);
    if (pgr_machine_run(m, &(struct pgr_limits){.services = total * 9 / 10}, &why, &e) ||
        pgr_machine_save(m, p->snapshot, &e))
        fail("save", &e);
    pgr_machine_destroy(m);
    uint8_t *file = read_all(p->snapshot, &len);
    memcpy(s->header, file, HEADER);
    memcpy(&s->len, file + SIZE_AT, sizeof s->len);
    s->bytes = malloc(s->len);
    if (!s->bytes || ZSTD_decompress(s->bytes, s->len, file + HEADER, len - HEADER) != s->len)
        fail("snapshot", &broken);
    free(file);
    find_marks(s);
}

static void write_file(const char *path, struct state *s, uint64_t len)
{
    size_t bound = ZSTD_compressBound(len);
    uint8_t *packed = malloc(bound);
    FILE *f = fopen(path, "wb");
    if (!packed || !f)
        fail("snapshot", &broken);
    memcpy(s->header + SIZE_AT, &len, sizeof len);
    size_t n = ZSTD_compress(packed, bound, s->bytes, len, -5);
    if (ZSTD_isError(n) || fwrite(s->header, 1, HEADER, f) != HEADER ||
        fwrite(packed, 1, n, f) != n || fclose(f))
        fail("snapshot", &broken);
    free(packed);
}

/* A place in one of the parts; most bytes are page contents, where damage is of no interest. */
static size_t place(const struct state *s, uint64_t *seed)
{
    uint64_t part = next_random(seed) % MARKS;
    size_t from = s->mark[part], to = part + 1 < MARKS ? s->mark[part + 1] : s->len;
    size_t span = to - from;
    if (next_random(seed) % 2 && span > 4096)
        span = 4096; /* tables are where parts begin */
    return from + next_random(seed) % span;
}

static uint8_t value(uint8_t old, uint64_t *seed)
{
    static const uint8_t interesting[] = {0, 1, 2, 4, 0x7f, 0x80, 0xff};
    uint64_t r = next_random(seed);
    if (r % 2)
        return old ^ (uint8_t)(1 << (r >> 8) % 8);
    return interesting[(r >> 8) % sizeof interesting];
}

/* True when the machine was made. */
static bool try(const struct program *p, bool quiet)
{
    const int closed[3] = {-1, -1, -1};
    struct pgr_error e = {0};
    struct pgr_exit why;
    struct pgr_limits limits = {.timeout_ns = 200000000, .services = SERVICES};
    struct pgr_machine *m = machine_new(p);
    bool made = !pgr_machine_restore(m, p->snapshot, closed, &e);
    if (made)
        pgr_machine_run(m, &limits, &why, &e);
    else if (e.status == PGR_OK || !e.text[0])
        fail("no sentence", &broken);
    else if (!quiet)
        printf("%s\n", strrchr(e.text, '/'));
    pgr_machine_destroy(m);
    return made;
}

int main(int argc, char **argv)
{
    struct program p;
    struct state s;
    uint64_t seed = 3;
    long made = 0, count;
    if (argc < 4)
        return 2;
    count = strtol(argv[1], NULL, 10);
    program_init(&p, argv + 2);
    make(&p, &s);
    bool quiet = getenv("QUIET");
    for (long i = 0; i < count; i++) {
        size_t at[FLIPS_MAX], flips = i % 5 ? 1 + next_random(&seed) % FLIPS_MAX : 0;
        uint8_t old[FLIPS_MAX];
        for (size_t j = 0; j < flips; j++) {
            at[j] = place(&s, &seed);
            old[j] = s.bytes[at[j]];
            s.bytes[at[j]] = value(old[j], &seed);
        }
        write_file(p.snapshot, &s, flips ? s.len : place(&s, &seed));
        made += try(&p, quiet);
        for (size_t j = flips; j-- > 0;)
            s.bytes[at[j]] = old[j];
    }
    printf("%ld damaged snapshots: %ld refused, %ld made a machine\n", count, count - made, made);
    free(s.bytes);
    program_free(&p);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/kernel.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "nt/cm/registry.h"
#include "nt/ex/ex.h"
#include "nt/io/io.h"
#include "nt/mm/mm.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t nt_random(struct nt_kernel *k)
{
    uint64_t *r = k->random;
    uint64_t mixed = r[1] * 5, t = r[1] << 17;
    uint64_t result = (mixed << 7 | mixed >> 57) * 9;
    r[2] ^= r[0];
    r[3] ^= r[1];
    r[1] ^= r[2];
    r[0] ^= r[3];
    r[2] ^= t;
    r[3] = r[3] << 45 | r[3] >> 19;
    return result;
}

void nt_random_bytes(struct nt_kernel *k, void *out, size_t len)
{
    uint8_t *p = out;
    while (len) {
        uint64_t v = nt_random(k);
        size_t n = len < sizeof v ? len : sizeof v;
        memcpy(p, &v, n);
        p += n;
        len -= n;
    }
}

void nt_note(struct nt_kernel *k, enum nt_note_kind kind, const char *what, const char *detail)
{
    for (size_t i = 0; i < k->note_len; i++) {
        if (k->notes[i].kind == kind && !strcmp(k->notes[i].what, what)) {
            k->notes[i].count++;
            return;
        }
    }
    if (k->note_len == k->note_cap)
        k->notes = vec_grow(k->notes, &k->note_cap, k->note_len + 1, sizeof *k->notes);
    k->notes[k->note_len] = (struct nt_note){.kind = (uint8_t)kind,
                                             .what = xstrdup(what),
                                             .detail = xstrdup(detail ? detail : ""),
                                             .count = 1};
    k->note_len++;
    if (k->on_note)
        k->on_note(k->on_note_ctx, &k->notes[k->note_len - 1]);
}

pgr_status nt_kernel_create(const struct nt_config *cfg, struct mem_ram *ram,
                            struct nt_kernel **out, struct pgr_error *e)
{
    struct nt_kernel *k = xcalloc(1, sizeof *k);
    uint64_t seed = cfg->seed;
    pthread_mutex_init(&k->lock, NULL);
    k->cfg = *cfg;
    k->ram = ram;
    k->objects = nt_objects_create();
    k->sched = nt_sched_create();
    k->next_client_id = 0x20;
    for (int i = 0; i < 4; i++)
        k->random[i] = splitmix(&seed);
    nt_clock_begin(k, cfg->clock_host);
    nt_namespace_init(k);
    pgr_status s = nt_registry_create(k, e);
    if (!s)
        s = nt_io_create(k, e);
    if (!s)
        s = nt_ex_create(k, e);
    if (s) {
        nt_kernel_destroy(k);
        return s;
    }
    *out = k;
    return PGR_OK;
}

void nt_kernel_destroy(struct nt_kernel *k)
{
    if (!k)
        return;
    nt_claims_free(k);
    nt_objects_destroy(k);
    nt_mm_destroy(k);
    nt_ex_destroy(k);
    nt_io_destroy(k);
    nt_registry_destroy(k);
    nt_sched_destroy(k);
    for (size_t i = 0; i < k->note_len; i++) {
        free(k->notes[i].what);
        free(k->notes[i].detail);
    }
    free(k->notes);
    free(k->service_table);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void nt_watch(struct nt_kernel *k, struct nt_watcher *w)
{
    struct nt_watcher **at = &k->watchers;
    while (*at)
        at = &(*at)->next;
    w->next = NULL;
    *at = w;
}

void nt_unwatch(struct nt_kernel *k, struct nt_watcher *w)
{
    struct nt_watcher **at = &k->watchers;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
}

void nt_kernel_transfer_host(struct nt_kernel *k, struct ser *s)
{
    ser_tag(s, "KRNL");
    nt_clock_transfer(k, s);
    ser_raw(s, k->random, sizeof k->random);
    SER(s, k->next_client_id);
    SER(s, k->root_directory);
    SER(s, k->first_process);
    SER(s, k->wine_userland);
    SER(s, k->wine_unixlib_handle);
    nt_registry_transfer(k, s);
    nt_io_transfer(k, s);
    nt_ex_transfer(k, s);
}

void nt_kernel_transfer_objects(struct nt_kernel *k, struct ser *s)
{
    nt_mm_transfer(k, s);
    nt_sched_transfer(k, s);
    nt_objects_transfer(k, s);
}

void nt_kernel_settle(struct nt_kernel *k, struct ser *s)
{
    if (s->failed)
        return;
    if (!nt_process_get(k, k->first_process)) {
        ser_fail(s, "snapshot: it has no process");
        return;
    }
    nt_id_claim(k, s, k->first_process, NT_TYPE_PROCESS, NT_CLAIM_REFERENCE);
    nt_namespace_settle(k, s);
    nt_sched_settle(k, s);
    nt_io_settle(k, s);
    nt_mm_settle(k, s);
    nt_registry_settle(k, s);
    nt_claims_settle(k, s);
}

void nt_kernel_abandon(struct nt_kernel *k)
{
    k->damaged = true;
    nt_objects_pin(k);
}

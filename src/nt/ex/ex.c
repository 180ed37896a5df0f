// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ex/ex.h"
#include "nt/kernel.h"

enum { LOCALE_EN_US = 0x409, SDS_MAX = 1 << 16, ATOMS_MAX = 0x4000 };

/* ES_SYSTEM_REQUIRED | ES_DISPLAY_REQUIRED | ES_USER_PRESENT */
enum { EXECUTION_STATE_DEFAULT = 7 };

pgr_status nt_ex_create(struct nt_kernel *k, struct pgr_error *e)
{
    struct nt_ex *ex = xcalloc(1, sizeof *ex);
    ex->next_luid = 0x10000; /* below are the well-known ones */
    ex->system_locale = ex->user_locale = ex->ui_language = LOCALE_EN_US;
    ex->execution_state = EXECUTION_STATE_DEFAULT;
    ex->cpu_count = 1;
    k->ex = ex;
    return PGR_OK;
}

void nt_ex_destroy(struct nt_kernel *k)
{
    struct nt_ex *ex = k->ex;
    if (!ex)
        return;
    for (size_t i = 0; i < ex->atoms.len; i++)
        free(ex->atoms.data[i].name);
    vec_free(&ex->atoms);
    for (size_t i = 0; i < ex->sds.len; i++)
        free(ex->sds.data[i].sd);
    vec_free(&ex->sds);
    free(ex);
    k->ex = NULL;
}

static void transfer_atoms(struct ser *s, struct nt_ex *ex)
{
    size_t n = ex->atoms.len;
    ser_count(s, &n, ATOMS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&ex->atoms, (struct nt_atom){0});
        struct nt_atom *a = &ex->atoms.data[i];
        SER(s, a->value);
        SER(s, a->count);
        SER(s, a->pinned);
        ser_utf16(s, &a->name, &a->name_len, 255);
    }
}

static void transfer_sds(struct ser *s, struct nt_ex *ex)
{
    size_t n = ex->sds.len;
    ser_count(s, &n, SDS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&ex->sds, (struct nt_object_sd){0});
        SER(s, ex->sds.data[i].object);
        ser_bytes(s, &ex->sds.data[i].sd, &ex->sds.data[i].len, 0x40000);
    }
}

void nt_ex_transfer(struct nt_kernel *k, struct ser *s)
{
    struct pgr_error e;
    ser_tag(s, "EXEC");
    if (s->loading) {
        nt_ex_destroy(k);
        nt_ex_create(k, &e);
    }
    struct nt_ex *ex = k->ex;
    transfer_atoms(s, ex);
    transfer_sds(s, ex);
    SER(s, ex->next_luid);
    SER(s, ex->next_uuid_time);
    SER(s, ex->system_locale);
    SER(s, ex->user_locale);
    SER(s, ex->ui_language);
    SER(s, ex->timer_resolution);
    SER(s, ex->execution_state);
    SER(s, ex->cpu_count);
    if (s->loading && (ex->cpu_count == 0 || ex->cpu_count > 64))
        ser_fail(s, "snapshot: %u processors", ex->cpu_count);
}

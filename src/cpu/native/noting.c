// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls that are noted in the child (cpu/notes/) instead of coming out. */
#include "cpu/native/internal.h"

_Static_assert(NATIVE_EXEC_MAX <= CPU_NOTE_MAX, "each executor has a note");
_Static_assert(CPU_NOTE_SIZE == 2 * NATIVE_EXEC_SIZE, "record.S doubles the offset of the block");
_Static_assert(CPU_NOTES >= NATIVE_EXECS + NATIVE_EXEC_MAX * NATIVE_EXEC_SIZE &&
                   NATIVE_AREA_SIZE <= NATIVE_PATCH_OFFSET,
               "they must not overlap, in the area and in its file");

/* What the area has at an offset its file has there, too. */
bool native_notes_init(struct native_engine *n)
{
    const struct cpu_config *c = &n->base.cfg;
    if (!n->gates || !cpu_notes_wanted(c))
        return false;
    n->notes = (struct cpu_notes){
        .cfg = c, .count = n->exec_count, .rows = (struct note_row *)(void *)(n->area + CPU_ROWS)};
    for (unsigned i = 0; i < n->exec_count; i++)
        n->notes.thread[i].note = (struct note *)(void *)(n->area + CPU_NOTES + i * CPU_NOTE_SIZE);
    cpu_notes_init(
        &n->notes, n->area + CPU_RECORDER,
        (const uint64_t[2]){native_thunk_of(n, c->note_call), native_thunk_of(n, c->note_return)});
    return true;
}

void native_note_call(struct cpu_engine *e, const struct cpu_noted *f)
{
    struct native_engine *n = native_of(e);
    if (n->noting)
        cpu_notes_call(&n->notes, f);
}

void native_note_calls(struct cpu_engine *e, const struct x86_state *st, bool on, bool same)
{
    struct native_engine *n = native_of(e);
    for (unsigned i = 0; n->noting && i < n->exec_count; i++)
        if (n->notes.thread[i].st == st)
            cpu_notes_switch(&n->notes.thread[i], on, same);
}

void native_note_begin(struct native_exec *x)
{
    struct native_engine *n = x->n;
    if (!n->noting)
        return;
    n->notes.thread[x->index].st = x->st;
    cpu_notes_switch(&n->notes.thread[x->index], false, false);
}

struct x86_state *native_next_record(struct cpu_engine *e, struct cpu_record *r)
{
    return cpu_notes_next(&native_of(e)->notes, r);
}

void native_tell_records(struct native_exec *x)
{
    if (x->n->noting)
        cpu_notes_tell(&x->n->notes);
}

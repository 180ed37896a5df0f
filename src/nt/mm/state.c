// SPDX-License-Identifier: GPL-2.0-or-later
/* What the memory manager keeps for the whole kernel. */
#include "nt/mm/internal.h"

enum { MARKS_MAX = 1 << 20, MARK_PAGES_MAX = 1 << 28 };

struct nt_mm *mm_state(struct nt_kernel *k)
{
    if (!k->mm)
        k->mm = xcalloc(1, sizeof *k->mm);
    return k->mm;
}

void nt_mm_destroy(struct nt_kernel *k)
{
    struct nt_mm *mm = k->mm;
    if (!mm)
        return;
    mm_images_destroy(mm);
    vec_foreach (m, &mm->marks)
        free(m->hashes);
    vec_free(&mm->marks);
    free(mm);
    k->mm = NULL;
}

static uint64_t *hashes_for(uint8_t kind, uint64_t size)
{
    return kind == MM_WRITE_WATCH ? xcalloc(size / MEM_PAGE, sizeof(uint64_t)) : NULL;
}

/* Few pages of a region are ever written: only their hashes are stored. */
static void transfer_hashes(struct ser *s, struct mm_mark *m)
{
    uint64_t pages = m->size / MEM_PAGE;
    size_t n = 0, at = 0;
    for (uint64_t i = 0; !s->loading && i < pages; i++)
        n += m->hashes[i] != 0;
    ser_count(s, &n, (size_t)pages);
    for (uint64_t i = 0; at < n && !s->failed; at++, i++) {
        while (!s->loading && !m->hashes[i])
            i++;
        SER(s, i);
        if (s->failed || i >= pages) {
            ser_fail(s, "snapshot: a written page lies outside of its region");
            return;
        }
        SER(s, m->hashes[i]);
    }
}

static void transfer_mark(struct ser *s, struct mm_mark *m, uint64_t *budget)
{
    SER(s, m->kind);
    SER(s, m->process);
    SER(s, m->base);
    SER(s, m->size);
    if (s->failed)
        return;
    if (s->loading) {
        if (m->kind > MM_REPLACED || m->size % MEM_PAGE || m->size / MEM_PAGE > *budget) {
            ser_fail(s, "snapshot: a region's notes make no sense");
            return;
        }
        if (m->kind == MM_WRITE_WATCH)
            *budget -= m->size / MEM_PAGE;
        m->hashes = hashes_for(m->kind, m->size);
    }
    if (m->hashes)
        transfer_hashes(s, m);
}

void nt_mm_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_mm *mm = mm_state(k);
    ser_tag(s, "NTMM");
    mm_images_transfer(k, s);
    uint64_t budget = MARK_PAGES_MAX;
    size_t n = mm->marks.len;
    ser_count(s, &n, MARKS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&mm->marks, (struct mm_mark){0});
        transfer_mark(s, &mm->marks.data[i], &budget);
    }
}

struct mm_mark *mm_mark_find(struct nt_kernel *k, struct nt_process *p, uint8_t kind, uint64_t va)
{
    struct nt_mm *mm = mm_state(k);
    vec_foreach (m, &mm->marks)
        if (m->kind == kind && m->process == p->o.id && va >= m->base && va - m->base < m->size)
            return m;
    return NULL;
}

struct mm_mark *mm_mark_add(struct nt_kernel *k, struct nt_process *p, uint8_t kind, uint64_t base,
                            uint64_t size)
{
    struct nt_mm *mm = mm_state(k);
    vec_push(&mm->marks, (struct mm_mark){.kind = kind,
                                          .process = p->o.id,
                                          .base = base,
                                          .size = size,
                                          .hashes = hashes_for(kind, size)});
    return &mm->marks.data[mm->marks.len - 1];
}

/* Keeps [from, from + size) of m as a mark of its own. */
static void keep_part(struct nt_kernel *k, struct nt_process *p, const struct mm_mark *m,
                      uint64_t from, uint64_t size)
{
    if (!size)
        return;
    struct mm_mark *part = mm_mark_add(k, p, m->kind, from, size);
    if (m->hashes)
        memcpy(part->hashes, m->hashes + (from - m->base) / MEM_PAGE,
               size / MEM_PAGE * sizeof *m->hashes);
}

void mm_marks_forget(struct nt_kernel *k, struct nt_process *p, uint64_t base, uint64_t size)
{
    struct nt_mm *mm = mm_state(k);
    uint64_t end = base + size;
    for (size_t i = 0; i < mm->marks.len;) {
        struct mm_mark m = mm->marks.data[i];
        if (m.process != p->o.id || m.base >= end || m.base + m.size <= base) {
            i++;
            continue;
        }
        vec_remove(&mm->marks, i);
        if (m.base < base)
            keep_part(k, p, &m, m.base, base - m.base);
        if (m.base + m.size > end)
            keep_part(k, p, &m, end, m.base + m.size - end);
        free(m.hashes);
    }
}

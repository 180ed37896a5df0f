// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults, and the host's own reads and writes, which behave as the guest's would. */
#include "mem/internal.h"

static uint32_t page_frame(const struct region *r, uint64_t vpn, const struct page *p)
{
    if (r->object && !(p->flags & PG_COPIED))
        return region_object_frame(r, vpn);
    return p->frame;
}

bool page_copy(struct mem_space *s, const struct region *r, uint64_t vpn, struct page *p)
{
    if (!page_back(s, r, vpn, p))
        return false;
    memcpy(frame_bytes(s->ram, p->frame), frame_bytes(s->ram, region_object_frame(r, vpn)),
           MEM_PAGE);
    p->protect = (uint16_t)protect_after_copy(p->protect);
    p->flags |= PG_COPIED | PG_RESIDENT;
    space_note_invalid(s, vpn, vpn + 1);
    return true;
}

/* Makes the page's bytes there for `access`, which its protection allows. */
static bool make_present(struct mem_space *s, const struct region *r, uint64_t vpn, unsigned access,
                         struct page *st)
{
    bool write = access & MEM_W;
    bool ready = r->object ? !(write && protect_copies(st->protect)) : st->flags & PG_RESIDENT;
    if (ready && !(write && !(st->flags & PG_DIRTY)))
        return true;
    struct page *p = page_entry(s, r, vpn);
    if (!ready && r->object && !page_copy(s, r, vpn, p))
        return false;
    if (!r->object) {
        if (!page_back(s, r, vpn, p))
            return false;
        p->flags |= PG_RESIDENT;
    }
    if (write)
        page_set_dirty(s, vpn, p);
    uint16_t committed = st->flags & PG_COMMIT; /* of the section, when that decides */
    *st = *p;
    st->flags |= committed;
    return true;
}

/* What the access gives, without doing it. A guard page reports itself. */
static ntstatus check_access(const struct page *st, unsigned access)
{
    if (!(st->flags & PG_COMMIT) || (protect_access(st->protect) & access) != access)
        return STATUS_ACCESS_VIOLATION;
    return st->protect & PAGE_GUARD ? STATUS_GUARD_PAGE_VIOLATION : STATUS_SUCCESS;
}

/* Like mem_fault for a page number, leaving it to the caller to tell the observers. */
static ntstatus fault_page(struct mem_space *s, uint64_t vpn, unsigned access, struct region **rp,
                           struct page *st)
{
    struct region *r = vpn > s->highest >> PAGE_SHIFT ? NULL : region_find(s, vpn);
    if (!r)
        return STATUS_ACCESS_VIOLATION;
    *rp = r;
    *st = page_state(s, r, vpn);
    ntstatus status = check_access(st, access);
    if (status == STATUS_GUARD_PAGE_VIOLATION)
        page_entry(s, r, vpn)->protect &= (uint16_t)~PAGE_GUARD;
    if (status)
        return status;
    return make_present(s, r, vpn, access, st) ? STATUS_SUCCESS : STATUS_IN_PAGE_ERROR;
}

ntstatus mem_fault(struct mem_space *s, uint64_t va, unsigned access, struct mem_page *out)
{
    struct region *r;
    struct page st;
    ntstatus status = fault_page(s, va >> PAGE_SHIFT, access, &r, &st);
    if (!status)
        *out = (struct mem_page){page_frame(r, va >> PAGE_SHIFT, &st), protect_rights(st.protect)};
    space_tell(s);
    return status;
}

bool mem_present(struct mem_space *s, uint64_t va, struct mem_page *out)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    struct region *r = va > s->highest ? NULL : region_find(s, vpn);
    if (!r)
        return false;
    struct page st = page_state(s, r, vpn);
    if (!(st.flags & PG_COMMIT) || (!r->object && !(st.flags & PG_RESIDENT)))
        return false;
    unsigned rights = protect_rights(st.protect);
    if (!rights)
        return false;
    *out = (struct mem_page){page_frame(r, vpn, &st), rights};
    return true;
}

/* Other views in which the guest may execute what is written through this one. */
static void note_aliases(struct mem_space *s, const struct region *r, uint64_t va, uint64_t len)
{
    uint64_t page = r->object_page + ((va >> PAGE_SHIFT) - r->start);
    vec_foreach (slot, &s->slots) {
        const struct region *o = slot->region;
        if (o->object != r->object || page < o->object_page ||
            page - o->object_page >= o->end - o->start)
            continue;
        uint64_t vpn = o->start + (page - o->object_page);
        struct page st = page_state(s, o, vpn);
        uint64_t at = (vpn << PAGE_SHIFT) + va % MEM_PAGE;
        if (!(st.flags & PG_COPIED) && protect_access(st.protect) & MEM_X)
            space_note_code(s, at, at + len);
    }
}

/* The host is about to write len bytes of one page. */
static void note_write(struct mem_space *s, const struct region *r, uint64_t va, uint64_t len,
                       const struct page *st)
{
    if (r->object && r->object->executed && !(st->flags & PG_COPIED))
        note_aliases(s, r, va, len);
    else if (protect_access(st->protect) & MEM_X)
        space_note_code(s, va, va + len);
}

static uint8_t *page_bytes(struct mem_space *s, const struct region *r, uint64_t va,
                           const struct page *st)
{
    return frame_bytes(s->ram, page_frame(r, va >> PAGE_SHIFT, st)) + va % MEM_PAGE;
}

/* A private page never touched reads as zeroes without getting memory. */
static bool reads_zero(const struct region *r, const struct page *st)
{
    return !r->object && !(st->flags & PG_RESIDENT);
}

static ntstatus read_page(struct mem_space *s, uint64_t va, uint8_t *to, size_t n)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    struct region *r = va > s->highest ? NULL : region_find(s, vpn);
    if (!r)
        return STATUS_ACCESS_VIOLATION;
    struct page st = page_state(s, r, vpn);
    ntstatus status = check_access(&st, MEM_R);
    if (status == STATUS_GUARD_PAGE_VIOLATION)
        page_entry(s, r, vpn)->protect &= (uint16_t)~PAGE_GUARD;
    if (status)
        return status;
    if (reads_zero(r, &st))
        memset(to, 0, n);
    else
        memcpy(to, page_bytes(s, r, va, &st), n);
    return STATUS_SUCCESS;
}

ntstatus mem_read(struct mem_space *s, uint64_t va, void *out, size_t len)
{
    uint8_t *to = out;
    while (len) {
        size_t n = MIN(len, MEM_PAGE - va % MEM_PAGE);
        ntstatus status = read_page(s, va, to, n);
        if (status)
            return status;
        va += n;
        to += n;
        len -= n;
    }
    return STATUS_SUCCESS;
}

ntstatus mem_write(struct mem_space *s, uint64_t va, const void *data, size_t len)
{
    const uint8_t *from = data;
    ntstatus status = STATUS_SUCCESS;
    while (len) {
        size_t n = MIN(len, MEM_PAGE - va % MEM_PAGE);
        struct region *r;
        struct page st;
        status = fault_page(s, va >> PAGE_SHIFT, MEM_W, &r, &st);
        if (status)
            break;
        note_write(s, r, va, n, &st);
        memcpy(page_bytes(s, r, va, &st), from, n);
        va += n;
        from += n;
        len -= n;
    }
    space_tell(s);
    return status;
}

uint8_t *mem_window(struct mem_space *s, uint64_t va, size_t *len, unsigned access,
                    ntstatus *status)
{
    uint8_t *first = NULL;
    size_t done = 0, want = *len;
    *status = STATUS_SUCCESS;
    do {
        uint64_t at = va + done;
        struct region *r = at > s->highest ? NULL : region_find(s, at >> PAGE_SHIFT);
        struct page st;
        /* Later pages must not report anything: the window ends before one that would. */
        if (done && (!r || (st = page_state(s, r, at >> PAGE_SHIFT), check_access(&st, access))))
            break;
        ntstatus now = fault_page(s, at >> PAGE_SHIFT, access, &r, &st);
        if (now && !done)
            *status = now;
        if (now)
            break;
        uint8_t *bytes = page_bytes(s, r, at, &st);
        if (done && bytes != first + done)
            break;
        first = done ? first : bytes;
        size_t n = MIN(want - done, MEM_PAGE - at % MEM_PAGE);
        if (access & MEM_W)
            note_write(s, r, at, n, &st);
        done += n;
    } while (done < want);
    space_tell(s);
    *len = done;
    return first;
}

/* Whether the host's patch goes to a private copy rather than to every view. */
static bool poke_copies(const struct region *r, const struct page *st)
{
    if (!r->object || st->flags & (PG_COPIED | PG_SHARED))
        return false;
    return r->type == MEM_IMAGE || protect_copies(r->alloc_protect) ||
           protect_copies(st->protect) || (r->object->kind == OBJECT_FILE && !r->object->writable);
}

static ntstatus poke_page(struct mem_space *s, uint64_t va, const uint8_t *from, size_t n)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    struct region *r = va > s->highest ? NULL : region_find(s, vpn);
    if (!r || !(page_state(s, r, vpn).flags & PG_COMMIT))
        return STATUS_ACCESS_VIOLATION;
    struct page *p = page_entry(s, r, vpn);
    if (poke_copies(r, p) && !page_copy(s, r, vpn, p))
        return STATUS_NO_MEMORY;
    if (!r->object) {
        if (!page_back(s, r, vpn, p))
            return STATUS_NO_MEMORY;
        p->flags |= PG_RESIDENT;
    }
    page_set_dirty(s, vpn, p);
    note_write(s, r, va, n, p);
    memcpy(page_bytes(s, r, va, p), from, n);
    return STATUS_SUCCESS;
}

ntstatus mem_poke(struct mem_space *s, uint64_t va, const void *data, size_t len)
{
    const uint8_t *from = data;
    ntstatus status = STATUS_SUCCESS;
    while (len && !status) {
        size_t n = MIN(len, MEM_PAGE - va % MEM_PAGE);
        status = poke_page(s, va, from, n);
        va += n;
        from += n;
        len -= n;
    }
    space_tell(s);
    return status;
}

bool mem_peek(struct mem_space *s, uint64_t va, void *out, size_t len)
{
    uint8_t *to = out;
    while (len) {
        size_t n = MIN(len, MEM_PAGE - va % MEM_PAGE);
        uint64_t vpn = va >> PAGE_SHIFT;
        struct region *r = va > s->highest ? NULL : region_find(s, vpn);
        if (!r)
            return false;
        struct page st = page_state(s, r, vpn);
        if (!(st.flags & PG_COMMIT))
            return false;
        if (reads_zero(r, &st))
            memset(to, 0, n);
        else
            memcpy(to, page_bytes(s, r, va, &st), n);
        va += n;
        to += n;
        len -= n;
    }
    return true;
}

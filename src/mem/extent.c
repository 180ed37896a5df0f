// SPDX-License-Identifier: GPL-2.0-or-later
/* What lies where in which file: for engines whose guest is another process. */
#include "mem/internal.h"
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The piece of a file that lies over the object at `page`, if there is one. */
static const struct mapped *piece_at(const struct mem_object *o, uint64_t page)
{
    vec_foreach (m, &o->mapped)
        if (page >= m->start && page - m->start < m->count)
            return m;
    return NULL;
}

/*
 * Which pages of the image are not the file's any more: relocations have changed them. The host
 * says so, in 64 bits for each page of this process. Nothing changes once there are views.
 */
static void find_changed(struct mem_object *o)
{
    const uint64_t present = 1ull << 63, swapped = 1ull << 62, of_a_file = 1ull << 61;
    struct mem_ram *ram = o->ram;
    struct statvfs fs;
    o->changed = xcalloc(o->pages / 64u + 1, sizeof *o->changed);
    if (!ram->pagemap)
        ram->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    size_t size = o->pages * sizeof(uint64_t);
    uint64_t *map = xmalloc(size);
    off_t at = (off_t)((uintptr_t)frame_bytes(ram, o->frame) / MEM_PAGE * sizeof *map);
    bool known = ram->pagemap > 0 && pread(ram->pagemap, map, size, at) == (ssize_t)size;
    /* Nobody may execute pages of files there. */
    bool usable = o->image_fd >= 0 && !fstatvfs(o->image_fd, &fs) && !(fs.f_flag & ST_NOEXEC);
    for (uint32_t i = 0; i < o->pages; i++)
        if (!known || !usable || (map[i] & present ? !(map[i] & of_a_file) : map[i] & swapped))
            o->changed[i / 64] |= 1ull << (i % 64);
    free(map);
}

static bool is_changed(struct mem_object *o, uint64_t page)
{
    if (!o->changed)
        find_changed(o);
    return o->changed[page / 64] >> (page % 64) & 1;
}

/*
 * Only this process can map what it changed, so such bytes go to the RAM's own file, in the same
 * place. Where views write to each other the window must show them there, too.
 */
static bool put_into_ram(struct mem_object *o, uint64_t page, bool shared)
{
    struct mem_ram *ram = o->ram;
    uint32_t frame = o->frame + (uint32_t)page;
    if (!o->in_ram)
        o->in_ram = xcalloc(o->pages / 64u + 1, sizeof *o->in_ram);
    uint64_t bit = 1ull << (page % 64), *word = &o->in_ram[page / 64];
    off_t at = (off_t)frame << PAGE_SHIFT;
    if (*word & bit)
        return true;
    if (pwrite(ram->fd, frame_bytes(ram, frame), MEM_PAGE, at) != MEM_PAGE ||
        (shared && !ram_restore(ram, frame, 1)))
        return false;
    *word |= bit;
    return true;
}

/* Where the bytes of a view's page are; false when they cannot be had. */
static bool object_place(struct mem_object *o, uint64_t page, bool shared, struct mem_extent *out)
{
    const struct mapped *m = piece_at(o, page);
    if (!m)
        return true;
    out->fd = o->kind == OBJECT_IMAGE ? o->image_fd : o->fd;
    if (o->kind == OBJECT_IMAGE && (shared || is_changed(o, page))) {
        out->fd = o->ram->fd;
        return put_into_ram(o, page, shared);
    }
    out->offset = m->offset + ((page - m->start) << PAGE_SHIFT);
    return true;
}

/* Makes a private page present that was never touched. */
static bool populate_page(struct mem_space *s, const struct region *r, uint64_t vpn,
                          struct page *st)
{
    struct page *p = page_entry(s, r, vpn);
    if (!page_back(s, r, vpn, p))
        return false;
    p->flags |= PG_RESIDENT;
    *st = *p;
    return true;
}

/* look: pages of images that have still to be read are. */
static bool page_extent(struct mem_space *s, uint64_t vpn, bool populate, bool look,
                        struct mem_extent *out)
{
    struct region *r = region_find(s, vpn);
    if (!r)
        return false;
    struct page st = page_state(s, r, vpn);
    unsigned rights = protect_rights(st.protect);
    if (!(st.flags & PG_COMMIT) || !rights)
        return false;
    if (!r->object && !(st.flags & PG_RESIDENT) && !(populate && populate_page(s, r, vpn, &st)))
        return false;
    bool own = !r->object || st.flags & PG_COPIED;
    if (!own && !look && object_unread(r->object, r->object_page + (vpn - r->start)))
        return false;
    uint32_t frame = own ? st.frame : region_object_frame(r, vpn);
    *out = (struct mem_extent){.va = vpn << PAGE_SHIFT,
                               .pages = 1,
                               .rights = rights,
                               .fd = s->ram->fd,
                               .offset = (uint64_t)frame << PAGE_SHIFT,
                               .image = r->type == MEM_IMAGE};
    return own ||
           object_place(r->object, r->object_page + (vpn - r->start), st.flags & PG_SHARED, out);
}

static bool follows(const struct mem_extent *a, const struct mem_extent *b)
{
    uint64_t len = a->pages << PAGE_SHIFT;
    return a->va + len == b->va && a->offset + len == b->offset && a->fd == b->fd &&
           a->rights == b->rights && a->image == b->image;
}

size_t mem_extents(struct mem_space *s, uint64_t first, uint64_t last, bool populate,
                   struct mem_extent *out, size_t max)
{
    size_t n = 0;
    bool one = first >> PAGE_SHIFT == last >> PAGE_SHIFT;
    for (uint64_t vpn = first >> PAGE_SHIFT; vpn <= MIN(last, s->highest) >> PAGE_SHIFT; vpn++) {
        struct mem_extent x;
        if (!page_extent(s, vpn, populate, one, &x))
            continue;
        if (n && follows(&out[n - 1], &x)) {
            out[n - 1].pages++;
            continue;
        }
        if (n == max)
            break;
        out[n++] = x;
    }
    return n;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Objects: runs of frames that views share, with host files mapped over parts of them. */
#include "mem/internal.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

/* Shorter pieces of a file are read: a mapping costs more than copying a few pages. */
#define MAP_MIN 4u
/* Pieces that cannot be mapped are read when they are looked at, unless they are as small as this.
 */
#define LATER_MIN 16u
/* How many pages are read at once, then. */
#define READ_GROUP 16u

ntstatus object_new(struct mem_ram *ram, enum object_kind kind, uint64_t size,
                    struct mem_object **out)
{
    *out = NULL;
    if (!size)
        return STATUS_INVALID_PARAMETER;
    if (size > ram->limit)
        return STATUS_COMMITMENT_LIMIT;
    uint32_t pages = (uint32_t)(align_up(size, MEM_PAGE) >> PAGE_SHIFT);
    if (ram->next_id == UINT32_MAX || !ram_charge(ram, pages))
        return STATUS_COMMITMENT_LIMIT;
    uint32_t frame = ram_alloc(ram, pages, 0);
    if (!frame) {
        ram_uncharge(ram, pages);
        return STATUS_NO_MEMORY;
    }
    struct mem_object *o = xcalloc(1, sizeof *o);
    *o = (struct mem_object){.ram = ram,
                             .id = ram->next_id++,
                             .kind = kind,
                             .frame = frame,
                             .pages = pages,
                             .size = size,
                             .fd = -1,
                             .image_fd = -1};
    vec_push(&ram->objects, o);
    *out = o;
    return STATUS_SUCCESS;
}

static size_t object_index(const struct mem_ram *ram, uint32_t id)
{
    size_t lo = 0, hi = ram->objects.len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ram->objects.data[mid]->id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void object_destroy(struct mem_object *o)
{
    struct mem_ram *ram = o->ram;
    bool restored = true;
    for (size_t i = 0; i < o->mapped.len && !ram->retired; i++) {
        const struct mapped *m = &o->mapped.data[i];
        restored &= ram_restore(ram, o->frame + m->start, m->count);
    }
    /* Frames that still show a file must never be given out again: lose them instead. */
    if (restored)
        ram_free(ram, o->frame, o->pages, false);
    ram_uncharge(ram, o->pages);
    vec_remove(&ram->objects, object_index(ram, o->id));
    if (o->fd >= 0)
        close(o->fd);
    if (o->image_fd >= 0)
        close(o->image_fd);
    vec_free(&o->mapped);
    free(o->committed);
    vec_free(&o->later);
    free(o->unread);
    free(o->in_ram);
    free(o->changed);
    free(o->path);
    free(o);
}

/* Maps len bytes (whole pages) of a file over the object's pages from `page` on. */
static ntstatus map_pages(struct mem_object *o, uint32_t page, uint32_t count, int fd,
                          uint64_t offset, bool shared)
{
    void *at = frame_bytes(o->ram, o->frame + page);
    void *p =
        mmap(at, (size_t)count << PAGE_SHIFT, PROT_READ | PROT_WRITE,
             (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset);
    if (p == MAP_FAILED)
        return errno == EACCES   ? STATUS_ACCESS_DENIED
               : errno == ENOMEM ? STATUS_NO_MEMORY
                                 : STATUS_INVALID_FILE_FOR_SECTION;
    vec_push(&o->mapped, (struct mapped){page, count, offset});
    return STATUS_SUCCESS;
}

static ntstatus file_size(int fd, uint64_t *size)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return STATUS_INVALID_FILE_FOR_SECTION;
    *size = (uint64_t)st.st_size;
    return STATUS_SUCCESS;
}

ntstatus object_map_file(struct mem_object *o)
{
    uint64_t size;
    ntstatus st = file_size(o->fd, &size);
    if (st)
        return st;
    /* Touching a mapped page beyond the end of the file would kill the host process: those stay
     * pages of the RAM. */
    uint64_t have = size > o->offset ? size - o->offset : 0;
    uint64_t pages = MIN(align_up(MIN(have, o->size), MEM_PAGE) >> PAGE_SHIFT, o->pages);
    if (!pages)
        return STATUS_SUCCESS;
    return map_pages(o, 0, (uint32_t)pages, o->fd, o->offset, o->writable);
}

ntstatus mem_object_anonymous(struct mem_ram *ram, uint64_t size, struct mem_object **out)
{
    ntstatus st = object_new(ram, OBJECT_ANONYMOUS, size, out);
    if (!st)
        (*out)->refs = 1;
    return st;
}

ntstatus mem_object_reserved(struct mem_ram *ram, uint64_t size, struct mem_object **out)
{
    ntstatus st = mem_object_anonymous(ram, size, out);
    if (!st)
        (*out)->committed = xcalloc((*out)->pages / 64u + 1, sizeof(uint64_t));
    return st;
}

ntstatus mem_object_file(struct mem_ram *ram, int fd, uint64_t offset, uint64_t size, bool writable,
                         struct mem_object **out)
{
    *out = NULL;
    if (offset % MEM_PAGE || offset > INT64_MAX)
        return STATUS_MAPPED_ALIGNMENT;
    struct mem_object *o;
    ntstatus st = object_new(ram, OBJECT_FILE, size, &o);
    if (st)
        return st;
    o->refs = 1;
    o->writable = writable;
    o->offset = offset;
    o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    st = o->fd < 0 ? STATUS_INSUFFICIENT_RESOURCES : object_map_file(o);
    if (st)
        object_destroy(o);
    else
        *out = o;
    return st;
}

ntstatus mem_object_image(struct mem_ram *ram, uint64_t size, struct mem_object **out)
{
    ntstatus st = object_new(ram, OBJECT_IMAGE, size, out);
    if (!st)
        (*out)->refs = 1;
    return st;
}

static ntstatus read_file(int fd, uint8_t *to, uint64_t offset, uint64_t len)
{
    while (len) {
        ssize_t n = pread(fd, to, (size_t)MIN(len, 1u << 30), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? STATUS_IN_PAGE_ERROR : STATUS_END_OF_FILE;
        to += n;
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return STATUS_SUCCESS;
}

static bool keep_file(struct mem_object *o, int fd)
{
    if (o->image_fd < 0)
        o->image_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return o->image_fd >= 0;
}

/* Most linkers align sections in files to 512 bytes: such pieces cannot be mapped. Programs have
 * tens of MiB of them and use a few. */
static bool put_later(struct mem_object *o, uint64_t at, int fd, uint64_t offset, uint64_t len)
{
    if (at % MEM_PAGE || len / MEM_PAGE < LATER_MIN || !keep_file(o, fd))
        return false;
    struct unread u = {(uint32_t)(at / MEM_PAGE), (uint32_t)(align_up(len, MEM_PAGE) / MEM_PAGE),
                       offset, len};
    if (!o->unread)
        o->unread = xcalloc(o->pages / 64u + 1, sizeof *o->unread);
    for (uint32_t i = u.start; i < u.start + u.count; i++)
        o->unread[i / 64] |= 1ull << (i % 64);
    vec_push(&o->later, u);
    return true;
}

/* The piece that the page is still to be read from, NULL: it is there. Pieces may overlap. */
static const struct unread *unread_at(const struct mem_object *o, uint64_t page)
{
    const struct unread *found = NULL;
    if (!(o->unread[page / 64] >> (page % 64) & 1))
        return NULL;
    vec_foreach (u, &o->later)
        if (page >= u->start && page - u->start < u->count)
            found = u;
    return found;
}

/* Reads pages of u from `first` on, as far as none of them is there already; returns the next. What
 * cannot be read any more, because somebody cut the file short, stays zero. */
static uint64_t read_run(struct mem_object *o, const struct unread *u, uint64_t first, uint64_t end)
{
    uint64_t last = first, from = (first - u->start) * MEM_PAGE;
    for (; last < end && unread_at(o, last) == u; last++)
        o->unread[last / 64] &= ~(1ull << (last % 64));
    read_file(o->image_fd, frame_bytes(o->ram, o->frame + (uint32_t)first), u->offset + from,
              MIN((last - first) * MEM_PAGE, u->len - from));
    return last;
}

void object_read(struct mem_object *o, uint64_t page, uint64_t count)
{
    if (!o->unread)
        return;
    uint64_t first = page / READ_GROUP * READ_GROUP;
    uint64_t end = MIN(align_up(page + count, READ_GROUP), o->pages);
    while (first < end) {
        const struct unread *u = unread_at(o, first);
        first = u ? read_run(o, u, first, end) : first + 1;
    }
}

ntstatus mem_object_put_file(struct mem_object *o, uint64_t at, int fd, uint64_t offset,
                             uint64_t len)
{
    uint64_t size;
    ntstatus st = file_size(fd, &size);
    if (st)
        return st;
    if (!range_inside(at, len, o->size))
        return STATUS_INVALID_PARAMETER;
    if (!range_inside(offset, len, size))
        return STATUS_END_OF_FILE;
    uint64_t mapped = 0;
    if (len) /* pieces may overlap: the last one counts */
        object_read(o, at / MEM_PAGE, (at + len - 1) / MEM_PAGE - at / MEM_PAGE + 1);
    if (at % MEM_PAGE == 0 && offset % MEM_PAGE == 0 && len / MEM_PAGE >= MAP_MIN) {
        uint32_t pages = (uint32_t)(len / MEM_PAGE);
        st = map_pages(o, (uint32_t)(at / MEM_PAGE), pages, fd, offset, false);
        if (st)
            return st;
        keep_file(o, fd);
        mapped = (uint64_t)pages * MEM_PAGE;
    } else if (put_later(o, at, fd, offset, len)) {
        return STATUS_SUCCESS;
    }
    return read_file(fd, frame_bytes(o->ram, o->frame) + at + mapped, offset + mapped,
                     len - mapped);
}

static bool file_lies_over(const struct mem_object *o, uint64_t page, uint64_t count)
{
    vec_foreach (m, &o->mapped)
        if (page < (uint64_t)m->start + m->count && m->start < page + count)
            return true;
    return false;
}

ntstatus mem_object_put_bytes(struct mem_object *o, uint64_t at, const void *data, uint64_t len)
{
    if (!range_inside(at, len, o->size))
        return STATUS_INVALID_PARAMETER;
    if (!len)
        return STATUS_SUCCESS;
    uint64_t page = at / MEM_PAGE, count = (at + len - 1) / MEM_PAGE - page + 1;
    object_read(o, page, count);
    /* Without looking at the pages: a fault of the host's costs more than writing one. */
    off_t offset = (off_t)((((uint64_t)o->frame + page) << PAGE_SHIFT) + at % MEM_PAGE);
    if (file_lies_over(o, page, count) || pwrite(o->ram->fd, data, len, offset) != (ssize_t)len)
        memcpy(mem_object_range(o, at, len), data, len);
    return STATUS_SUCCESS;
}

uint8_t *mem_object_bytes(struct mem_object *o)
{
    object_read(o, 0, o->pages);
    return frame_bytes(o->ram, o->frame);
}

uint8_t *mem_object_range(struct mem_object *o, uint64_t at, uint64_t len)
{
    BUG_ON(!len || !range_inside(at, len, (uint64_t)o->pages * MEM_PAGE));
    object_read(o, at / MEM_PAGE, (at + len - 1) / MEM_PAGE - at / MEM_PAGE + 1);
    return frame_bytes(o->ram, o->frame) + at;
}

uint64_t mem_object_size(const struct mem_object *o)
{
    return o->size;
}

struct mem_object *mem_object_ref(struct mem_object *o)
{
    o->refs++;
    return o;
}

void mem_object_unref(struct mem_object *o)
{
    if (!o)
        return;
    BUG_ON(!o->refs);
    if (!--o->refs)
        object_destroy(o);
}

uint32_t mem_object_id(const struct mem_object *o)
{
    return o->id;
}

struct mem_object *mem_object_find(struct mem_ram *ram, uint32_t id)
{
    size_t i = object_index(ram, id);
    if (i == ram->objects.len || ram->objects.data[i]->id != id)
        return NULL;
    return mem_object_ref(ram->objects.data[i]);
}

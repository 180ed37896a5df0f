// SPDX-License-Identifier: GPL-2.0-or-later
/* The window of frames: one sparse memfd, and the lists of what is free in it. */
#include "mem/internal.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Below this a page is zeroed by hand: cheaper than the system call and the fault afterwards. */
#define PUNCH_MIN 16u
/* Freed frames keep their contents until this many have come together, then one pass punches. */
#define DIRTY_MAX 2048u

static uint8_t *map_window(int fd, uint64_t limit)
{
    uint8_t *p = mmap(NULL, MEM_RAM_MARGIN + limit, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    p += MEM_RAM_MARGIN;
    if (mmap(p, limit, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) ==
        MAP_FAILED) {
        munmap(p - MEM_RAM_MARGIN, MEM_RAM_MARGIN + limit);
        return NULL;
    }
    return p;
}

pgr_status mem_ram_create(struct mem_ram **out, uint64_t limit, struct pgr_error *e)
{
    *out = NULL;
    if (!limit || limit % (1ull << 30) || limit > (1ull << 43))
        return err_set(e, PGR_E_ARGUMENT,
                       "guest memory of %#llx bytes: want a multiple of 1 GiB, at most 8 TiB",
                       (unsigned long long)limit);
    int fd = memfd_create("peregrine-ram", MFD_CLOEXEC);
    if (fd < 0)
        return err_errno(e, PGR_E_IO, "cannot create the guest's memory");
    if (ftruncate(fd, (off_t)limit)) {
        close(fd);
        return err_errno(e, PGR_E_IO, "cannot size the guest's memory to %llu bytes",
                         (unsigned long long)limit);
    }
    uint8_t *p = map_window(fd, limit);
    if (!p) {
        close(fd);
        return err_errno(e, PGR_E_NOMEM, "cannot map %llu bytes of address space for the guest",
                         (unsigned long long)limit);
    }
    struct mem_ram *ram = xcalloc(1, sizeof *ram);
    ram->fd = fd;
    ram->base = p;
    ram->limit = limit;
    ram->frames = (uint32_t)(limit >> PAGE_SHIFT);
    ram->bump = 1;
    ram->next_id = 1;
    *out = ram;
    return PGR_OK;
}

void mem_ram_retire(struct mem_ram *ram)
{
    ram->retired = true;
}

void mem_ram_destroy(struct mem_ram *ram)
{
    if (!ram)
        return;
    while (ram->objects.len)
        object_destroy(ram->objects.data[ram->objects.len - 1]);
    vec_free(&ram->objects);
    vec_free(&ram->clean);
    vec_free(&ram->dirty);
    munmap(ram->base - MEM_RAM_MARGIN, MEM_RAM_MARGIN + ram->limit);
    close(ram->fd);
    if (ram->pagemap > 0)
        close(ram->pagemap);
    free(ram);
}

uint8_t *mem_ram_take_margin(struct mem_ram *ram)
{
    uint8_t *at = ram->base - MEM_RAM_MARGIN;
    if (ram->margin_taken ||
        mmap(at, MEM_RAM_MARGIN, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        return NULL;
    ram->margin_taken = true;
    return at;
}

void mem_ram_give_margin(struct mem_ram *ram)
{
    mmap(ram->base - MEM_RAM_MARGIN, MEM_RAM_MARGIN, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    ram->margin_taken = false;
}

uint8_t *mem_ram_base(const struct mem_ram *ram)
{
    return ram->base;
}

uint64_t mem_ram_limit(const struct mem_ram *ram)
{
    return ram->limit;
}

int mem_ram_fd(const struct mem_ram *ram)
{
    return ram->fd;
}

void mem_ram_set_opener(struct mem_ram *ram, mem_open_fn *open_file, void *ctx)
{
    ram->open_file = open_file;
    ram->open_ctx = ctx;
}

/* Index of the first run that ends above `frame`. */
static size_t run_index(const frame_list *l, uint32_t frame)
{
    size_t lo = 0, hi = l->len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->data[mid].start + l->data[mid].count > frame)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void run_add(frame_list *l, uint32_t start, uint32_t count)
{
    size_t i = run_index(l, start);
    bool left = i > 0 && l->data[i - 1].start + l->data[i - 1].count == start;
    bool right = i < l->len && l->data[i].start == start + count;
    if (left && right) {
        l->data[i - 1].count += count + l->data[i].count;
        vec_remove(l, i);
    } else if (left) {
        l->data[i - 1].count += count;
    } else if (right) {
        l->data[i].start = start;
        l->data[i].count += count;
    } else {
        vec_insert(l, i, (struct frame_run){start, count});
    }
}

static uint32_t run_take(frame_list *l, size_t i, uint32_t count)
{
    uint32_t start = l->data[i].start;
    l->data[i].start += count;
    l->data[i].count -= count;
    if (!l->data[i].count)
        vec_remove(l, i);
    return start;
}

static void free_clean(struct mem_ram *ram, uint32_t start, uint32_t count)
{
    run_add(&ram->clean, start, count);
    struct frame_run *last = &ram->clean.data[ram->clean.len - 1];
    if (last->start + last->count == ram->bump) {
        ram->bump = last->start;
        ram->clean.len--;
    }
}

static void punch(struct mem_ram *ram, uint32_t start, uint32_t count)
{
    off_t at = (off_t)start << PAGE_SHIFT, len = (off_t)count << PAGE_SHIFT;
    if (fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len))
        memset(frame_bytes(ram, start), 0, (size_t)len);
}

static void punch_dirty(struct mem_ram *ram)
{
    vec_foreach (r, &ram->dirty) {
        punch(ram, r->start, r->count);
        free_clean(ram, r->start, r->count);
    }
    ram->dirty.len = 0;
    ram->dirty_count = 0;
}

static uint32_t alloc_at(struct mem_ram *ram, uint32_t count, uint32_t hint)
{
    if (hint == ram->bump && count <= ram->frames - ram->bump) {
        ram->bump += count;
        return hint;
    }
    size_t i = run_index(&ram->clean, hint);
    if (i < ram->clean.len && ram->clean.data[i].start == hint && ram->clean.data[i].count >= count)
        return run_take(&ram->clean, i, count);
    return 0;
}

static uint32_t alloc_clean(struct mem_ram *ram, uint32_t count)
{
    for (size_t i = ram->clean.len; i-- > 0;)
        if (ram->clean.data[i].count >= count)
            return run_take(&ram->clean, i, count);
    return 0;
}

static uint32_t alloc_dirty(struct mem_ram *ram, uint32_t count)
{
    size_t i = ram->dirty.len;
    if (count > PUNCH_MIN || !i || ram->dirty.data[i - 1].count < count)
        return 0;
    uint32_t start = run_take(&ram->dirty, i - 1, count);
    ram->dirty_count -= count;
    memset(frame_bytes(ram, start), 0, (size_t)count << PAGE_SHIFT);
    return start;
}

uint32_t ram_alloc(struct mem_ram *ram, uint32_t count, uint32_t hint)
{
    uint32_t start = 0;
    if (!count)
        return 0;
    if (hint)
        start = alloc_at(ram, count, hint);
    if (!start)
        start = alloc_dirty(ram, count);
    if (!start)
        start = alloc_clean(ram, count);
    if (!start)
        start = alloc_at(ram, count, ram->bump);
    if (!start && ram->dirty.len) {
        punch_dirty(ram);
        start = alloc_clean(ram, count);
        if (!start)
            start = alloc_at(ram, count, ram->bump);
    }
    if (start)
        ram->used += count;
    return start;
}

void ram_free(struct mem_ram *ram, uint32_t start, uint32_t count, bool clean)
{
    if (!count || ram->retired)
        return;
    ram->used -= count;
    if (clean) {
        free_clean(ram, start, count);
        return;
    }
    run_add(&ram->dirty, start, count);
    ram->dirty_count += count;
    if (ram->dirty_count > DIRTY_MAX)
        punch_dirty(ram);
}

void ram_zero(struct mem_ram *ram, uint32_t start, uint32_t count)
{
    if (count >= PUNCH_MIN)
        punch(ram, start, count);
    else
        memset(frame_bytes(ram, start), 0, (size_t)count << PAGE_SHIFT);
}

bool ram_restore(struct mem_ram *ram, uint32_t start, uint32_t count)
{
    size_t len = (size_t)count << PAGE_SHIFT;
    void *p = mmap(frame_bytes(ram, start), len, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_NORESERVE | MAP_FIXED, ram->fd, (off_t)start << PAGE_SHIFT);
    return p != MAP_FAILED;
}

bool ram_plenty(const struct mem_ram *ram)
{
    return ram->used < ram->frames / 2;
}

bool ram_charge(struct mem_ram *ram, uint64_t pages)
{
    if (pages > ram->frames / 2 - ram->charged)
        return false;
    ram->charged += pages;
    return true;
}

void ram_uncharge(struct mem_ram *ram, uint64_t pages)
{
    BUG_ON(pages > ram->charged);
    ram->charged -= pages;
}

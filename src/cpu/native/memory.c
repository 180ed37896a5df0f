// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's memory in the child: mapped when it is touched, unmapped when mem says so.
 *
 * What is mapped is written down in page tables that no processor reads. A page mapped for writing
 * counts as written, since nobody tells when it is. Pages come many at a time: a fault costs as
 * much as mapping a few hundred neighbours, and mappings that continue each other are one to the
 * host, which bounds their number.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

_Static_assert(NATIVE_AREA == CPU_AREA && NATIVE_AREA_SIZE <= CPU_AREA_SIZE, "must fit");

enum {
    TABLES_SIZE = 64 << 20,
    AROUND_MIN = 16, /* pages mapped around a fault, aligned */
    AROUND_MAX = 512,
    EXTENTS_MAX = 64,
    AGAIN_EXTENTS = 8,
    GONE_MAX = 16,
    AGAIN_MAX = 64, /* pages that are looked at again at once */
    PTE_PATCHED = 1 << 9,
    CTL_MSG_ARG = 0x800, /* in an executor's block: where files are received */
};

/* ---- Unmapping ------------------------------------------------------------------------------- */

static void note_gone(struct native_engine *n, uint64_t va, bool again)
{
    struct native_gone *last = n->gone.len ? &n->gone.data[n->gone.len - 1] : NULL;
    uint64_t end = va + MEM_PAGE;
    bool touches = last && va <= last->end && end >= last->va;
    if (touches || n->gone.len == GONE_MAX) { /* what lies between comes back by faults */
        last->va = MIN(va, last->va);
        last->end = MAX(end, last->end);
        last->again &= again && touches;
    } else {
        vec_push(&n->gone, (struct native_gone){va, end, again});
    }
}

static void forget(struct native_engine *n, uint64_t va, uint64_t *entry, bool again)
{
    if (*entry & CPU_PTE_WRITE)
        mem_mark_dirty(n->base.cfg.mem, va);
    if (*entry & PTE_PATCHED)
        native_unpatch(n, va, MEM_PAGE);
    *entry = 0;
    note_gone(n, va, again);
}

static void forget_entry(void *ctx, uint64_t va, uint64_t *entry)
{
    forget(ctx, va, entry, true);
}

static void invalidate(void *ctx, uint64_t va, uint64_t len)
{
    struct native_engine *n = ctx;
    cpu_pt_each(&n->pt, va, len, forget_entry, n);
}

static void forget_patched(void *ctx, uint64_t va, uint64_t *entry)
{
    if (*entry & PTE_PATCHED)
        forget_entry(ctx, va, entry);
}

/* The child sees what the host writes, but in copies. */
static void code_written(void *ctx, uint64_t va, uint64_t len)
{
    struct native_engine *n = ctx;
    if (n->patches.len)
        cpu_pt_each(&n->pt, va, len, forget_patched, n);
}

static void queue(struct native_exec *x, uint64_t nr, const uint64_t args[6])
{
    if (native_queue(x, nr, args))
        return;
    if (!native_command(x, 0) && !atomic_load(&x->n->dead))
        native_forget_all(x);
    x->op_count = 0;
    native_queue(x, nr, args);
}

static void queue_map(struct native_exec *x, uint64_t va, uint64_t len, int prot, int fd,
                      uint64_t offset)
{
    queue(
        x, SYS_mmap,
        (const uint64_t[6]){va, len, (uint64_t)prot, MAP_SHARED | MAP_FIXED, (uint64_t)fd, offset});
}

/* The pages of the area among the guest's own, and what of them may go. */
static bool fixed_inside(const struct native_engine *n, const struct native_gone *g)
{
    uint64_t gates = n->base.cfg.gate_base, size = n->base.cfg.gate_size;
    return n->gates && g->va < gates + size && gates < g->end;
}

bool native_forget_all(struct native_exec *x)
{
    struct native_engine *n = x->n;
    cpu_pt_each(&n->pt, 0, UINT64_MAX, forget_entry, n);
    cpu_pt_reset(&n->pt);
    n->gone.len = 0;
    x->op_count = 0;
    x->passed = -1;
    native_queue(x, SYS_close | OP_TOLERATED, (const uint64_t[6]){CHILD_FD_PASSED});
    native_queue(x, SYS_munmap, (const uint64_t[6]){0, NATIVE_AREA});
    native_queue(x, SYS_munmap,
                 (const uint64_t[6]){NATIVE_AREA + NATIVE_AREA_SIZE,
                                     NATIVE_USER_END - (NATIVE_AREA + NATIVE_AREA_SIZE)});
    native_map_fixed(x);
    return native_command(x, 0);
}

/* ---- Mapping --------------------------------------------------------------------------------- */

/* Room for the descriptor message in the executor's block, with what recvmsg takes and gives. */
struct message {
    struct msghdr msg;
    struct iovec iov;
    uint64_t byte;
    uint8_t control[64] __attribute__((aligned(8)));
};

static void write_message(struct native_exec *x)
{
    uint64_t at = native_block(x) + CTL_MSG_ARG;
    struct message m = {
        .msg = {.msg_iov = (void *)(at + offsetof(struct message, iov)),
                .msg_iovlen = 1,
                .msg_control = (void *)(at + offsetof(struct message, control)),
                .msg_controllen = CMSG_SPACE(sizeof(int))},
        .iov = {(void *)(at + offsetof(struct message, byte)), 1},
    };
    memcpy(native_block_bytes(x) + CTL_MSG_ARG, &m, sizeof m);
}

static bool send_file(struct native_engine *n, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof fd)] __attribute__((aligned(8))) = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(n->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* The child has a host file for as long as it takes to map what one fault wants of it. */
static void end_pass(struct native_exec *x)
{
    if (x->passed < 0)
        return;
    x->passed = -1;
    queue(x, SYS_close, (const uint64_t[6]){CHILD_FD_PASSED});
}

static bool pass(struct native_exec *x, int fd)
{
    if (x->passed == fd)
        return true;
    end_pass(x);
    if (!send_file(x->n, fd) && (!native_command(x, 0) || !send_file(x->n, fd)))
        return false;
    write_message(x);
    x->passed = fd;
    queue(x, SYS_recvmsg,
          (const uint64_t[6]){CHILD_FD_SOCKET, native_block(x) + CTL_MSG_ARG, MSG_DONTWAIT});
    return true;
}

static uint64_t *entry_slot(struct native_exec *x, uint64_t va)
{
    uint64_t *slot = cpu_pt_entry(&x->n->pt, va, true);
    if (!slot) { /* the block is full */
        native_forget_all(x);
        slot = cpu_pt_entry(&x->n->pt, va, true);
    }
    return slot;
}

static void write_down(struct native_exec *x, const struct mem_extent *e, uint64_t flags)
{
    for (uint64_t i = 0; i < e->pages; i++) {
        uint64_t *slot = entry_slot(x, e->va + i * MEM_PAGE);
        BUG_ON(!slot);
        *slot = CPU_PTE_PRESENT | flags;
    }
}

static int protection(unsigned rights)
{
    return (rights & MEM_R ? PROT_READ : 0) | (rights & MEM_W ? PROT_WRITE : 0) |
           (rights & MEM_X ? PROT_EXEC : 0);
}

static void map_run(struct native_exec *x, const struct mem_extent *e)
{
    int ram = mem_ram_fd(x->n->ram), prot = protection(e->rights);
    int fd = e->fd == ram ? CHILD_FD_RAM : CHILD_FD_PASSED;
    if (e->fd != ram && !pass(x, e->fd)) {
        x->map_failed = true;
        return;
    }
    queue_map(x, e->va, e->pages * MEM_PAGE, prot, fd, e->offset);
    write_down(x, e, e->rights & MEM_W ? CPU_PTE_WRITE : 0);
}

static bool in_gates(const struct native_engine *n, uint64_t va)
{
    uint64_t first = align_down(n->base.cfg.gate_base, MEM_PAGE);
    return n->base.cfg.gate_size &&
           va - first < align_up(n->base.cfg.gate_base + n->base.cfg.gate_size, MEM_PAGE) - first;
}

static void map_extent(struct native_exec *x, struct mem_extent *e)
{
    if (in_gates(x->n, e->va)) {
        if (x->n->gates)
            return;
        e->rights &= ~(unsigned)MEM_X; /* that is how control reaching one is noticed */
    }
    map_run(x, e);
}

/*
 * Most pages that change are used right afterwards: loaders make a few writable, write, and make
 * them read-only again. Larger stretches are mostly unmapped for good.
 */
static void map_again(struct native_exec *x, const struct native_gone *g)
{
    struct mem_extent list[AGAIN_EXTENTS];
    size_t count = 0;
    if (g->again && (g->end - g->va) / MEM_PAGE <= AGAIN_MAX)
        count = mem_extents(x->n->base.cfg.mem, g->va, g->end - 1, false, list, AGAIN_EXTENTS);
    bool whole = count == 1 && list[0].va == g->va && list[0].pages * MEM_PAGE == g->end - g->va;
    if (!whole)
        queue(x, SYS_munmap, (const uint64_t[6]){g->va, g->end - g->va});
    for (size_t i = 0; i < count; i++)
        map_extent(x, &list[i]);
    end_pass(x);
}

bool native_flush(struct native_exec *x)
{
    struct native_engine *n = x->n;
    bool fixed = false;
    x->map_failed = false;
    for (size_t i = 0; i < n->gone.len; i++) {
        const struct native_gone g = n->gone.data[i];
        map_again(x, &g);
        fixed |= fixed_inside(n, &g);
    }
    n->gone.len = 0;
    if (fixed)
        native_map_fixed(x);
    return !atomic_load(&n->dead);
}

/* Only what is used is looked at: pages with services in them are a handful among thousands. */
void native_learn_service(struct native_exec *x, uint64_t va)
{
    struct mem_extent e;
    uint64_t page = align_down(va, MEM_PAGE), offset;
    if (!mem_extents(x->n->base.cfg.mem, page, page, false, &e, 1) || in_gates(x->n, page) ||
        !e.image || !(e.rights & MEM_X) || e.rights & MEM_W ||
        !native_patch_page(x->n, va, &offset))
        return;
    queue_map(x, page, MEM_PAGE, PROT_READ | PROT_EXEC, CHILD_FD_AREA, offset);
    write_down(x, &e, PTE_PATCHED);
}

/* What is mapped already in the way it would be now is left alone. */
static bool mapped_so(struct native_exec *x, const struct mem_extent *e)
{
    const uint64_t *entry = cpu_pt_entry(&x->n->pt, e->va, false);
    return entry && *entry;
}

static void map_new(struct native_exec *x, const struct mem_extent *e, uint64_t must)
{
    struct mem_extent run = *e;
    run.pages = 0;
    for (uint64_t i = 0; i <= e->pages; i++) {
        struct mem_extent one = {.va = e->va + i * MEM_PAGE};
        if (i < e->pages && (one.va == must || !mapped_so(x, &one))) {
            run.pages++;
            continue;
        }
        if (run.pages)
            map_extent(x, &run);
        run.va = one.va + MEM_PAGE;
        run.offset = e->offset + (i + 1) * MEM_PAGE;
        run.pages = 0;
    }
}

/*
 * Which pages to look at. Files and images are mapped at a stroke, since the host has their pages.
 * What is the guest's own becomes present with this: a little, and more and more when it walks
 * through memory.
 */
static uint64_t window(struct native_engine *n, const struct mem_extent *at, uint64_t *first)
{
    if (at->image || at->fd != mem_ram_fd(n->ram)) {
        *first = align_down(at->va, AROUND_MAX * MEM_PAGE);
        return *first + AROUND_MAX * MEM_PAGE - 1;
    }
    bool walks = at->va == n->next_fault;
    n->around = walks ? MIN(n->around * 2, AROUND_MAX) : AROUND_MIN;
    *first = walks ? at->va : align_down(at->va, AROUND_MIN * MEM_PAGE);
    uint64_t end = align_down(*first, AROUND_MIN * MEM_PAGE) + (uint64_t)n->around * MEM_PAGE;
    n->next_fault = end;
    return end - 1;
}

static void map_around(struct native_exec *x, const struct mem_extent *at)
{
    struct mem_extent list[EXTENTS_MAX];
    uint64_t first, last = window(x->n, at, &first);
    size_t count = mem_extents(x->n->base.cfg.mem, first, last, true, list, EXTENTS_MAX);
    bool done = false;
    for (size_t i = 0; i < count; i++) {
        done |= at->va - list[i].va < list[i].pages * MEM_PAGE;
        map_new(x, &list[i], at->va);
    }
    if (!done)
        map_new(x, at, at->va);
    end_pass(x);
}

uint32_t native_page_in(struct native_exec *x, uint64_t va, enum cpu_access access)
{
    struct native_engine *n = x->n;
    struct mem_space *mem = n->base.cfg.mem;
    struct mem_extent at;
    struct mem_page page;

    if (va > mem_highest(mem) || (access == CPU_EXECUTE && in_gates(n, va)))
        return STATUS_ACCESS_VIOLATION;
    ntstatus status = mem_fault(mem, va, access, &page);
    if (status != STATUS_SUCCESS)
        return status;
    va = align_down(va, MEM_PAGE);
    struct mem_extent here = {.va = va};
    bool mapped = mapped_so(x, &here);
    native_flush(x); /* mem_fault may have moved the page: before it is mapped again */
    if (!mapped && mapped_so(x, &here) && !x->map_failed)
        return STATUS_SUCCESS;
    x->map_failed = false;
    if (!mem_extents(mem, va, va, true, &at, 1))
        return STATUS_IN_PAGE_ERROR;
    map_around(x, &at);
    return x->map_failed ? STATUS_IN_PAGE_ERROR : STATUS_SUCCESS;
}

/* ---- What the area shows among the guest's pages --------------------------------------------- */

/* An executor's notes; the ring again behind itself. */
static void map_notes(struct native_exec *x, uint64_t offset)
{
    const int rw = PROT_READ | PROT_WRITE;
    const uint64_t va = NATIVE_AREA + offset;
    queue_map(x, va, NOTE_RING + NOTE_RING_SIZE, rw, CHILD_FD_AREA, offset);
    queue_map(x, va + NOTE_RING + NOTE_RING_SIZE, NOTE_RING_SIZE, rw, CHILD_FD_AREA,
              offset + NOTE_RING);
}

void native_map_fixed(struct native_exec *x)
{
    struct native_engine *n = x->n;
    const struct cpu_config *c = &n->base.cfg;
    if (n->gates) {
        uint64_t last = c->gate_base + c->gate_size - NATIVE_GATE_TAIL * MEM_PAGE;
        queue_map(x, c->gate_base, MEM_PAGE, PROT_READ | PROT_EXEC, CHILD_FD_AREA,
                  NATIVE_GATE_OFFSET);
        queue_map(x, last, NATIVE_GATE_TAIL * MEM_PAGE, PROT_READ | PROT_EXEC, CHILD_FD_AREA,
                  NATIVE_GATE_OFFSET + MEM_PAGE);
    }
    if (n->noting) {
        queue_map(x, NATIVE_AREA + CPU_RECORDER, RECORDER_SIZE, PROT_READ | PROT_EXEC,
                  CHILD_FD_AREA, CPU_RECORDER);
        queue_map(x, NATIVE_AREA + CPU_ROWS, ROWS_SIZE, PROT_READ, CHILD_FD_AREA, CPU_ROWS);
        for (unsigned i = 0; i < n->exec_count; i++)
            map_notes(x, CPU_NOTES + i * CPU_NOTE_SIZE);
    }
    if (n->low32)
        queue_map(x, NATIVE_LOW32, MEM_PAGE, PROT_READ, CHILD_FD_AREA, NATIVE_LOW_OFFSET);
}

/* ---- Dirty pages ----------------------------------------------------------------------------- */

static void collect_entry(void *ctx, uint64_t va, uint64_t *entry)
{
    if (*entry & CPU_PTE_WRITE)
        forget(ctx, va, entry, false); /* until they are written to */
}

void native_collect_dirty(struct cpu_engine *e)
{
    struct native_engine *n = native_of(e);
    cpu_pt_each(&n->pt, 0, UINT64_MAX, collect_entry, n);
}

/* ---- Setting up ------------------------------------------------------------------------------ */

pgr_status native_memory_init(struct native_engine *n, struct pgr_error *e)
{
    pgr_status s = cpu_claim_area(n->base.cfg.mem, "native", e);
    if (s)
        return s;
    n->tables = mmap(NULL, TABLES_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (n->tables == MAP_FAILED) {
        n->tables = NULL;
        return err_errno(e, PGR_E_NOMEM, "native: no address space for page tables");
    }
    cpu_pt_init(&n->pt, n->tables, 0, TABLES_SIZE / MEM_PAGE);
    n->around = AROUND_MIN;
    const struct cpu_config *c = &n->base.cfg;
    n->gates = c->gate_size >= NATIVE_GATES_MIN && c->gate_base % MEM_PAGE == 0 &&
               c->gate_size % MEM_PAGE == 0 && c->gate_base + c->gate_size <= 1u << 31;
    n->low32 = mem_highest(c->mem) < NATIVE_LOW32;
    n->noting = native_notes_init(n);
    if (n->gates)
        native_make_gates(n);
    struct mem_observer o = {n, invalidate, code_written};
    mem_observe(c->mem, &o);
    return PGR_OK;
}

void native_memory_destroy(struct native_engine *n)
{
    mem_unobserve(n->base.cfg.mem, n);
    if (n->tables)
        munmap(n->tables, TABLES_SIZE);
    vec_free(&n->gone);
    vec_free(&n->patches);
    vec_free(&n->free_patches);
    cpu_notes_destroy(&n->notes);
}

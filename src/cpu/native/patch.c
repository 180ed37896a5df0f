// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways into the stub without a signal: services that are called in the shape that system DLLs have,
 * and gates.
 *
 * A service's `test byte ptr [0x7ffe0308], 1` has the room for `call *[pointer]; ret`. The guest's
 * page stays as it is: the child is shown a copy, and any write to the page takes that away.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <string.h>

enum {
    SLOT = 16,
    THUNK = 32,
    SLOTS = MEM_PAGE / SLOT,
    SHAPE_TEST = 8, /* where `test` is in the shape */
    PATCHES_MAX = (32 << 20) / MEM_PAGE
};

/* The data page, last of the gates. From DATA_NOTE on: jumps to where calls are noted, which is too
 * far away for a slot. */
enum {
    DATA_SERVICE = 0,
    DATA_GATE = 8,
    DATA_SELECTOR = 16,
    DATA_BLOCKS = 24,
    DATA_NOTE = 32,
    NOTE_JUMP = 16
};

static uint64_t data_page(const struct native_engine *n)
{
    return n->base.cfg.gate_base + n->base.cfg.gate_size - MEM_PAGE;
}

/* ---- Gates ----------------------------------------------------------------------------------- */

struct code {
    uint8_t *at;
    uint64_t va;
};

static void put_bytes(struct code *c, const void *bytes, size_t len)
{
    memcpy(c->at, bytes, len);
    c->at += len;
    c->va += len;
}

static void put_u32(struct code *c, uint64_t value)
{
    uint32_t v = (uint32_t)value;
    put_bytes(c, &v, sizeof v);
}

#define PUT(c, ...) put_bytes(c, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void put_thunk(const struct native_engine *n, struct code *c, uint64_t slot)
{
    uint64_t data = data_page(n);
    PUT(c, 0x44, 0x0f, 0x03, 0x1d); /* lsl r11d, [selector] */
    put_u32(c, data + DATA_SELECTOR - (c->va + 4));
    PUT(c, 0x4c, 0x03, 0x1d); /* add r11, [blocks] */
    put_u32(c, data + DATA_BLOCKS - (c->va + 4));
    PUT(c, 0x41, 0xc7, 0x43, CTL_SLOT); /* mov dword [r11 + CTL_SLOT], slot */
    put_u32(c, slot);
    PUT(c, 0xff, 0x25); /* jmp [gate] */
    put_u32(c, data + DATA_GATE - (c->va + 4));
}

/* Code of either bitness jumps to its slot's thunk, which is 64-bit code. */
static void put_slot(const struct native_engine *n, struct code *c, uint64_t thunk)
{
    if (mem_ptr_size(n->base.cfg.mem) == 4) {
        PUT(c, 0xea);
        put_u32(c, thunk);
        PUT(c, X86_SEL_CODE64, 0);
    } else {
        PUT(c, 0xe9);
        put_u32(c, thunk - (c->va + 4));
    }
}

/* Where the slots of noted calls and returns lead instead. */
static void put_note_jumps(const struct native_engine *n, uint8_t *slots, uint8_t *data)
{
    const uint64_t gates[] = {n->base.cfg.note_call, n->base.cfg.note_return};
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t to = cpu_notes_entry(&n->notes, i != 0), offset = DATA_NOTE + i * NOTE_JUMP,
                       at = gates[i] - n->base.cfg.gate_base;
        struct code jump = {data + offset, data_page(n) + offset}, slot = {slots + at, gates[i]};
        PUT(&jump, 0xff, 0x25); /* jmp [behind it] */
        put_u32(&jump, 0);
        put_bytes(&jump, &to, sizeof to);
        put_slot(n, &slot, data_page(n) + offset);
    }
}

void native_make_gates(struct native_engine *n)
{
    uint8_t *slots = n->area + NATIVE_GATE_OFFSET, *thunks = slots + MEM_PAGE,
            *data = thunks + (NATIVE_GATE_TAIL - 1) * MEM_PAGE;
    uint64_t base = n->base.cfg.gate_base;
    const uint64_t service = native_stub_at(native_stub_service),
                   gate = native_stub_at(native_stub_gate), blocks = NATIVE_AREA + NATIVE_EXECS;
    const uint16_t selector = SEL_INDEX;

    memset(slots, 0xcc, (NATIVE_GATE_TAIL + 1) * MEM_PAGE);
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct code slot = {slots + i * SLOT, base + i * SLOT};
        struct code thunk = {thunks + i * THUNK, native_thunk_of(n, base + i * SLOT)};
        put_slot(n, &slot, thunk.va);
        put_thunk(n, &thunk, base + i * SLOT);
    }
    memcpy(data + DATA_SERVICE, &service, sizeof service);
    memcpy(data + DATA_GATE, &gate, sizeof gate);
    memcpy(data + DATA_SELECTOR, &selector, sizeof selector);
    memcpy(data + DATA_BLOCKS, &blocks, sizeof blocks);
    if (n->noting)
        put_note_jumps(n, slots, data);
}

uint64_t native_thunk_of(const struct native_engine *n, uint64_t gate)
{
    return data_page(n) - (NATIVE_GATE_TAIL - 1) * MEM_PAGE +
           (gate - n->base.cfg.gate_base) / SLOT * THUNK;
}

uint64_t native_gate_of(const struct native_engine *n, uint64_t rip)
{
    uint64_t thunks = data_page(n) - (NATIVE_GATE_TAIL - 1) * MEM_PAGE;
    if (n->noting && rip == data_page(n) + DATA_NOTE)
        return n->base.cfg.note_call;
    if (n->noting && rip == data_page(n) + DATA_NOTE + NOTE_JUMP)
        return n->base.cfg.note_return;
    return n->gates && rip - thunks < SLOTS * THUNK
               ? n->base.cfg.gate_base + (rip - thunks) / THUNK * SLOT
               : 0;
}

/* ---- Services -------------------------------------------------------------------------------- */

static const uint8_t shape_test[] = {0xf6, 0x04, 0x25, 0x08, 0x03, 0xfe, 0x7f, 0x01};

static bool has_shape(const uint8_t *p)
{
    static const uint8_t move[] = {0x4c, 0x8b, 0xd1, 0xb8}, call[] = {0x75, 0x03, 0x0f, 0x05, 0xc3};
    return !memcmp(p, move, sizeof move) &&
           !memcmp(p + SHAPE_TEST + sizeof shape_test, call, sizeof call);
}
enum { SHAPE_SYSCALL = 18, SHAPE_SIZE = 21 };

static size_t find_shape(const uint8_t *page, size_t from)
{
    while (from + SHAPE_SIZE <= MEM_PAGE) {
        /* By its rarest bytes. */
        const uint8_t *at = memmem(page + from, MEM_PAGE - from, shape_test, sizeof shape_test);
        if (!at)
            break;
        size_t test = (size_t)(at - page);
        if (test >= SHAPE_TEST && test - SHAPE_TEST + SHAPE_SIZE <= MEM_PAGE &&
            has_shape(at - SHAPE_TEST))
            return test - SHAPE_TEST;
        from = test + sizeof shape_test;
    }
    return MEM_PAGE;
}

static void patch_at(const struct native_engine *n, uint8_t *test)
{
    uint32_t pointer = (uint32_t)(data_page(n) + DATA_SERVICE);
    test[0] = 0xff; /* call [pointer] */
    test[1] = 0x14;
    test[2] = 0x25;
    memcpy(test + 3, &pointer, sizeof pointer);
    test[7] = 0xc3; /* never reached: the service goes on behind its `syscall` */
}

static size_t patch_index(const struct native_engine *n, uint64_t va)
{
    size_t lo = 0, hi = n->patches.len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (n->patches.data[mid].va < va)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool native_is_patched(const struct native_engine *n, uint64_t va)
{
    size_t i = patch_index(n, align_down(va, MEM_PAGE));
    return i < n->patches.len && va - n->patches.data[i].va < MEM_PAGE;
}

/* Room for a copy; false when there is no more. */
static bool take_copy(struct native_engine *n, uint32_t *index)
{
    if (n->free_patches.len)
        *index = n->free_patches.data[--n->free_patches.len];
    else if (n->patch_count < PATCHES_MAX)
        *index = n->patch_count++;
    else
        return false;
    return true;
}

bool native_patch_page(struct native_engine *n, uint64_t va, uint64_t *offset)
{
    uint8_t page[MEM_PAGE];
    const uint64_t start = align_down(va, MEM_PAGE), shape = va - start - SHAPE_SYSCALL;
    struct native_patch patch = {.va = start};
    if (!n->gates || mem_ptr_size(n->base.cfg.mem) != 8 || shape > MEM_PAGE - SHAPE_SIZE ||
        !mem_peek(n->base.cfg.mem, start, page, sizeof page) || find_shape(page, shape) != shape ||
        !take_copy(n, &patch.index))
        return false;
    native_unpatch(n, start, MEM_PAGE);
    for (size_t at = find_shape(page, 0); at < MEM_PAGE;
         at = find_shape(page, at + SHAPE_TEST + sizeof shape_test))
        patch_at(n, page + at + SHAPE_TEST);
    *offset = NATIVE_PATCH_OFFSET + (uint64_t)patch.index * MEM_PAGE;
    memcpy(n->area + *offset, page, sizeof page);
    vec_insert(&n->patches, patch_index(n, start), patch);
    return true;
}

void native_unpatch(struct native_engine *n, uint64_t va, uint64_t len)
{
    size_t i = patch_index(n, va);
    while (i < n->patches.len && n->patches.data[i].va - va < len) {
        vec_push(&n->free_patches, n->patches.data[i].index);
        vec_remove(&n->patches, i);
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the gates for calls and returns do when calls are noted: in the guest's place, with its
 * rights. It runs on a stack of its own, between the two halves of record.S, and is copied to where
 * it runs: it must not refer to anything outside of this section, nor touch registers but general
 * ones. The build sees to the compiler's part of that.
 *
 * It may be interrupted at any instruction, by faults in the guest's memory among others: notes.c
 * then goes by whether `head` has moved. Until it has, nothing is changed but the record that is
 * next, and the slot of the return address, which is put back.
 */
#include "cpu/notes/recorder.h"

#define IN_GUEST __attribute__((section("cpu_recorder"), visibility("hidden")))
#define INLINE   static inline __attribute__((always_inline))

_Bool cpu_recorder_call64(struct note *n);
_Bool cpu_recorder_call32(struct note *n);
_Bool cpu_recorder_return64(struct note *n);
_Bool cpu_recorder_return32(struct note *n);

enum { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RSP = 4, LOWEST = 0x10000 };

INLINE uint64_t load(uint64_t va, unsigned size)
{
    return size == 8 ? *(const volatile uint64_t *)va : *(const volatile uint32_t *)va;
}

INLINE void store(uint64_t va, uint64_t v, unsigned size)
{
    if (size == 8)
        *(volatile uint64_t *)va = v;
    else
        *(volatile uint32_t *)va = (uint32_t)v;
}

/* By the TEB of the code that called: where its stack ends, what its last error is. */
INLINE uint64_t stack_end(unsigned size)
{
    uint64_t v;
    uint32_t v32;
    if (size == 8) {
        __asm__("mov %%gs:0x10, %0" : "=r"(v));
        return v;
    }
    __asm__("movl %%fs:0x8, %0" : "=r"(v32));
    return v32;
}

INLINE uint32_t last_error(unsigned size)
{
    uint32_t v;
    if (size == 8)
        __asm__("movl %%gs:0x68, %0" : "=r"(v));
    else
        __asm__("movl %%fs:0x34, %0" : "=r"(v));
    return v;
}

INLINE uint64_t argument(const struct note *n, uint64_t slot, unsigned i, unsigned size)
{
    if (size == 8 && i < 4)
        return n->gpr[i < 2 ? GPR_RCX + i : 6 + i];
    return load(slot + size + (uint64_t)i * size, size);
}

/* Where the next record goes; 0: no room. */
INLINE uint64_t next_record(const struct note *n)
{
    const uint32_t head = atomic_load_explicit(&n->head, memory_order_relaxed),
                   tail = atomic_load_explicit(&n->tail, memory_order_acquire);
    const uint32_t used = head >= tail ? head - tail : head + NOTE_RING_SIZE - tail;
    return used + RECORD_MOST < NOTE_RING_SIZE ? n->ring + head : 0;
}

INLINE void publish(struct note *n, uint64_t record, uint64_t end)
{
    uint32_t size = (uint32_t)(end - record);
    uint32_t head = atomic_load_explicit(&n->head, memory_order_relaxed) + size;
    *(uint32_t *)record = size;
    if (head >= NOTE_RING_SIZE)
        head -= NOTE_RING_SIZE;
    __asm__ volatile("" ::: "memory");
    atomic_store_explicit(&n->head, head, memory_order_release);
}

/* Text with its NUL; its length, or 0 when it has none within reach. */
INLINE uint32_t copy_text(uint8_t *out, uint64_t va, unsigned unit)
{
    uint32_t i = 0, c;
    do {
        if (i == CPU_CAPTURE_MOST)
            return 0;
        c = unit == 2 ? *(const volatile uint16_t *)(va + i) : *(const volatile uint8_t *)(va + i);
        out[i] = (uint8_t)c;
        if (unit == 2)
            out[i + 1] = (uint8_t)(c >> 8);
        i += unit;
    } while (c);
    return i;
}

INLINE void copy_bytes(uint8_t *out, uint64_t va, uint64_t len)
{
    __asm__ volatile("rep movsb" : "+D"(out), "+S"(va), "+c"(len) : : "memory");
}

/* The end of the piece; 0: it is too long. */
INLINE uint64_t put_piece(uint64_t at, uint64_t va, unsigned how, uint32_t len)
{
    uint64_t *words = (uint64_t *)at;
    if (how == CPU_CAPTURE_TEXT || how == CPU_CAPTURE_WIDE)
        len = copy_text((uint8_t *)(words + 2), va, how == CPU_CAPTURE_WIDE ? 2 : 1);
    else
        copy_bytes((uint8_t *)(words + 2), va, len);
    words[0] = va;
    words[1] = len;
    return len ? at + 16 + (((uint64_t)len + 7) & ~7ull) : 0;
}

INLINE uint32_t length(const struct note *n, uint64_t slot, const struct cpu_capture *c,
                       unsigned size)
{
    if (c->how != CPU_CAPTURE_SIZED)
        return c->size;
    uint64_t count = argument(n, slot, c->size_arg & 7, size);
    return count >= c->most             ? c->most
           : count * c->size >= c->most ? c->most
                                        : (uint32_t)count * c->size;
}

/* Keeps what is to be kept now, and says in `open` what when it returns. */
INLINE uint64_t capture(const struct note *n, const struct note_row *row, struct note_open *open,
                        uint64_t slot, uint64_t at, unsigned size)
{
    struct record_head *head = (struct record_head *)(n->ring + n->before);
    unsigned count = row->captures <= CPU_NOTE_CAPTURES ? row->captures : 0;
    for (unsigned i = 0; at && i < count; i++) {
        const struct cpu_capture *c = &row->capture[i];
        uint64_t va = argument(n, slot, c->arg & 7, size);
        uint32_t len = va < LOWEST ? 0 : length(n, slot, c, size);
        if (va < LOWEST || (!len && c->how <= CPU_CAPTURE_SIZED))
            continue;
        if (c->when & CPU_CAPTURE_CALL) {
            at = put_piece(at, va, c->how, len);
            head->pieces++;
        }
        if (c->when & CPU_CAPTURE_RETURN) {
            open->out[open->outs] = (struct note_out){va, c->how, len};
            open->outs++;
        }
    }
    return at;
}

INLINE _Bool note_call(struct note *n, unsigned size)
{
    const uint64_t sp = n->gpr[GPR_RSP], key = load(sp, size), slot = sp + size,
                   back = load(slot, size), record = next_record(n);
    n->now = __builtin_ia32_rdtsc();
    struct note_row *row = (struct note_row *)n->rows + (key >> 3 & (ROWS - 1));
    if (!n->on || atomic_load(&row->key) != key || back == n->gate || n->depth >= NOTE_OPEN_MAX ||
        !record)
        return 0;

    struct note_open *open = &n->open[n->depth];
    uint64_t *words = (uint64_t *)record;
    const unsigned args = row->args & 15;
    const uint64_t target = row->target;
    *(struct record_head *)record = (struct record_head){.args = (uint8_t)args};
    words[RECORD_WHEN] = n->now;
    words[RECORD_KEY] = key;
    words[RECORD_SLOT] = slot;
    words[RECORD_BACK] = back;
    words[RECORD_STACK] = stack_end(size);
    for (unsigned i = 0; i < args; i++)
        words[RECORD_CALL_WORDS + i] = argument(n, slot, i, size);
    open->sp = slot + row->taken;
    open->back = back;
    open->slot = slot;
    open->key = key;
    open->outs = 0;
    uint64_t end = capture(n, row, open, slot, record + 8 * (RECORD_CALL_WORDS + args), size);
    if (!end || atomic_load(&row->key) != key) /* it is another's by now */
        return 0;
    n->target = target;
    n->far_ip = (uint32_t)target;
    n->rsp = slot;
    *(volatile uint64_t *)&n->back = back;
    store(slot, n->gate, size);
    publish(n, record, end);
    n->depth++;
    return 1;
}

INLINE _Bool note_return(struct note *n, unsigned size)
{
    const uint64_t record = next_record(n);
    const uint32_t depth = n->depth;
    if (depth - 1 >= NOTE_OPEN_MAX || !record)
        return 0;
    const struct note_open *open = &n->open[depth - 1];
    if (open->sp != n->gpr[GPR_RSP])
        return 0;
    uint64_t *words = (uint64_t *)record, end = record + 8 * RECORD_RETURN_WORDS;
    const unsigned outs = open->outs <= CPU_NOTE_CAPTURES ? (unsigned)open->outs : 0;
    *(struct record_head *)record = (struct record_head){.returned = 1, .pieces = (uint8_t)outs};
    words[RECORD_KEY] = open->key;
    words[RECORD_SLOT] = open->slot;
    words[RECORD_STACK] = stack_end(size);
    words[RECORD_RESULT] = n->gpr[GPR_RAX];
    words[RECORD_RESULT2] = n->gpr[GPR_RDX];
    words[RECORD_ERROR] = last_error(size);
    for (unsigned i = 0; end && i < outs; i++)
        end = put_piece(end, open->out[i].va, open->out[i].how, open->out[i].len);
    if (!end)
        return 0;
    words[RECORD_WHEN] = __builtin_ia32_rdtsc();
    n->target = open->back;
    n->far_ip = (uint32_t)open->back;
    n->rsp = n->gpr[GPR_RSP];
    publish(n, record, end);
    n->depth = depth - 1;
    return 1;
}

IN_GUEST _Bool cpu_recorder_call64(struct note *n)
{
    return note_call(n, 8);
}

IN_GUEST _Bool cpu_recorder_call32(struct note *n)
{
    return note_call(n, 4);
}

IN_GUEST _Bool cpu_recorder_return64(struct note *n)
{
    return note_return(n, 8);
}

IN_GUEST _Bool cpu_recorder_return32(struct note *n)
{
    return note_return(n, 4);
}

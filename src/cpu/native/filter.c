// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the child may still ask of the host: the stub's few system calls, from the stub's own
 * instructions, with arguments that can only concern the child itself. Everything else traps.
 *
 * A guest may jump to those instructions with registers of its choice, so each call must be
 * harmless by itself: mappings of the guest's own memory, waiting, and waking its own threads.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOW, HIGH = 4, MAX_FIXUPS = 64, SET_THREAD_AREA_32 = 243 };

#define DATA(field)  offsetof(struct seccomp_data, field)
#define ARG(i, half) (DATA(args) + 8 * (i) + (half))

struct assembler {
    struct sock_filter *out;
    size_t len, max;
    size_t to_refuse[MAX_FIXUPS], refusals; /* instructions that jump to the end when not equal */
};

static void emit(struct assembler *a, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
    BUG_ON(a->len == a->max);
    a->out[a->len++] = (struct sock_filter){code, jt, jf, k};
}

static void load(struct assembler *a, size_t offset)
{
    emit(a, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void allow(struct assembler *a)
{
    emit(a, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

/* Goes on when the loaded word is k (or has no bits but those of k), else to the refusal. */
static void want(struct assembler *a, uint16_t op, uint32_t k)
{
    BUG_ON(a->refusals == MAX_FIXUPS);
    a->to_refuse[a->refusals++] = a->len;
    emit(a, BPF_JMP | op | BPF_K, 0, 0, k);
}

static void want_word(struct assembler *a, size_t offset, uint32_t k)
{
    load(a, offset);
    want(a, BPF_JEQ, k);
}

static void want_only_bits(struct assembler *a, size_t offset, uint32_t bits)
{
    load(a, offset);
    want(a, BPF_JSET, ~bits);
}

/* Begins a part that is skipped when the word is not k; returns what end_case() wants. */
static size_t begin_case(struct assembler *a, size_t offset, uint32_t k)
{
    load(a, offset);
    emit(a, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, k);
    return a->len - 1;
}

static void end_case(struct assembler *a, size_t begun)
{
    a->out[begun].jf = (uint8_t)(a->len - begun - 1);
}

/* The last instruction refuses, and everything that waits for it jumps there. */
static void finish(struct assembler *a)
{
    for (size_t i = 0; i < a->refusals; i++) {
        struct sock_filter *f = &a->out[a->to_refuse[i]];
        uint8_t distance = (uint8_t)(a->len - a->to_refuse[i] - 1);
        if (BPF_OP(f->code) == BPF_JSET)
            f->jt = distance;
        else
            f->jf = distance;
    }
    emit(a, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP);
}

static uint32_t low_ip(const uint8_t *label)
{
    return (uint32_t)native_stub_at(label);
}

static void futex_case(struct assembler *a, const uint8_t *label, uint32_t op)
{
    size_t c = begin_case(a, DATA(instruction_pointer) + LOW, low_ip(label));
    want_word(a, DATA(nr), SYS_futex);
    want_word(a, ARG(1, LOW), op);
    allow(a);
    end_case(a, c);
}

static void mmap_case(struct assembler *a)
{
    static const uint32_t fds[] = {CHILD_FD_RAM, CHILD_FD_AREA, CHILD_FD_PASSED};
    size_t c = begin_case(a, DATA(nr), SYS_mmap);
    want_only_bits(a, ARG(2, LOW), PROT_READ | PROT_WRITE | PROT_EXEC);
    want_word(a, ARG(2, HIGH), 0);
    want_word(a, ARG(3, LOW), MAP_SHARED | MAP_FIXED);
    want_word(a, ARG(3, HIGH), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        size_t fd = begin_case(a, ARG(4, LOW), fds[i]);
        allow(a);
        end_case(a, fd);
    }
    end_case(a, c);
}

static void operation_cases(struct assembler *a)
{
    size_t ip = begin_case(a, DATA(instruction_pointer) + LOW, low_ip(native_stub_after_op)), c;
    mmap_case(a);
    c = begin_case(a, DATA(nr), SYS_munmap);
    allow(a);
    end_case(a, c);
    c = begin_case(a, DATA(nr), SYS_mprotect);
    want_only_bits(a, ARG(2, LOW), PROT_READ | PROT_WRITE | PROT_EXEC);
    want_word(a, ARG(2, HIGH), 0);
    allow(a);
    end_case(a, c);
    c = begin_case(a, DATA(nr), SYS_recvmsg);
    want_word(a, ARG(0, LOW), CHILD_FD_SOCKET);
    want_word(a, ARG(2, LOW), MSG_DONTWAIT);
    allow(a);
    end_case(a, c);
    c = begin_case(a, DATA(nr), SYS_close);
    want_word(a, ARG(0, LOW), CHILD_FD_PASSED);
    allow(a);
    end_case(a, c);
    end_case(a, ip);
}

static void int80_case(struct assembler *a)
{
    size_t arch = begin_case(a, DATA(arch), AUDIT_ARCH_I386);
    want_word(a, DATA(instruction_pointer) + LOW, low_ip(native_stub_after_int80));
    want_word(a, DATA(nr), SET_THREAD_AREA_32);
    allow(a);
    end_case(a, arch);
}

size_t native_filter(void *program, size_t max)
{
    struct assembler a = {.out = program, .max = max};
    want_word(&a, DATA(instruction_pointer) + HIGH, (uint32_t)(NATIVE_AREA >> 32));
    int80_case(&a);
    want_word(&a, DATA(arch), AUDIT_ARCH_X86_64);
    futex_case(&a, native_stub_after_wait, FUTEX_WAIT);
    futex_case(&a, native_stub_after_wake, FUTEX_WAKE);
    operation_cases(&a);
    finish(&a);
    return a.len;
}

size_t native_landlock(uint64_t attr[3])
{
    /* Rights to files, to TCP ports, and what is scoped, by version of the interface. */
    static const uint64_t by_version[][3] = {
        {0x1fff, 0, 0}, {0x3fff, 0, 0}, {0x7fff, 0, 0},
        {0x7fff, 3, 0}, {0xffff, 3, 0}, {0xffff, 3, 3},
    };
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return 0;
    size_t i = MIN((size_t)version, ARRAY_LEN(by_version)) - 1;
    memcpy(attr, by_version[i], sizeof by_version[i]);
    return i < 3 ? 8 : i < 5 ? 16 : 24;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that Unicorn needs to run the kernels: one flat mapping, ring 0, no hook. What the
 * engine of Peregrine adds is measured against this. Usage: bare x64|i386 FLAT-FILE SUBJECT TURNS
 *
 * The subjects `close` and `time` are a loop of calls that a hook answers at once: `syscall` on
 * x64, a call to a gate on i386.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

enum {
    BASE = 0x10000000, /* flat.ld has it too */
    SIZE = 0x1000000,
    RETURN_AT = BASE + 0x800000,
    LOOP_AT = RETURN_AT + 0x1000,
    GATE_AT = RETURN_AT + 0x2000,
    STACK_AT = BASE + SIZE - 0x1000,
};

struct bare {
    uc_engine *uc;
    uint8_t *ram; /* SIZE bytes at guest address BASE */
    bool wide;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bare: %s: %s\n", what, why);
    exit(1);
}

static void check(uc_err err, const char *what)
{
    if (err)
        die(what, uc_strerror(err));
}

static void load(struct bare *b, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        die(path, "cannot be opened");
    b->ram = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->ram == MAP_FAILED)
        die(path, "no memory");
    if (!fread(b->ram, 1, RETURN_AT - BASE, f) || !feof(f))
        die(path, "cannot be read, or is too large");
    fclose(f);
}

static uint64_t peek(const struct bare *b, uint64_t address)
{
    uint64_t value = 0;

    if (address < BASE || address > BASE + SIZE - 8)
        die("table of subjects", "points outside");
    memcpy(&value, b->ram + (address - BASE), b->wide ? 8 : 4);
    return value;
}

/* The address of a kernel, 0 when there is none of that name: see bench_kernels. */
static uint64_t find(const struct bare *b, const char *name)
{
    unsigned word = b->wide ? 8 : 4;

    for (uint64_t row = BASE;; row += 2 * word) {
        uint64_t text = peek(b, row);
        if (!text)
            return 0;
        peek(b, text);
        if (!strncmp((const char *)b->ram + (text - BASE), name, 64))
            return peek(b, row + word);
    }
}

static void run_from(struct bare *b, uint64_t address, uint64_t until)
{
    check(uc_emu_start(b->uc, address, until, 0, 0), "run");
}

static uint32_t run_kernel(struct bare *b, uint64_t address, uint32_t turns)
{
    uint64_t rcx = turns, rax = 0, rsp = STACK_AT;
    uint32_t frame[2] = {RETURN_AT, turns};
    uint64_t ret = RETURN_AT;

    if (b->wide) {
        rsp -= 8;
        memcpy(b->ram + (rsp - BASE), &ret, sizeof(ret));
    } else {
        rsp -= 4; /* so that the argument is aligned to 16 bytes */
        memcpy(b->ram + (rsp - BASE), frame, sizeof(frame));
    }
    uc_reg_write(b->uc, b->wide ? UC_X86_REG_RSP : UC_X86_REG_ESP, &rsp);
    uc_reg_write(b->uc, b->wide ? UC_X86_REG_RCX : UC_X86_REG_ECX, &rcx);
    run_from(b, address, RETURN_AT);
    uc_reg_read(b->uc, b->wide ? UC_X86_REG_RAX : UC_X86_REG_EAX, &rax);
    return (uint32_t)rax;
}

/* ---- Calls answered by a hook -----------------------------------------------------------------
 */

static void answer(uc_engine *uc, uint32_t *answered)
{
    uint64_t rax = 0;

    uc_reg_read(uc, UC_X86_REG_RAX, &rax);
    rax = 0xC0000008;
    uc_reg_write(uc, UC_X86_REG_RAX, &rax);
    ++*answered;
}

static void on_syscall(uc_engine *uc, void *answered)
{
    answer(uc, answered);
}

static void on_gate(uc_engine *uc, uint64_t address, uint32_t size, void *answered)
{
    answer(uc, answered);
}

static void hook_calls(struct bare *b, uint32_t *answered)
{
    uc_hook hook;

    if (b->wide)
        check(uc_hook_add(b->uc, &hook, UC_HOOK_INSN, (void *)on_syscall, answered, (uint64_t)1,
                          (uint64_t)0, UC_X86_INS_SYSCALL),
              "hook");
    else
        check(uc_hook_add(b->uc, &hook, UC_HOOK_CODE, (void *)on_gate, answered, (uint64_t)GATE_AT,
                          (uint64_t)GATE_AT),
              "hook");
}

static uint32_t run_calls(struct bare *b, uint32_t turns)
{
    static const uint8_t wide[] = {
        0x49, 0x89, 0xCA,             /* mov r10, rcx */
        0xB8, 0x05, 0x00, 0x00, 0x00, /* mov eax, 5 */
        0x0F, 0x05,                   /* syscall */
        0xFF, 0xCE,                   /* dec esi */
        0x75, 0xF2,                   /* jnz, to the start */
    };
    static const uint8_t narrow[] = {
        0xB8, 0x05, 0x00, 0x00, 0x00, /* mov eax, 5 */
        0xFF, 0xD3,                   /* call ebx */
        0x4E,                         /* dec esi */
        0x75, 0xF6,                   /* jnz, to the start */
    };
    uint32_t answered = 0;
    uint64_t rsi = turns, rbx = GATE_AT, rsp = STACK_AT;
    size_t size = b->wide ? sizeof(wide) : sizeof(narrow);

    if (!turns)
        return 0;
    hook_calls(b, &answered);
    memcpy(b->ram + (LOOP_AT - BASE), b->wide ? wide : narrow, size);
    b->ram[GATE_AT - BASE] = 0xC3; /* ret */
    uc_reg_write(b->uc, UC_X86_REG_RSI, &rsi);
    uc_reg_write(b->uc, UC_X86_REG_RBX, &rbx);
    uc_reg_write(b->uc, UC_X86_REG_RSP, &rsp);
    run_from(b, LOOP_AT, LOOP_AT + size);
    return answered;
}

int main(int argc, char **argv)
{
    struct bare b = {.wide = argc > 1 && !strcmp(argv[1], "x64")};

    if (argc != 5)
        die("usage", "bare x64|i386 FLAT-FILE SUBJECT TURNS");
    uint32_t turns = (uint32_t)strtoul(argv[4], NULL, 10);
    load(&b, argv[2]);
    check(uc_open(UC_ARCH_X86, b.wide ? UC_MODE_64 : UC_MODE_32, &b.uc), "open");
    check(uc_mem_map_ptr(b.uc, BASE, SIZE, UC_PROT_ALL, b.ram), "map");
    uint64_t kernel = find(&b, argv[3]);
    if (kernel)
        printf("%08x\n", run_kernel(&b, kernel, turns));
    else if (!strcmp(argv[3], "close") || !strcmp(argv[3], "time"))
        printf("%08x\n", run_calls(&b, turns));
    else
        die(argv[3], "there is no such subject");
    uc_close(b.uc);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that Unicorn needs to run the kernels: one flat mapping, ring 0, no hook. What the
 * engine of Peregrine adds is measured against this.
 *
 * Usage: bare x64|i386 flat|paged FLAT-FILE SUBJECT TURNS
 *
 * `flat` is the loop that everybody writes first. `paged` adds identity page tables in which data
 * may not execute, which makes stores several times faster: it is the best that Unicorn can do.
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
    PAGE = 0x1000,
    CODE_END = BASE + 0x2000, /* flat.ld checks it */
    LOOP_AT = BASE + 0x800000,
    GATE_AT = LOOP_AT + PAGE,
    /* Unicorn looks at the byte before the end address too, which must therefore be executable. */
    RETURN_AT = GATE_AT + 0x100,
    TABLES_AT = BASE + 0x900000,
    STACK_AT = BASE + SIZE - 0x1000,
};

/* Unicorn refuses the 64-bit names of registers in 32-bit mode. */
enum reg { AX, BX, CX, SI, SP };
static const int reg_ids[2][5] = {
    {UC_X86_REG_EAX, UC_X86_REG_EBX, UC_X86_REG_ECX, UC_X86_REG_ESI, UC_X86_REG_ESP},
    {UC_X86_REG_RAX, UC_X86_REG_RBX, UC_X86_REG_RCX, UC_X86_REG_RSI, UC_X86_REG_RSP},
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

static uint64_t get(const struct bare *b, enum reg reg)
{
    uint64_t value = 0;

    check(uc_reg_read(b->uc, reg_ids[b->wide][reg], &value), "read a register");
    return value;
}

static void set(const struct bare *b, enum reg reg, uint64_t value)
{
    check(uc_reg_write(b->uc, reg_ids[b->wide][reg], &value), "write a register");
}

static void load(struct bare *b, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        die(path, "cannot be opened");
    b->ram = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->ram == MAP_FAILED)
        die(path, "no memory");
    if (!fread(b->ram, 1, LOOP_AT - BASE, f) || !feof(f))
        die(path, "cannot be read, or is too large");
    fclose(f);
}

/* ---- Identity page tables ---------------------------------------------------------------------
 * Without them Unicorn takes all memory for executable, whatever protection it is mapped with, and
 * then each store leaves the translated code to look for translations of what it overwrites. */

enum { PTE_KEEP = 0x67 /* present, writable, user, accessed, dirty */, PTE_POINTER = 0x7 };
#define PTE_NX (1ull << 63)

static void write_entry(struct bare *b, uint64_t table, uint64_t index, uint64_t entry)
{
    memcpy(b->ram + (table - BASE) + index * 8, &entry, sizeof(entry));
}

static bool holds_code(uint64_t page)
{
    return page < CODE_END || page == LOOP_AT || page == GATE_AT;
}

/* PAE's format and x64's are the same but for the levels above. Returns the top table. */
static uint64_t write_tables(struct bare *b)
{
    uint64_t top = TABLES_AT, pointers = top + PAGE, directory = pointers + PAGE;
    uint64_t tables = directory + PAGE;

    write_entry(b, top, 0, pointers | PTE_POINTER);
    write_entry(b, pointers, 0, directory | (b->wide ? PTE_POINTER : 1));
    for (uint64_t at = BASE; at < BASE + SIZE; at += PAGE) {
        uint64_t table = tables + (at - BASE) / PAGE / 512 * PAGE;
        write_entry(b, directory, at >> 21, table | PTE_POINTER);
        write_entry(b, table, (at >> 12) % 512, at | PTE_KEEP | (holds_code(at) ? 0 : PTE_NX));
    }
    return b->wide ? top : pointers;
}

static void turn_paging_on(struct bare *b)
{
    uint64_t cr3 = write_tables(b), cr4 = 0x620 /* PAE, SSE */, cr0 = 0x80010033; /* PG WP PE */
    uc_x86_msr efer = {0xC0000080, b->wide ? 0xD01 : 0x800}; /* NXE; x64: LMA LME SCE */

    check(uc_reg_write(b->uc, UC_X86_REG_CR3, &cr3), "CR3");
    check(uc_reg_write(b->uc, UC_X86_REG_CR4, &cr4), "CR4");
    check(uc_reg_write(b->uc, UC_X86_REG_MSR, &efer), "EFER");
    check(uc_reg_write(b->uc, UC_X86_REG_CR0, &cr0), "CR0");
}

/* ---- Kernels ----------------------------------------------------------------------------------
 */

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

/* The argument is in rcx, or on the stack above the return address. */
static uint32_t run_kernel(struct bare *b, uint64_t address, uint32_t turns)
{
    uint64_t wide_frame = RETURN_AT;
    uint32_t frame[2] = {RETURN_AT, turns};

    if (b->wide)
        memcpy(b->ram + (STACK_AT - 8 - BASE), &wide_frame, sizeof(wide_frame));
    else
        memcpy(b->ram + (STACK_AT - 4 - BASE), frame, sizeof(frame));
    set(b, CX, turns);
    set(b, SP, b->wide ? STACK_AT - 8 : STACK_AT - 4);
    run_from(b, address, RETURN_AT);
    return (uint32_t)get(b, AX);
}

/* ---- Calls answered by a hook -----------------------------------------------------------------
 */

struct calls {
    struct bare *bare;
    uint32_t answered;
};

static void on_syscall(uc_engine *uc, void *ctx)
{
    struct calls *c = ctx;

    if (get(c->bare, AX) == 5)
        c->answered++;
    set(c->bare, AX, 0xC0000008);
}

static void on_gate(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
    on_syscall(uc, ctx);
}

static void hook_calls(struct bare *b, struct calls *c)
{
    uint64_t begin = b->wide ? 1 : GATE_AT, end = b->wide ? 0 : GATE_AT;
    uc_err err;
    uc_hook hook;

    if (b->wide)
        err = uc_hook_add(b->uc, &hook, UC_HOOK_INSN, (void *)on_syscall, c, begin, end,
                          UC_X86_INS_SYSCALL);
    else
        err = uc_hook_add(b->uc, &hook, UC_HOOK_CODE, (void *)on_gate, c, begin, end);
    check(err, "hook");
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
    struct calls calls = {.bare = b};
    size_t size = b->wide ? sizeof(wide) : sizeof(narrow);

    if (!turns)
        return 0;
    hook_calls(b, &calls);
    memcpy(b->ram + (LOOP_AT - BASE), b->wide ? wide : narrow, size);
    b->ram[GATE_AT - BASE] = 0xC3; /* ret */
    set(b, SI, turns);
    set(b, BX, GATE_AT);
    set(b, SP, STACK_AT);
    run_from(b, LOOP_AT, LOOP_AT + size);
    return calls.answered;
}

int main(int argc, char **argv)
{
    struct bare b = {.wide = argc > 1 && !strcmp(argv[1], "x64")};

    if (argc != 6)
        die("usage", "bare x64|i386 flat|paged FLAT-FILE SUBJECT TURNS");
    uint32_t turns = (uint32_t)strtoul(argv[5], NULL, 10);
    load(&b, argv[3]);
    check(uc_open(UC_ARCH_X86, b.wide ? UC_MODE_64 : UC_MODE_32, &b.uc), "open");
    check(uc_mem_map_ptr(b.uc, BASE, SIZE, UC_PROT_ALL, b.ram), "map");
    if (!strcmp(argv[2], "paged"))
        turn_paging_on(&b);
    uint64_t kernel = find(&b, argv[4]);
    if (kernel)
        printf("%08x\n", run_kernel(&b, kernel, turns));
    else if (!strcmp(argv[4], "close") || !strcmp(argv[4], "time"))
        printf("%08x\n", run_calls(&b, turns));
    else
        die(argv[4], "there is no such subject");
    uc_close(b.uc);
    return 0;
}

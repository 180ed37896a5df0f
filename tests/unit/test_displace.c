// SPDX-License-Identifier: GPL-2.0-or-later
/* Displaced instructions do what the original would: run by the host's own processor. */
#include "arch/displace.h"
#include "test.h"

#include <string.h>
#include <sys/mman.h>

/* One page of code: the instruction, behind it `return 1`, and where branches lead `return 2`. */
enum {
    PAGE = 0x4000,
    ORIGINAL = 0x100,
    TARGET = 0x180,
    CALLED = 0x1c0,
    DATA = 0x800,
    PLACE = 0x3000
};

static uint8_t *page;

static int make_page(void **state)
{
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED;
}

static int free_page(void **state)
{
    return munmap(page, PAGE);
}

struct displaced_case {
    const char *name;
    uint8_t code[16], length;
    uint64_t count; /* rcx */
    uint64_t result;
    uint32_t calls;
};

/* What follows adds to eax, so that the instruction's own effect on it shows. */
static void put_code(const struct displaced_case *c)
{
    static const uint8_t add1_ret[] = {0x83, 0xc0, 1, 0xc3};
    static const uint8_t add2_ret[] = {0x83, 0xc0, 2, 0xc3};
    static const uint8_t count_ret[] = {0xff, 0x05, 0, 0, 0, 0, 0xc3}; /* inc dword [rip + x] */
    uint64_t called = (uint64_t)(uintptr_t)page + CALLED;
    uint32_t to_data = DATA - (CALLED + 6);
    memset(page, 0xcc, PAGE);
    memset(page + DATA, 0, 64);
    memcpy(page + DATA + 8, &called, sizeof called);
    memcpy(page + ORIGINAL, c->code, c->length);
    memcpy(page + ORIGINAL + c->length, add1_ret, sizeof add1_ret);
    memcpy(page + TARGET, add2_ret, sizeof add2_ret);
    memcpy(page + CALLED, count_ret, sizeof count_ret);
    memcpy(page + CALLED + 2, &to_data, sizeof to_data);
}

static uint64_t enter(uint64_t at, uint64_t count)
{
    uint64_t result = 0, called = (uint64_t)(uintptr_t)page + CALLED;
    __asm__ volatile("sub $128, %%rsp\n call *%2\n add $128, %%rsp"
                     : "+a"(result), "+c"(count)
                     : "r"(at), "d"(called)
                     : "memory", "cc");
    return result;
}

static uint32_t calls(void)
{
    uint32_t n;
    memcpy(&n, page + DATA, sizeof n);
    return n;
}

#define REL(to, end) (uint8_t)((to) - (ORIGINAL + (end)))
#define REL4(to, end)                                                                              \
    (uint8_t)((to) - (ORIGINAL + (end))), (uint8_t)(((to) - (ORIGINAL + (end))) >> 8), 0, 0

static const struct displaced_case cases[] = {
    {"push and pop are plain", {0x90}, 1, 0, 1, 0},
    {"mov eax, 5", {0xb8, 5, 0, 0, 0}, 5, 0, 6, 0},
    {"mov eax, [rip + x]", {0x8b, 0x05, REL4(DATA + 16, 6)}, 6, 0, 1, 0},
    {"lea eax, [rip + x] with an operand behind it: cmp dword [rip + x], 0",
     {0x83, 0x3d, REL4(DATA + 16, 7), 0},
     7,
     0,
     1,
     0},
    {"jmp short", {0xeb, REL(TARGET, 2)}, 2, 0, 2, 0},
    {"jmp near", {0xe9, REL4(TARGET, 5)}, 5, 0, 2, 0},
    {"jmp rdx leads to what counts", {0xff, 0xe2}, 2, 0, 0, 1},
    {"jrcxz, taken", {0xe3, REL(TARGET, 2)}, 2, 0, 2, 0},
    {"jrcxz, not taken", {0xe3, REL(TARGET, 2)}, 2, 7, 1, 0},
    {"jecxz looks at the lower half", {0x67, 0xe3, REL(TARGET, 3)}, 3, 1ull << 32, 2, 0},
    {"loop, taken", {0xe2, REL(TARGET, 2)}, 2, 2, 2, 0},
    {"loop, not taken", {0xe2, REL(TARGET, 2)}, 2, 1, 1, 0},
    {"jz near, whatever the flags are, and its opposite",
     {0x0f, 0x84, REL4(TARGET, 6)},
     6,
     0,
     UINT64_MAX,
     0},
    {"call near", {0xe8, REL4(CALLED, 5)}, 5, 0, 1, 1},
    {"call rdx", {0xff, 0xd2}, 2, 0, 1, 1},
    {"call [rip + x]", {0xff, 0x15, REL4(DATA + 8, 6)}, 6, 0, 1, 1},
    {"ret", {0xc3}, 1, 0, 0, 0},
};

static void a_displaced_instruction_does_what_the_original_does(void **state)
{
    uint64_t from = (uint64_t)(uintptr_t)page + ORIGINAL, to = (uint64_t)(uintptr_t)page + PLACE;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct displaced_case *c = &cases[i];
        struct x86_displaced d;
        put_code(c);
        uint64_t original = enter(from, c->count);
        uint32_t original_calls = calls();
        put_code(c);
        if (!x86_displace(page + ORIGINAL, 15, true, from, to, &d))
            fail_msg("%s: refused", c->name);
        memcpy(page + PLACE, d.code, d.size);
        memset(page + ORIGINAL, 0xcc, c->length); /* as the breakpoint stands there */
        uint64_t moved = enter(to, c->count);
        if (d.length != c->length || moved != original || calls() != original_calls ||
            (c->result != UINT64_MAX && (moved != c->result || calls() != c->calls)))
            fail_msg("%s: %llu and %u calls instead of %llu and %u", c->name,
                     (unsigned long long)moved, calls(), (unsigned long long)original,
                     original_calls);
    }
}

static bool displaces(bool wide, uint64_t to, const uint8_t *code, struct x86_displaced *d)
{
    uint8_t padded[15] = {0};
    memcpy(padded, code, 8);
    return x86_displace(padded, sizeof padded, wide, 0x401000, to, d);
}

static void what_cannot_run_elsewhere_is_refused(void **state)
{
    struct x86_displaced d;
    assert_false(displaces(true, 0x10000, (uint8_t[8]){0xff, 0x14, 0x24}, &d)); /* call [rsp] */
    assert_false(displaces(true, 0x10000, (uint8_t[8]){0xff, 0xd4}, &d));       /* call rsp */
    assert_false(displaces(true, 0x10000, (uint8_t[8]){0xc7, 0xf8}, &d));       /* xbegin */
    assert_false(displaces(true, 0x10000, (uint8_t[8]){0x06}, &d));             /* push es */
    assert_false(displaces(true, 0x200000000, (uint8_t[8]){0x8b, 0x05}, &d));   /* too far */
    assert_true(displaces(true, 0x10000, (uint8_t[8]){0x41, 0xff, 0xd4}, &d));  /* call r12 */
}

static void calls_of_32_bit_code_push_the_true_return_address(void **state)
{
    static const uint8_t call[8] = {0xe8, 0xfb, 0x0f, 0, 0}; /* 0x402000 */
    static const uint8_t want[] = {0x68, 0x05, 0x10, 0x40, 0, 0xe9, 0xf6, 0x1f, 0x40, 0xf0};
    struct x86_displaced d;
    assert_true(displaces(false, 0x10000000, call, &d));
    assert_int_equal(d.size, sizeof want);
    assert_memory_equal(d.code, want, sizeof want);
    assert_false(d.plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_displaced_instruction_does_what_the_original_does,
                                        make_page, free_page),
        cmocka_unit_test(what_cannot_run_elsewhere_is_refused),
        cmocka_unit_test(calls_of_32_bit_code_push_the_true_return_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Translated code follows what is in memory, whoever changed it and however. */
#include "cpu_fixture.h"

GUEST_CODE(return_1, "mov eax, 1; ret");
GUEST_CODE(return_2, "mov eax, 2; ret");
GUEST_CODE(call_rcx, "call rcx; syscall");
enum { TARGET = DATA_AT + 0x8000, RETURN_LEN = 6 };

static uint64_t call(struct guest *g, uint64_t target)
{
    guest_code(g, call_rcx);
    g->st.gpr[X86_RCX] = target;
    g->st.gpr[X86_RAX] = 0;
    guest_run(g);
    assert_exit(g, CPU_EXIT_SERVICE, CODE_AT + 4);
    return g->st.gpr[X86_RAX];
}

static void put(struct guest *g, uint64_t at, const uint8_t *code)
{
    assert_int_equal(mem_write(g->mem, at, code, RETURN_LEN), STATUS_SUCCESS);
}

static void test_host_writes_replace_translated_code(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_protect(&g, TARGET, 0x1000, PAGE_EXECUTE_READWRITE);
    put(&g, TARGET, return_1);
    assert_int_equal(call(&g, TARGET), 1);
    put(&g, TARGET, return_2);
    assert_int_equal(call(&g, TARGET), 2);
    guest_poke(&g, TARGET, return_1, RETURN_LEN);
    assert_int_equal(call(&g, TARGET), 1);
    guest_close(&g);
}

static void test_code_written_while_it_could_not_execute(void **state)
{
    struct guest g;
    guest_open(&g);
    for (int i = 0; i < 4; i++) {
        guest_protect(&g, TARGET, 0x1000, PAGE_READWRITE);
        put(&g, TARGET, i & 1 ? return_2 : return_1);
        guest_protect(&g, TARGET, 0x1000, PAGE_EXECUTE_READ);
        assert_int_equal(call(&g, TARGET), 1 + (i & 1));
    }
    guest_close(&g);
}

GUEST_CODE(write_rdx, "mov [rcx+1], dl; syscall");

static void guest_patch(struct guest *g, uint64_t at, uint8_t value)
{
    guest_code(g, write_rdx);
    g->st.gpr[X86_RCX] = at;
    g->st.gpr[X86_RDX] = value;
    guest_run(g);
    assert_exit(g, CPU_EXIT_SERVICE, CODE_AT + 5);
}

/* Stores to a page that may not execute are not watched by Unicorn. */
static void test_guest_writes_while_it_could_not_execute(void **state)
{
    struct guest g;
    guest_open(&g);
    put(&g, TARGET, return_1);
    guest_patch(&g, TARGET, 9);
    for (uint8_t i = 1; i < 6; i++) {
        guest_protect(&g, TARGET, 0x1000, PAGE_EXECUTE_READ);
        assert_int_equal(call(&g, TARGET), i == 1 ? 9 : i);
        guest_protect(&g, TARGET, 0x1000, PAGE_READWRITE);
        guest_patch(&g, TARGET, (uint8_t)(i + 1));
    }
    guest_close(&g);
}

static void test_guest_writes_to_writable_code(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_protect(&g, TARGET, 0x1000, PAGE_EXECUTE_READWRITE);
    put(&g, TARGET, return_1);
    for (uint8_t i = 1; i < 20; i++) {
        guest_patch(&g, TARGET, i);
        assert_int_equal(call(&g, TARGET), i);
    }
    guest_close(&g);
}

/* A block that changes its own next instruction. */
static void test_self_modifying_code_in_one_block(void **state)
{
    GUEST_CODE(self, "lea rcx, [rip + 1f]; mov byte ptr [rcx + 1], 0x55; 1: mov al, 0; syscall");
    struct guest g;
    guest_open(&g);
    guest_protect(&g, CODE_AT, AREA, PAGE_EXECUTE_READWRITE);
    guest_code(&g, self);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(g.st.gpr[X86_RAX] & 0xff, 0x55);
    guest_close(&g);
}

static void test_other_code_mapped_at_the_same_address(void **state)
{
    const uint64_t at = 0x800000;
    struct guest g;
    guest_open(&g);
    for (int i = 0; i < 6; i++) {
        uint64_t base = at, size = 0;
        guest_alloc(&g, at, AREA, PAGE_EXECUTE_READWRITE);
        put(&g, at, i & 1 ? return_2 : return_1);
        assert_int_equal(call(&g, at), 1 + (i & 1));
        assert_int_equal(mem_release(g.mem, &base, &size), STATUS_SUCCESS);
        guest_code(&g, call_rcx);
        g.st.gpr[X86_RCX] = at;
        guest_run(&g);
        assert_fault(&g, at, CPU_EXECUTE, at);
    }
    guest_close(&g);
}

/* Frames that held code come back elsewhere, and the old address gets other frames. */
static void test_frames_of_code_are_used_again(void **state)
{
    struct guest g;
    guest_open(&g);
    for (int i = 0; i < 20; i++) {
        uint64_t at = 0x800000 + (uint64_t)(i % 3) * 0x100000, base = at, size = 0;
        guest_alloc(&g, at, AREA, i & 1 ? PAGE_READWRITE : PAGE_EXECUTE_READWRITE);
        for (uint64_t page = 0; page < AREA; page += 0x1000)
            put(&g, at + page, (i + (int)(page >> 12)) & 1 ? return_2 : return_1);
        guest_protect(&g, at, AREA, PAGE_EXECUTE_READ);
        for (uint64_t page = 0; page < AREA; page += 0x1000)
            assert_int_equal(call(&g, at + page), 1 + ((i + (int)(page >> 12)) & 1));
        assert_int_equal(mem_release(g.mem, &base, &size), STATUS_SUCCESS);
    }
    guest_close(&g);
}

/* One section, two views: written through one, executed through the other, as compilers at run time
 * do it. */
static void test_code_written_through_another_view(void **state)
{
    struct mem_object *o;
    uint64_t data = 0x800000, code = 0x900000, size = AREA;
    struct guest g;

    guest_open(&g);
    assert_int_equal(mem_object_anonymous(g.ram, AREA, &o), STATUS_SUCCESS);
    assert_int_equal(mem_map_view(g.mem, o, 0, &data, &size, MEM_MAPPED, PAGE_READWRITE, 1, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(
        mem_map_view(g.mem, o, 0, &code, &size, MEM_MAPPED, PAGE_EXECUTE_READ, 1, NULL),
        STATUS_SUCCESS);
    put(&g, data, return_1);
    for (uint8_t i = 1; i < 20; i++) {
        guest_patch(&g, data, i);
        assert_int_equal(call(&g, code), i);
    }
    /* Without an exit in between, when the stores have become fast. */
    GUEST_CODE(alternate, "mov ebx, 1; 1: mov [rcx+1], bl; call rdx; cmp eax, ebx; jne 2f; inc ebx;"
                          "cmp ebx, 100; jne 1b; 2: syscall");
    guest_code(&g, alternate);
    g.st.gpr[X86_RCX] = data;
    g.st.gpr[X86_RDX] = code;
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(g.st.gpr[X86_RBX], 100);
    put(&g, data, return_2); /* by the host, through the view that cannot execute */
    assert_int_equal(call(&g, code), 2);
    mem_object_unref(o);
    guest_close(&g);
}

static void count_data_pages(void *ctx, uint64_t va)
{
    unsigned *seen = ctx;
    if (va >= DATA_AT && va < DATA_AT + AREA)
        *seen |= 1u << (va - DATA_AT) / 0x1000;
}

static void test_dirty_pages_are_collected(void **state)
{
    GUEST_CODE(writes, "mov [rcx], rax; mov rdx, [rcx+0x1000]; mov [rcx+0x2000], rax; syscall");
    struct guest g;
    unsigned seen;

    guest_open(&g);
    for (int round = 0; round < 2; round++) { /* the second time no page faults */
        mem_dirty_clear(g.mem);
        guest_code(&g, writes);
        g.st.gpr[X86_RCX] = DATA_AT;
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
        cpu_collect_dirty(g.cpu);
        seen = 0;
        mem_dirty_each(g.mem, count_data_pages, &seen);
        assert_int_equal(seen & 5, 5);
        if (guest_engine_can(CPU_CAP_DETERMINISTIC)) /* others may report more */
            assert_int_equal(seen, 5);
    }
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_writes_replace_translated_code),
        cmocka_unit_test(test_code_written_while_it_could_not_execute),
        cmocka_unit_test(test_guest_writes_while_it_could_not_execute),
        cmocka_unit_test(test_guest_writes_to_writable_code),
        cmocka_unit_test(test_self_modifying_code_in_one_block),
        cmocka_unit_test(test_other_code_mapped_at_the_same_address),
        cmocka_unit_test(test_frames_of_code_are_used_again),
        cmocka_unit_test(test_code_written_through_another_view),
        cmocka_unit_test(test_dirty_pages_are_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

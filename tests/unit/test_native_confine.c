// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile guest under the native engine: nothing of what it tries reaches the host, and the
 * parent outlives whatever happens to the child. */
#include "cpu_fixture.h"
#include "base/hostio.h"
#include "cpu/native/internal.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the guest has it: its own address space is at the same addresses as the child's. */
#define BLOCK (NATIVE_AREA + NATIVE_EXECS)

static pid_t child_of(struct guest *g)
{
    return native_of(g->cpu)->pid;
}

static const char proof[] = "/tmp/peregrine-native-escaped";

static void open_hostile(struct guest *g)
{
    guest_open(g);
    guest_poke(g, DATA_AT, proof, sizeof proof);
    cpu_set_slice(g->cpu, 5000);
}

/* The parent is as it was, and so is the host. */
static void assert_unharmed(struct guest *g)
{
    assert_int_equal(access(proof, F_OK), -1);
    assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
    guest_close(g);
}

static void set_arguments(struct guest *g, uint64_t a, uint64_t b, uint64_t c)
{
    g->st.gpr[X86_RDI] = a;
    g->st.gpr[X86_RSI] = b;
    g->st.gpr[X86_RDX] = c;
    g->st.gpr[X86_R10] = g->st.gpr[X86_R8] = g->st.gpr[X86_R9] = 0;
}

/* ---- Raw system calls ------------------------------------------------------------------------ */

GUEST_CODE(raw, "syscall");
GUEST_CODE(old, "int 0x80");

static void test_no_system_call_is_done(void **state)
{
    static const uint64_t abis[] = {0, 0x40000000};
    struct guest g;
    open_hostile(&g);
    guest_code(&g, raw);
    for (size_t abi = 0; abi < ARRAY_LEN(abis); abi++)
        for (uint64_t nr = 0; nr < 600; nr++) {
            g.st.rip = CODE_AT;
            g.st.gpr[X86_RAX] = nr | abis[abi];
            set_arguments(&g, DATA_AT, O_CREAT | O_RDWR, 0644);
            guest_run_to_exit(&g);
            assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 2);
            assert_int_equal(g.st.gpr[X86_RAX], nr | abis[abi]);
        }
    assert_unharmed(&g);
}

static void test_no_32bit_system_call_is_done(void **state)
{
    struct guest g;
    open_hostile(&g);
    guest_code(&g, old);
    for (uint64_t nr = 0; nr < 500; nr++) {
        g.st.rip = CODE_AT;
        g.st.gpr[X86_RAX] = nr;
        g.st.gpr[X86_RBX] = DATA_AT;
        g.st.gpr[X86_RCX] = O_CREAT | O_RDWR;
        guest_run_to_exit(&g);
        assert_exit(&g, CPU_EXIT_INTERRUPT, CODE_AT + 2);
        assert_int_equal(g.exit.vector, 0x80);
        assert_int_equal(g.st.gpr[X86_RAX], nr);
    }
    assert_unharmed(&g);
}

static void test_system_calls_of_32bit_code(void **state)
{
    GUEST_CODE32(int80, "int 0x80");
    GUEST_CODE32(sysenter32, "mov ebp, esp; sysenter; ud2");
    GUEST_CODE32(syscall32, "mov ebp, esp; syscall; ud2");
    const uint8_t *const codes[] = {int80, sysenter32, syscall32};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct guest g;
        guest_open_with(&g, (struct guest_options){.ptr_size = 4});
        guest_poke(&g, DATA_AT, proof, sizeof proof);
        cpu_set_slice(g.cpu, 5000);
        guest_code_at(&g, CODE_AT, codes[i], 8);
        g.st.gpr[X86_RAX] = 5; /* open */
        g.st.gpr[X86_RBX] = DATA_AT;
        g.st.gpr[X86_RCX] = O_CREAT | O_RDWR;
        guest_run_to_exit(&g);
        assert_true(g.exit.kind == CPU_EXIT_INTERRUPT || g.exit.kind == CPU_EXIT_EXCEPTION ||
                    g.exit.kind == CPU_EXIT_FAULT);
        if (i == 0)
            assert_exit(&g, CPU_EXIT_INTERRUPT, CODE_AT + 2);
        assert_unharmed(&g);
    }
}

/* Some kernels answer time calls at fixed addresses without a system call instruction. */
static void test_the_vsyscall_page_answers_nothing(void **state)
{
    GUEST_CODE(vsyscall, "mov rax, 0xffffffffff600400; mov rdi, 0x500000; call rax; ud2");
    struct guest g;
    open_hostile(&g);
    guest_code(&g, vsyscall);
    guest_run_to_exit(&g);
    assert_true(g.exit.kind == CPU_EXIT_SERVICE || g.exit.kind == CPU_EXIT_FAULT ||
                g.exit.kind == CPU_EXIT_EXCEPTION);
    assert_unharmed(&g);
}

/* ---- The stub's own system calls ------------------------------------------------------------- */

static uint64_t site(const uint8_t *after)
{
    return native_stub_at(after) - 2;
}

struct attempt {
    const char *name;
    uint64_t nr, args[6];
};

static const struct attempt attempts[] = {
    {"open", SYS_open, {DATA_AT, O_CREAT | O_RDWR, 0644}},
    {"openat", SYS_openat, {(uint64_t)AT_FDCWD, DATA_AT, O_CREAT | O_RDWR, 0644}},
    {"execve", SYS_execve, {DATA_AT}},
    {"fork", SYS_fork},
    {"clone", SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, STACK_AT + 0x800}},
    {"clone3", SYS_clone3, {DATA_AT, 64}},
    {"kill everybody", SYS_kill, {(uint64_t)-1, 0}},
    {"ptrace", SYS_ptrace, {PTRACE_TRACEME}},
    {"socket", SYS_socket, {2, 1}},
    {"dumpable", SYS_prctl, {PR_SET_DUMPABLE, 1}},
    {"mask signals", SYS_rt_sigprocmask, {0, DATA_AT, 0, 8}},
    {"sigreturn", SYS_rt_sigreturn},
    {"handlers", SYS_rt_sigaction, {SIGSEGV, DATA_AT, 0, 8}},
    {"exit", SYS_exit, {7}},
    {"exit_group", SYS_exit_group, {7}},
    {"anonymous", SYS_mmap, {0x10000000, 0x1000, 3, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1}},
    {"private", SYS_mmap, {0x10000000, 0x1000, 3, MAP_PRIVATE | MAP_FIXED, CHILD_FD_RAM}},
    {"the socket", SYS_mmap, {0x10000000, 0x1000, 3, MAP_SHARED | MAP_FIXED, CHILD_FD_SOCKET}},
    {"grows down", SYS_mprotect, {0x10000000, 0x1000, PROT_READ | PROT_GROWSDOWN}},
    {"close the RAM", SYS_close, {CHILD_FD_RAM}},
    {"receive elsewhere", SYS_recvmsg, {CHILD_FD_RAM, DATA_AT, MSG_DONTWAIT}},
    {"receive and wait", SYS_recvmsg, {CHILD_FD_SOCKET, DATA_AT, 0}},
    {"write", SYS_write, {CHILD_FD_RAM, DATA_AT, 16}},
    {"truncate", SYS_ftruncate, {CHILD_FD_RAM, 0}},
    {"punch", SYS_fallocate, {CHILD_FD_RAM, 3, 0, 1 << 20}},
    {"futex requeue", SYS_futex, {DATA_AT, FUTEX_REQUEUE, 1}},
    {"limits", SYS_prlimit64, {0, 7, DATA_AT}},
    {"userfaultfd", SYS_userfaultfd},
    {"io_uring", SYS_io_uring_setup, {8, DATA_AT}},
    {"bpf", SYS_bpf, {0, DATA_AT, 64}},
};

static void jump_there(struct guest *g, uint64_t at, const struct attempt *a)
{
    x86_state_init(&g->st, 8);
    g->st.rip = at;
    g->st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
    g->st.gpr[X86_RAX] = g->st.gpr[X86_R14] = a->nr;
    set_arguments(g, a->args[0], a->args[1], a->args[2]);
    g->st.gpr[X86_R10] = a->args[3];
    g->st.gpr[X86_R8] = a->args[4];
    g->st.gpr[X86_R9] = a->args[5];
}

static void test_the_stubs_instructions_do_nothing_else(void **state)
{
    const uint8_t *const sites[] = {native_stub_after_op, native_stub_after_wait,
                                    native_stub_after_wake};
    for (size_t s = 0; s < ARRAY_LEN(sites); s++)
        for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
            struct guest g;
            open_hostile(&g);
            jump_there(&g, site(sites[s]), &attempts[i]);
            guest_run_to_exit(&g);
            if (g.exit.kind != CPU_EXIT_FAILURE)
                fail_msg("%s: exit %d", attempts[i].name, g.exit.kind);
            assert_non_null(g.exit.message);
            assert_unharmed(&g);
        }
}

static void test_the_stubs_32bit_call_does_nothing_else(void **state)
{
    static const uint32_t calls[] = {1, 2, 5, 11, 26, 37, 120, 125, 173, 192, 243, 402};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct guest g;
        open_hostile(&g);
        jump_there(&g, site(native_stub_after_int80), &attempts[0]);
        g.st.gpr[X86_RAX] = calls[i];
        g.st.gpr[X86_RBX] = DATA_AT;
        g.st.gpr[X86_RCX] = O_CREAT | O_RDWR;
        guest_run(&g);
        assert_unharmed(&g);
    }
}

/* What the filter does allow the guest can only turn against itself. */
static void test_allowed_calls_hurt_only_the_guest(void **state)
{
    static const struct attempt allowed[] = {
        {"unmap all", SYS_munmap, {0, 0x7ffffffff000}},
        {"unmap the stub", SYS_munmap, {NATIVE_AREA, NATIVE_AREA_SIZE}},
        {"stub writable", SYS_mprotect, {NATIVE_AREA, 0x1000, 7}},
        {"stub hidden", SYS_mprotect, {NATIVE_AREA, 0x1000, 0}},
        {"blocks hidden", SYS_mprotect, {BLOCK, NATIVE_EXEC_SIZE, 0}},
        {"RAM over the stub",
         SYS_mmap,
         {NATIVE_AREA, 0x1000, 7, MAP_SHARED | MAP_FIXED, CHILD_FD_RAM}},
        {"RAM over the blocks",
         SYS_mmap,
         {BLOCK, NATIVE_EXEC_SIZE, 7, MAP_SHARED | MAP_FIXED, CHILD_FD_RAM}},
        {"nothing to close", SYS_close, {CHILD_FD_PASSED}},
        {"nothing to receive", SYS_recvmsg, {CHILD_FD_SOCKET, DATA_AT, MSG_DONTWAIT}},
    };
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        struct guest g;
        open_hostile(&g);
        jump_there(&g, site(native_stub_after_op), &allowed[i]);
        guest_run(&g);
        assert_unharmed(&g);
    }
}

/* A list of operations of the guest's own making, longer than the host allows mappings. */
static void test_mappings_without_end(void **state)
{
    enum { COUNT = 100000 };
    const uint64_t list = 0x10000000, first = 0x100000000000;
    const struct attempt begin = {
        "map", SYS_mmap, {first, 0x1000, 3, MAP_SHARED | MAP_FIXED, CHILD_FD_RAM}};
    struct guest g;
    open_hostile(&g);
    guest_alloc(&g, list, COUNT * sizeof(struct native_op), PAGE_READWRITE);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct native_op op = {.nr = SYS_mmap,
                               .args = {first + 2 * i * 0x1000, 0x1000, 3, MAP_SHARED | MAP_FIXED,
                                        CHILD_FD_RAM, i * 0x1000}};
        guest_poke(&g, list + i * sizeof op, &op, sizeof op);
    }
    guest_code(&g, raw);
    guest_run(&g);
    jump_there(&g, site(native_stub_after_op), &begin);
    g.st.gpr[X86_RBX] = BLOCK;
    g.st.gpr[X86_R12] = COUNT;
    g.st.gpr[X86_R13] = list;
    for (int i = 0; i < 1000 && g.exit.kind != CPU_EXIT_FAILURE; i++)
        guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_FAILURE);
    assert_unharmed(&g);
}

static void test_segment_bases_do_not_matter_to_the_stub(void **state)
{
    GUEST_CODE(bases,
               "wrgsbase rcx; wrfsbase rcx; mov rax, rcx; syscall; rdgsbase rdx; rdfsbase rsi;"
               "int 0x2e");
    static const uint64_t all[] = {0,       BLOCK,          NATIVE_AREA,
                                   DATA_AT, 0x7fffffffffff, 0xffff800000000000};
    struct guest g;
    open_hostile(&g);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        guest_code(&g, bases);
        g.st.gpr[X86_RCX] = all[i];
        guest_run_to_exit(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
        assert_int_equal(g.st.gpr[X86_RAX], all[i]);
        assert_int_equal(g.st.gs_base, all[i]);
        guest_run_to_exit(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
        assert_int_equal(g.st.gpr[X86_RDX], all[i]);
        assert_int_equal(g.st.gpr[X86_RSI], all[i]);
    }
    assert_unharmed(&g);
}

static void test_a_guest_asleep_in_the_stub_is_given_up(void **state)
{
    const struct attempt nap = {"wait", SYS_futex, {DATA_AT, FUTEX_WAIT, 0}};
    struct guest g;
    open_hostile(&g);
    guest_poke(&g, DATA_AT, (uint32_t[1]){0}, 4);
    jump_there(&g, site(native_stub_after_wait), &nap);
    g.st.gpr[X86_RBX] = DATA_AT; /* afterwards a block of the guest's own, whose turn never comes */
    guest_poke(&g, DATA_AT + CTL_SPIN, (uint32_t[1]){0}, 4);
    guest_poke(&g, DATA_AT + CTL_TURN, (uint32_t[1]){TURN_PARENT}, 4);
    do
        guest_run(&g);
    while (g.exit.kind == CPU_EXIT_SLICE);
    assert_int_equal(g.exit.kind, CPU_EXIT_FAILURE);
    assert_unharmed(&g);
}

/* ---- The stub's code and data ---------------------------------------------------------------- */

static void test_jumps_to_all_places_in_the_stub(void **state)
{
    static const uint64_t bases[] = {0, BLOCK, DATA_AT, 0x7fffffffffff};
    for (uint64_t offset = 0; offset < 0x480; offset += 11) {
        struct guest g;
        open_hostile(&g);
        x86_state_init(&g.st, 8);
        for (int i = 0; i < X86_GPR_COUNT; i++)
            g.st.gpr[i] = bases[(offset + (uint64_t)i) % ARRAY_LEN(bases)];
        g.st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
        g.st.rip = NATIVE_AREA + offset;
        for (int i = 0; i < 3 && g.exit.kind != CPU_EXIT_FAILURE; i++)
            guest_run(&g);
        assert_unharmed(&g);
    }
}

static void test_the_stub_cannot_be_written(void **state)
{
    GUEST_CODE(store, "mov [rcx], rax");
    struct guest g;
    open_hostile(&g);
    guest_code(&g, store);
    g.st.gpr[X86_RCX] = NATIVE_AREA;
    guest_run_to_exit(&g);
    assert_fault(&g, NATIVE_AREA, CPU_WRITE, CODE_AT);
    assert_unharmed(&g);
}

static void test_executors_filled_with_garbage(void **state)
{
    GUEST_CODE(fill, "rep stosb; mov rcx, r8; mov rdi, r9; 1: stosq; imul rax, rbx; inc rax;"
                     "dec rcx; jnz 1b; syscall; ud2; int3; mov [0], eax");
    static const struct {
        uint64_t at, len;
        uint8_t value;
    } cases[] = {
        {BLOCK, NATIVE_EXEC_SIZE, 0},
        {BLOCK, NATIVE_EXEC_SIZE, 0xff},
        {BLOCK, 0x1000, 0x41},
        {BLOCK + 8, 0x1000 - 8, 2},
        {BLOCK + CTL_EXIT, 0x1000 - CTL_EXIT, 4},
        {BLOCK + EXEC_XSAVE, 0x1000, 0xff},
        {BLOCK + EXEC_OPS, 0x1000, 0x09},
        {BLOCK + EXEC_ALTSTACK, NATIVE_EXEC_SIZE - EXEC_ALTSTACK, 0xee},
    };
    for (size_t i = 0; i < 3 * ARRAY_LEN(cases); i++) {
        size_t c = i % ARRAY_LEN(cases);
        bool random = i >= ARRAY_LEN(cases);
        struct guest g;
        open_hostile(&g);
        guest_code(&g, fill);
        g.st.gpr[X86_RDI] = g.st.gpr[X86_R9] = random ? cases[c].at : DATA_AT;
        g.st.gpr[X86_RCX] = random ? 8 : 1;
        g.st.gpr[X86_R8] = random ? cases[c].len / 8 : 1;
        if (!random) {
            g.st.gpr[X86_RDI] = cases[c].at;
            g.st.gpr[X86_RCX] = cases[c].len;
        }
        g.st.gpr[X86_RAX] = random ? i * 0x9e3779b97f4a7c15 : cases[c].value;
        g.st.gpr[X86_RBX] = 0x2545f4914f6cdd1d;
        for (int k = 0; k < 8 && g.exit.kind != CPU_EXIT_FAILURE; k++)
            guest_run(&g);
        assert_unharmed(&g);
    }
}

static void test_stacks_that_are_the_stubs_own(void **state)
{
    GUEST_CODE(push, "push rax; push rbx; mov [0], eax; syscall");
    static const uint64_t stacks[] = {BLOCK + NATIVE_EXEC_SIZE,
                                      BLOCK + EXEC_ALTSTACK + 0x100,
                                      BLOCK + EXEC_STACK_TOP,
                                      BLOCK + CTL_FRAME,
                                      NATIVE_AREA + 64,
                                      8,
                                      0,
                                      0x8000000000000000,
                                      UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
        struct guest g;
        open_hostile(&g);
        guest_code(&g, push);
        g.st.gpr[X86_RSP] = stacks[i];
        for (int k = 0; k < 4 && g.exit.kind != CPU_EXIT_FAILURE; k++)
            guest_run(&g);
        assert_unharmed(&g);
    }
}

static void test_faults_without_a_stack_are_exact(void **state)
{
    GUEST_CODE(undefined, "xor esp, esp; ud2");
    struct guest g;
    open_hostile(&g);
    guest_code(&g, undefined);
    guest_run_to_exit(&g);
    assert_exception(&g, X86_VEC_UD, CODE_AT + 2);
    assert_int_equal(g.st.gpr[X86_RSP], 0);
    assert_unharmed(&g);
}

static void test_wild_places_to_go_on_at(void **state)
{
    static const uint64_t places[] = {0x800000000000, 0xffff800000000000, UINT64_MAX, 1ull << 63};
    struct guest g;
    open_hostile(&g);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        g.st.rip = places[i];
        guest_run_to_exit(&g);
        assert_true(g.exit.kind == CPU_EXIT_EXCEPTION || g.exit.kind == CPU_EXIT_FAULT);
        assert_int_equal(g.st.rip, places[i]);
    }
    assert_unharmed(&g);
}

/* ---- The child ------------------------------------------------------------------------------- */

GUEST_CODE(forever, "1: jmp 1b");

static bool status_says(pid_t pid, const char *line)
{
    char path[64], text[4096] = {0};
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    return n && strstr(text, line);
}

static void test_the_child_has_given_up_everything(void **state)
{
    struct guest g;
    char path[64], line[512];
    open_hostile(&g);
    guest_code(&g, raw);
    guest_run_to_exit(&g);
    assert_true(status_says(child_of(&g), "NoNewPrivs:\t1"));
    assert_true(status_says(child_of(&g), "Seccomp:\t2"));
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)child_of(&g), fd);
        bool open = readlink(path, line, sizeof line) > 0;
        if (open && fd != CHILD_FD_RAM && fd != CHILD_FD_AREA && fd != CHILD_FD_SOCKET)
            fail_msg("descriptor %d is open", fd);
    }
    snprintf(path, sizeof path, "/proc/%d/maps", (int)child_of(&g));
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strstr(line, "memfd:peregrine-") && !strstr(line, "[vsyscall]"))
            fail_msg("mapped: %s", line);
    if (f)
        fclose(f);
    assert_unharmed(&g);
}

static void test_a_killed_child_is_reported(void **state)
{
    struct guest g;
    open_hostile(&g);
    guest_code(&g, raw);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    kill(child_of(&g), SIGKILL);
    guest_code(&g, forever);
    for (int i = 0; i < 3; i++) {
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_FAILURE);
        assert_non_null(strstr(g.exit.message, "native"));
    }
    assert_unharmed(&g);
}

static bool gone(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (!status_says(pid, "State:") || status_says(pid, "State:\tZ"))
            return true;
        usleep(10000);
    }
    return false;
}

static void test_the_child_dies_with_its_parent(void **state)
{
    int pipe_fd[2];
    pid_t inner = 0;
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct guest g;
        open_hostile(&g);
        guest_code(&g, raw);
        guest_run(&g);
        inner = child_of(&g);
        if (write(pipe_fd[1], &inner, sizeof inner) < 0)
            _exit(1);
        cpu_set_slice(g.cpu, 0);
        guest_code(&g, forever);
        guest_run(&g);
        _exit(0);
    }
    assert_int_equal(read(pipe_fd[0], &inner, sizeof inner), sizeof inner);
    assert_true(inner > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(gone(inner));
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_system_call_is_done),
        cmocka_unit_test(test_no_32bit_system_call_is_done),
        cmocka_unit_test(test_system_calls_of_32bit_code),
        cmocka_unit_test(test_the_vsyscall_page_answers_nothing),
        cmocka_unit_test(test_the_stubs_instructions_do_nothing_else),
        cmocka_unit_test(test_the_stubs_32bit_call_does_nothing_else),
        cmocka_unit_test(test_allowed_calls_hurt_only_the_guest),
        cmocka_unit_test(test_mappings_without_end),
        cmocka_unit_test(test_segment_bases_do_not_matter_to_the_stub),
        cmocka_unit_test(test_a_guest_asleep_in_the_stub_is_given_up),
        cmocka_unit_test(test_jumps_to_all_places_in_the_stub),
        cmocka_unit_test(test_the_stub_cannot_be_written),
        cmocka_unit_test(test_executors_filled_with_garbage),
        cmocka_unit_test(test_stacks_that_are_the_stubs_own),
        cmocka_unit_test(test_faults_without_a_stack_are_exact),
        cmocka_unit_test(test_wild_places_to_go_on_at),
        cmocka_unit_test(test_the_child_has_given_up_everything),
        cmocka_unit_test(test_a_killed_child_is_reported),
        cmocka_unit_test(test_the_child_dies_with_its_parent),
    };
    setenv("PGR_TEST_ENGINE", "native", 1);
    guest_engine(); /* skips where the host cannot */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child's life. It is a program of its own, made on the spot: a few pages of boot code and a
 * list of system calls, in a memfd. It gives up what it can, maps the stub, and turns into
 * executors; then everything else is unmapped and the filter closes behind it.
 *
 * A thread of its own starts it and waits for its end: the signal that the child gets when its
 * parent dies (PR_SET_PDEATHSIG) really comes with the death of the thread that made it.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <asm/ldt.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BOOT_AT = 0x40000000,
    BOOT_SIZE = 0x4000,
    BOOT_CODE = 0x100,  /* offsets in the file */
    BOOT_DATA = 0x3000, /* behind the operations */
    BOOT_MAX_OPS = 64,
    FD_FIRST = 10, /* above the child's own numbers */
    PATCH_SPACE = 32 << 20,
    CTL_ALTSTACK_ARG = 0x900, /* in an executor's block */
    CTL_FILTER_ARG = 0xa00,
    EXEC_FIRST_OPS = 4, /* that every executor begins with */
    SET_THREAD_AREA_32 = 243,
    FILTER_MAX = 150,
    NOT_STARTED = 127, /* exit status */
};

struct boot {
    uint8_t *file;
    struct native_op *ops;
    size_t count, data;
};

/* ---- The program ----------------------------------------------------------------------------- */

enum { ANYTHING = -1 };

static void add(struct boot *b, uint64_t nr, int64_t result, const uint64_t args[6])
{
    BUG_ON(b->count == BOOT_MAX_OPS - 1);
    struct native_op *op = &b->ops[b->count++];
    op->nr = nr;
    memcpy(op->args, args, sizeof op->args);
    op->result = result;
}
#define MFD_EXEC_BIT            0x10u /* MFD_EXEC, which older headers lack */
#define ADD(b, nr, result, ...) add(b, nr, result, (const uint64_t[6]){__VA_ARGS__})

/* The child's address of a copy of the bytes. */
static uint64_t put(struct boot *b, const void *bytes, size_t len)
{
    size_t at = b->data;
    b->data = align_up(at + len, 16);
    BUG_ON(b->data > BOOT_SIZE);
    memcpy(b->file + at, bytes, len);
    return BOOT_AT + at;
}

static void add_limits(struct boot *b, uint64_t space)
{
    const struct {
        int which;
        uint64_t limit;
    } limits[] = {{RLIMIT_CORE, 0},
                  {RLIMIT_MEMLOCK, 0},
                  {RLIMIT_NOFILE, CHILD_FD_SOCKET + 1},
                  {RLIMIT_MSGQUEUE, 0},
                  {RLIMIT_AS, space}};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        uint64_t pair[2] = {limits[i].limit, limits[i].limit};
        ADD(b, SYS_prlimit64 | OP_TOLERATED, 0, 0, (uint64_t)limits[i].which,
            put(b, pair, sizeof pair), 0);
    }
}

static void add_signals(struct boot *b)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, NATIVE_KICK};
    enum { RESTORER = 0x04000000 }; /* the kernel insists; nobody returns through it */
    const uint64_t action[4] = {native_stub_at(native_stub_signal),
                                SA_SIGINFO | SA_ONSTACK | SA_NODEFER | RESTORER, 0, 0};
    uint64_t at = put(b, action, sizeof action), none = put(b, &(uint64_t){0}, 8);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        ADD(b, SYS_rt_sigaction, 0, (uint64_t)signals[i], at, 0, 8);
    ADD(b, SYS_rt_sigprocmask, 0, SIG_SETMASK, none, 0, 8);
}

static void add_landlock(struct boot *b)
{
    uint64_t attr[3] = {0};
    size_t size = native_landlock(attr);
    if (!size)
        return;
    ADD(b, SYS_landlock_create_ruleset | OP_TOLERATED, 0, put(b, attr, sizeof attr), size, 0);
    ADD(b, SYS_landlock_restrict_self | OP_TOLERATED, 0, 0, 0); /* the lowest descriptor */
    ADD(b, SYS_close | OP_TOLERATED, 0, 0);
}

static void add_all(struct boot *b, struct native_engine *n)
{
    uint64_t ram = mem_ram_limit(n->ram);
    ADD(b, SYS_prctl, 0, PR_SET_PDEATHSIG, SIGKILL);
    ADD(b, SYS_getppid, getpid(), 0);
    ADD(b, SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, 1);
    ADD(b, SYS_prctl, 0, PR_SET_DUMPABLE, 0);
    ADD(b, SYS_prctl | OP_TOLERATED, 0, PR_SET_NAME, put(b, "peregrine-guest", 16));
    ADD(b, SYS_setsid | OP_TOLERATED, 0, 0); /* the terminal's signals are for the parent */
    ADD(b, SYS_personality | OP_TOLERATED, 0, 0);
    add_limits(b, 2 * ram + (8ull << 30));
    add_signals(b);
    add_landlock(b);
    ADD(b, SYS_mmap, NATIVE_AREA, NATIVE_AREA, NATIVE_CODE_SIZE, PROT_READ | PROT_EXEC,
        MAP_SHARED | MAP_FIXED, CHILD_FD_AREA, 0);
    ADD(b, SYS_mmap, NATIVE_AREA + NATIVE_EXECS, NATIVE_AREA + NATIVE_EXECS,
        (uint64_t)n->exec_count * NATIVE_EXEC_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
        CHILD_FD_AREA, NATIVE_EXECS);
    ADD(b, 0, 0, native_block(&n->exec[0]), native_stub_at(native_stub_thread));
}

static void write_elf(uint8_t *file)
{
    Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_EXEC,
                    .e_machine = EM_X86_64,
                    .e_version = EV_CURRENT,
                    .e_entry = BOOT_AT + BOOT_CODE,
                    .e_phoff = sizeof e,
                    .e_ehsize = sizeof e,
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = 2};
    Elf64_Phdr p[2] = {{.p_type = PT_LOAD,
                        .p_flags = PF_R | PF_X,
                        .p_vaddr = BOOT_AT,
                        .p_paddr = BOOT_AT,
                        .p_filesz = BOOT_SIZE,
                        .p_memsz = BOOT_SIZE,
                        .p_align = MEM_PAGE},
                       {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16}};
    memcpy(file, &e, sizeof e);
    memcpy(file + sizeof e, p, sizeof p);
}

/* Descriptors for the threads, which the kernel reads through a 32-bit pointer. */
static void put_descriptors(struct native_engine *n, struct boot *b)
{
    for (unsigned i = 0; i < n->exec_count; i++) {
        struct user_desc index = {.entry_number = TLS_INDEX,
                                  .limit = i * NATIVE_EXEC_SIZE,
                                  .seg_32bit = 1,
                                  .useable = 1},
                         teb = {.entry_number = TLS_TEB,
                                .limit = 0xfffff,
                                .limit_in_pages = 1,
                                .seg_32bit = 1,
                                .useable = 1};
        const uint64_t none = 0, stack[3] = {native_block(&n->exec[i]) + EXEC_ALTSTACK, none,
                                             NATIVE_EXEC_SIZE - EXEC_ALTSTACK};
        struct native_exec *x = &n->exec[i];
        memcpy(native_block_bytes(x) + CTL_ALTSTACK_ARG, stack, sizeof stack);
        native_queue(x, SYS_sigaltstack, (const uint64_t[6]){native_block(x) + CTL_ALTSTACK_ARG});
        native_queue(x, SET_THREAD_AREA_32 | OP_INT80,
                     (const uint64_t[6]){put(b, &index, sizeof index)});
        native_queue(x, SYS_prctl | OP_TOLERATED,
                     (const uint64_t[6]){PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
                                         NATIVE_AREA, NATIVE_CODE_SIZE, 0});
        native_queue(x, SET_THREAD_AREA_32 | OP_INT80,
                     (const uint64_t[6]){put(b, &teb, sizeof teb)});
    }
}

/*
 * What the executors do first: system calls from outside the stub come back as signals before
 * anybody looks at their number, since there are some that the kernel keeps from filters (uprobe
 * and uretprobe, which are numbers of services as well). 32-bit ones are left to the filter. The
 * first one makes the others.
 */
static void queue_first(struct native_engine *n, struct boot *b)
{
    enum {
        FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
    };
    put_descriptors(n, b);
    for (unsigned i = 1; i < n->exec_count; i++)
        native_queue(&n->exec[0], SYS_clone,
                     (const uint64_t[6]){FLAGS, native_block(&n->exec[i]) + EXEC_STACK_TOP, 0, 0, 0,
                                         native_block(&n->exec[i])});
    for (unsigned i = 0; i < n->exec_count; i++) {
        struct native_ctl *c = n->exec[i].ctl;
        c->xmask = (uint32_t)n->xs.mask;
        atomic_store(&c->op_count, n->exec[i].op_count);
        n->exec[i].op_count = 0;
    }
}

static bool make_image(struct native_engine *n)
{
    n->image_fd = memfd_create("peregrine-guest", MFD_CLOEXEC | MFD_EXEC_BIT);
    if (n->image_fd < 0) /* before Linux 6.3 all may be executed */
        n->image_fd = memfd_create("peregrine-guest", MFD_CLOEXEC);
    if (n->image_fd < 0 || ftruncate(n->image_fd, BOOT_SIZE))
        return false;
    uint8_t *file = mmap(NULL, BOOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, n->image_fd, 0);
    if (file == MAP_FAILED)
        return false;
    size_t code = (size_t)(native_stub_boot_end - native_stub_boot);
    struct boot b = {.file = file, .data = BOOT_DATA};
    b.ops = (struct native_op *)(file + BOOT_CODE + code);
    write_elf(file);
    memcpy(file + BOOT_CODE, native_stub_boot, code);
    add_all(&b, n);
    queue_first(n, &b);
    munmap(file, BOOT_SIZE);
    return true;
}

/* ---- Starting -------------------------------------------------------------------------------- */

struct fds {
    int image, ram, area, sock;
};

static int raise_fd(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, FD_FIRST);
}

/* Between vfork and exec: system calls only. */
static _Noreturn void become_child(const struct fds *f)
{
    static char *const none[] = {NULL};
    char *const argv[] = {(char *)"peregrine-guest", NULL};
    if (dup2(f->ram, CHILD_FD_RAM) >= 0 && dup2(f->area, CHILD_FD_AREA) >= 0 &&
        dup2(f->sock, CHILD_FD_SOCKET) >= 0 &&
        syscall(SYS_close_range, CHILD_FD_SOCKET + 1, UINT32_MAX, CLOSE_RANGE_CLOEXEC) == 0) {
        for (int i = 0; i < CHILD_FD_RAM; i++)
            close(i);
        syscall(SYS_execveat, f->image, "", argv, none, AT_EMPTY_PATH);
    }
    _exit(NOT_STARTED);
}

/* With all signals blocked, so that no handler of the parent's runs in the child. */
static pid_t spawn(const struct fds *f)
{
    pid_t pid = vfork();
    if (pid == 0)
        become_child(f);
    return pid;
}

static void wake_everybody(struct native_engine *n)
{
    for (unsigned i = 0; i < n->exec_count; i++)
        syscall(SYS_futex, &n->exec[i].ctl->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    pthread_mutex_lock(&n->lock);
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

static void *keep(void *arg)
{
    struct native_engine *n = arg;
    siginfo_t info = {0};
    struct fds f = {raise_fd(n->image_fd), raise_fd(mem_ram_fd(n->ram)), raise_fd(n->area_fd),
                    raise_fd(n->child_sock)};
    pid_t pid = f.image < 0 || f.ram < 0 || f.area < 0 || f.sock < 0 ? -1 : spawn(&f);
    const int *all = &f.image;
    for (size_t i = 0; i < sizeof f / sizeof *all; i++)
        close(all[i]);
    pthread_mutex_lock(&n->lock);
    n->pid = pid;
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
    /* It stays a zombie until the engine goes: its number must not come back while somebody may
     * still signal it. */
    if (pid > 0)
        while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
            ;
    atomic_store(&n->wait_status, info.si_code << 8 | info.si_status);
    atomic_store(&n->dead, true);
    wake_everybody(n);
    return NULL;
}

static bool start_keeper(struct native_engine *n)
{
    sigset_t all, old;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 << 10);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    n->keeping = pthread_create(&n->keeper, &attr, keep, n) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return n->keeping;
}

static bool make_area(struct native_engine *n)
{
    n->area_size = NATIVE_PATCH_OFFSET + PATCH_SPACE;
    n->area_fd = memfd_create("peregrine-stub", MFD_CLOEXEC);
    if (n->area_fd < 0 || ftruncate(n->area_fd, (off_t)n->area_size))
        return false;
    n->area =
        mmap(NULL, n->area_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, n->area_fd, 0);
    if (n->area == MAP_FAILED) {
        n->area = NULL;
        return false;
    }
    memcpy(n->area, native_stub, (size_t)(native_stub_end - native_stub));
    for (unsigned i = 0; i < n->exec_count; i++) {
        struct native_exec *x = &n->exec[i];
        *x = (struct native_exec){
            .n = n, .index = i, .passed = -1, .tied_to = -1, .spin = NATIVE_SPIN_START};
        x->ctl = (struct native_ctl *)(n->area + NATIVE_EXECS + (size_t)i * NATIVE_EXEC_SIZE);
    }
    return true;
}

pgr_status native_child_start(struct native_engine *n, struct pgr_error *e)
{
    int pair[2];
    if (!make_area(n) || !make_image(n))
        return err_errno(e, PGR_E_NOMEM, "native: no memory for the guest's process");
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
        return err_errno(e, PGR_E_IO, "native: no socket for the guest's process");
    n->sock = pair[0];
    n->child_sock = pair[1];
    if (!start_keeper(n))
        return err_set(e, PGR_E_NOMEM, "native: no thread for the guest's process");
    return PGR_OK;
}

/* ---- Making it ready ------------------------------------------------------------------------- */

static bool await_pid(struct native_engine *n)
{
    pthread_mutex_lock(&n->lock);
    while (!n->pid)
        pthread_cond_wait(&n->changed, &n->lock);
    bool ok = n->pid > 0;
    pthread_mutex_unlock(&n->lock);
    return ok;
}

static void write_filter(struct native_exec *x)
{
    uint8_t *at = native_block_bytes(x) + CTL_FILTER_ARG;
    size_t len = native_filter(at + 16, FILTER_MAX);
    uint64_t fprog[2] = {len, native_block(x) + CTL_FILTER_ARG + 16};
    memcpy(at, fprog, sizeof fprog);
}

/* The executors' descriptors are set by a 32-bit call: where those are off it is a fault. */
static bool has_begun(struct native_exec *x)
{
    if (!native_await(x))
        return false;
    if (x->ctl->exit == EXIT_DONE)
        return true;
    x->n->no_descriptors = true;
    native_child_kill(x->n);
    return false;
}

bool native_child_ready(struct native_engine *n)
{
    struct native_exec *x = &n->exec[0];
    if (atomic_load(&n->ready) || atomic_load(&n->dead))
        return !atomic_load(&n->dead);
    if (!await_pid(n))
        return false;
    for (unsigned i = 0; i < n->exec_count; i++)
        if (!has_begun(&n->exec[i]))
            return false;
    x->tid = n->pid;
    const struct native_op *ops = (const void *)(native_block_bytes(x) + EXEC_OPS);
    for (unsigned i = 1; i < n->exec_count; i++)
        n->exec[i].tid = (pid_t)ops[EXEC_FIRST_OPS + i - 1].result;
    write_filter(x);
    const uint64_t end = NATIVE_AREA + NATIVE_AREA_SIZE;
    native_queue(x, SYS_munmap, (const uint64_t[6]){0, NATIVE_AREA});
    native_queue(x, SYS_munmap, (const uint64_t[6]){end, NATIVE_USER_END - end});
    native_map_fixed(x);
    native_queue(x, SYS_seccomp,
                 (const uint64_t[6]){SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                                     native_block(x) + CTL_FILTER_ARG});
    if (!native_command(x, 0)) {
        native_child_kill(n);
        return false;
    }
    atomic_store(&n->ready, true);
    return true;
}

/* ---- The end --------------------------------------------------------------------------------- */

void native_child_kill(struct native_engine *n)
{
    if (n->pid > 0 && !atomic_load(&n->dead))
        kill(n->pid, SIGKILL);
}

const char *native_describe_death(struct native_engine *n)
{
    int status = atomic_load(&n->wait_status), how = status >> 8, value = status & 0xff;
    if (n->no_descriptors)
        snprintf(n->message, sizeof n->message,
                 "native: the engine needs the kernel's 32-bit system calls "
                 "(CONFIG_IA32_EMULATION, ia32_emulation=1)");
    else if (n->pid < 0)
        snprintf(n->message, sizeof n->message, "native: the guest's process could not be started");
    else if (how == CLD_EXITED && value == NOT_STARTED)
        snprintf(n->message, sizeof n->message,
                 "native: the host does not execute programs from memory (vm.memfd_noexec?)");
    else if (how == CLD_EXITED)
        snprintf(n->message, sizeof n->message,
                 "native: the guest's process could not be confined (step %d)", value);
    else
        snprintf(n->message, sizeof n->message, "native: the guest's process was ended by %s",
                 value == SIGKILL ? "the host (SIGKILL), perhaps for lack of memory"
                                  : strsignal(value));
    return n->message;
}

void native_child_end(struct native_engine *n)
{
    if (n->keeping && await_pid(n))
        native_child_kill(n);
}

void native_child_destroy(struct native_engine *n)
{
    const int fds[] = {n->image_fd, n->child_sock, n->area_fd, n->sock};
    if (n->keeping)
        pthread_join(n->keeper, NULL);
    if (n->pid > 0)
        waitpid(n->pid, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] > 0)
            close(fds[i]);
    if (n->area)
        munmap(n->area, n->area_size);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PEREGRINE_MACHINE_H
#define PEREGRINE_MACHINE_H
/*
 * A machine: one guest program with its memory, threads, kernel objects and CPU engine.
 *
 *     struct pgr_machine *m;
 *     struct pgr_error err;
 *     struct pgr_exit why;
 *     const char *args[] = {"/c", "ver", NULL};
 *     pgr_machine_create(&(struct pgr_config){0}, &m, &err);
 *     pgr_machine_load(m, &(struct pgr_program){.path = "cmd.exe", .args = args}, &err);
 *     pgr_machine_run(m, &(struct pgr_limits){0}, &why, &err);
 *     pgr_machine_destroy(m);
 *
 * A machine is used by one host thread at a time; only pgr_machine_stop may be called from others
 * and from signal handlers. Text is UTF-8. Structures may be zeroed for the defaults; pointers in
 * them are borrowed for the call. Functions that return pgr_status fill *err (may be NULL) with one
 * sentence when they fail.
 */
#include <peregrine/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgr_machine;

enum pgr_clock {
    PGR_CLOCK_ENGINE,  /* virtual where every engine of the run can keep it */
    PGR_CLOCK_VIRTUAL, /* time and thread switches follow the guest's progress: runs repeat */
    PGR_CLOCK_HOST     /* they follow the host */
};

struct pgr_config {
    const char *root; /* name of an installed root or a directory; NULL: see `peregrine roots` */
    /* "unicorn", "kvm", "native"; NULL or "auto": the fastest that can do what is asked here. Or
     * one after the other, "kvm,unicorn@NtCreateFile": from the point after the @ on another engine
     * goes on; a service, an address 0x…, a number of instructions, or a module such as foo.dll. */
    const char *engine;
    const char *overlay; /* keeps what the guest writes; NULL: a temporary directory */
    enum pgr_clock clock;
    uint64_t seed;       /* of everything random that the guest gets */
    bool strict;         /* an unimplemented service ends the run */
    bool count;          /* count instructions exactly; needed for limits on them, and slower */
    bool intercept;      /* calls between modules can be seen and changed (peregrine/hook.h) */
    bool instrument;     /* of engine auto: one that can tell of code and memory as they are used
                            (peregrine/event.h) */
    unsigned processors; /* that the guest sees; 0: as many as run it, see `engine` */
    uint64_t memory; /* bytes of guest memory at most, 0: 16 GiB; only what is touched is used */
};

/* PGR_E_NOT_FOUND: no such root. PGR_E_ARGUMENT: no such engine. PGR_E_ENGINE: the engine
 * cannot do what is asked, or not on this host. */
pgr_status pgr_machine_create(const struct pgr_config *config, struct pgr_machine **out,
                              struct pgr_error *err);
/* NULL is fine. The temporary overlay goes too. */
void pgr_machine_destroy(struct pgr_machine *m);

enum pgr_mount_mode { PGR_MOUNT_READ_ONLY, PGR_MOUNT_COPY_ON_WRITE, PGR_MOUNT_READ_WRITE };

/* Shows a host directory at a guest path, "C:\data" or "D:\". Before pgr_machine_load. */
pgr_status pgr_machine_mount(struct pgr_machine *m, const char *guest_path, const char *host_dir,
                             enum pgr_mount_mode mode, struct pgr_error *err);

struct pgr_program {
    const char *path; /* host path, guest path ("C:\…"), or the name of a program of the root */
    const char *const *args; /* what follows the program's name, ended by NULL; may be NULL */
    const char *const *env;  /* "NAME=value" besides the defaults, ended by NULL; may be NULL */
    const char *cwd;         /* host directory that becomes C:\work; NULL: the process's own */
    const char *guest_cwd;   /* guest directory to start in; NULL: C:\work */
    enum pgr_mount_mode cwd_mode; /* COPY_ON_WRITE and READ_WRITE; zeroed: copy on write */
    bool prefer_32bit;            /* of two programs of the root, take the i386 one */
    int std_fd[3];  /* borrowed for the machine's life; all zero: 0, 1, 2. -1: closed */
    uint64_t entry; /* start here instead of the program's entry point; 0: not */
    uint64_t exit;  /* reaching this address ends the run; 0: none */
};

/* Makes the process; nothing of it has run yet. Once for each machine. PGR_E_NOT_FOUND,
 * PGR_E_FORMAT, PGR_E_UNSUPPORTED and PGR_E_IO are about the program's file; PGR_E_ENGINE: the
 * engine that was asked for cannot run it here. */
pgr_status pgr_machine_load(struct pgr_machine *m, const struct pgr_program *program,
                            struct pgr_error *err);

struct pgr_limits {
    uint64_t timeout_ns;   /* of host time; 0: none */
    uint64_t instructions; /* needs pgr_config.count; 0: none */
    uint64_t services;     /* stop before this many more services; 0: none */
};

enum pgr_exit_kind {
    PGR_EXIT_PROCESS, /* the program ended; code is its exit status */
    PGR_EXIT_ADDRESS, /* pgr_program.exit was reached; code is EAX */
    PGR_EXIT_TIMEOUT,
    PGR_EXIT_INSTRUCTIONS,
    PGR_EXIT_SERVICES,
    PGR_EXIT_STOPPED, /* pgr_machine_stop */
    PGR_EXIT_STRICT,  /* something unimplemented in strict mode */
    PGR_EXIT_DEADLOCK /* every thread waits, and nothing can wake any */
};
struct pgr_exit {
    enum pgr_exit_kind kind;
    uint32_t code;
};

/* Runs until the program ends or a limit is reached; may be called again after the latter. */
pgr_status pgr_machine_run(struct pgr_machine *m, const struct pgr_limits *limits,
                           struct pgr_exit *why, struct pgr_error *err);
/* Between runs: another engine goes on. PGR_E_ARGUMENT: no such engine; PGR_E_ENGINE: it
 * cannot run here, or not what this machine was asked for. When it fails otherwise the machine can
 * only be destroyed. */
pgr_status pgr_machine_hand_over(struct pgr_machine *m, const char *engine, struct pgr_error *err);
/* The engine that runs the program now, and what spoke against faster ones (NULL: nothing, or it
 * was asked for by name). */
const char *pgr_machine_engine(const struct pgr_machine *m, const char **why);
/* Makes a run that is going on, or the next one, end soon with PGR_EXIT_STOPPED. */
void pgr_machine_stop(struct pgr_machine *m);

/* ---- Looking in and changing things, between runs
 * ------------------------------------------------ */

/* As a debugger would: protections do not matter, whole or not at all. PGR_E_ARGUMENT: not mapped.
 */
pgr_status pgr_machine_read(struct pgr_machine *m, uint64_t address, void *out, size_t size,
                            struct pgr_error *err);
pgr_status pgr_machine_write(struct pgr_machine *m, uint64_t address, const void *data, size_t size,
                             struct pgr_error *err);
/* By name, in lower case: rax…r15, eax…edi, rip, eip, rflags, eflags, fs_base, gs_base. `thread` is
 * a guest thread id, 0: the first thread that is alive. */
pgr_status pgr_machine_get_register(struct pgr_machine *m, uint32_t thread, const char *name,
                                    uint64_t *value, struct pgr_error *err);
pgr_status pgr_machine_set_register(struct pgr_machine *m, uint32_t thread, const char *name,
                                    uint64_t value, struct pgr_error *err);
/* 4 or 8; 0 before pgr_machine_load. */
unsigned pgr_machine_pointer_size(const struct pgr_machine *m);
/* Services called and, when counted, instructions executed since load. */
uint64_t pgr_machine_services(const struct pgr_machine *m);
uint64_t pgr_machine_instructions(const struct pgr_machine *m);

/* ---- What there is, between runs and in handlers
 * -------------------------------------------------
 * A list is one block with all its texts, from malloc: free() it. With a count of 0 it may be NULL.
 * It says what was there when it was made. PGR_E_STATE: no program is loaded.
 */

struct pgr_module {
    const char *name; /* of its file in lower case, "kernel32.dll"; "" when it has none */
    const char *path; /* the guest's, "C:\windows\system32\kernel32.dll"; NULL: not known */
    uint64_t base;
    uint64_t size;    /* bytes */
    uint64_t entry;   /* address of its entry point; 0: none */
    uint32_t exports; /* functions and data: by how many pgr_export_list returns */
    bool system;      /* a file below C:\windows, and not the program itself */
};
/* The images of the program's process, in ascending order of address. */
pgr_status pgr_module_list(struct pgr_machine *m, struct pgr_module **list, size_t *count,
                           struct pgr_error *err);

struct pgr_export {
    const char *name;    /* NULL: by ordinal only */
    const char *forward; /* "NTDLL.RtlAllocateHeap", "plugin2.#7"; NULL: it is here */
    uint64_t address;    /* of the function or datum itself, hooked or not; 0: it is elsewhere */
    uint32_t ordinal;
};
/* What the module exports that `address` lies in: as its file says, those with names first, in
 * their order; what has several names comes as often. PGR_E_NOT_FOUND: no module is there. */
pgr_status pgr_export_list(struct pgr_machine *m, uint64_t address, struct pgr_export **list,
                           size_t *count, struct pgr_error *err);

enum pgr_thread_state { PGR_THREAD_READY, PGR_THREAD_RUNNING, PGR_THREAD_WAITING };
struct pgr_thread {
    uint32_t id;                 /* as GetCurrentThreadId says, and as functions here take it */
    enum pgr_thread_state state; /* RUNNING: now, in a handler its own thread is */
    uint32_t suspended;          /* how many times; more than 0: it does not run */
    uint64_t start, parameter;   /* as CreateThread was given them */
    uint64_t teb;
    uint64_t stack_low, stack_high; /* what is committed of its stack now; high is the first address
                                       behind it */
    const char *waits_for;          /* "objects", "delay", "alert", "keyed event", "completion",
                                       "work", "host"; NULL: it does not wait. Static */
};
/* The threads of the program's process that have not ended, in the order in which they were made.
 */
pgr_status pgr_thread_list(struct pgr_machine *m, struct pgr_thread **list, size_t *count,
                           struct pgr_error *err);

/* ---- Snapshots
 * ------------------------------------------------------------------------------------- */

/* Between runs. The file holds everything but host files that are mounted. */
pgr_status pgr_machine_save(struct pgr_machine *m, const char *path, struct pgr_error *err);
/* Into a new machine, instead of pgr_machine_load, with the same root. `std_fd` as in pgr_program;
 * NULL: 0, 1, 2. Directories that the guest only reads are mounted as the file says, so restore
 * only what may read what it names; those that it writes to, and an overlay that was configured,
 * must have been given to the new machine before. PGR_E_FORMAT: the file is damaged, or does not
 * fit this machine, which can then only be destroyed. */
pgr_status pgr_machine_restore(struct pgr_machine *m, const char *path, const int std_fd[3],
                               struct pgr_error *err);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_WIN_H
#define WIN_WIN_H
/*
 * The user-mode environment that Windows prepares for a process: shared user data, PEB and TEBs,
 * process parameters, stacks, and the hand-over to ntdll for start, exceptions and APCs.
 *
 * win_boot() makes a process that is ready to run: everything after its first instruction is done
 * by guest code. It needs a kernel with the root's windows directory mounted.
 */
#include "arch/opcode.h"
#include "nt/kernel.h"

struct win_boot {
    const char *program;      /* guest path, "C:\work\a.exe"; UTF-8 like all text here */
    const char *const *args;  /* arguments behind the program, ended by NULL */
    const char *command_line; /* the whole command line instead of program and args; NULL: made */
    const char *argv0;        /* first word of the command line that is made; NULL: program */
    const char *cwd;          /* guest directory */
    const char *const *env;   /* "NAME=value" on top of the defaults, ended by NULL; may be NULL */
    bool bare_env;            /* without the defaults */
    unsigned processors;      /* 0: 1 */
    uint64_t entry;           /* start here instead of the program's entry point; 0: not */
};

/* The gate page: calls of the guest that are for the host, see win/gates.h. */
#define WIN_GATE_SIZE 0x10000u
/* The gates from here to the end of the first page belong to the layer above, 16 bytes each. */
#define WIN_GATE_ABOVE 0xf00u

/*
 * Makes the process with its first thread, ready. k->first_process is set, k->service_table filled,
 * upcalls installed (all but `sync`). On failure *e has a sentence; the kernel may be destroyed,
 * not used. PGR_E_NOT_FOUND: no such program; PGR_E_FORMAT, PGR_E_UNSUPPORTED: not one that can
 * run.
 */
pgr_status win_boot(struct nt_kernel *k, const struct win_boot *b, struct nt_process **out,
                    struct pgr_error *e);
/* An empty address space for p, by its ptr_size and large_address_aware. */
pgr_status win_create_space(struct nt_kernel *k, struct nt_process *p, struct pgr_error *e);
/* After a snapshot was loaded: upcalls and service numbers again. */
pgr_status win_resume(struct nt_kernel *k, struct pgr_error *e);

/* Where the process's gate page is: same place in every process of a pointer size. */
uint64_t win_gate_base(unsigned ptr_size);
/* Control reached a gate. Returns false when another thread should run now. */
bool win_gate(struct nt_kernel *k, struct nt_thread *t, uint64_t address);
/* Whether it is the one through which services are called; their number is in EAX. */
bool win_is_service_gate(const struct nt_process *p, uint64_t address);
/* Leaves that gate with what is in EAX, as after a service. As win_gate. */
bool win_gate_leave(struct nt_kernel *k, struct nt_thread *t);

/* The CPU reported a fault or exception: turns it into what the guest sees (stack growth, an
 * exception, emulation of rdtsc). Returns false when the thread cannot go on now. */
struct cpu_exit;
bool win_fault(struct nt_kernel *k, struct nt_thread *t, const struct cpu_exit *x);

/* What stands at an address of t's process, among the instructions that fault in user mode. */
struct x86_opcode win_opcode_at(struct nt_kernel *k, const struct nt_thread *t, uint64_t rip);
/* Whether va is in the part of t's stack that grows: a guard page there is the kernel's business.
 */
bool win_is_stack(struct nt_kernel *k, struct nt_thread *t, uint64_t va);

/* k->cfg.xfeatures changed, before anything has run. */
void win_show_processor(struct nt_kernel *k, struct nt_process *p);
/* Writes the clock to the shared user data when it has moved by at least a millisecond. */
void win_update_time(struct nt_kernel *k, struct nt_process *p);

/* The image of a DLL that Peregrine supplies to roots that lack it; from malloc, NULL when it is
 * none of them. `dll` in any case. */
uint8_t *win_synthetic_image(const char *dll, unsigned ptr_size, size_t *size);

/* A program whose main thread calls `code` at the offset `entry` and ends with what that returned;
 * with `code` NULL, at once with 0. The code lies in pages that can be read, written and executed.
 * From malloc. */
uint8_t *win_stub_image(unsigned ptr_size, const void *code, size_t size, uint32_t entry,
                        size_t *image_size);

/* Joins arguments into one command line so that CommandLineToArgvW and the C runtimes split it into
 * the same arguments again. From malloc. */
char *win_quote_arguments(const char *argv0, const char *const *args);
#endif

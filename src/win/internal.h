/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_INTERNAL_H
#define WIN_INTERNAL_H
/* Private to win/. */
#include "win/offsets.h"
#include "win/win.h"

/* thread.c */
ntstatus win_thread_start(struct nt_kernel *k, struct nt_thread *t, uint64_t stack_reserve,
                          uint64_t stack_commit);
void win_thread_stop(struct nt_kernel *k, struct nt_thread *t);
/* The guard page of t's stack was touched: false when that was the last one (stack overflow). */
/* The guest may have switched to another stack, as fibers do: the TEB tells which one is current.
 */
void win_stack_current(struct nt_kernel *k, struct nt_thread *t);
bool win_stack_grow(struct nt_kernel *k, struct nt_thread *t, uint64_t va);
bool win_stack_touch(struct nt_kernel *k, struct nt_thread *t, uint64_t va, size_t len);

/* exception.c, apc.c */
bool win_raise(struct nt_kernel *k, struct nt_thread *t, const struct nt_exception *e);
bool win_apc(struct nt_kernel *k, struct nt_thread *t, const struct nt_apc *apc);

/* services.c: numbers of the process's own ntdll; of win32u when the first of those is called. */
pgr_status win_scan_services(struct nt_kernel *k, const struct nt_process *p, struct pgr_error *e);
bool win_scan_win32u(struct nt_kernel *k, const struct nt_process *p);

/* gates.c */
enum win_gate_number {
    WIN_GATE_SERVICE,
    WIN_GATE_UNIX_CALL,
    WIN_GATE_SYNTHETIC,
    WIN_GATE_STEP = 16
};
ntstatus win_gates_map(struct nt_process *p);

/* synthetic.c: DLLs of our own. Calls the host function behind the gate; false when there is none.
 */
bool win_synthetic_call(struct nt_kernel *k, struct nt_thread *t, uint64_t index);
/* Bytes of arguments that it takes off the stack (i386). */
unsigned win_synthetic_pops(const struct nt_process *p, uint64_t index);
/* Supplies the DLLs that the root lacks. */
pgr_status win_synthetic_install(struct nt_kernel *k, unsigned ptr_size, struct pgr_error *e);
/* ini.c: files beside the system directory. Without a cache directory there are none. */
void win_ini_install(struct nt_kernel *k);

/* wine.c: the handshakes of Wine's PE modules with their Unix side, and nothing else knows of it.
 */
/* ntdll is Wine's: points its dispatcher variables at our gates. */
void win_wine_connect(struct nt_kernel *k, struct nt_process *p);
/* Wine's thread start clears this much stack without touching guard pages in order; 0: not Wine. */
uint64_t win_wine_stack_commit(struct nt_kernel *k, struct nt_process *p);
/* Environment that Wine's DLLs take from its Unix side; NULL: not Wine. "NAME=value". */
const char *win_wine_environment(struct nt_kernel *k, struct nt_process *p);
ntstatus win_wine_unix_call(struct nt_kernel *k, struct nt_thread *t, uint64_t handle,
                            uint32_t code, uint64_t args);

/* parameters.c: PEB, process parameters and environment. */
ntstatus win_peb_create(struct nt_kernel *k, struct nt_process *p, const struct win_boot *b);

/* image.c: an export of a mapped image, 0 when absent. */
uint64_t win_export(struct nt_kernel *k, struct nt_process *p, uint64_t base, const char *name);

static inline ntstatus win_put(const struct nt_process *p, uint64_t va, uint64_t v, size_t n)
{
    return mem_write(p->mem, va, &v, n);
}
static inline ntstatus win_put_ptr(const struct nt_process *p, uint64_t va, uint64_t v)
{
    return win_put(p, va, v, p->ptr_size);
}
#endif

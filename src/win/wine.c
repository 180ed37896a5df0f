// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Wine's PE modules expect of the Unix side of Wine. The only part of win/ that knows whether
 * the root is Wine's: everything is found by the exports that Wine's ntdll has and Windows' lacks.
 */
#include "base/bits.h"
#include "mem/space.h"
#include "nt/call.h"
#include "nt/mm/mm.h"
#include "win/internal.h"

#include <stdio.h>
#include <string.h>

/* The start of a thread clears 0xf0000 bytes below its context in ascending order, which passes
 * over any guard page. */
enum { WINE_STACK_COMMIT = 0xf8000 };

static uint64_t gate(const struct nt_process *p, enum win_gate_number n)
{
    return win_gate_base(p->ptr_size) + (uint64_t)n * WIN_GATE_STEP;
}

static void point(struct nt_kernel *k, struct nt_process *p, const char *variable, uint64_t to)
{
    uint64_t va = win_export(k, p, p->ntdll_base, variable);
    if (va)
        mem_poke(p->mem, va, &to, p->ptr_size);
}

void win_wine_connect(struct nt_kernel *k, struct nt_process *p)
{
    k->wine_userland = win_export(k, p, p->ntdll_base, "__wine_unix_call_dispatcher") != 0;
    k->wine_unixlib_handle = win_export(k, p, p->ntdll_base, "__wine_unixlib_handle") != 0;
    point(k, p, "__wine_syscall_dispatcher", gate(p, WIN_GATE_SERVICE));
    point(k, p, "__wine_unix_call_dispatcher", gate(p, WIN_GATE_UNIX_CALL));
    /* The same role in a 32-bit ntdll of Windows. */
    point(k, p, "Wow64Transition", gate(p, WIN_GATE_SERVICE));
}

uint64_t win_wine_stack_commit(struct nt_kernel *k, struct nt_process *p)
{
    return k->wine_userland ? WINE_STACK_COMMIT : 0;
}

/* GetUserName and the shell's folders come from this variable. */
const char *win_wine_environment(struct nt_kernel *k, struct nt_process *p)
{
    return k->wine_userland ? "WINEUSERNAME=user" : NULL;
}

/* Call 0 is what most libraries do at load, and all of them live without. */
static ntstatus unknown(struct nt_kernel *k, const struct nt_thread *t, const char *module,
                        uint32_t code)
{
    char what[96], where[160];
    snprintf(what, sizeof what, "Unix call %u of %s", code, module);
    nt_describe_address(k, nt_process_get(k, t->process), t->cpu.rip, where, sizeof where);
    nt_note(k, code ? NT_NOTE_SERVICE : NT_NOTE_CLASS, what, where);
    return STATUS_NOT_IMPLEMENTED;
}

/* {const char *text; unsigned len}: a piece of debug output. */
static ntstatus debug_write(struct nt_kernel *k, struct nt_thread *t, uint64_t args)
{
    struct nt_process *p = nt_process_get(k, t->process);
    char text[1024];
    uint64_t at = 0;
    uint32_t len = 0;
    if (mem_read(p->mem, args, &at, p->ptr_size) ||
        mem_read(p->mem, args + p->ptr_size, &len, sizeof len))
        return STATUS_ACCESS_VIOLATION;
    len = MIN(len, (uint32_t)sizeof text);
    if (mem_read(p->mem, at, text, len))
        return STATUS_ACCESS_VIOLATION;
    if (k->on_debug_text)
        k->on_debug_text(k->on_debug_text_ctx, text, len);
    return len;
}

static ntstatus time_precise(struct nt_kernel *k, struct nt_thread *t, uint64_t args)
{
    struct nt_process *p = nt_process_get(k, t->process);
    return win_put(p, args, nt_system_time(k), 8) ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
}

/* ntdll's own calls. Wine 8 numbers them load_so_dll, unwind_builtin_dll, system_time_precise;
 * since it has __wine_unixlib_handle, debug output is the third and the time the last. */
static ntstatus ntdll_call(struct nt_kernel *k, struct nt_thread *t, uint32_t code, uint64_t args)
{
    enum { LOAD_SO_DLL, UNWIND_BUILTIN_DLL, THIRD, TIME_PRECISE = 7 };
    if (code == THIRD)
        return k->wine_unixlib_handle ? debug_write(k, t, args) : time_precise(k, t, args);
    if (code == TIME_PRECISE && k->wine_unixlib_handle)
        return time_precise(k, t, args);
    if (code == LOAD_SO_DLL) /* what is no PE file is offered here: there are no ELF modules */
        return STATUS_INVALID_IMAGE_FORMAT;
    if (code == UNWIND_BUILTIN_DLL) /* no such module: the code is to be taken for a leaf */
        return STATUS_UNSUCCESSFUL;
    return unknown(k, t, "ntdll", code);
}

/* win32u's first call asks where its system-call stubs are to jump. */
static ntstatus win32u_call(struct nt_kernel *k, struct nt_thread *t, uint32_t code, uint64_t args)
{
    struct nt_process *p = nt_process_get(k, t->process);
    if (code)
        return unknown(k, t, "win32u", code);
    return win_put_ptr(p, args, gate(p, WIN_GATE_SERVICE)) ? STATUS_ACCESS_VIOLATION
                                                           : STATUS_SUCCESS;
}

ntstatus win_wine_unix_call(struct nt_kernel *k, struct nt_thread *t, uint64_t handle,
                            uint32_t code, uint64_t args)
{
    char module[64];
    struct nt_process *p = nt_process_get(k, t->process);
    module[0] = 0;
    if (handle && !nt_wine_unixlib_name(k, p, handle, module, sizeof module))
        snprintf(module, sizeof module, "handle 0x%llx", (unsigned long long)handle);
    if (!handle || !strcmp(module, "ntdll"))
        return ntdll_call(k, t, code, args);
    if (!strcmp(module, "win32u"))
        return win32u_call(k, t, code, args);
    return unknown(k, t, module, code);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PEREGRINE_HOOK_H
#define PEREGRINE_HOOK_H
/*
 * Calls of API functions and NT services, seen, changed or answered by the host.
 *
 *     static bool no_debugger(struct pgr_call *c, void *ctx)
 *     {
 *         pgr_call_set_result(c, 0);
 *         return true;
 *     }
 *     ...
 *     pgr_machine_create(&(struct pgr_config){.intercept = true}, &m, &err);
 *     pgr_hook_call(m, &(struct pgr_call_hook){.function = "kernel32!IsDebuggerPresent",
 *                                              .call = no_debugger}, NULL, &err);
 *     pgr_machine_load(...); pgr_machine_run(...);
 *
 * Works on every engine. Handlers run in the machine's host thread while the guest thread stands
 * still; other guest threads may run meanwhile only inside pgr_call_guest. In handlers all of
 * machine.h that looks in and changes things may be used, and pgr_machine_stop; not run, load, save
 * or destroy. A handler may hook and unhook, itself too; hooks may come to act on calls that begin
 * later.
 */
#include <peregrine/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A call that is going on; valid inside the handler. */
struct pgr_call;

struct pgr_call_hook {
    /*
     * "kernel32!CreateFileW", "kernel32!*File*", "*!Reg*", "CreateFileW" (of any module): functions
     * that a DLL exports, as called by other modules. By ordinal: "comctl32!#17". "nt!NtClose",
     * "nt!Nt*File": services of the kernel, whoever calls them. Modules without ".dll"; case does
     * not matter; * and ? match. By address, whoever calls it and whether it is exported or not:
     * "0x140001450", "a.exe+0x1450" (also when the module comes later); see PGR_HOOK_CODE for
     * how engines do that. Copied.
     */
    const char *function;
    /* Before the call: arguments may be looked at and changed. May be NULL, like the others. */
    void (*enter)(struct pgr_call *c, void *ctx);
    /* Instead of the call. True: answered (see pgr_call_set_result; not set, it is 0), and neither
     * the function nor later `call` handlers run; exit handlers do. False: nothing happened. */
    bool (*call)(struct pgr_call *c, void *ctx);
    /* After the call: the result may be looked at and changed. Not called for functions that do not
     * return, and not for those that have to see their true return address (setjmp, RaiseException,
     * stack walkers, ...). */
    void (*exit)(struct pgr_call *c, void *ctx);
    void *ctx;
    int order; /* handlers of one call run in ascending order, equals as they were hooked; those
                  for its end the other way round */
    bool system_callers; /* calls by system DLLs as well, instead of the program's own only. Has to
                            be asked for before pgr_machine_run */
};

/* *id (may be NULL) is for pgr_unhook_call; never 0. PGR_E_STATE: the machine was not made with
 * pgr_config.intercept. PGR_E_ARGUMENT: no name, no handler, or no such service. PGR_E_ENGINE: the
 * engine cannot hook that address; the sentence names those that can. A function that no module
 * exports (yet) is no error. */
pgr_status pgr_hook_call(struct pgr_machine *m, const struct pgr_call_hook *hook, uint32_t *id,
                         struct pgr_error *err);
/* Calls that are going on do not end in its `exit` any more. PGR_E_NOT_FOUND: no such hook. */
pgr_status pgr_unhook_call(struct pgr_machine *m, uint32_t id, struct pgr_error *err);

/* ---- What is called
 * -------------------------------------------------------------------------------------- */

struct pgr_machine *pgr_call_machine(struct pgr_call *c);
const char *pgr_call_function(const struct pgr_call *c); /* "CreateFileW"; "#17" by ordinal */
const char *pgr_call_module(const struct pgr_call *c);   /* "kernel32.dll"; "nt" for services */
uint32_t pgr_call_thread(const struct pgr_call *c);      /* guest thread id */
uint64_t pgr_call_caller(const struct pgr_call *c);      /* return address; 0 when unknown */
uint64_t pgr_call_address(const struct pgr_call *c);     /* of the function; 0 for services */
unsigned pgr_call_depth(const struct pgr_call *c);       /* of hooked calls around it */

/*
 * Arguments by index from 0. How many there are is known from the prototype; without one 0, but
 * indexes up to 15 work as if all were integers or pointers. Integers are zero-extended from their
 * width, floating-point values are their bits; structures passed by value give their address. At
 * the call's end: what they were at its beginning, after changes.
 */
unsigned pgr_call_arg_count(const struct pgr_call *c);
/* NULL when there is none. */
const char *pgr_call_arg_name(const struct pgr_call *c, unsigned i);
/* Index, or -1. */
int pgr_call_arg_index(const struct pgr_call *c, const char *name);
uint64_t pgr_call_arg(struct pgr_call *c, unsigned i);
/* Before the call only. */
void pgr_call_set_arg(struct pgr_call *c, unsigned i, uint64_t value);

/* The result of a call that is over, or that a handler answers: as the guest's register has it
 * (64 bits in EDX:EAX on i386 where the prototype says so). Floating-point values are their bits.
 */
uint64_t pgr_call_result(struct pgr_call *c);
void pgr_call_set_result(struct pgr_call *c, uint64_t value);
/* What GetLastError says in the guest thread. */
uint32_t pgr_call_last_error(struct pgr_call *c);
void pgr_call_set_last_error(struct pgr_call *c, uint32_t code);

/* ---- The guest's memory and code
 * ------------------------------------------------------------------------- */

/* NUL-terminated text of the guest's, of at most max bytes or UTF-16 units (longer: cut), as UTF-8
 * from malloc. NULL when it cannot be read. `wide`: UTF-16. */
char *pgr_call_text(struct pgr_call *c, uint64_t address, bool wide, size_t max);

/*
 * Calls a function of the guest in the calling thread. Handlers see the calls that it makes.
 * Arguments are integers, pointers, or bits of a double (of a float in the lower half); on i386
 * what is wider than 32 bits takes two. x64: the first four go to both general and vector
 * registers, so that it does not matter which the function takes. i386: on the stack, but for
 * `this` in ECX and the first two of fastcall; what the function takes off does not matter.
 */
enum pgr_convention { PGR_STDCALL, PGR_CDECL = PGR_STDCALL, PGR_FASTCALL, PGR_THISCALL };
struct pgr_guest_call {
    uint64_t address;
    const uint64_t *args;
    unsigned count;                 /* at most 32 */
    enum pgr_convention convention; /* i386 */
    uint64_t result;                /* out: RAX; on i386 EDX:EAX */
    double floating;                /* out: XMM0 as a double, or ST(0) */
    float single;                   /* out: XMM0 as a float; on i386 the same as `floating` */
    int32_t popped; /* out: bytes of arguments that it took off the stack, on i386 */
};
/* PGR_E_STATE: the thread or the machine ended inside. PGR_E_ARGUMENT: too many arguments. */
pgr_status pgr_call_guest(struct pgr_call *c, struct pgr_guest_call *call, struct pgr_error *err);

/* ---- Symbols
 * --------------------------------------------------------------------------------------------- */

/* "kernel32!CreateFileW" or "CreateFileW": where the function is. PGR_E_NOT_FOUND. Needs
 * pgr_config.intercept, and the module to be mapped. */
pgr_status pgr_symbol_address(struct pgr_machine *m, const char *name, uint64_t *address,
                              struct pgr_error *err);
/* The reverse: "kernel32.dll!CreateFileW+0x12", "a.exe+0x1234", at most size bytes with the NUL.
 * False when the address is in no module. */
bool pgr_symbol_name(struct pgr_machine *m, uint64_t address, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif

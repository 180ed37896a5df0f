/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOOK_HOOK_H
#define HOOK_HOOK_H
/*
 * Interception of calls between modules.
 *
 * A DLL that is mapped while somebody listens gets a thunk for each export that is wanted, in the
 * room behind its pages, and its export table names the thunk instead of the function. So whatever
 * the guest looks up (imports, GetProcAddress, a search of its own) calls the thunk, which calls a
 * gate; the host sees the call, its arguments and its caller, and sends the thread on to the
 * function. To see the function return as well, its return address becomes that of a second gate
 * and is kept here. Nothing of this exists, and nothing is executed or looked up, without
 * nt_config.intercept and a listener.
 *
 * Calls by system modules (files below C:\windows) are not seen unless asked for: their import
 * tables get the functions' own addresses back before their first call.
 *
 * Return addresses are put back while the guest looks at its stack: when an exception is
 * dispatched, and before functions that walk the stack or leave it otherwise than by returning
 * (special.c has the list). Whoever reads the stack by hand sees the gate.
 *
 * All functions are called with the kernel's lock held.
 */
#include "base/vec.h"
#include "cpu/note.h"
#include "nt/kernel.h"

struct hooks;
struct hook_module;

/* How a function takes part. */
enum hook_kind {
    HOOK_PLAIN,
    HOOK_NO_LEAVE, /* must see its true return address: it keeps it, or never returns */
    HOOK_WALKS     /* the same, and it looks at the frames of its callers */
};

enum hook_brief { HOOK_BRIEF_UNKNOWN, HOOK_BRIEF_NO, HOOK_BRIEF_YES };

/* A function that a module exports, made when it is called first; lives until the module is
 * unmapped and no call of it goes on. */
struct hook_symbol {
    const struct hook_module *module;
    const char *name;    /* NULL: by ordinal only */
    const char *also;    /* its other names, with a NUL behind each and behind all; or NULL */
    const char *forward; /* "NTDLL.RtlAllocateHeap"; NULL: the module's own code */
    uint32_t ordinal, rva;
    uint32_t row;     /* index in the export address table */
    uint64_t address; /* where the function is; 0: a forwarder that nobody called yet */
    uint8_t kind;     /* enum hook_kind */
    uint8_t brief;    /* enum hook_brief: whether records of its calls do */
    void *user[2];    /* of each listener, by its number */
};

struct hook_module {
    char *name; /* "kernel32.dll", in lower case */
    nt_id process;
    uint64_t base, size;
    bool system;                 /* below C:\windows */
    bool gone;                   /* unmapped */
    bool point;                  /* no image, but one function of it that is known by its address */
    bool unhooked;               /* its own imports lead past the thunks */
    bool unhook;                 /* they are to, when the guest stands still */
    bool closed;                 /* its exports cannot be read */
    bool listed;                 /* forwarders that wait are in `waiting` */
    uint64_t thunks;             /* address of the first one; there is one for each row */
    uint64_t table;              /* of the export table's addresses; 0: it is as it was */
    uint32_t count;              /* rows of the export address table; 0: nobody has looked yet */
    uint64_t *wanted;            /* a bit for each of them: the table names its thunk; or NULL */
    struct hook_symbol **blocks; /* by row, some in each, that do not move; or NULL */
    struct hook_exports *exports; /* NULL: not looked at yet, or unmapped */
    VEC(uint32_t) waiting;        /* rows of forwarders to modules that are not there yet */
};

/* How many of a module's functions somebody wants. */
enum hook_share { HOOK_NONE, HOOK_SOME, HOOK_ALL };

enum { HOOK_SAVED = 16 };

/* A call that is going on. */
struct hook_call {
    struct hook_symbol *symbol;
    struct nt_process *process; /* whose call it is, for listeners */
    uint64_t slot;              /* where the return address is: the stack pointer at entry */
    uint64_t back;   /* the return address that stood there: the caller, or a gate (tail calls) */
    uint64_t caller; /* the return address that code of the guest made */
    uint32_t depth;  /* of seen calls around it in this thread */
    uint8_t told;    /* bit for each listener that wants to hear of its end */
    bool armed;      /* the slot holds the gate's address */
    bool by_system;  /* the caller is a system module */
    uint64_t began;  /* nt_now() at entry */
    void *user;      /* of the second listener; not saved */
    /* The engine alone saw this, some time ago, and registers and memory are not those of then:
     * what there was of them, and nt_now() then. NULL: it is seen as it happens. */
    const struct cpu_record *record;
    uint64_t recorded;
    uint64_t saved[HOOK_SAVED]; /* of the first listener, for `leave`: arguments as they were */
    uint64_t kept[HOOK_SAVED];  /* the same of the second listener */
};

enum hook_answer {
    HOOK_GO_ON,
    HOOK_IGNORE,  /* this listener does not want to hear of its end */
    HOOK_ANSWERED /* registers and stack are as after the call: the function is not run */
};

/* Who hears of calls. A listener may change registers and memory of t. */
struct hook_listener {
    void *ctx;
    /* Asked for exports of a module that is mapped, maybe again later. It may be `forgotten` at
     * once. */
    bool (*wants)(void *ctx, struct hook_symbol *s);
    /* t is about to execute the first instruction of c->symbol. */
    enum hook_answer (*enter)(void *ctx, struct nt_thread *t, struct hook_call *c);
    /* It has returned (registers are as the caller will see them), or `unwound`: left by an
     * exception or a jump, seen late; its registers are gone. */
    void (*leave)(void *ctx, struct nt_thread *t, struct hook_call *c, bool unwound);
    /* Its module is gone, or all are: what s->user has may be freed. May be NULL. */
    void (*forget)(void *ctx, struct hook_symbol *s);
    /* Whether `enter` and `leave` of its calls can do with records of them, *f then saying what is
     * to be kept; asked after the first call. NULL: of no function that is wanted. */
    bool (*brief)(void *ctx, struct hook_symbol *s, struct cpu_noted *f);
    /* What `wants` would say, of all functions of a module. NULL: HOOK_SOME. */
    enum hook_share (*share)(void *ctx, const struct hook_module *m);
};

enum { HOOK_LISTENERS = 2 };

struct hooks *hooks_create(struct nt_kernel *k);
void hooks_destroy(struct hooks *h);
/* Listener i < HOOK_LISTENERS, copied; the lower one is entered first and left last. Before
 * hooks_begin. */
void hooks_listen(struct hooks *h, unsigned i, const struct hook_listener *l);
/* Calls by system modules are seen too; hook_call.by_system tells. Before hooks_begin. */
void hooks_see_all(struct hooks *h);
/* A listener has changed its mind: functions that are wanted now are hooked where they are mapped
 * already, and in what imports them. Nothing is taken back. */
void hooks_ask_again(struct hooks *h);
/* The process is made, and has not run yet. A no-op when done already. */
void hooks_begin(struct hooks *h, struct nt_process *p);
/* nt_kernel.on_image leads here. */
void hooks_image(struct hooks *h, struct nt_process *p, uint64_t base, uint64_t size,
                 const uint16_t *path, size_t path_len, bool mapped);
/* Whether an address of the gate page is one of ours, and the call or return that it means: t goes
 * on where it must. False when another thread should run now. */
bool hooks_is_gate(uint64_t address);
/* The gate that thunks call, and that of returns. */
uint64_t hooks_note_gate(bool of_returns);
/*
 * A function that no module exports, known by its address: "+0x1450" of the module that it is in.
 * Whoever stops threads there calls hooks_enter() when t is about to execute its first instruction,
 * with the meaning of hooks_gate; calls from anywhere are told. Listeners decide by s->address.
 */
struct hook_symbol *hooks_point(struct hooks *h, const struct nt_process *p, uint64_t address);
bool hooks_enter(struct hooks *h, struct nt_thread *t, struct hook_symbol *s);
/* A gate that is left to whoever is above. */
uint64_t hooks_spare_gate(void);
bool hooks_gate(struct hooks *h, struct nt_thread *t, uint64_t address);
/* Who notes calls of functions from now on, where all listeners can do with records of them; f
 * NULL: of none that were said before. */
typedef void hook_note_fn(void *ctx, const struct cpu_noted *f);
void hooks_note_calls(struct hooks *h, hook_note_fn *note, void *ctx);
/* What was noted of t at that time, in order, and before anything is told of that happened later;
 * t may be running on. */
void hooks_record(struct hooks *h, struct nt_thread *t, const struct cpu_record *r, uint64_t time);
/* Whether something else than records has changed what calls of t go on since it was asked last. */
bool hooks_touched(struct hooks *h, const struct nt_thread *t);
/* Whether calls of t may be noted. Not while some go on whose true return addresses are on the
 * stack: the next call that comes to the gate may see to it that their end is not missed. */
bool hooks_can_note(struct hooks *h, const struct nt_thread *t);
/* Everything, after the kernel's objects; then hooks_begin is not called. Listeners are asked
 * anew. */
void hooks_transfer(struct hooks *h, struct ser *s);

/* ---- For listeners ----------------------------------------------------------------------------
 */

/* The module that an address of p is in; NULL when in none that is known. Modules are known from
 * the time of hooks_begin, the program too. */
struct hook_module *hooks_module_at(struct hooks *h, const struct nt_process *p, uint64_t address);
/* Another number each time that a module came or went. */
uint64_t hooks_modules_changed(const struct hooks *h);
/* The nearest export at or below an address in m, "" and m's base when there is none. */
const char *hooks_symbol_near(struct hooks *h, struct hook_module *m, uint64_t address,
                              uint64_t *offset);
/* The functions whose address is asked for: "dll!Name" or, in any module, "Name"; 0: none is
 * mapped. */
uint64_t hooks_address_of(struct hooks *h, const struct nt_process *p, const char *name);
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCRIPT_INTERNAL_H
#define SCRIPT_INTERNAL_H
#include "base/vec.h"
#include "machine/overrides.h"
#include "script/script.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <peregrine/event.h>
#include <stdio.h>

/*
 * Handlers run on stacks of their own, and while one waits for a guest function others may begin
 * and end. So each entry into a script has its own Lua thread, and nothing may rest on the main
 * one's stack in between.
 */

struct script;

/* An entry into a script. */
struct script_run {
    struct script *s;
    lua_State *L;
    struct pgr_call *call;         /* NULL: outside of calls */
    const struct pgr_event *event; /* NULL: outside of events */
    uint64_t spent;                /* instructions, of the budget */
    uint64_t serial;               /* by which objects of the script know it */
    struct script_run *outer;      /* in the list of all */
    struct script_run *around;     /* in whose middle it is; NULL: nobody's */
};

struct script_hook {
    struct script *s;
    size_t at; /* in its list */
    uint32_t id;
    int enter, answer, exit; /* in Lua's registry, or LUA_NOREF; of events: answer */
    bool zero_only;          /* of events: those at address 0 */
    pgr_status (*unhook)(struct pgr_machine *m, uint32_t id, struct pgr_error *err);
};

struct complaint {
    char *text;
    uint64_t count;
};

struct script {
    struct scripts *all;
    struct pgr_machine *m; /* NULL: it is gone */
    char *name;
    lua_State *L;
    uint64_t used, limit; /* bytes */
    uint64_t budget;
    struct script_run *run;  /* that goes on; NULL: none, or it waits in a guest function */
    struct script_run *runs; /* all that have not ended, latest first */
    uint64_t last_serial;
    uint64_t arena, arena_left; /* room for texts in the guest */
    int event;                  /* the object of events, in the registry */
    VEC(struct script_hook *) hooks;
    VEC(lua_State *) idle; /* Lua threads for further entries */
    VEC(int) exits;        /* functions in the registry */
    VEC(struct complaint) complaints;
    uint64_t uncounted; /* further errors, beyond those */
};

struct scripts {
    struct pgr_machine *m;
    FILE *output;      /* stderr, or owned */
    char *output_path; /* NULL: stderr */
    bool strict, stopped, over;
    VEC(struct script *) list;
};

/* ---- script.c
 * ------------------------------------------------------------------------------------------ */

struct script *script_of(lua_State *L);
/* Calls fn with `arg` as a light userdata, for what `call` (may be NULL) is. Errors are complained
 * of, or go to *e when it is not NULL. */
bool script_enter(struct script *s, struct pgr_call *call, lua_CFunction fn, void *arg,
                  struct pgr_error *e);
/* Calls the handler, a function in the registry. True: it returned something true. */
bool script_enter_event(struct script *s, const struct pgr_event *event, int function);
/* The machine; an error of the script when it is gone. */
struct pgr_machine *script_machine(lua_State *L);

/* ---- What the environment is made of: each leaves a table on the stack, or changes the one there
 * --------------------------------------------------------------------------------------------- */

void script_open_sandbox(lua_State *L); /* sandbox.c: globals */
void script_open_module(lua_State *L);  /* module.c: pgr */
void script_open_memory(lua_State *L);  /* memory.c: pgr.mem */
void script_open_json(lua_State *L);    /* json.c: pgr.json */
void script_open_calls(lua_State *L);   /* calls.c: pgr.on_call into the table on top */
void script_open_events(lua_State *L);  /* event.c: pgr.on, likewise */
void script_open_lists(lua_State *L);   /* list.c: pgr.modules and the like, likewise */

/* ---- calls.c: what hooks of all kinds have in common
 * ------------------------------------------------------------------------------------------ */

/* Its object, with :remove(), is pushed. */
struct script_hook *script_new_hook(lua_State *L);
/* By the object at `at`. What is not hooked any more, or never was, goes. */
void script_drop_hook(lua_State *L, int at);
/* Of the table at `table`: an error "<knows>, but not 'KEY'" for a key that is not among keys,
 * which NULL ends. */
void script_check_keys(lua_State *L, int table, const char *const *keys, const char *knows);
int script_take_order(lua_State *L, int table); /* its field `order` */

/* ---- call.c: the object that handlers get
 * ------------------------------------------------------------------------------------------ */

void script_open_call(lua_State *L);
void script_push_call(lua_State *L, const struct script_run *run);
/* Of the object at `at`; an error of the script when the call is over. */
struct script_run *script_check_call(lua_State *L, int at);

/* ---- value.c: values of Lua as the guest's, and back
 * ------------------------------------------------------------------------------------------ */

/* By type, whose kind is API_UINT where nothing is known. */
void script_push_value(lua_State *L, uint64_t bits, const struct api_type *type);
/* Text becomes the guest's, for good, where the type is a pointer or unknown. */
uint64_t script_to_value(lua_State *L, int at, const struct api_type *type);
/* Address or whole number; text is none. */
uint64_t script_to_address(lua_State *L, int at);
struct api_type script_arg_type(struct pgr_call *c, unsigned i);
struct api_type script_result_type(struct pgr_call *c);

/* ---- guest.c: functions and memory of the guest
 * ------------------------------------------------------------------------------------------ */

int script_call_guest(lua_State *L); /* c:call(name or address, ...) */
int script_alloc(lua_State *L);      /* pgr.mem.alloc(size or bytes) */
int script_free(lua_State *L);       /* pgr.mem.free(address) */
/* NUL-terminated text of the guest's at `address`, pushed as UTF-8 (narrow: as it is); nil when the
 * first unit cannot be read. At most max units, then it is cut. */
void script_push_text(lua_State *L, uint64_t address, bool wide, size_t max);
/* A copy in the guest with zeroes behind it, made once for each text. */
uint64_t script_place_text(lua_State *L, const char *text, size_t len, bool wide);
#endif

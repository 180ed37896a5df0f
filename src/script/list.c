// SPDX-License-Identifier: GPL-2.0-or-later
/* pgr.modules, pgr.module, pgr.exports, pgr.threads. */
#include "script/internal.h"

#include <string.h>
#include <strings.h>

/* A list of the machine's while tables are made of it. */
struct listing {
    void *rows;
    size_t count;
};

static void set_text(lua_State *L, const char *key, const char *text)
{
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, key);
}

static void set_address(lua_State *L, const char *key, uint64_t address)
{
    if (address)
        set_integer(L, key, address);
}

static void set_flag(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

/* Calls build with the list as a light userdata, and leaves what it returns on the stack. The list
 * is freed whatever happens there. */
static int make(lua_State *L, lua_CFunction build, struct listing *x)
{
    lua_pushcfunction(L, build);
    lua_pushlightuserdata(L, x);
    int status = lua_pcall(L, 1, 1, 0);
    free(x->rows);
    return status ? lua_error(L) : 1;
}

static void begin(lua_State *L, const struct listing *x)
{
    lua_createtable(L, x->count < 4096 ? (int)x->count : 0, 0);
}

/* ---- Modules
 * ------------------------------------------------------------------------------------------ */

static void push_module(lua_State *L, const struct pgr_module *row)
{
    lua_createtable(L, 0, 7);
    set_text(L, "name", row->name);
    set_text(L, "path", row->path);
    set_integer(L, "base", row->base);
    set_integer(L, "size", row->size);
    set_address(L, "entry", row->entry);
    set_integer(L, "exports", row->exports);
    set_flag(L, "system", row->system);
}

static int build_modules(lua_State *L)
{
    const struct listing *x = lua_touserdata(L, 1);
    const struct pgr_module *rows = x->rows;
    begin(L, x);
    for (size_t i = 0; i < x->count; i++) {
        push_module(L, &rows[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* Nothing of Lua may fail between this and make(). */
static struct listing list_modules(lua_State *L)
{
    struct listing x = {0};
    struct pgr_module *rows = NULL;
    struct pgr_error e;
    struct pgr_machine *m = script_machine(L);
    luaL_checkstack(L, 8, NULL);
    if (pgr_module_list(m, &rows, &x.count, &e))
        luaL_error(L, "%s", e.text);
    x.rows = rows;
    return x;
}

static int modules(lua_State *L)
{
    struct listing x = list_modules(L);
    return make(L, build_modules, &x);
}

/* "kernel32" and "KERNEL32.DLL" are the same. */
static bool is_named(const struct pgr_module *row, const char *name)
{
    size_t n = strlen(name);
    return !strcasecmp(row->name, name) ||
           (!strncasecmp(row->name, name, n) && !strcmp(row->name + n, ".dll"));
}

struct wanted {
    const char *name; /* NULL: by address */
    uint64_t address;
};

/* A name, an address within, or a table that pgr.modules or pgr.module has made. */
static struct wanted wanted_at(lua_State *L, int at)
{
    struct wanted w = {0};
    if (lua_type(L, at) == LUA_TSTRING) {
        w.name = lua_tostring(L, at);
    } else if (lua_type(L, at) == LUA_TTABLE) {
        lua_getfield(L, at, "base");
        if (!lua_isinteger(L, -1))
            luaL_argerror(L, at, "not a module's table");
        w.address = (uint64_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
    } else {
        w.address = script_to_address(L, at);
    }
    return w;
}

/* The list with that one row, or with none. */
static struct listing list_module(lua_State *L, int at)
{
    struct wanted w = wanted_at(L, at);
    struct listing x = list_modules(L);
    struct pgr_module *rows = x.rows;
    size_t i = 0;
    while (i < x.count &&
           !(w.name ? is_named(&rows[i], w.name) : w.address - rows[i].base < rows[i].size))
        i++;
    bool found = i < x.count;
    if (found)
        rows[0] = rows[i];
    x.count = found;
    return x;
}

static int build_module(lua_State *L)
{
    const struct listing *x = lua_touserdata(L, 1);
    if (x->count)
        push_module(L, x->rows);
    else
        lua_pushnil(L);
    return 1;
}

/* nil when there is none. */
static int module(lua_State *L)
{
    struct listing x = list_module(L, 1);
    return make(L, build_module, &x);
}

/* ---- Exports
 * ------------------------------------------------------------------------------------------ */

static int build_exports(lua_State *L)
{
    const struct listing *x = lua_touserdata(L, 1);
    const struct pgr_export *rows = x->rows;
    begin(L, x);
    for (size_t i = 0; i < x->count; i++) {
        lua_createtable(L, 0, 3);
        set_text(L, "name", rows[i].name);
        set_text(L, "forward", rows[i].forward);
        set_address(L, "address", rows[i].address);
        set_integer(L, "ordinal", rows[i].ordinal);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int next_export(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(2));
    lua_rawgeti(L, lua_upvalueindex(1), i);
    return 1;
}

/* for x in pgr.exports(module) */
static int exports(lua_State *L)
{
    struct listing found = list_module(L, 1);
    const struct pgr_module *row = found.rows;
    bool any = found.count;
    uint64_t base = any ? row->base : 0;
    free(found.rows);
    if (!any)
        return luaL_error(L, "no such module is mapped");
    struct listing x = {0};
    struct pgr_export *rows = NULL;
    struct pgr_error e;
    if (pgr_export_list(script_machine(L), base, &rows, &x.count, &e))
        return luaL_error(L, "%s", e.text);
    x.rows = rows;
    make(L, build_exports, &x);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_export, 2);
    return 1;
}

/* ---- Threads
 * ------------------------------------------------------------------------------------------ */

static int build_threads(lua_State *L)
{
    static const char *const states[] = {[PGR_THREAD_READY] = "ready",
                                         [PGR_THREAD_RUNNING] = "running",
                                         [PGR_THREAD_WAITING] = "waiting"};
    const struct listing *x = lua_touserdata(L, 1);
    const struct pgr_thread *rows = x->rows;
    begin(L, x);
    for (size_t i = 0; i < x->count; i++) {
        lua_createtable(L, 0, 9);
        set_integer(L, "id", rows[i].id);
        set_text(L, "state", states[rows[i].state]);
        set_integer(L, "suspended", rows[i].suspended);
        set_integer(L, "start", rows[i].start);
        set_integer(L, "parameter", rows[i].parameter);
        set_integer(L, "teb", rows[i].teb);
        set_integer(L, "stack_low", rows[i].stack_low);
        set_integer(L, "stack_high", rows[i].stack_high);
        set_text(L, "waits_for", rows[i].waits_for);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int threads(lua_State *L)
{
    struct listing x = {0};
    struct pgr_thread *rows = NULL;
    struct pgr_error e;
    struct pgr_machine *m = script_machine(L);
    luaL_checkstack(L, 8, NULL);
    if (pgr_thread_list(m, &rows, &x.count, &e))
        return luaL_error(L, "%s", e.text);
    x.rows = rows;
    return make(L, build_threads, &x);
}

void script_open_lists(lua_State *L)
{
    static const luaL_Reg functions[] = {{"modules", modules},
                                         {"module", module},
                                         {"exports", exports},
                                         {"threads", threads},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

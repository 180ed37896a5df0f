// SPDX-License-Identifier: GPL-2.0-or-later
/* The table `pgr` of scripts. */
#include "base/utf.h"
#include "nt/ke/thread.h"
#include "script/internal.h"

#include <inttypes.h>
#include <string.h>

enum { SYMBOL_MAX = 512 };

/* ---- Symbols
 * ------------------------------------------------------------------------------------------ */

static int symbol(lua_State *L)
{
    char text[SYMBOL_MAX];
    if (pgr_symbol_name(script_machine(L), script_to_address(L, 1), text, sizeof text))
        lua_pushstring(L, text);
    else
        lua_pushnil(L);
    return 1;
}

/* nil and why when it is nowhere (yet). */
static int address(lua_State *L)
{
    uint64_t at;
    struct pgr_error e;
    if (!pgr_symbol_address(script_machine(L), luaL_checkstring(L, 1), &at, &e)) {
        lua_pushinteger(L, (lua_Integer)at);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, e.text);
    return 2;
}

/* ---- Registers
 * ------------------------------------------------------------------------------------------ */

/* The thread of the handler, when none is named. */
static uint32_t thread_at(lua_State *L, int at)
{
    const struct script_run *run = script_of(L)->run;
    if (!lua_isnoneornil(L, at))
        return (uint32_t)luaL_checkinteger(L, at);
    if (run && run->call)
        return pgr_call_thread(run->call);
    if (!run || !run->event)
        luaL_error(L, "outside of handlers, say which thread");
    if (!run->event->thread)
        luaL_error(L, "this event has no thread; say which");
    return run->event->thread;
}

static int reg(lua_State *L)
{
    uint64_t value;
    struct pgr_error e;
    const char *name = luaL_checkstring(L, 1);
    uint32_t thread = thread_at(L, 2);
    if (pgr_machine_get_register(script_machine(L), thread, name, &value, &e))
        return luaL_error(L, "%s", e.text);
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

static int set_reg(lua_State *L)
{
    struct pgr_error e;
    const char *name = luaL_checkstring(L, 1);
    uint64_t value = (uint64_t)luaL_checkinteger(L, 2);
    uint32_t thread = thread_at(L, 3);
    if (pgr_machine_set_register(script_machine(L), thread, name, value, &e))
        return luaL_error(L, "%s", e.text);
    return 0;
}

/* ---- The run
 * ------------------------------------------------------------------------------------------ */

/* A line with the machine's time, as in traces. */
static int log_line(lua_State *L)
{
    struct script *s = script_of(L);
    int n = lua_gettop(L);
    uint64_t now = nt_now(script_machine(L)->k);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    fprintf(s->all->output, "[%" PRIu64 ".%07" PRIu64 "] ", now / 10000000, now % 10000000);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    fwrite(text, 1, len, s->all->output);
    fputc('\n', s->all->output);
    return 0;
}

static int stop(lua_State *L)
{
    pgr_machine_stop(script_machine(L));
    return 0;
}

static int on_exit_do(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    int function = luaL_ref(L, LUA_REGISTRYINDEX);
    vec_push(&script_of(L)->exits, function);
    return 0;
}

/* Bytes of UTF-16 with its end, for guest functions that take wide text. */
static int wide(lua_State *L)
{
    size_t len, units;
    const char *text = luaL_checklstring(L, 1, &len);
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, len * 2 + 2);
    uint16_t *converted = utf8_to_utf16(text, len, &units);
    units = units > len ? len : units;
    memcpy(out, converted, units * 2);
    memset(out + units * 2, 0, 2);
    free(converted);
    luaL_pushresultsize(&b, units * 2 + 2);
    return 1;
}

static int module_index(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    if (!strcmp(name, "pointer_size")) {
        lua_pushinteger(L, pgr_machine_pointer_size(script_machine(L)));
        return 1;
    }
    if (!strcmp(name, "engine")) {
        lua_pushstring(L, pgr_machine_engine(script_machine(L), NULL));
        return 1;
    }
    return luaL_error(L, "there is no pgr.%s", name);
}

void script_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"symbol", symbol},      {"address", address}, {"reg", reg},
        {"set_reg", set_reg},    {"log", log_line},    {"stop", stop},
        {"on_exit", on_exit_do}, {"wide", wide},       {NULL, NULL}};
    luaL_newlib(L, functions);
    script_open_calls(L);
    script_open_events(L);
    script_open_lists(L);
    script_open_memory(L);
    lua_setfield(L, -2, "mem");
    script_open_json(L);
    lua_setfield(L, -2, "json");
    lua_newtable(L);
    lua_pushcfunction(L, module_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

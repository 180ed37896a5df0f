// SPDX-License-Identifier: GPL-2.0-or-later
/* What of Lua's own library scripts have: nothing that reaches the host, or escapes the limits. */
#include "nt/ke/thread.h"
#include "script/internal.h"

#include <string.h>

#define UNIX_EPOCH_100NS 116444736000000000ull

/* ---- Replaced functions; what they replace is their upvalue
 * ------------------------------------------------------------------------------------------ */

/* Bytecode can break the interpreter. */
static int load_text(lua_State *L)
{
    int n = lua_gettop(L);
    lua_settop(L, n < 3 ? 3 : n);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* Finalizers run with hooks switched off: nothing would end a loop in one. */
static int set_metatable(lua_State *L)
{
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "scripts have no __gc");
        lua_pop(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int collect_garbage(lua_State *L)
{
    static const char *const options[] = {"collect", "count", "step", NULL};
    switch (luaL_checkoption(L, 1, "collect", options)) {
    case 1:
        lua_pushnumber(L, (lua_Number)lua_gc(L, LUA_GCCOUNT) +
                              (lua_Number)lua_gc(L, LUA_GCCOUNTB) / 1024);
        return 1;
    case 2:
        lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, 0));
        return 1;
    default:
        lua_pushinteger(L, lua_gc(L, LUA_GCCOLLECT));
        return 1;
    }
}

/* Lua repeats nothing as often as it is told. */
static int repeat(lua_State *L)
{
    size_t len, between;
    luaL_checklstring(L, 1, &len);
    luaL_optlstring(L, 3, "", &between);
    if (!len && !between) {
        lua_pushliteral(L, "");
        return 1;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int print(lua_State *L)
{
    struct script *s = script_of(L);
    int n = lua_gettop(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_addchar(&b, '\n');
    luaL_pushresult(&b);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    fwrite(text, 1, len, s->all->output);
    return 0;
}

/* ---- Time, which is the machine's
 * ------------------------------------------------------------------------------------------ */

static int64_t now(lua_State *L)
{
    uint64_t t = nt_system_time(script_machine(L)->k);
    return (int64_t)(t - UNIX_EPOCH_100NS) / 10000000;
}

static int os_time(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        return luaL_error(L, "os.time takes no argument here: it is the machine's time");
    lua_pushinteger(L, now(L));
    return 1;
}

static int os_clock(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)nt_now(script_machine(L)->k) / 1e7);
    return 1;
}

/* Always UTC: where the host is does not matter to the guest. */
static int os_date(lua_State *L)
{
    const char *format = luaL_optstring(L, 1, "%c");
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushfstring(L, "%s%s", format[0] == '!' ? "" : "!", format);
    if (lua_isnoneornil(L, 2))
        lua_pushinteger(L, now(L));
    else
        lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    return 1;
}

/* ---- All of it
 * ------------------------------------------------------------------------------------------ */

static void drop(lua_State *L, const char *name)
{
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

/* Of the table on top. */
static void replace(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

static void open_os(lua_State *L)
{
    static const luaL_Reg functions[] = {{"time", os_time}, {"clock", os_clock}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushcfunction(L, luaopen_os);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "difftime");
    lua_setfield(L, -3, "difftime");
    lua_getfield(L, -1, "date");
    lua_pushcclosure(L, os_date, 1);
    lua_setfield(L, -3, "date");
    lua_pop(L, 1);
    lua_setfield(L, -2, "os");
}

/* As everything random: from the machine's seed. */
static void seed_random(lua_State *L)
{
    lua_getfield(L, -1, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)script_machine(L)->cfg.seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

void script_open_sandbox(lua_State *L)
{
    static const luaL_Reg libraries[] = {{"string", luaopen_string},
                                         {"table", luaopen_table},
                                         {"math", luaopen_math},
                                         {"utf8", luaopen_utf8},
                                         {"coroutine", luaopen_coroutine}};
    static const char *const dropped[] = {"dofile", "loadfile", "warn"};
    luaL_requiref(L, "_G", luaopen_base, 1);
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
        drop(L, dropped[i]);
    replace(L, "load", load_text);
    replace(L, "setmetatable", set_metatable);
    replace(L, "collectgarbage", collect_garbage);
    replace(L, "print", print);
    lua_getfield(L, -1, "string");
    drop(L, "dump");
    replace(L, "rep", repeat);
    lua_pop(L, 1);
    open_os(L);
    seed_random(L);
}

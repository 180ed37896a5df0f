// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The object that handlers get, and the one of its arguments. They hold a serial number only: a
 * script may keep them for longer than the call lasts.
 */
#include "script/internal.h"

#include <string.h>

enum { TEXT_MAX = 64 << 10 };

#define CALL "pgr.call"
#define ARGS "pgr.args"

static struct script_run *run_of(lua_State *L, uint64_t serial)
{
    for (struct script_run *run = script_of(L)->runs; run; run = run->outer)
        if (run->serial == serial)
            return run;
    luaL_error(L, "this call is over");
    return NULL;
}

struct script_run *script_check_call(lua_State *L, int at)
{
    script_machine(L);
    return run_of(L, *(uint64_t *)luaL_checkudata(L, at, CALL));
}

static void push_object(lua_State *L, uint64_t serial, const char *kind)
{
    *(uint64_t *)lua_newuserdatauv(L, sizeof serial, 1) = serial;
    luaL_setmetatable(L, kind);
}

void script_push_call(lua_State *L, const struct script_run *run)
{
    push_object(L, run->serial, CALL);
}

/* ---- Arguments
 * ------------------------------------------------------------------------------------------ */

static struct pgr_call *check_args(lua_State *L)
{
    script_machine(L);
    return run_of(L, *(uint64_t *)luaL_checkudata(L, 1, ARGS))->call;
}

/* By number from 1, or by name. False: there is none of that number. */
static bool find_arg(lua_State *L, struct pgr_call *c, int at, unsigned *i)
{
    if (lua_type(L, at) == LUA_TSTRING) {
        int found = pgr_call_arg_index(c, lua_tostring(L, at));
        if (found < 0)
            luaL_error(L, "%s has no argument '%s'", pgr_call_function(c), lua_tostring(L, at));
        *i = (unsigned)found;
        return true;
    }
    lua_Integer n = luaL_checkinteger(L, at);
    unsigned count = pgr_call_arg_count(c);
    if (!count && !c->service && !c->set->known)
        count = 16; /* without a prototype */
    *i = (unsigned)(n - 1);
    return n >= 1 && n <= count;
}

static int args_index(lua_State *L)
{
    struct pgr_call *c = check_args(L);
    unsigned i;
    if (!find_arg(L, c, 2, &i))
        return 0;
    struct api_type type = script_arg_type(c, i);
    script_push_value(L, pgr_call_arg(c, i), &type);
    return 1;
}

static int args_set(lua_State *L)
{
    struct pgr_call *c = check_args(L);
    unsigned i;
    if (c->over)
        return luaL_error(L, "arguments are changed before the call, in enter");
    if (!find_arg(L, c, 2, &i))
        return luaL_error(L, "%s has no argument %I", pgr_call_function(c),
                          (LUAI_UACINT)lua_tointeger(L, 2));
    struct api_type type = script_arg_type(c, i);
    pgr_call_set_arg(c, i, script_to_value(L, 3, &type));
    return 0;
}

static int args_len(lua_State *L)
{
    lua_pushinteger(L, pgr_call_arg_count(check_args(L)));
    return 1;
}

static int args_next(lua_State *L)
{
    struct pgr_call *c = check_args(L);
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(1));
    if (i >= pgr_call_arg_count(c))
        return 0;
    lua_pushinteger(L, i + 1);
    lua_replace(L, lua_upvalueindex(1));
    struct api_type type = script_arg_type(c, (unsigned)i);
    lua_pushstring(L, pgr_call_arg_name(c, (unsigned)i));
    script_push_value(L, pgr_call_arg(c, (unsigned)i), &type);
    return 2;
}

/* for name, value in pairs(c.args), in their order */
static int args_pairs(lua_State *L)
{
    check_args(L);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, args_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

/* ---- The call
 * ------------------------------------------------------------------------------------------ */

/* The object of the arguments is made when it is wanted, and once. */
static int push_args(lua_State *L)
{
    if (lua_getiuservalue(L, 1, 1) == LUA_TNIL) {
        push_object(L, *(uint64_t *)lua_touserdata(L, 1), ARGS);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    return 1;
}

static int push_result(lua_State *L, struct pgr_call *c)
{
    if (!c->over)
        return luaL_error(L, "there is no result before exit");
    struct api_type type = script_result_type(c);
    script_push_value(L, pgr_call_result(c), &type);
    return 1;
}

enum field { NAME, MODULE, THREAD, CALLER, ADDRESS, DEPTH, RESULT, LAST_ERROR, ARGUMENTS };
static const char *const fields[] = {"name",  "module", "thread",     "caller", "address",
                                     "depth", "result", "last_error", "args",   NULL};

static int push_field(lua_State *L, struct pgr_call *c, enum field field)
{
    switch (field) {
    case NAME:
        lua_pushstring(L, pgr_call_function(c));
        return 1;
    case MODULE:
        lua_pushstring(L, pgr_call_module(c));
        return 1;
    case THREAD:
        lua_pushinteger(L, pgr_call_thread(c));
        return 1;
    case CALLER:
        lua_pushinteger(L, (lua_Integer)pgr_call_caller(c));
        return 1;
    case ADDRESS:
        lua_pushinteger(L, (lua_Integer)pgr_call_address(c));
        return 1;
    case DEPTH:
        lua_pushinteger(L, pgr_call_depth(c));
        return 1;
    case RESULT:
        return push_result(L, c);
    case LAST_ERROR:
        lua_pushinteger(L, pgr_call_last_error(c));
        return 1;
    default:
        return push_args(L);
    }
}

/* The methods are upvalue 1. */
static int call_index(lua_State *L)
{
    const struct script_run *run = script_check_call(L, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    const char *name = luaL_checkstring(L, 2);
    for (int i = 0; fields[i]; i++)
        if (!strcmp(name, fields[i]))
            return push_field(L, run->call, (enum field)i);
    return luaL_error(L, "calls have no field '%s'", name);
}

static int call_set(lua_State *L)
{
    struct pgr_call *c = script_check_call(L, 1)->call;
    const char *name = luaL_checkstring(L, 2);
    if (!strcmp(name, "last_error")) {
        pgr_call_set_last_error(c, (uint32_t)luaL_checkinteger(L, 3));
        return 0;
    }
    if (strcmp(name, "result"))
        return luaL_error(L, "%s cannot be changed", name);
    if (!c->over)
        return luaL_error(L, "there is no result before exit; `call` handlers return it");
    struct api_type type = script_result_type(c);
    pgr_call_set_result(c, script_to_value(L, 3, &type));
    return 0;
}

/* Of an argument by name, or an address. */
static int push_text(lua_State *L, bool wide)
{
    struct pgr_call *c = script_check_call(L, 1)->call;
    unsigned i;
    uint64_t address = 0;
    lua_Integer max = luaL_optinteger(L, 3, TEXT_MAX);
    if (lua_type(L, 2) == LUA_TSTRING && find_arg(L, c, 2, &i))
        address = pgr_call_arg(c, i);
    else if (!lua_isnil(L, 2))
        address = script_to_address(L, 2);
    script_push_text(L, address, wide, max < 0 ? 0 : (size_t)max);
    return 1;
}

static int call_string(lua_State *L)
{
    return push_text(L, false);
}

static int call_wstring(lua_State *L)
{
    return push_text(L, true);
}

static int call_text(lua_State *L)
{
    const struct pgr_call *c = script_check_call(L, 1)->call;
    lua_pushfstring(L, "%s!%s", pgr_call_module(c), pgr_call_function(c));
    return 1;
}

static void lock_metatable(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void script_open_call(lua_State *L)
{
    static const luaL_Reg methods[] = {{"string", call_string},
                                       {"wstring", call_wstring},
                                       {"call", script_call_guest},
                                       {NULL, NULL}};
    static const luaL_Reg call_meta[] = {
        {"__newindex", call_set}, {"__tostring", call_text}, {NULL, NULL}};
    static const luaL_Reg args_meta[] = {{"__index", args_index},
                                         {"__newindex", args_set},
                                         {"__len", args_len},
                                         {"__pairs", args_pairs},
                                         {NULL, NULL}};
    luaL_newmetatable(L, CALL);
    luaL_setfuncs(L, call_meta, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, call_index, 1);
    lua_setfield(L, -2, "__index");
    lock_metatable(L);
    luaL_newmetatable(L, ARGS);
    luaL_setfuncs(L, args_meta, 0);
    lock_metatable(L);
}

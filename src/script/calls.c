// SPDX-License-Identifier: GPL-2.0-or-later
/* pgr.on_call: hooks whose handlers are functions of a script. */
#include "script/internal.h"

#include <limits.h>
#include <string.h>

#define HOOK "pgr.hook"

/* ---- Handlers
 * ------------------------------------------------------------------------------------------ */

struct handling {
    int function; /* in the registry */
    bool answers, answered;
};

static int handle(lua_State *L)
{
    struct handling *x = lua_touserdata(L, 1);
    struct script_run *run = script_of(L)->run;
    lua_rawgeti(L, LUA_REGISTRYINDEX, x->function);
    script_push_call(L, run);
    lua_call(L, 1, x->answers ? 1 : 0);
    if (!x->answers || !lua_toboolean(L, -1)) /* 0 is true */
        return 0;
    struct api_type type = script_result_type(run->call);
    pgr_call_set_result(run->call, script_to_value(L, lua_gettop(L), &type));
    x->answered = true;
    return 0;
}

static bool run(const struct script_hook *h, struct pgr_call *c, int function, bool answers)
{
    struct handling x = {.function = function, .answers = answers};
    if (h->s->all->stopped || !h->s->m)
        return false;
    script_enter(h->s, c, handle, &x, NULL);
    return x.answered;
}

static void on_enter(struct pgr_call *c, void *ctx)
{
    const struct script_hook *h = ctx;
    run(h, c, h->enter, false);
}

static bool on_answer(struct pgr_call *c, void *ctx)
{
    const struct script_hook *h = ctx;
    return run(h, c, h->answer, true);
}

static void on_exit_of(struct pgr_call *c, void *ctx)
{
    const struct script_hook *h = ctx;
    run(h, c, h->exit, false);
}

/* ---- Hooking
 * ------------------------------------------------------------------------------------------ */

void script_check_keys(lua_State *L, int table, const char *const *keys, const char *knows)
{
    lua_pushnil(L);
    while (lua_next(L, table)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "a number";
        bool known = false;
        for (size_t i = 0; keys[i]; i++)
            known |= !strcmp(key, keys[i]);
        if (!known)
            luaL_error(L, "%s, but not '%s'", knows, key);
        lua_pop(L, 1);
    }
}

static int take_function(lua_State *L, int table, const char *name)
{
    int type = lua_getfield(L, table, name);
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return LUA_NOREF;
    }
    if (type != LUA_TFUNCTION)
        luaL_error(L, "'%s' is not a function", name);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

int script_take_order(lua_State *L, int table)
{
    lua_getfield(L, table, "order");
    lua_Integer order = luaL_optinteger(L, -1, 0);
    lua_pop(L, 1);
    return order > INT_MAX ? INT_MAX : order < INT_MIN ? INT_MIN : (int)order;
}

static bool take_flag(lua_State *L, int table, const char *name)
{
    lua_getfield(L, table, name);
    bool yes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

struct script_hook *script_new_hook(lua_State *L)
{
    struct script *s = script_of(L);
    struct script_hook **object = lua_newuserdatauv(L, sizeof(struct script_hook *), 0);
    *object = NULL;
    luaL_setmetatable(L, HOOK);
    struct script_hook *h = xcalloc(1, sizeof *h);
    *h = (struct script_hook){
        .s = s, .at = s->hooks.len, .enter = LUA_NOREF, .answer = LUA_NOREF, .exit = LUA_NOREF};
    vec_push(&s->hooks, h);
    return *object = h;
}

void script_drop_hook(lua_State *L, int at)
{
    struct script *s = script_of(L);
    struct script_hook **object = lua_touserdata(L, at), *h = *object;
    luaL_unref(L, LUA_REGISTRYINDEX, h->enter);
    luaL_unref(L, LUA_REGISTRYINDEX, h->answer);
    luaL_unref(L, LUA_REGISTRYINDEX, h->exit);
    s->hooks.data[h->at] = s->hooks.data[--s->hooks.len];
    s->hooks.data[h->at]->at = h->at;
    *object = NULL;
    free(h);
}

/* pgr.on_call(name, {enter=, call=, exit=, order=, system_callers=}) */
static int on_call(lua_State *L)
{
    static const char *const keys[] = {"enter", "call", "exit", "order", "system_callers", NULL};
    struct pgr_machine *m = script_machine(L);
    struct pgr_error e;
    char address[2 + 16 + 1];
    snprintf(address, sizeof address, "0x%llx", (unsigned long long)lua_tointeger(L, 1));
    const char *name = lua_isinteger(L, 1) ? address : luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    script_check_keys(L, 2, keys, "on_call knows enter, call, exit, order and system_callers");
    int order = script_take_order(L, 2);
    bool system = take_flag(L, 2, "system_callers");
    struct script_hook *h = script_new_hook(L);
    h->enter = take_function(L, 2, "enter");
    h->answer = take_function(L, 2, "call");
    h->exit = take_function(L, 2, "exit");
    h->unhook = pgr_unhook_call;
    struct pgr_call_hook hook = {.function = name,
                                 .enter = h->enter == LUA_NOREF ? NULL : on_enter,
                                 .call = h->answer == LUA_NOREF ? NULL : on_answer,
                                 .exit = h->exit == LUA_NOREF ? NULL : on_exit_of,
                                 .ctx = h,
                                 .order = order,
                                 .system_callers = system};
    if (!pgr_hook_call(m, &hook, &h->id, &e))
        return 1;
    script_drop_hook(L, -1);
    return luaL_error(L, "%s", e.text);
}

static int remove_hook(lua_State *L)
{
    const struct script_hook *h = *(struct script_hook **)luaL_checkudata(L, 1, HOOK);
    bool there = h && h->id;
    if (there && !h->unhook(script_machine(L), h->id, NULL))
        script_drop_hook(L, 1);
    lua_pushboolean(L, there);
    return 1;
}

void script_open_calls(lua_State *L)
{
    static const luaL_Reg methods[] = {{"remove", remove_hook}, {NULL, NULL}};
    luaL_newmetatable(L, HOOK);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    script_open_call(L);
    lua_pushcfunction(L, on_call);
    lua_setfield(L, -2, "on_call");
}

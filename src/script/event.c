// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pgr.on: hooks on what is no call. Their handlers begin and end in the middle of what they are
 * about, one at a time, and cannot wait for the guest. So one object does for all events: code that
 * is watched calls them too often to make one for each.
 */
#include "base/bits.h"
#include "base/match.h"
#include "script/internal.h"

#include <string.h>

/* ---- The event
 * ------------------------------------------------------------------------------------------ */

/* There is nothing in the object, so that what it is need not be checked. */
static const struct pgr_event *current(lua_State *L)
{
    const struct script_run *run = script_of(L)->run;
    if (!run || !run->event)
        luaL_error(L, "this event is over");
    return run->event;
}

enum field {
    KIND,
    THREAD,
    IP,
    ADDRESS,
    SIZE,
    VALUE,
    ACCESS,
    CODE,
    WIDTH,
    NAME,
    PATH,
    SECOND_CHANCE
};
static const char *const fields[] = {"kind",  "thread", "ip",     "address",
                                     "size",  "value",  "access", "code",
                                     "width", "name",   "path",   "second_chance"};

static void push_access(lua_State *L, unsigned access)
{
    static const char *const texts[] = {[PGR_R] = "r", [PGR_W] = "w", [PGR_X] = "x"};
    lua_pushstring(L, access < ARRAY_LEN(texts) ? texts[access] : NULL);
}

static void push_field(lua_State *L, const struct pgr_event *e, enum field field)
{
    switch (field) {
    case KIND:
        lua_pushstring(L, pgr_hook_kind_name(e->kind));
        break;
    case THREAD:
        lua_pushinteger(L, e->thread);
        break;
    case IP:
        lua_pushinteger(L, (lua_Integer)e->ip);
        break;
    case ADDRESS:
        lua_pushinteger(L, (lua_Integer)e->address);
        break;
    case SIZE:
        lua_pushinteger(L, (lua_Integer)e->size);
        break;
    case VALUE:
        lua_pushinteger(L, (lua_Integer)e->value);
        break;
    case ACCESS:
        push_access(L, e->access);
        break;
    case CODE:
        lua_pushinteger(L, e->code);
        break;
    case WIDTH:
        lua_pushinteger(L, e->width);
        break;
    case NAME:
        lua_pushstring(L, e->name); /* nil for NULL */
        break;
    case PATH:
        lua_pushstring(L, e->path);
        break;
    case SECOND_CHANCE:
        lua_pushboolean(L, e->second_chance);
        break;
    }
}

/* Upvalue 1 has numbers of fields, and methods. */
static int event_index(lua_State *L)
{
    const struct pgr_event *e = current(L);
    lua_pushvalue(L, 2);
    switch (lua_rawget(L, lua_upvalueindex(1))) {
    case LUA_TNUMBER:
        push_field(L, e, (enum field)lua_tointeger(L, -1));
        return 1;
    case LUA_TNIL:
        return luaL_error(L, "events have no field '%s'", luaL_tolstring(L, 2, NULL));
    default:
        return 1;
    }
}

static int event_set(lua_State *L)
{
    return luaL_error(L, "events cannot be changed; pgr.set_reg and pgr.mem change the program");
}

static int event_call(lua_State *L)
{
    return luaL_error(L, "handlers of events cannot call functions of the guest, which is in the "
                         "middle of something; those of pgr.on_call can");
}

static int event_text(lua_State *L)
{
    const struct pgr_event *e = current(L);
    char address[2 + 16 + 1];
    snprintf(address, sizeof address, "0x%llx", (unsigned long long)e->address);
    lua_pushfstring(L, "%s at %s", pgr_hook_kind_name(e->kind), address);
    return 1;
}

static void open_event(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__newindex", event_set}, {"__tostring", event_text}, {NULL, NULL}};
    struct script *s = script_of(L);
    lua_newuserdatauv(L, 0, 0);
    luaL_newlib(L, meta);
    lua_newtable(L);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_setfield(L, -2, fields[i]);
    }
    lua_pushcfunction(L, event_call);
    lua_setfield(L, -2, "call");
    lua_pushcclosure(L, event_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    s->event = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* ---- Hooking
 * ------------------------------------------------------------------------------------------ */

static bool on_event(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    struct script_hook *h = ctx;
    if (h->s->all->stopped || !h->s->m || (h->zero_only && e->address))
        return false;
    return script_enter_event(h->s, e, h->answer); /* h may be gone now */
}

static enum pgr_hook_kind check_kind(lua_State *L, int at)
{
    const char *names[PGR_HOOK_KINDS], *wanted = luaL_checkstring(L, at);
    size_t n = 0;
    for (int kind = 0; kind < PGR_HOOK_KINDS; kind++) {
        const char *name = pgr_hook_kind_name((enum pgr_hook_kind)kind);
        if (name && !strcmp(name, wanted))
            return (enum pgr_hook_kind)kind;
        if (name)
            names[n++] = name;
    }
    const char *near = match_nearest(wanted, names, n);
    luaL_error(L, "there is no kind of hook '%s'%s%s%s", wanted, near ? "; did you mean '" : "",
               near ? near : "", near ? "'?" : "");
    return 0;
}

/* False: there is none of that name. */
static bool get_address(lua_State *L, int table, const char *name, uint64_t *value)
{
    bool there = lua_getfield(L, table, name) != LUA_TNIL;
    if (there && !lua_isinteger(L, -1))
        luaL_error(L, "'%s' is not a whole number", name);
    if (there)
        *value = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return there;
}

/* {at=}, {at=, size=}, {first=, size=}, or {first=, last=} of which each may be missing: *hook has
 * all addresses before. */
static void get_range(lua_State *L, int table, struct pgr_hook *hook)
{
    uint64_t at = 0, size = 1;
    bool has_at = get_address(L, table, "at", &at);
    bool has_size = get_address(L, table, "size", &size);
    bool has_first = get_address(L, table, "first", &hook->first);
    bool has_last = get_address(L, table, "last", &hook->last);
    if ((has_at && (has_first || has_last)) || (has_size && (has_last || (!has_at && !has_first))))
        luaL_error(L, "a range is at (and size), first and size, or first and last");
    if (has_at)
        hook->first = at;
    if (has_at || has_size) {
        if (!size || size - 1 > UINT64_MAX - hook->first)
            luaL_error(L, "a range of that size is none");
        hook->last = hook->first + (size - 1);
    }
}

/* pgr.on(kind[, {at=, size=, first=, last=, order=}], handler) */
static int on(lua_State *L)
{
    static const char *const keys[] = {"at", "size", "first", "last", "order", NULL};
    struct pgr_machine *m = script_machine(L);
    struct pgr_hook hook = {.kind = check_kind(L, 1), .last = UINT64_MAX, .handler = on_event};
    struct pgr_error e;
    bool plain = lua_isfunction(L, 2);
    if (!plain) {
        luaL_checktype(L, 2, LUA_TTABLE);
        script_check_keys(L, 2, keys, "on knows at, size, first, last and order");
        get_range(L, 2, &hook);
        hook.order = script_take_order(L, 2);
    }
    luaL_checktype(L, plain ? 2 : 3, LUA_TFUNCTION);
    luaL_argcheck(L, lua_isnoneornil(L, plain ? 3 : 4), plain ? 3 : 4,
                  "nothing comes behind the "
                  "handler");
    struct script_hook *h = script_new_hook(L);
    lua_pushvalue(L, plain ? 2 : 3);
    h->answer = luaL_ref(L, LUA_REGISTRYINDEX);
    h->unhook = pgr_unhook;
    if (!hook.first && !hook.last) { /* which would mean everything */
        h->zero_only = true;
        hook.last = 1;
    }
    hook.ctx = h;
    if (!pgr_hook(m, &hook, &h->id, &e))
        return 1;
    script_drop_hook(L, -1);
    return luaL_error(L, "%s", e.text);
}

void script_open_events(lua_State *L)
{
    open_event(L);
    lua_pushcfunction(L, on);
    lua_setfield(L, -2, "on");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* pgr.mem: the guest's memory, as bytes, text, numbers and pages. */
#include "base/bits.h"
#include "script/internal.h"

#include <string.h>

enum { TEXT_MAX = 64 << 10, READ_MAX = 1 << 30 };

static int mem_read_bytes(lua_State *L)
{
    uint64_t at = script_to_address(L, 1);
    lua_Integer n = luaL_checkinteger(L, 2);
    struct pgr_error e;
    luaL_Buffer b;
    luaL_argcheck(L, n >= 0 && n <= READ_MAX, 2, "not a size from 0 to 1 GiB");
    char *out = luaL_buffinitsize(L, &b, (size_t)n);
    if (pgr_machine_read(script_machine(L), at, out, (size_t)n, &e))
        return luaL_error(L, "%s", e.text);
    luaL_pushresultsize(&b, (size_t)n);
    return 1;
}

static int mem_write_bytes(lua_State *L)
{
    uint64_t at = script_to_address(L, 1);
    size_t n;
    struct pgr_error e;
    const char *bytes = luaL_checklstring(L, 2, &n);
    if (pgr_machine_write(script_machine(L), at, bytes, n, &e))
        return luaL_error(L, "%s", e.text);
    return 0;
}

static int text(lua_State *L, bool wide)
{
    lua_Integer max = luaL_optinteger(L, 2, TEXT_MAX);
    script_push_text(L, lua_isnil(L, 1) ? 0 : script_to_address(L, 1), wide,
                     max < 0 ? 0 : (size_t)max);
    return 1;
}

static int mem_string(lua_State *L)
{
    return text(L, false);
}

static int mem_wstring(lua_State *L)
{
    return text(L, true);
}

/* ---- Pages
 * ------------------------------------------------------------------------------------------ */

/* Of r, w and x; what has none is a dash, or nothing. */
static unsigned check_access(lua_State *L, int at, const char *text)
{
    unsigned access = 0;
    for (const char *c = text; *c; c++) {
        access |= *c == 'r' ? PGR_R : *c == 'w' ? PGR_W : *c == 'x' ? PGR_X : 0;
        luaL_argcheck(L, strchr("rwx-", *c), at, "access is made of r, w and x");
    }
    return access;
}

static int done(lua_State *L, pgr_status s, const struct pgr_error *e)
{
    return s ? luaL_error(L, "%s", e->text) : 0;
}

static int mem_map(lua_State *L)
{
    struct pgr_error e;
    uint64_t at = script_to_address(L, 1), size = (uint64_t)luaL_checkinteger(L, 2);
    unsigned access = check_access(L, 3, luaL_optstring(L, 3, "rw"));
    return done(L, pgr_machine_map(script_machine(L), at, size, access, &e), &e);
}

static int mem_protect_pages(lua_State *L)
{
    struct pgr_error e;
    uint64_t at = script_to_address(L, 1), size = (uint64_t)luaL_checkinteger(L, 2);
    unsigned access = check_access(L, 3, luaL_checkstring(L, 3));
    return done(L, pgr_machine_protect(script_machine(L), at, size, access, &e), &e);
}

static int mem_unmap(lua_State *L)
{
    struct pgr_error e;
    uint64_t at = script_to_address(L, 1), size = (uint64_t)luaL_checkinteger(L, 2);
    return done(L, pgr_machine_unmap(script_machine(L), at, size, &e), &e);
}

/* ---- Numbers: pgr.mem.u32[address], or pgr.mem.u32(address, value)
 * ------------------------------------------------------------------------------------------ */

static const struct view {
    const char *name;
    uint8_t size; /* 0: a pointer's */
    bool is_signed, is_float;
} views[] = {
    {"u8", 1, false, false},  {"i8", 1, true, false},   {"u16", 2, false, false},
    {"i16", 2, true, false},  {"u32", 4, false, false}, {"i32", 4, true, false},
    {"u64", 8, false, false}, {"i64", 8, true, false},  {"f32", 4, false, true},
    {"f64", 8, false, true},  {"ptr", 0, false, false},
};

static struct api_type view_type(lua_State *L)
{
    const struct view *v = &views[lua_tointeger(L, lua_upvalueindex(1))];
    unsigned size = v->size ? v->size : pgr_machine_pointer_size(script_machine(L));
    return (struct api_type){.kind = v->is_float    ? API_FLOAT
                                     : v->is_signed ? API_INT
                                                    : API_HANDLE,
                             .size32 = size,
                             .size64 = size,
                             .name = v->name};
}

static int view_get(lua_State *L)
{
    struct api_type type = view_type(L);
    struct pgr_error e;
    uint64_t bits = 0;
    if (pgr_machine_read(script_machine(L), script_to_address(L, 2), &bits, type.size64, &e))
        return luaL_error(L, "%s", e.text);
    script_push_value(L, bits, &type);
    return 1;
}

static int view_set(lua_State *L)
{
    struct api_type type = view_type(L);
    struct pgr_error e;
    uint64_t at = script_to_address(L, 2);
    uint64_t bits = script_to_value(L, 3, &type);
    if (pgr_machine_write(script_machine(L), at, &bits, type.size64, &e))
        return luaL_error(L, "%s", e.text);
    return 0;
}

static int view_call(lua_State *L)
{
    return lua_gettop(L) > 2 ? view_set(L) : view_get(L);
}

static void add_view(lua_State *L, size_t i)
{
    static const luaL_Reg meta[] = {
        {"__index", view_get}, {"__newindex", view_set}, {"__call", view_call}, {NULL, NULL}};
    lua_newtable(L);
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)i);
    luaL_setfuncs(L, meta, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, views[i].name);
}

void script_open_memory(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", mem_read_bytes}, {"write", mem_write_bytes},
                                         {"string", mem_string},   {"wstring", mem_wstring},
                                         {"alloc", script_alloc},  {"free", script_free},
                                         {"map", mem_map},         {"protect", mem_protect_pages},
                                         {"unmap", mem_unmap},     {NULL, NULL}};
    luaL_newlib(L, functions);
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        add_view(L, i);
}

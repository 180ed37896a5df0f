// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "nt/call.h"
#include "script/internal.h"

#include <string.h>

static unsigned bitness(lua_State *L)
{
    return pgr_machine_pointer_size(script_machine(L));
}

static const struct api_type unknown = {.kind = API_UINT, .size32 = 4, .size64 = 8};

struct api_type script_arg_type(struct pgr_call *c, unsigned i)
{
    if (c->service || i >= pgr_call_arg_count(c))
        return unknown;
    return api_type(call_table(c), api_arg(call_table(c), &c->set->f, i).type);
}

struct api_type script_result_type(struct pgr_call *c)
{
    if (c->service)
        return (struct api_type){.kind = API_NTSTATUS, .size32 = 4, .size64 = 4};
    return c->set->known ? api_type(call_table(c), c->set->f.result) : unknown;
}

static int64_t sign_extended(uint64_t bits, uint32_t size)
{
    if (!size || size >= 8)
        return (int64_t)bits;
    unsigned shift = 64 - size * 8;
    return (int64_t)(bits << shift) >> shift;
}

void script_push_value(lua_State *L, uint64_t bits, const struct api_type *type)
{
    uint32_t size = api_size(type, bitness(L));
    float single;
    double number;
    if (type->kind == API_FLOAT && size == 4) {
        memcpy(&single, &bits, sizeof single);
        lua_pushnumber(L, (lua_Number)single);
    } else if (type->kind == API_FLOAT) {
        memcpy(&number, &bits, sizeof number);
        lua_pushnumber(L, number);
    } else {
        lua_pushinteger(L, type->kind == API_INT ? sign_extended(bits, size) : (int64_t)bits);
    }
}

static uint64_t float_bits(double number, uint32_t size)
{
    float single = (float)number;
    uint64_t bits = 0;
    if (size == 4)
        memcpy(&bits, &single, sizeof single);
    else
        memcpy(&bits, &number, sizeof number);
    return bits;
}

static uint64_t text_value(lua_State *L, int at, const struct api_type *type)
{
    struct api_table table;
    size_t len;
    const char *text = lua_tolstring(L, at, &len);
    api_builtin(&table);
    if (type->kind != API_POINTER && type->kind != API_UINT)
        luaL_error(L, "text does not fit here, which is of type %s", type->name ? type->name : "?");
    bool wide = type->kind == API_POINTER && api_type(&table, type->target).kind == API_WCHAR;
    return script_place_text(L, text, len, wide);
}

uint64_t script_to_value(lua_State *L, int at, const struct api_type *type)
{
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        return 0;
    case LUA_TBOOLEAN:
        return lua_toboolean(L, at);
    case LUA_TSTRING:
        return text_value(L, at, type);
    default:
        if (type->kind == API_FLOAT)
            return float_bits(luaL_checknumber(L, at), api_size(type, bitness(L)));
        return (uint64_t)luaL_checkinteger(L, at);
    }
}

uint64_t script_to_address(lua_State *L, int at)
{
    if (lua_type(L, at) != LUA_TNUMBER)
        luaL_typeerror(L, at, "address");
    return (uint64_t)luaL_checkinteger(L, at);
}

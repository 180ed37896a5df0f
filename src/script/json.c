// SPDX-License-Identifier: GPL-2.0-or-later
/* pgr.json. What jansson allocates hangs on an object of Lua's, so that errors leave nothing. */
#include "script/internal.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 100 };

#define BOX "pgr.json"

struct box {
    json_t *root;
    char *text;
};

static struct box *push_box(lua_State *L)
{
    struct box *b = lua_newuserdatauv(L, sizeof *b, 0);
    *b = (struct box){0};
    luaL_setmetatable(L, BOX);
    return b;
}

static int free_box(lua_State *L)
{
    struct box *b = luaL_checkudata(L, 1, BOX);
    json_decref(b->root);
    free(b->text);
    *b = (struct box){0};
    return 0;
}

/* ---- From Lua
 * ------------------------------------------------------------------------------------------ */

/* Takes `v` over; NULL: it could not be made. */
static json_t *attach(lua_State *L, struct box *b, json_t *parent, const char *key, json_t *v)
{
    if (!v)
        luaL_error(L, "what is no UTF-8, or no finite number, cannot be JSON");
    if (!parent)
        b->root = v;
    else if (key ? json_object_set_new(parent, key, v) : json_array_append_new(parent, v))
        luaL_error(L, "keys of JSON objects are UTF-8");
    return v;
}

static void add(lua_State *L, struct box *b, json_t *parent, const char *key, int at, int depth);

static void add_object(lua_State *L, struct box *b, json_t *object, int at, int depth)
{
    lua_pushnil(L);
    while (lua_next(L, at)) {
        lua_pushvalue(L, -2); /* lua_next must not find its key changed into text */
        if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
            luaL_error(L, "a %s cannot be a key of JSON", luaL_typename(L, -1));
        add(L, b, object, lua_tostring(L, -1), lua_absindex(L, -2), depth + 1);
        lua_pop(L, 2);
    }
}

static void add_table(lua_State *L, struct box *b, json_t *parent, const char *key, int at,
                      int depth)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, at);
    if (depth > DEPTH_MAX)
        luaL_error(L, "tables too deep for JSON, or within themselves");
    luaL_checkstack(L, 8, "JSON");
    json_t *v = attach(L, b, parent, key, n ? json_array() : json_object());
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, at, i);
        add(L, b, v, NULL, lua_absindex(L, -1), depth + 1);
        lua_pop(L, 1);
    }
    if (!n)
        add_object(L, b, v, at, depth);
}

static void add(lua_State *L, struct box *b, json_t *parent, const char *key, int at, int depth)
{
    size_t len;
    const char *text;
    switch (lua_type(L, at)) {
    case LUA_TBOOLEAN:
        attach(L, b, parent, key, json_boolean(lua_toboolean(L, at)));
        return;
    case LUA_TNUMBER:
        attach(L, b, parent, key,
               lua_isinteger(L, at) ? json_integer(lua_tointeger(L, at))
                                    : json_real(lua_tonumber(L, at)));
        return;
    case LUA_TSTRING:
        text = lua_tolstring(L, at, &len);
        attach(L, b, parent, key, json_stringn(text, len));
        return;
    case LUA_TTABLE:
        add_table(L, b, parent, key, at, depth);
        return;
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA: /* pgr.json.null */
        attach(L, b, parent, key, json_null());
        return;
    default:
        luaL_error(L, "a %s cannot be JSON", luaL_typename(L, at));
    }
}

/* pgr.json.encode(value[, indent]) */
static int encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_Integer indent = luaL_optinteger(L, 2, 0);
    luaL_argcheck(L, indent >= 0 && indent <= 31, 2, "not from 0 to 31");
    struct box *b = push_box(L);
    add(L, b, NULL, NULL, 1, 0);
    b->text = json_dumps(b->root, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_INDENT((size_t)indent) |
                                      (indent ? 0 : JSON_COMPACT));
    if (!b->text)
        return luaL_error(L, "not enough memory");
    lua_pushstring(L, b->text);
    free(b->text);
    b->text = NULL;
    json_decref(b->root);
    b->root = NULL;
    return 1;
}

/* ---- To Lua
 * ------------------------------------------------------------------------------------------ */

static void push(lua_State *L, const json_t *v, int depth)
{
    luaL_checkstack(L, 8, "JSON");
    if (depth > DEPTH_MAX)
        luaL_error(L, "JSON of more than %d levels", DEPTH_MAX);
    switch (json_typeof(v)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *field;
        lua_newtable(L);
        json_object_foreach((json_t *)v, key, field)
        {
            lua_pushstring(L, key);
            push(L, field, depth + 1);
            lua_rawset(L, -3);
        }
        return;
    }
    case JSON_ARRAY:
        lua_newtable(L);
        for (size_t i = 0; i < json_array_size(v); i++) {
            push(L, json_array_get(v, i), depth + 1);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        return;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(v));
        return;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(v));
        return;
    case JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        return;
    default:
        lua_pushboolean(L, json_is_true(v));
    }
}

/* pgr.json.decode(text) */
static int decode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    json_error_t e;
    struct box *b = push_box(L);
    b->root = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (!b->root)
        return luaL_error(L, "JSON, line %d, column %d: %s", e.line, e.column, e.text);
    push(L, b->root, 0);
    json_decref(b->root);
    b->root = NULL;
    return 1;
}

void script_open_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"encode", encode}, {"decode", decode}, {NULL, NULL}};
    luaL_newmetatable(L, BOX);
    lua_pushcfunction(L, free_box);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
}

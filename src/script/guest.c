// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of the guest that scripts make, and functions of the guest that they call. */
#include "base/bits.h"
#include "base/utf.h"
#include "mem/space.h"
#include "script/internal.h"

#include <string.h>

enum { ARENA = 64 << 10, SLOTS = 32, TEXT_END = 4 };

#define ALLOC_MAX (1ull << 30)
#define TEXTS     "pgr.texts" /* in the registry: addresses by kind and text */

/* ---- Memory
 * ------------------------------------------------------------------------------------------ */

static struct mem_space *space(lua_State *L)
{
    struct pgr_machine *m = script_machine(L);
    if (!m->p)
        luaL_error(L, "there is no program yet");
    return m->p->mem;
}

static uint64_t reserve(lua_State *L, uint64_t size)
{
    uint64_t base = 0;
    size = MAX(size, (uint64_t)1);
    if (size > ALLOC_MAX || mem_reserve(space(L), &base, &size, PAGE_READWRITE, true, NULL))
        luaL_error(L, "the guest has no room for %I bytes", (LUAI_UACINT)size);
    return base;
}

int script_alloc(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t len;
        const char *bytes = lua_tolstring(L, 1, &len);
        uint64_t at = reserve(L, len + TEXT_END);
        mem_poke(space(L), at, bytes, len);
        lua_pushinteger(L, (lua_Integer)at);
        return 1;
    }
    lua_Integer size = luaL_checkinteger(L, 1);
    luaL_argcheck(L, size >= 0, 1, "a size is not negative");
    lua_pushinteger(L, (lua_Integer)reserve(L, (uint64_t)size));
    return 1;
}

int script_free(lua_State *L)
{
    uint64_t base = script_to_address(L, 1), size = 0;
    if (mem_release(space(L), &base, &size))
        return luaL_error(L, "%p was not allocated", (void *)(uintptr_t)base);
    return 0;
}

/* From a region that small texts share: each region of its own would take 64 KiB of addresses. */
static uint64_t place(lua_State *L, const void *bytes, size_t size)
{
    struct script *s = script_of(L);
    uint64_t need = align_up((uint64_t)size, 16), at;
    if (need > ARENA / 4) {
        at = reserve(L, need);
    } else {
        if (need > s->arena_left) {
            s->arena = reserve(L, ARENA);
            s->arena_left = ARENA;
        }
        at = s->arena;
        s->arena += need;
        s->arena_left -= need;
    }
    mem_poke(space(L), at, bytes, size);
    return at;
}

/* The text with its end, as the guest wants it, pushed. */
static void push_units(lua_State *L, const char *text, size_t len, bool wide)
{
    luaL_Buffer b;
    size_t units = 0;
    char *out = luaL_buffinitsize(L, &b, len * 2 + TEXT_END);
    memset(out, 0, len * 2 + TEXT_END);
    if (!wide) {
        memcpy(out, text, len);
        luaL_pushresultsize(&b, len + 1);
        return;
    }
    uint16_t *converted = utf8_to_utf16(text, len, &units);
    units = MIN(units, len);
    memcpy(out, converted, units * 2);
    free(converted);
    luaL_pushresultsize(&b, units * 2 + 2);
}

uint64_t script_place_text(lua_State *L, const char *text, size_t len, bool wide)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, TEXTS);
    lua_pushstring(L, wide ? "W" : "A");
    lua_pushlstring(L, text, len);
    lua_concat(L, 2);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL) {
        size_t size;
        lua_pop(L, 1);
        push_units(L, text, len, wide);
        const char *bytes = lua_tolstring(L, -1, &size);
        lua_pushinteger(L, (lua_Integer)place(L, bytes, size));
        lua_replace(L, -2);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    uint64_t at = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 3);
    return at;
}

/* ---- Text of the guest
 * ------------------------------------------------------------------------------------------ */

static void add_code_point(luaL_Buffer *b, uint32_t c)
{
    char out[4];
    size_t n = 0;
    if (c < 0x80) {
        out[n++] = (char)c;
    } else if (c < 0x800) {
        out[n++] = (char)(0xc0 | c >> 6);
        out[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            out[n++] = (char)(0xe0 | c >> 12);
        } else {
            out[n++] = (char)(0xf0 | c >> 18);
            out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        }
        out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        out[n++] = (char)(0x80 | (c & 0x3f));
    }
    luaL_addlstring(b, out, n);
}

/* Half a pair becomes U+FFFD. */
static void add_unit(luaL_Buffer *b, uint16_t u, uint16_t *high)
{
    bool low = u >= 0xdc00 && u < 0xe000;
    if (*high && low) {
        add_code_point(b, 0x10000 + ((uint32_t)(*high & 0x3ff) << 10) + (u & 0x3ff));
        *high = 0;
        return;
    }
    if (*high)
        add_code_point(b, 0xfffd);
    *high = u >= 0xd800 && u < 0xdc00 ? u : 0;
    if (!*high)
        add_code_point(b, low ? 0xfffd : u);
}

void script_push_text(lua_State *L, uint64_t address, bool wide, size_t max)
{
    struct mem_space *mem = space(L);
    const size_t unit = wide ? 2 : 1;
    uint16_t u = 0, high = 0;
    luaL_Buffer b;
    if (!address || !mem_peek(mem, address, &u, unit)) {
        lua_pushnil(L);
        return;
    }
    luaL_buffinit(L, &b);
    for (size_t n = 0; n < max; n++) {
        u = 0;
        if (!mem_peek(mem, address + n * unit, &u, unit) || !u)
            break;
        if (wide)
            add_unit(&b, u, &high);
        else
            luaL_addchar(&b, (char)u);
    }
    if (high)
        add_code_point(&b, 0xfffd);
    luaL_pushresult(&b);
}

/* ---- Functions
 * ------------------------------------------------------------------------------------------ */

struct calling {
    struct pgr_guest_call call;
    uint64_t slots[SLOTS];
    bool known;
    struct api_table table;
    struct api_function f;
    unsigned bitness;
    /* Texts among the arguments: by slot, where they are on Lua's stack. */
    unsigned text_count, text_slot[SLOTS];
    int text_at[SLOTS];
    size_t text_size;
};

static void find_function(lua_State *L, struct calling *x, int at)
{
    struct pgr_error e;
    enum api_found how;
    x->bitness = pgr_machine_pointer_size(script_machine(L));
    api_builtin(&x->table);
    if (lua_type(L, at) == LUA_TNUMBER) {
        x->call.address = script_to_address(L, at);
        return;
    }
    const char *name = luaL_checkstring(L, at), *bang = strchr(name, '!');
    if (pgr_symbol_address(script_machine(L), name, &x->call.address, &e))
        luaL_error(L, "%s", e.text);
    x->known = api_find(&x->table, bang ? bang + 1 : name, x->bitness, &x->f, &how);
    if (!x->known || x->bitness == 8)
        return;
    if (x->f.convention == API_FASTCALL)
        x->call.convention = PGR_FASTCALL;
    else if (x->f.convention == API_THISCALL)
        x->call.convention = PGR_THISCALL;
}

static void add_slot(lua_State *L, struct calling *x, uint64_t v)
{
    if (x->call.count == SLOTS)
        luaL_error(L, "too many arguments");
    x->slots[x->call.count++] = v;
}

static void add_argument(lua_State *L, struct calling *x, int at, unsigned i)
{
    struct api_type type = {.kind = API_UINT, .size32 = 4, .size64 = 8};
    if (x->known && i < x->f.count)
        type = api_type(&x->table, api_arg(&x->table, &x->f, i).type);
    else if (lua_type(L, at) == LUA_TNUMBER && !lua_isinteger(L, at))
        type = (struct api_type){.kind = API_FLOAT, .size32 = 8, .size64 = 8};
    if (lua_type(L, at) == LUA_TSTRING) {
        size_t len;
        lua_tolstring(L, at, &len);
        x->text_slot[x->text_count] = x->call.count;
        x->text_at[x->text_count++] = at;
        x->text_size += align_up(len + TEXT_END, 16);
        add_slot(L, x, 0);
        return;
    }
    uint64_t v = script_to_value(L, at, &type);
    bool two = x->bitness == 4 && api_size(&type, 4) == 8;
    add_slot(L, x, x->bitness == 4 ? (uint32_t)v : v);
    if (two)
        add_slot(L, x, v >> 32);
}

/* No error of Lua's may happen while the texts are there. */
static pgr_status call_with_texts(lua_State *L, struct calling *x, struct pgr_error *e)
{
    struct script *s = script_of(L);
    struct script_run *run = s->run;
    uint64_t base = x->text_count ? reserve(L, x->text_size) : 0, at = base, all = 0;
    struct pgr_machine *m = s->m;
    for (unsigned i = 0; i < x->text_count; i++) {
        size_t len;
        const char *text = lua_tolstring(L, x->text_at[i], &len);
        mem_poke(m->p->mem, at, text, len);
        x->slots[x->text_slot[i]] = at;
        at += align_up(len + TEXT_END, 16);
    }
    x->call.args = x->slots;
    s->run = NULL;
    pgr_status status = pgr_call_guest(run->call, &x->call, e);
    s->run = run;
    if (base && !status)
        mem_release(m->p->mem, &base, &all);
    return status;
}

static int push_result(lua_State *L, const struct calling *x)
{
    struct api_type type = {.kind = API_UINT, .size32 = 4, .size64 = 8};
    if (x->known)
        type = api_type(&x->table, x->f.result);
    if (type.kind == API_VOID)
        return 0;
    if (type.kind == API_FLOAT) {
        lua_pushnumber(L, api_size(&type, x->bitness) == 4 ? (lua_Number)x->call.single
                                                           : x->call.floating);
        return 1;
    }
    uint32_t size = api_size(&type, x->bitness);
    uint64_t v = x->call.result;
    if (size && size < 8)
        v &= (1ull << (size * 8)) - 1;
    script_push_value(L, v, &type);
    return 1;
}

int script_call_guest(lua_State *L)
{
    struct script_run *run = script_check_call(L, 1);
    struct calling x = {0};
    struct pgr_error e;
    if (run != run->s->run)
        return luaL_error(L, "only the handler of the call that is going on can call functions");
    find_function(L, &x, 2);
    for (int at = 3; at <= lua_gettop(L); at++)
        add_argument(L, &x, at, (unsigned)(at - 3));
    if (call_with_texts(L, &x, &e))
        return luaL_error(L, "%s", e.text);
    return push_result(L, &x);
}

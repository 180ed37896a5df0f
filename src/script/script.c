// SPDX-License-Identifier: GPL-2.0-or-later
/* Scripts from beginning to end: states, protected entries, limits, what went wrong. */
#include "base/bits.h"
#include "base/hostio.h"
#include "script/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 1000, COMPLAINTS_MAX = 200, SCRIPT_MAX = 16 << 20 };

struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

/* ---- Limits
 * ------------------------------------------------------------------------------------------ */

static void *allocate(void *ctx, void *p, size_t old, size_t size)
{
    struct script *s = ctx;
    old = p ? old : 0; /* else it tells the kind of object */
    if (!size) {
        free(p);
        s->used -= old;
        return NULL;
    }
    if (size > old && size - old > s->limit - MIN(s->used, s->limit))
        return NULL;
    void *q = realloc(p, size);
    if (q)
        s->used += size - old;
    return q;
}

/* "file:line: " of the innermost function of the script's. */
static void push_place(lua_State *L)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    lua_pushliteral(L, "");
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    struct script *s = script_of(L);
    if (!s->m) {
        lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
        luaL_error(L, "the machine is gone");
    }
    if (!s->run || !s->budget)
        return;
    s->run->spent += MIN((uint64_t)STEP, s->budget);
    if (s->run->spent < s->budget)
        return;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1); /* pcall in the script must not go on */
    push_place(L);
    lua_pushfstring(L, "stopped after %I instructions (--script-budget)", (LUAI_UACINT)s->budget);
    lua_concat(L, 2);
    lua_error(L);
}

/* From here on each instruction is an error: handlers that were found waiting must come to an end,
 * whatever they catch. */
static void break_off(struct script *s, lua_State *L)
{
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    for (struct script_run *run = s->runs; run; run = run->outer)
        lua_sethook(run->L, on_count, LUA_MASKCOUNT, 1);
}

struct pgr_machine *script_machine(lua_State *L)
{
    struct script *s = script_of(L);
    if (!s->m) {
        break_off(s, L);
        luaL_error(L, "the machine is gone");
    }
    return s->m;
}

static void arm(struct script *s, lua_State *L)
{
    uint64_t step = MIN((uint64_t)STEP, s->budget);
    if (step)
        lua_sethook(L, on_count, LUA_MASKCOUNT, (int)step);
}

/* ---- Errors
 * ------------------------------------------------------------------------------------------ */

static void complain(struct script *s, const char *text)
{
    struct scripts *all = s->all;
    if (all->over && !s->m) /* a handler that the machine's end found waiting */
        return;
    vec_foreach (c, &s->complaints)
        if (!strcmp(c->text, text)) {
            c->count++;
            return;
        }
    if (s->complaints.len == COMPLAINTS_MAX) {
        s->uncounted++;
        return;
    }
    vec_push(&s->complaints, (struct complaint){xstrdup(text), 1});
    fprintf(stderr, "peregrine: %s\n", text);
    if (all->strict && !all->stopped) {
        all->stopped = true;
        pgr_machine_stop(all->m);
    }
}

/* Error objects may be of any type; text is made of them while errors are still caught. */
static int on_error(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* No memory is needed here: there may be none. */
static void take_error(struct script *s, lua_State *L, struct pgr_error *e)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error";
    size_t n = strlen(s->name);
    bool placed = !strncmp(text, s->name, n) && text[n] == ':';
    char *whole = xasprintf("%s%s%s", placed ? "" : s->name, placed ? "" : ": ", text);
    if (e)
        err_set(e, PGR_E_FORMAT, "%s", whole);
    else
        complain(s, whole);
    free(whole);
}

/* ---- Entries
 * ------------------------------------------------------------------------------------------ */

static int make_thread(lua_State *L)
{
    lua_State *fresh = lua_newthread(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, fresh);
    lua_pushlightuserdata(L, fresh);
    return 1;
}

static lua_State *take_thread(struct script *s)
{
    if (s->idle.len)
        return s->idle.data[--s->idle.len];
    lua_pushcfunction(s->L, make_thread);
    lua_State *fresh = lua_pcall(s->L, 0, 1, 0) ? NULL : lua_touserdata(s->L, -1);
    lua_pop(s->L, 1);
    return fresh;
}

/* Not always the latest: others may have begun while it waited in the guest. */
static void end_run(struct script *s, const struct script_run *run)
{
    struct script_run **at = &s->runs;
    while (*at != run)
        at = &(*at)->outer;
    *at = run->outer;
    s->run = run->around;
}

/* The handler of errors is pushed. False: there is no memory. */
static bool begin_run(struct script *s, struct script_run *run, struct pgr_error *e)
{
    lua_State *L = take_thread(s);
    if (!L) {
        lua_pushliteral(s->L, "not enough memory"); /* it is in every state */
        take_error(s, s->L, e);
        lua_pop(s->L, 1);
        return false;
    }
    run->s = s;
    run->L = L;
    run->serial = ++s->last_serial;
    run->outer = s->runs;
    run->around = s->run;
    s->run = s->runs = run;
    arm(s, L);
    lua_pushcfunction(L, on_error);
    return true;
}

static void finish_run(const struct script_run *run, int status, struct pgr_error *e)
{
    struct script *s = run->s;
    end_run(s, run);
    if (status)
        take_error(s, run->L, e);
    lua_settop(run->L, 0);
    vec_push(&s->idle, run->L);
}

bool script_enter(struct script *s, struct pgr_call *call, lua_CFunction fn, void *arg,
                  struct pgr_error *e)
{
    struct script_run run = {.call = call};
    if (!begin_run(s, &run, e))
        return false;
    lua_pushcfunction(run.L, fn);
    lua_pushlightuserdata(run.L, arg);
    int status = lua_pcall(run.L, 1, 0, 1);
    finish_run(&run, status, e);
    return !status;
}

/* As it is so often called, without a function of C in between: nothing fails before lua_pcall. */
bool script_enter_event(struct script *s, const struct pgr_event *event, int function)
{
    struct script_run run = {.event = event};
    if (!begin_run(s, &run, NULL))
        return false;
    lua_rawgeti(run.L, LUA_REGISTRYINDEX, function);
    lua_rawgeti(run.L, LUA_REGISTRYINDEX, s->event);
    int status = lua_pcall(run.L, 1, 1, 1);
    bool handled = !status && lua_toboolean(run.L, -1);
    finish_run(&run, status, NULL);
    return handled;
}

/* ---- Beginning
 * ------------------------------------------------------------------------------------------ */

struct beginning {
    const struct script_options *o;
    const char *text;
    size_t len;
};

static void push_args(lua_State *L, const struct script_options *o)
{
    lua_newtable(L);
    for (size_t i = 0; i < o->arg_count; i++) {
        const char *arg = o->args[i], *eq = strchr(arg, '=');
        lua_pushlstring(L, arg, eq ? (size_t)(eq - arg) : strlen(arg));
        lua_pushstring(L, eq ? eq + 1 : "");
        lua_settable(L, -3);
    }
}

static int begin(lua_State *L)
{
    const struct beginning *b = lua_touserdata(L, 1);
    struct script *s = script_of(L);
    script_open_sandbox(L);
    script_open_module(L);
    push_args(L, b->o);
    lua_setfield(L, -2, "args");
    lua_setfield(L, -2, "pgr");
    lua_pop(L, 1);
    lua_pushfstring(L, "@%s", s->name);
    if (luaL_loadbufferx(L, b->text, b->len, lua_tostring(L, -1), "t"))
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

/* A first line that begins with # is for the system, as in Lua's own interpreter. */
static void skip_first_line(struct beginning *b)
{
    if (b->len && b->text[0] == '#')
        while (b->len && b->text[0] != '\n') {
            b->text++;
            b->len--;
        }
}

static pgr_status begin_script(struct scripts *all, const char *path,
                               const struct script_options *o, struct pgr_error *e)
{
    struct host_map file;
    pgr_status status = host_map_open(&file, path, e);
    if (status)
        return status;
    if (file.size > SCRIPT_MAX) {
        host_map_close(&file);
        return err_set(e, PGR_E_FORMAT, "%s is too large for a script", path);
    }
    struct script *s = xcalloc(1, sizeof *s);
    vec_push(&all->list, s);
    *s = (struct script){.all = all,
                         .m = all->m,
                         .name = xstrdup(path),
                         .limit = o->memory ? o->memory : SCRIPT_MEMORY,
                         .budget = o->budget};
    struct beginning b = {o, (const char *)file.data, file.size};
    skip_first_line(&b);
    s->L = lua_newstate(allocate, s);
    if (s->L) {
        *(struct script **)lua_getextraspace(s->L) = s;
        status = script_enter(s, NULL, begin, &b, e) ? PGR_OK : PGR_E_FORMAT;
    } else {
        status = err_set(e, PGR_E_NOMEM, "%s: there is no memory for a script", path);
    }
    host_map_close(&file);
    return status;
}

pgr_status scripts_create(struct pgr_machine *m, const struct script_options *o,
                          struct scripts **out, struct pgr_error *e)
{
    struct scripts *all = xcalloc(1, sizeof *all);
    pgr_status status = PGR_OK;
    all->m = m;
    all->strict = o->strict;
    all->output = stderr;
    if (o->output) {
        all->output = fopen(o->output, "we");
        all->output_path = xstrdup(o->output);
        if (!all->output)
            status = err_errno(e, PGR_E_IO, "cannot write to %s", o->output);
    }
    for (size_t i = 0; i < o->file_count && !status; i++)
        status = begin_script(all, o->files[i], o, e);
    if (status)
        scripts_destroy(all);
    else
        *out = all;
    return status;
}

/* ---- End
 * ------------------------------------------------------------------------------------------ */

struct ending {
    int function;
    const struct pgr_exit *why;
};

static int call_exit(lua_State *L)
{
    static const char *const kinds[] = {
        [PGR_EXIT_PROCESS] = "process",   [PGR_EXIT_ADDRESS] = "address",
        [PGR_EXIT_TIMEOUT] = "timeout",   [PGR_EXIT_INSTRUCTIONS] = "instructions",
        [PGR_EXIT_SERVICES] = "services", [PGR_EXIT_STOPPED] = "stopped",
        [PGR_EXIT_STRICT] = "strict",     [PGR_EXIT_DEADLOCK] = "deadlock"};
    const struct ending *x = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, x->function);
    lua_pushinteger(L, x->why->code);
    lua_pushstring(L, (size_t)x->why->kind < ARRAY_LEN(kinds) ? kinds[x->why->kind] : "?");
    lua_call(L, 2, 0);
    return 0;
}

static void sum_up(const struct script *s)
{
    vec_foreach (c, &s->complaints)
        if (c->count > 1)
            fprintf(stderr, "peregrine: %s (%" PRIu64 " times in all)\n", c->text, c->count);
    if (s->uncounted)
        fprintf(stderr, "peregrine: %s: %" PRIu64 " further errors\n", s->name, s->uncounted);
}

static pgr_status close_output(struct scripts *all, struct pgr_error *e)
{
    FILE *f = all->output;
    all->output = stderr;
    if (!f || f == stderr)
        return PGR_OK;
    bool bad = ferror(f);
    if (fclose(f) || bad)
        return err_errno(e, PGR_E_IO, "what scripts printed to %s is not whole", all->output_path);
    return PGR_OK;
}

pgr_status scripts_finish(struct scripts *all, const struct pgr_exit *why, struct pgr_error *e)
{
    vec_foreach (it, &all->list) {
        struct script *s = *it;
        for (size_t i = 0; i < s->exits.len; i++) {
            struct ending x = {s->exits.data[i], why};
            script_enter(s, NULL, call_exit, &x, NULL);
        }
        sum_up(s);
        s->m = NULL;
    }
    all->over = true;
    return close_output(all, e);
}

bool scripts_stopped(const struct scripts *all)
{
    return all->stopped;
}

static void destroy_script(struct script *s)
{
    s->m = NULL;
    if (s->L)
        lua_close(s->L);
    vec_foreach (hook, &s->hooks)
        free(*hook);
    vec_foreach (c, &s->complaints)
        free(c->text);
    vec_free(&s->hooks);
    vec_free(&s->complaints);
    vec_free(&s->idle);
    vec_free(&s->exits);
    free(s->name);
    free(s);
}

void scripts_destroy(struct scripts *all)
{
    if (!all)
        return;
    vec_foreach (it, &all->list)
        destroy_script(*it);
    close_output(all, NULL);
    vec_free(&all->list);
    free(all->output_path);
    free(all);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* PEB, RTL_USER_PROCESS_PARAMETERS and the environment block. */
#include "base/bits.h"
#include "base/utf.h"
#include "base/vec.h"
#include "mem/space.h"
#include "nt/ex/ex.h"
#include "nt/io/io.h"
#include "nt/mm/mm.h"
#include "win/internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const default_env[] = {
    "ALLUSERSPROFILE=C:\\ProgramData",
    "APPDATA=C:\\users\\user\\AppData\\Roaming",
    "CommonProgramFiles=C:\\Program Files\\Common Files",
    "COMPUTERNAME=PEREGRINE",
    "ComSpec=C:\\windows\\system32\\cmd.exe",
    "HOMEDRIVE=C:",
    "HOMEPATH=\\users\\user",
    "LOCALAPPDATA=C:\\users\\user\\AppData\\Local",
    "LOGONSERVER=\\\\PEREGRINE",
    "OS=Windows_NT",
    "PATH=C:\\windows\\system32;C:\\windows;C:\\windows\\system32\\wbem",
    "PATHEXT=.COM;.EXE;.BAT;.CMD",
    "PROCESSOR_IDENTIFIER=Intel64 Family 6 Model 60 Stepping 1, GenuineIntel",
    "PROCESSOR_LEVEL=6",
    "PROCESSOR_REVISION=3c01",
    "ProgramData=C:\\ProgramData",
    "ProgramFiles=C:\\Program Files",
    "PUBLIC=C:\\users\\Public",
    "SystemDrive=C:",
    "SystemRoot=C:\\windows",
    "TEMP=C:\\users\\user\\AppData\\Local\\Temp",
    "TMP=C:\\users\\user\\AppData\\Local\\Temp",
    "USERDOMAIN=PEREGRINE",
    "USERNAME=user",
    "USERPROFILE=C:\\users\\user",
    "windir=C:\\windows",
    NULL,
};

struct units {
    VEC(uint16_t) u;
};

static void append(struct units *out, const char *text)
{
    size_t n;
    uint16_t *wide = utf8_to_utf16(text, strlen(text), &n);
    for (size_t i = 0; i <= n; i++)
        vec_push(&out->u, wide[i]);
    free(wide);
}

/* ---- Environment: "NAME=value" strings, sorted by name, each ended by a NUL, then one more NUL
 * ---- */

struct env {
    VEC(char *) rows;
};

static size_t name_length(const char *row)
{
    /* A leading '=' belongs to the name, as in "=C:=C:\work". */
    const char *eq = *row ? strchr(row + 1, '=') : NULL;
    return eq ? (size_t)(eq - row) : strlen(row);
}

static int compare_names(const char *a, const char *b)
{
    char *x = xmemdup(a, strlen(a) + 1), *y = xmemdup(b, strlen(b) + 1);
    x[name_length(a)] = 0;
    y[name_length(b)] = 0;
    int cmp = utf8_compare_nocase(x, y);
    free(x);
    free(y);
    return cmp;
}

static void env_set(struct env *env, const char *row)
{
    size_t at = 0;
    int cmp = 1;
    while (at < env->rows.len && (cmp = compare_names(env->rows.data[at], row)) < 0)
        at++;
    if (at < env->rows.len && !cmp) {
        free(env->rows.data[at]);
        env->rows.data[at] = xstrdup(row);
    } else {
        vec_insert(&env->rows, at, xstrdup(row));
    }
}

static void build_env(struct nt_kernel *k, struct nt_process *p, const struct win_boot *b,
                      struct units *out)
{
    const char *extra = win_wine_environment(k, p);
    struct env env = {0};
    char processors[48];
    for (size_t i = 0; default_env[i] && !b->bare_env; i++)
        env_set(&env, default_env[i]);
    if (!b->bare_env) {
        snprintf(processors, sizeof processors, "NUMBER_OF_PROCESSORS=%u",
                 b->processors ? b->processors : 1);
        env_set(&env, processors);
        env_set(&env,
                p->ptr_size == 4 ? "PROCESSOR_ARCHITECTURE=x86" : "PROCESSOR_ARCHITECTURE=AMD64");
    }
    if (extra && !b->bare_env)
        env_set(&env, extra);
    for (size_t i = 0; b->env && b->env[i]; i++)
        env_set(&env, b->env[i]);
    vec_foreach (row, &env.rows) {
        append(out, *row);
        free(*row);
    }
    if (!env.rows.len)
        vec_push(&out->u, 0);
    vec_push(&out->u, 0);
    vec_free(&env.rows);
}

/* ---- Parameters ---------------------------------------------------------------------------------
 */

struct blob {
    VEC(uint8_t) b;
    unsigned ptr_size;
};

static void put(struct blob *o, size_t at, uint64_t v, size_t n)
{
    memcpy(o->b.data + at, &v, n);
}

static size_t extend(struct blob *o, size_t n)
{
    size_t at = align_up(o->b.len, 8), end = at + n;
    vec_reserve(&o->b, end);
    memset(o->b.data + o->b.len, 0, end - o->b.len);
    o->b.len = end;
    return at;
}

/* A UNICODE_STRING at `field`; its Buffer is an offset that place_strings() makes an address.
 * `room`: bytes to allocate at least, for buffers that the guest writes to. */
static void put_string(struct blob *o, size_t field, const char *text, size_t room)
{
    size_t n;
    uint16_t *wide = utf8_to_utf16(text, strlen(text), &n);
    size_t bytes = n * 2, max = MAX(bytes + 2, room);
    size_t at = extend(o, max);
    memcpy(o->b.data + at, wide, bytes);
    put(o, field, bytes, 2);
    put(o, field + 2, max, 2);
    put(o, field + o->ptr_size, at, o->ptr_size);
    free(wide);
}

static void place_strings(struct blob *o, const uint16_t *fields, size_t n, uint64_t base)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t at = 0;
        memcpy(&at, o->b.data + fields[i] + o->ptr_size, o->ptr_size);
        if (at)
            put(o, fields[i] + o->ptr_size, base + at, o->ptr_size);
    }
}

static uint64_t std_handle(struct nt_kernel *k, struct nt_process *p, int which)
{
    struct nt_object *o = (struct nt_object *)nt_io_open_std(k, which);
    uint64_t h = nt_handle_add(p, o, nt_map_access(NT_TYPE_FILE, 0xc0000000), NT_HANDLE_INHERIT);
    nt_object_unref(k, o);
    return h;
}

static void fill_params(struct nt_kernel *k, struct nt_process *p, const struct win_boot *b,
                        const struct win_offsets *o, struct blob *out)
{
    char *cwd = xasprintf("%s%s", b->cwd, b->cwd[strlen(b->cwd) - 1] == '\\' ? "" : "\\");
    char *line = b->command_line ? xstrdup(b->command_line)
                                 : win_quote_arguments(b->argv0 ? b->argv0 : b->program, b->args);
    extend(out, o->params.header);
    put(out, o->params.flags, 1, 4); /* RTL_USER_PROC_PARAMS_NORMALIZED */
    put(out, o->params.std_input, std_handle(k, p, 0), p->ptr_size);
    put(out, o->params.std_output, std_handle(k, p, 1), p->ptr_size);
    put(out, o->params.std_error, std_handle(k, p, 2), p->ptr_size);
    put(out, o->params.show_window, 1, 4);
    put_string(out, o->params.current_directory, cwd, 260 * 2);
    put_string(out, o->params.image_path, b->program, 0);
    put_string(out, o->params.command_line, line, 0);
    put_string(out, o->params.window_title, b->program, 0);
    put_string(out, o->params.desktop, "WinSta0\\Default", 0);
    put_string(out, o->params.shell_info, "", 0);
    put_string(out, o->params.runtime_info, "", 0);
    free(cwd);
    free(line);
}

/* The guest frees the parameters: they are an allocation of their own. */
static ntstatus put_params(struct nt_kernel *k, struct nt_process *p, const struct win_boot *b,
                           uint64_t *va)
{
    const struct win_offsets *o = win_offsets_of(p->ptr_size);
    const uint16_t strings[] = {o->params.current_directory, o->params.image_path,
                                o->params.command_line,      o->params.window_title,
                                o->params.desktop,           o->params.shell_info,
                                o->params.runtime_info};
    struct blob out = {.ptr_size = p->ptr_size};
    struct units env = {0};
    fill_params(k, p, b, o, &out);
    put(&out, 0, out.b.len, 4);
    put(&out, 4, out.b.len, 4);
    build_env(k, p, b, &env);
    size_t env_at = extend(&out, env.u.len * 2);
    memcpy(out.b.data + env_at, env.u.data, env.u.len * 2);
    uint64_t size = out.b.len;
    *va = 0;
    ntstatus s = mem_reserve(p->mem, va, &size, PAGE_READWRITE, true, NULL);
    if (!s) {
        put(&out, o->params.environment, *va + env_at, p->ptr_size);
        put(&out, o->params.environment_size, env.u.len * 2, p->ptr_size);
        place_strings(&out, strings, ARRAY_LEN(strings), *va);
        s = mem_write(p->mem, *va, out.b.data, out.b.len);
    }
    vec_free(&out.b);
    vec_free(&env.u);
    return s;
}

static ntstatus fill_peb(struct nt_kernel *k, struct nt_process *p, const struct win_boot *b,
                         const struct nt_image_info *img, uint64_t params)
{
    const struct win_offsets *o = win_offsets_of(p->ptr_size);
    unsigned ptr = p->ptr_size;
    int64_t timeout = -25920000000000; /* 30 days: critical sections warn after this */
    struct {
        uint64_t at, value, size;
    } fields[] = {
        {o->peb.image_base, p->image_base, ptr},
        {o->peb.parameters, params, ptr},
        {o->peb.processors, b->processors ? b->processors : 1, 4},
        {o->peb.critical_section_timeout, (uint64_t)timeout, 8},
        {o->peb.heap_reserve, 0x100000, ptr},
        {o->peb.heap_commit, 0x2000, ptr},
        {o->peb.heap_decommit_total, 0x10000, ptr},
        {o->peb.heap_decommit_block, 0x1000, ptr},
        {o->peb.max_heaps, (o->peb.size - o->peb.process_heaps_array) / ptr / 2, 4},
        {o->peb.process_heaps, 0, ptr},
        {o->peb.os_major, NT_WINDOWS_MAJOR, 4},
        {o->peb.os_minor, NT_WINDOWS_MINOR, 4},
        {o->peb.os_build, NT_WINDOWS_BUILD, 2},
        {o->peb.os_platform, 2, 4},
        {o->peb.subsystem, img->subsystem, 4},
        {o->peb.subsystem_major, img->subsystem_major, 4},
        {o->peb.subsystem_minor, img->subsystem_minor, 4},
        {o->peb.affinity, p->affinity, ptr},
        {o->peb.session, 1, 4},
    };
    ntstatus s = STATUS_SUCCESS;
    for (size_t i = 0; i < ARRAY_LEN(fields) && !s; i++)
        s = win_put(p, p->peb + fields[i].at, fields[i].value, fields[i].size);
    return s;
}

ntstatus win_peb_create(struct nt_kernel *k, struct nt_process *p, const struct win_boot *b)
{
    const struct win_offsets *o = win_offsets_of(p->ptr_size);
    struct mem_place place = {.top_down = true, .highest = 0x7ffcffff};
    uint64_t size = o->peb.size, params;
    struct nt_view view;
    struct nt_image_info img = {0};
    if (nt_image_at(k, p, p->image_base, &view))
        nt_section_image_info(k, view.section, &img);
    ntstatus s = mem_reserve(p->mem, &p->peb, &size, PAGE_READWRITE, true, &place);
    if (!s)
        s = put_params(k, p, b, &params);
    return s ? s : fill_peb(k, p, b, &img, params);
}

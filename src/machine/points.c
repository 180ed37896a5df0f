// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that are hooked by their address: "0x140001450", or "a.exe+0x1450" wherever that is. */
#include "machine/events.h"
#include "machine/overrides.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct point {
    struct pgr_machine *m;
    char *module; /* NULL: `offset` is the address */
    uint64_t offset;
    uint64_t at;                 /* 0: its module is not there */
    uint32_t code, load, unload; /* hooks; 0: none */
};

/* Tells the machine to leave the engine: a handler may have the guest call something. */
static bool reached(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    machine_worker_self(m)->point = e->address;
    return false;
}

static void drop(struct point *p, uint32_t *hook)
{
    if (*hook)
        pgr_unhook(p->m, *hook, NULL);
    *hook = 0;
}

static pgr_status arm(struct point *p, uint64_t at, struct pgr_error *e)
{
    drop(p, &p->code);
    p->at = at;
    return pgr_hook(
        p->m,
        &(struct pgr_hook){
            .kind = PGR_HOOK_CODE, .first = at, .last = at, .handler = reached, .ctx = p},
        &p->code, e);
}

static bool is_named(const struct point *p, const char *name)
{
    size_t n = strlen(p->module);
    return name && !strncasecmp(name, p->module, n) &&
           (!name[n] || !strcmp(name + n, ".dll") || !strcmp(name + n, ".exe"));
}

static bool on_load(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    struct point *p = ctx;
    if (is_named(p, e->name) && p->offset < e->size)
        arm(p, e->address + p->offset, NULL); /* that the engine can was seen before */
    return false;
}

static bool on_unload(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    struct point *p = ctx;
    if (p->at - e->address < e->size) {
        drop(p, &p->code);
        p->at = 0;
    }
    return false;
}

/* The module may be there already. */
static pgr_status find_now(struct point *p, struct pgr_error *e)
{
    struct pgr_module *list;
    size_t n;
    pgr_status s = PGR_OK;
    if (!p->m->p || pgr_module_list(p->m, &list, &n, NULL))
        return PGR_OK;
    for (size_t i = 0; i < n && !s; i++)
        if (is_named(p, list[i].name) && p->offset < list[i].size)
            s = arm(p, list[i].base + p->offset, e);
    free(list);
    return s;
}

static pgr_status follow_module(struct point *p, struct pgr_error *e)
{
    const struct pgr_hook load = {.kind = PGR_HOOK_MODULE_LOAD, .handler = on_load, .ctx = p},
                          unload = {.kind = PGR_HOOK_MODULE_UNLOAD, .handler = on_unload, .ctx = p};
    pgr_status s = pgr_hook(p->m, &load, &p->load, e);
    if (!s)
        s = pgr_hook(p->m, &unload, &p->unload, e);
    return s ? s : find_now(p, e);
}

/* The number at the end of a name, after `text`; false when it is something else. */
static bool number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 16);
    return text[0] == '0' && tolower((unsigned char)text[1]) == 'x' && text[2] && !*end && !errno;
}

bool point_is_named(const char *name)
{
    const char *plus = strrchr(name, '+');
    uint64_t v;
    return number(plus ? plus + 1 : name, &v);
}

pgr_status point_create(struct pgr_machine *m, const char *name, struct point **out,
                        struct pgr_error *e)
{
    const char *plus = strrchr(name, '+');
    struct point *p = xcalloc(1, sizeof *p);
    p->m = m;
    number(plus ? plus + 1 : name, &p->offset);
    if (plus) {
        p->module = xstrdup(name);
        p->module[plus - name] = 0;
    }
    pgr_status s = plus ? follow_module(p, e) : arm(p, p->offset, e);
    if (s)
        point_destroy(p);
    else
        *out = p;
    return s;
}

uint64_t point_address(const struct point *p)
{
    return p->at;
}

void point_destroy(struct point *p)
{
    if (!p)
        return;
    drop(p, &p->code);
    drop(p, &p->load);
    drop(p, &p->unload);
    free(p->module);
    free(p);
}

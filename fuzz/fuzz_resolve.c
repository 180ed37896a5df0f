// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The import resolver and the call graph, over hostile programs and hostile DLLs: the input is the
 * program, and its pieces stand for whatever DLL is asked for.
 */
#include "base/bits.h"
#include "win/reach.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
    int open;
    unsigned files; /* that may still be opened: the graph is bounded elsewhere, the time here */
};

/* Most DLLs are the input itself; some names get its second half. */
static bool open_piece(void *ctx, unsigned dir, const char *name, struct win_dll_file *out)
{
    struct input *in = ctx;
    BUG_ON(strpbrk(name, "/\\:") || !*name || *name == '.');
    if (!in->files || (dir == 0 && strstr(name, "32")))
        return false;
    size_t from = dir == 0 && name[0] == 'b' ? in->size / 2 : 0;
    *out = (struct win_dll_file){in->data + from, in->size - from, xasprintf("%u/%s", dir, name),
                                 "the input", -1};
    in->files--;
    in->open++;
    return true;
}

static void close_piece(void *ctx, struct win_dll_file *f)
{
    ((struct input *)ctx)->open--;
}

static bool wanted(const struct nt_service *s)
{
    return true;
}

static void check(const struct win_resolution *r)
{
    vec_foreach (at, &r->modules) {
        const struct win_module *m = *at;
        BUG_ON(m->state != WIN_MODULE_FOUND && !m->why);
        vec_foreach (dep, &m->deps)
            BUG_ON(dep->module >= r->modules.len ||
                   !range_inside(dep->first, dep->count, m->imports.len));
        vec_foreach (i, &m->imports)
            BUG_ON(i->module >= r->modules.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size, 0, 24};
    struct win_dll_source src = {2, 1, open_piece, close_piece, &in};
    struct pe_image img;
    struct pe_apiset as;
    struct win_resolution r;
    struct win_reach a;
    if (pe_open(&img, data, size, PE_FILE, "input", NULL))
        return 0;
    bool have = !pe_apiset_open(&as, &img, NULL);
    win_resolve(&r, &img, "input.exe", &src, have ? &as : NULL);
    check(&r);
    struct win_dll_names names;
    win_missing_names(&r, &names);
    win_dll_names_free(&names);
    win_reach(&a, &r, 20000, wanted);
    vec_foreach (s, &a.services)
        BUG_ON(!s->path.len || s->path.len > a.functions);
    win_reach_free(&a);
    win_resolution_free(&r);
    BUG_ON(in.open);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/trace_options.h"
#include "base/bits.h"
#include "base/match.h"

#include <string.h>

enum { DEPTH_USER, DEPTH_ALL };
const char *const trace_depth_choices[] = {"user", "all", NULL};

struct chosen {
    bool off, nt, api, json;
};

static const char *const words[] = {"nt", "api", "all", "text", "json", "off"};

static bool choose(struct chosen *c, const char *word)
{
    bool all = !strcmp(word, "all");
    if (all || !strcmp(word, "nt"))
        c->nt = true;
    if (all || !strcmp(word, "api"))
        c->api = true;
    if (!strcmp(word, "json") || !strcmp(word, "text"))
        c->json = !strcmp(word, "json");
    if (!strcmp(word, "off"))
        c->off = true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcmp(word, words[i]))
            return true;
    return false;
}

static pgr_status unknown(const char *word, struct pgr_error *e)
{
    const char *near = match_nearest(word, words, ARRAY_LEN(words));
    if (near)
        return err_set(e, PGR_E_ARGUMENT, "--trace: there is no '%s': did you mean '%s'?", word,
                       near);
    return err_set(e, PGR_E_ARGUMENT,
                   "--trace: there is no '%s': say nt, api or all, and text or json; or off", word);
}

static pgr_status read_words(const struct trace_values *v, struct chosen *c, struct pgr_error *e)
{
    pgr_status s = PGR_OK;
    *c = (struct chosen){0};
    for (size_t i = 0; i < v->what.len && !s; i++) {
        char *copy = xstrdup(v->what.data[i]), *rest = copy, *word;
        while (!s && (word = strsep(&rest, ",")))
            if (!choose(c, word))
                s = unknown(word, e);
        free(copy);
    }
    if (!c->api)
        c->nt = true;
    return s;
}

static bool any_given(const struct trace_values *v)
{
    return v->what.len || v->output || v->patterns.len || v->categories.len || v->functions.len ||
           v->depth;
}

pgr_status trace_options_open(const struct trace_values *v, struct trace **out, struct pgr_error *e)
{
    struct chosen c;
    *out = NULL;
    pgr_status s = read_words(v, &c, e);
    if (s || c.off || !any_given(v))
        return s;
    struct trace_config cfg = {
        .no_services = !c.nt,
        .api = c.api,
        .format = c.json ? TRACE_FORMAT_JSON : TRACE_FORMAT_TEXT,
        .output = v->output,
        .filter = {v->patterns.data, v->patterns.len, v->categories.data, v->categories.len,
                   v->functions.data, v->functions.len},
    };
    return trace_create(&cfg, out, e);
}

bool trace_options_intercept(const struct trace_values *v)
{
    struct chosen c;
    return !read_words(v, &c, NULL) && c.api && !c.off;
}

bool trace_options_see_all(const struct trace_values *v)
{
    return v->depth == DEPTH_ALL;
}

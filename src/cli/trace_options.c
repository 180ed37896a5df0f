// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/trace_options.h"
#include "base/bits.h"
#include "base/match.h"

#include <string.h>

enum { DEPTH_USER, DEPTH_ALL };
const char *const trace_depth_choices[] = {"user", "all", NULL};

struct chosen {
    bool off, nt, api, events;
    bool just_events;                             /* by their own word: names are no matter then */
    struct trace_output outputs[TRACE_SINKS_MAX]; /* paths point into `texts` */
    size_t count;
    VEC(char *) texts;
};

static const char *const whats[] = {"nt", "api", "all", "events", "off"};

static void free_chosen(struct chosen *c)
{
    vec_foreach (text, &c->texts)
        free(*text);
    vec_free(&c->texts);
}

static pgr_status unknown(const char *word, struct pgr_error *e)
{
    const char *names[ARRAY_LEN(whats) + TRACE_FORMATS];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(whats); i++)
        names[n++] = whats[i];
    for (int i = 0; i < TRACE_FORMATS; i++)
        names[n++] = trace_format_name(i);
    const char *near = match_nearest(word, names, n);
    if (near)
        return err_set(e, PGR_E_ARGUMENT, "--trace: there is no '%s': did you mean '%s'?", word,
                       near);
    return err_set(e, PGR_E_ARGUMENT,
                   "--trace: there is no '%s': say nt, api, all or events, then text, json, "
                   "sqlite, perfetto or drcov, which may have a file (json=FILE); or off",
                   word);
}

static bool choose_what(struct chosen *c, const char *word)
{
    bool all = !strcmp(word, "all");
    c->nt |= all || !strcmp(word, "nt");
    c->api |= all || !strcmp(word, "api");
    c->events |= all || !strcmp(word, "api") || !strcmp(word, "events");
    c->just_events |= !strcmp(word, "events");
    c->off |= !strcmp(word, "off");
    for (size_t i = 0; i < ARRAY_LEN(whats); i++)
        if (!strcmp(word, whats[i]))
            return true;
    return false;
}

/* A sink, with "=FILE" cut off the word. */
static pgr_status choose_sink(struct chosen *c, char *word, struct pgr_error *e)
{
    char *file = strchr(word, '=');
    if (file)
        *file++ = 0;
    for (int i = 0; i < TRACE_FORMATS; i++) {
        if (strcmp(word, trace_format_name(i)))
            continue;
        if (file && !*file)
            return err_set(e, PGR_E_ARGUMENT, "--trace: %s= wants a file's name after it", word);
        if (c->count == TRACE_SINKS_MAX)
            return err_set(e, PGR_E_ARGUMENT, "--trace: there can be %d outputs at most",
                           TRACE_SINKS_MAX);
        c->outputs[c->count++] = (struct trace_output){(enum trace_format)i, file};
        return PGR_OK;
    }
    return unknown(word, e);
}

static bool is_lines(enum trace_format f)
{
    return f == TRACE_FORMAT_TEXT || f == TRACE_FORMAT_JSON;
}

/* Sinks without a file share --trace-output, so there can be but one. */
static pgr_status share_output(struct chosen *c, const char *output, struct pgr_error *e)
{
    const struct trace_output *first = NULL;
    for (size_t i = 0; i < c->count; i++) {
        struct trace_output *o = &c->outputs[i];
        if (o->path)
            continue;
        if (first)
            return err_set(e, PGR_E_ARGUMENT,
                           "--trace: %s and %s would be written to the same place: give one a "
                           "file of its own, such as %s=FILE",
                           trace_format_name(first->format), trace_format_name(o->format),
                           trace_format_name(o->format));
        first = o;
        o->path = output;
    }
    if (output && !first)
        return err_set(e, PGR_E_ARGUMENT,
                       "--trace-output: nothing goes there, since every output has a file");
    return PGR_OK;
}

static pgr_status check_files(const struct chosen *c, struct pgr_error *e)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct trace_output *o = &c->outputs[i];
        const char *name = trace_format_name(o->format);
        bool stream = !o->path || !strcmp(o->path, "-");
        if ((stream && (o->format == TRACE_FORMAT_SQLITE || o->format == TRACE_FORMAT_DRCOV)) ||
            (!o->path && !is_lines(o->format)))
            return err_set(e, PGR_E_ARGUMENT, "--trace: %s needs a file: %s=FILE", name, name);
        for (size_t j = 0; j < i && o->path; j++)
            if (c->outputs[j].path && !strcmp(c->outputs[j].path, o->path))
                return err_set(e, PGR_E_ARGUMENT, "--trace: %s and %s cannot both be written to %s",
                               trace_format_name(c->outputs[j].format), name, o->path);
    }
    return PGR_OK;
}

/* Coverage by itself takes no calls. */
static bool only_coverage(const struct chosen *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->outputs[i].format != TRACE_FORMAT_DRCOV)
            return false;
    return c->count != 0;
}

static pgr_status read_words(const struct trace_values *v, struct chosen *c, struct pgr_error *e)
{
    pgr_status s = PGR_OK;
    *c = (struct chosen){0};
    for (size_t i = 0; i < v->what.len && !s; i++) {
        char *rest = xstrdup(v->what.data[i]), *word;
        vec_push(&c->texts, rest);
        while (!s && (word = strsep(&rest, ",")))
            if (!choose_what(c, word))
                s = choose_sink(c, word, e);
    }
    if (s)
        return s;
    bool anything = c->nt || c->api || c->events;
    if (!anything && !only_coverage(c))
        c->nt = true;
    if (!c->count || (anything && only_coverage(c)))
        c->outputs[c->count++] = (struct trace_output){TRACE_FORMAT_TEXT, NULL};
    s = share_output(c, v->output, e);
    return s ? s : check_files(c, e);
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
    if (!any_given(v))
        return PGR_OK;
    pgr_status s = read_words(v, &c, e);
    struct trace_config cfg = {
        .services = c.nt,
        .api = c.api,
        .events = c.just_events || (c.events && !v->patterns.len && !v->functions.len),
        .see_system = v->depth == DEPTH_ALL,
        .outputs = c.outputs,
        .output_count = c.count,
        .filter = {v->patterns.data, v->patterns.len, v->categories.data, v->categories.len,
                   v->functions.data, v->functions.len},
    };
    if (!s && !c.off)
        s = trace_create(&cfg, out, e);
    free_chosen(&c);
    return s;
}

bool trace_options_intercept(const struct trace_values *v)
{
    struct chosen c;
    bool wanted = !read_words(v, &c, NULL) && c.api && !c.off;
    free_chosen(&c);
    return wanted;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/filter.h"
#include "api/api.h"
#include "base/bits.h"
#include "base/match.h"
#include "base/vec.h"

#include <stdio.h>

enum { CATEGORIES = 1, RULES = 3 }; /* as in `rules` */

struct trace_filter {
    bool api;
    VEC(char *) words[RULES]; /* for API functions */
    size_t services;
    uint8_t passed[]; /* by index in nt_services: a bit for each list that lets it through */
};

/* An API function, or the name of one. */
struct candidate {
    const char *module, *name, *category; /* module: NULL: any */
};

/* What one list accepts. */
struct rule {
    bool (*accepts_api)(const struct candidate *c, const char *word);
    bool (*accepts)(const struct nt_service *s, const char *word);
    /* Says what is wrong with a word that accepts nothing. */
    pgr_status (*unknown)(const char *word, struct pgr_error *e);
};

static bool accepts_pattern(const struct nt_service *s, const char *word)
{
    return match_wildcard(word, s->name);
}

static bool accepts_category(const struct nt_service *s, const char *word)
{
    return !strcmp(nt_category_name(s->category), word);
}

static bool accepts_function(const struct nt_service *s, const char *word)
{
    return !strcmp(s->name, word) || (!strncmp(word, "Zw", 2) && !strcmp(s->name + 2, word + 2));
}

/* Modules go without their ".dll". */
static bool same_module(const char *module, const char *pattern, size_t len)
{
    char want[256];
    size_t have = strlen(module);
    if (len >= sizeof want)
        return false;
    memcpy(want, pattern, len);
    want[len] = 0;
    if (match_wildcard(want, module))
        return true;
    char bare[256];
    if (have < 4 || have >= sizeof bare || strcmp(module + have - 4, ".dll"))
        return false;
    memcpy(bare, module, have - 4);
    bare[have - 4] = 0;
    return match_wildcard(want, bare);
}

static const char *without_module(const struct candidate *c, const char *word, bool *fits)
{
    const char *bang = strchr(word, '!');
    *fits = !bang || !c->module || same_module(c->module, word, (size_t)(bang - word));
    return bang ? bang + 1 : word;
}

static bool accepts_api_pattern(const struct candidate *c, const char *word)
{
    bool fits;
    word = without_module(c, word, &fits);
    return fits && match_wildcard(word, c->name);
}

static bool accepts_api_category(const struct candidate *c, const char *word)
{
    return !strcmp(c->category, word);
}

static bool accepts_api_function(const struct candidate *c, const char *word)
{
    bool fits;
    word = without_module(c, word, &fits);
    return fits && !strcmp(word, c->name);
}

static pgr_status unknown_pattern(const char *word, struct pgr_error *e)
{
    return err_set(e, PGR_E_ARGUMENT,
                   "no traced function matches '%s': `peregrine services` lists them", word);
}

static bool is_category(const char *word)
{
    bool any = false;
    for (unsigned i = 0; i < NT_CAT_COUNT; i++)
        any |= !strcmp(nt_category_name(i), word);
    return any;
}

static pgr_status unknown_category(const char *word, struct pgr_error *e)
{
    const char *names[NT_CAT_COUNT];
    char all[256] = "";
    size_t len = 0;
    for (unsigned i = 0; i < NT_CAT_COUNT; i++) {
        names[i] = nt_category_name(i);
        int n = snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", names[i]);
        len = MIN(len + (size_t)n, sizeof all - 1);
    }
    const char *near = match_nearest(word, names, NT_CAT_COUNT);
    if (is_category(word))
        return err_set(e, PGR_E_ARGUMENT, "no service is of category '%s', only API functions are",
                       word);
    if (near)
        return err_set(e, PGR_E_ARGUMENT, "there is no category '%s': did you mean '%s'?", word,
                       near);
    return err_set(e, PGR_E_ARGUMENT, "there is no category '%s': the categories are %s", word,
                   all);
}

static pgr_status unknown_function(const char *word, struct pgr_error *e)
{
    const char **names = xmalloc(nt_service_total * sizeof *names);
    for (size_t i = 0; i < nt_service_total; i++)
        names[i] = nt_services[i].name;
    const char *near = match_nearest(word, names, nt_service_total);
    free(names);
    if (near)
        return err_set(e, PGR_E_ARGUMENT, "there is no function '%s' to trace: did you mean '%s'?",
                       word, near);
    return err_set(e, PGR_E_ARGUMENT,
                   "there is no function '%s' to trace: `peregrine services` lists them", word);
}

static const struct rule rules[] = {
    {accepts_api_pattern, accepts_pattern, unknown_pattern},
    {accepts_api_category, accepts_category, unknown_category},
    {accepts_api_function, accepts_function, unknown_function},
};

/* Whether a word may mean an API function. */
static bool known_in_api(size_t rule, const char *word)
{
    struct api_table t;
    if (rule == CATEGORIES)
        return is_category(word);
    if (strchr(word, '!'))
        return true;
    api_builtin(&t);
    for (size_t i = 0; i < api_function_count(&t); i++) {
        struct api_function f = api_function_at(&t, i);
        if (rules[rule].accepts_api(&(struct candidate){NULL, f.name, ""}, word))
            return true;
    }
    return false;
}

static pgr_status add_word(struct trace_filter *f, size_t rule, const char *word,
                           struct pgr_error *e)
{
    bool any = false;
    for (size_t i = 0; i < f->services; i++) {
        if (rules[rule].accepts(&nt_services[i], word)) {
            f->passed[i] |= (uint8_t)(1u << rule);
            any = true;
        }
    }
    if (!any && (!f->api || !known_in_api(rule, word)))
        return rules[rule].unknown(word, e);
    vec_push(&f->words[rule], xstrdup(word));
    return PGR_OK;
}

static pgr_status add_list(struct trace_filter *f, size_t rule, const char *const *list, size_t n,
                           struct pgr_error *e)
{
    pgr_status status = PGR_OK;
    for (size_t i = 0; i < f->services && !n; i++)
        f->passed[i] |= (uint8_t)(1u << rule);
    for (size_t i = 0; i < n && !status; i++) {
        char *words = xstrdup(list[i]), *rest = words, *word;
        while (!status && (word = strsep(&rest, ",")))
            status = add_word(f, rule, word, e);
        free(words);
    }
    return status;
}

pgr_status trace_filter_create(const struct trace_filter_config *cfg, bool api,
                               struct trace_filter **out, struct pgr_error *e)
{
    struct trace_filter *f = xcalloc(1, sizeof *f + nt_service_total);
    f->services = nt_service_total;
    f->api = api;
    pgr_status status = add_list(f, 0, cfg->patterns, cfg->pattern_count, e);
    if (!status)
        status = add_list(f, 1, cfg->categories, cfg->category_count, e);
    if (!status)
        status = add_list(f, 2, cfg->functions, cfg->function_count, e);
    if (status)
        trace_filter_destroy(f);
    else
        *out = f;
    return status;
}

void trace_filter_destroy(struct trace_filter *f)
{
    for (size_t i = 0; f && i < RULES; i++) {
        vec_foreach (word, &f->words[i])
            free(*word);
        vec_free(&f->words[i]);
    }
    free(f);
}

bool trace_filter_wants(const struct trace_filter *f, const struct nt_service *service)
{
    return f->passed[service - nt_services] == (1u << ARRAY_LEN(rules)) - 1;
}

bool trace_filter_wants_category(const struct trace_filter *f, const char *category)
{
    const struct candidate c = {NULL, NULL, category};
    bool any = !f->words[CATEGORIES].len;
    vec_foreach (word, &f->words[CATEGORIES])
        any |= accepts_api_category(&c, *word);
    return any;
}

bool trace_filter_asks_category(const struct trace_filter *f)
{
    return f->words[CATEGORIES].len != 0;
}

bool trace_filter_wants_api(const struct trace_filter *f, const char *module, const char *name,
                            const char *category)
{
    const struct candidate c = {module, name, category};
    for (size_t i = 0; i < RULES; i++) {
        bool any = !f->words[i].len;
        vec_foreach (word, &f->words[i])
            any |= rules[i].accepts_api(&c, *word);
        if (!any)
            return false;
    }
    return true;
}

enum trace_share trace_filter_share(const struct trace_filter *f, const char *module)
{
    const struct candidate c = {module, NULL, NULL};
    enum trace_share least = TRACE_ALL;
    for (size_t i = 0; i < RULES; i++) {
        enum trace_share most = f->words[i].len ? TRACE_NONE : TRACE_ALL;
        vec_foreach (word, &f->words[i]) {
            bool fits = true;
            const char *name = i == CATEGORIES ? *word : without_module(&c, *word, &fits);
            if (fits)
                most = MAX(most, i || strcmp(name, "*") ? TRACE_SOME : TRACE_ALL);
        }
        least = MIN(least, most);
    }
    return least;
}

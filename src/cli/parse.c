// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/match.h"
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const struct cli_command *command;
    int argc, at; /* argv[at] comes next */
    char **argv;
    char *values;
    struct pgr_error *error;
};

static const struct cli_option *each(const struct cli_command *c, const struct cli_option *o)
{
    o = o ? o + 1 : c->options;
    return o && o->name ? o : NULL;
}

static bool takes_argument(const struct cli_option *o)
{
    return o->type != CLI_FLAG && o->type != CLI_COUNT;
}

static bool wrong(struct parser *p, const char *option, const char *text)
{
    err_set(p->error, PGR_E_ARGUMENT, "--%s: %s", option, text);
    return false;
}

/* A number's digits with an optional fraction, scaled: "1.5" with 1000 is 1500. What follows the
 * number is left in *end. False on overflow or without digits. */
static bool scaled(const char *text, uint64_t scale, uint64_t *out, const char **end)
{
    uint64_t whole = 0, fraction = 0, unit = scale;
    const char *p = text;
    for (; isdigit((unsigned char)*p); p++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
            return false;
    }
    if (p == text || __builtin_mul_overflow(whole, scale, &whole))
        return false;
    if (*p == '.') {
        for (p++; isdigit((unsigned char)*p); p++) {
            unit /= 10;
            fraction += unit * (uint64_t)(*p - '0');
        }
    }
    *end = p;
    return !__builtin_add_overflow(whole, fraction, out);
}

static const char *number_suffix(const char *text)
{
    return text + strspn(text, "0123456789.");
}

static bool parse_integer(const char *text, uint64_t *out)
{
    static const struct {
        const char *suffix;
        uint64_t scale;
    } units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}};
    const char *end;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        char *rest;
        if (!isxdigit((unsigned char)text[2]))
            return false;
        errno = 0;
        *out = strtoull(text + 2, &rest, 16);
        return !errno && !*rest;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!strcmp(number_suffix(text), units[i].suffix))
            return (i || !strchr(text, '.')) && scaled(text, units[i].scale, out, &end) &&
                   end == number_suffix(text);
    }
    return false;
}

static bool parse_duration(const char *text, uint64_t *out)
{
    static const struct {
        const char *suffix;
        uint64_t ns;
    } units[] = {{"", 1000000000}, {"s", 1000000000},  {"ms", 1000000},     {"us", 1000},
                 {"ns", 1},        {"m", 60000000000}, {"h", 3600000000000}};
    const char *end;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!strcmp(number_suffix(text), units[i].suffix))
            return scaled(text, units[i].ns, out, &end) && end == number_suffix(text);
    }
    return false;
}

static bool store_number(struct parser *p, const struct cli_option *o, const char *text)
{
    bool duration = o->type == CLI_DURATION;
    uint64_t v;
    if (!(duration ? parse_duration(text, &v) : parse_integer(text, &v))) {
        err_set(p->error, PGR_E_ARGUMENT, "--%s: '%s' is not %s", o->name, text,
                duration ? "a time such as 10, 1.5s, 20ms or 2m"
                         : "a whole number such as 500, 0x1f4, 10k or 2M");
        return false;
    }
    if (v < o->min || (o->max && v > o->max)) {
        if (duration)
            return wrong(p, o->name, "that time is out of range");
        if (o->max)
            err_set(p->error, PGR_E_ARGUMENT, "--%s: %s is not between %llu and %llu", o->name,
                    text, (unsigned long long)o->min, (unsigned long long)o->max);
        else
            err_set(p->error, PGR_E_ARGUMENT, "--%s: %s is less than %llu", o->name, text,
                    (unsigned long long)o->min);
        return false;
    }
    memcpy(p->values + o->into, &v, sizeof v);
    return true;
}

static bool store_choice(struct parser *p, const struct cli_option *o, const char *text)
{
    char list[256] = "";
    size_t used = 0;
    for (int i = 0; o->choices[i]; i++) {
        if (!strcmp(o->choices[i], text)) {
            memcpy(p->values + o->into, &i, sizeof i);
            return true;
        }
        int n = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", o->choices[i]);
        used = MIN(used + (size_t)n, sizeof list - 1);
    }
    err_set(p->error, PGR_E_ARGUMENT, "--%s: '%s' is none of %s", o->name, text, list);
    return false;
}

/* `text` is NULL for options without argument. */
static bool store(struct parser *p, const struct cli_option *o, const char *text)
{
    void *field = p->values + o->into;
    switch (o->type) {
    case CLI_FLAG:
        *(bool *)field = true;
        return true;
    case CLI_COUNT:
        ++*(int *)field;
        return true;
    case CLI_TEXT:
        *(const char **)field = text;
        return true;
    case CLI_LIST:
        vec_push((struct cli_list *)field, text);
        return true;
    case CLI_INTEGER:
    case CLI_DURATION:
        return store_number(p, o, text);
    case CLI_CHOICE:
        return store_choice(p, o, text);
    }
    BUG("option --%s has no type", o->name);
}

static bool unknown_option(struct parser *p, const char *name)
{
    VEC(const char *) names = {0};
    for (const struct cli_option *o = NULL; (o = each(p->command, o));)
        vec_push(&names, o->name);
    vec_push(&names, "help");
    const char *near = match_nearest(name, names.data, names.len);
    if (near)
        err_set(p->error, PGR_E_ARGUMENT, "unknown option --%s; did you mean --%s?", name, near);
    else
        err_set(p->error, PGR_E_ARGUMENT, "unknown option --%s", name);
    vec_free(&names);
    return false;
}

static const struct cli_option *find_long(const struct cli_command *c, const char *name, size_t len)
{
    for (const struct cli_option *o = NULL; (o = each(c, o));) {
        if (!strncmp(o->name, name, len) && !o->name[len])
            return o;
    }
    return NULL;
}

static const struct cli_option *find_short(const struct cli_command *c, char letter)
{
    for (const struct cli_option *o = NULL; (o = each(c, o));) {
        if (o->letter && o->letter == letter)
            return o;
    }
    return NULL;
}

static bool needs_argument(struct parser *p, const struct cli_option *o)
{
    err_set(p->error, PGR_E_ARGUMENT, "--%s needs an argument: --%s %s", o->name, o->name,
            o->metavar);
    return false;
}

/* argument is after the "--". */
static bool parse_long(struct parser *p, const char *argument)
{
    size_t len = strcspn(argument, "=");
    const struct cli_option *o = find_long(p->command, argument, len);
    const char *value = argument[len] ? argument + len + 1 : NULL;
    if (!o) {
        char *name = strndup(argument, len);
        if (!name)
            BUG("out of memory");
        unknown_option(p, name);
        free(name);
        return false;
    }
    if (!takes_argument(o))
        return value ? wrong(p, o->name, "takes no argument") : store(p, o, NULL);
    if (!value && p->at < p->argc)
        value = p->argv[p->at++];
    return value ? store(p, o, value) : needs_argument(p, o);
}

/* Letters after one dash: "-vq", "-t5", "-t 5". */
static bool parse_short(struct parser *p, const char *letters)
{
    for (; *letters; letters++) {
        const struct cli_option *o = find_short(p->command, *letters);
        if (!o) {
            err_set(p->error, PGR_E_ARGUMENT, "unknown option -%c", *letters);
            return false;
        }
        if (takes_argument(o)) {
            if (letters[1])
                return store(p, o, letters + 1 + (letters[1] == '='));
            return p->at < p->argc ? store(p, o, p->argv[p->at++]) : needs_argument(p, o);
        }
        if (!store(p, o, NULL))
            return false;
    }
    return true;
}

static bool check_operands(struct parser *p, int n)
{
    const struct cli_command *c = p->command;
    if (n < c->min_operands)
        err_set(p->error, PGR_E_ARGUMENT, "something is missing: peregrine %s %s", c->name,
                c->usage);
    else if (c->max_operands >= 0 && n > c->max_operands)
        err_set(p->error, PGR_E_ARGUMENT, "'%s' is one argument too many: peregrine %s %s",
                p->argv[p->argc - 1], c->name, c->usage);
    else
        return true;
    return false;
}

static bool is_help(const char *argument)
{
    return !strcmp(argument, "-h") || !strcmp(argument, "--help");
}

enum cli_parse cli_parse(const struct cli_command *c, int argc, char **argv, void *values,
                         char ***operands, int *noperands, struct pgr_error *e)
{
    struct parser p = {.command = c, .argc = argc, .argv = argv, .at = 1, .values = values};
    bool only_operands = false, ok = true;
    char **list = xcalloc((size_t)argc + 1, sizeof *list);
    int n = 0;
    p.error = e;
    if (c->defaults)
        memcpy(values, c->defaults, c->values_size);
    else
        memset(values, 0, c->values_size);
    while (ok && p.at < argc) {
        char *a = argv[p.at++];
        if (only_operands || a[0] != '-' || !a[1]) {
            list[n++] = a;
            only_operands = only_operands || c->stop_at_operand;
        } else if (is_help(a)) {
            for (n = 0; p.at < argc;)
                list[n++] = argv[p.at++];
            list[n] = NULL;
            *operands = list;
            *noperands = n;
            return CLI_WANTS_HELP;
        } else if (!strcmp(a, "--")) {
            only_operands = true;
        } else {
            ok = a[1] == '-' ? parse_long(&p, a + 2) : parse_short(&p, a + 1);
        }
    }
    if (ok && check_operands(&p, n)) {
        *operands = list;
        *noperands = n;
        return CLI_PARSED;
    }
    free(list);
    cli_values_free(c, values);
    return CLI_WRONG;
}

void cli_values_free(const struct cli_command *c, void *values)
{
    for (const struct cli_option *o = NULL; (o = each(c, o));) {
        if (o->type == CLI_LIST)
            vec_free((struct cli_list *)(void *)((char *)values + o->into));
    }
}

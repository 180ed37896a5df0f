// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine/plan.h"
#include "base/match.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINES_MAX = 16 };

/* ---- Engines by what they can ------------------------------------------------------------------
 */

static size_t engine_names(const char *names[ENGINES_MAX])
{
    size_t n = 0;
    for (; cpu_engines[n] && n < ENGINES_MAX; n++)
        names[n] = cpu_engines[n]->name;
    return n;
}

static const struct cpu_engine_ops *by_name(const char *name)
{
    for (size_t i = 0; cpu_engines[i]; i++)
        if (!strcmp(cpu_engines[i]->name, name))
            return cpu_engines[i];
    return NULL;
}

static const struct cpu_engine_ops *first_with(unsigned cap)
{
    for (size_t i = 0; cpu_engines[i]; i++)
        if (cpu_engines[i]->caps & cap)
            return cpu_engines[i];
    return NULL;
}

const char *machine_engines_with(unsigned cap)
{
    const struct cpu_engine_ops *ops = first_with(cap);
    return ops ? ops->name : "none";
}

/* Whether it can what is asked of it, here. */
static pgr_status check(const struct cpu_engine_ops *ops, bool counts, bool exact, bool observes,
                        struct pgr_error *e)
{
    if (counts && !(ops->caps & CPU_CAP_COUNT))
        return err_set(e, PGR_E_ENGINE, "engine %s cannot count instructions; %s can", ops->name,
                       machine_engines_with(CPU_CAP_COUNT));
    if (exact && !(ops->caps & CPU_CAP_BLOCKS))
        return err_set(e, PGR_E_ENGINE,
                       "engine %s cannot keep the virtual clock, since it does not repeat runs "
                       "exactly; %s does",
                       ops->name, machine_engines_with(CPU_CAP_BLOCKS));
    if (observes && !(ops->caps & CPU_CAP_OBSERVE))
        return err_set(e, PGR_E_ENGINE,
                       "engine %s cannot tell what code and memory are used; %s can", ops->name,
                       machine_engines_with(CPU_CAP_OBSERVE));
    return ops->probe && ops->probe(e) ? e->status = PGR_E_ENGINE : PGR_OK;
}

static pgr_status unknown(const char *name, struct pgr_error *e)
{
    const char *names[ENGINES_MAX];
    size_t n = engine_names(names);
    const char *near = match_nearest(name, names, n);
    return err_set(e, PGR_E_ARGUMENT, "no engine is called '%s'%s%s%s", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

pgr_status machine_plan_find(const struct machine_plan *plan, const char *name, bool exact,
                             const struct cpu_engine_ops **out, struct pgr_error *e)
{
    *out = by_name(name);
    return *out ? check(*out, plan->counts, exact, plan->wants_sights, e) : unknown(name, e);
}

static void speaks_against(struct machine_plan *plan, const char *text)
{
    char *all = plan->why ? xasprintf("%s; %s", plan->why, text) : xstrdup(text);
    free(plan->why);
    plan->why = all;
}

/* The first of them that can, from number `from` on. */
static bool choose(struct machine_plan *plan, size_t from)
{
    struct pgr_error why;
    for (size_t i = from; cpu_engines[i]; i++) {
        if (!check(cpu_engines[i], plan->wants_count, plan->wants_exact, plan->wants_sights,
                   &why)) {
            plan->steps.len = 0;
            vec_push(&plan->steps, (struct plan_step){.ops = cpu_engines[i]});
            return true;
        }
        speaks_against(plan, why.text);
    }
    return false;
}

/* What all engines of the plan have in common. */
static void sum_up(struct machine_plan *plan)
{
    plan->exact = true;
    plan->xfeatures = cpu_host_xfeatures();
    for (size_t i = 0; i < plan->steps.len; i++) {
        unsigned caps = plan->steps.data[i].ops->caps;
        plan->exact &= (caps & CPU_CAP_BLOCKS) != 0;
        plan->xfeatures &= caps & CPU_CAP_AVX ? X86_XF_EXT : 0;
    }
}

bool machine_plan_next(struct machine_plan *plan, const struct pgr_error *e)
{
    size_t i = 0;
    if (!plan->automatic)
        return false;
    while (cpu_engines[i] != plan->steps.data[0].ops)
        i++;
    speaks_against(plan, e->text);
    if (!choose(plan, i + 1))
        return false;
    sum_up(plan);
    return true;
}

/* ---- What was written --------------------------------------------------------------------------
 */

static pgr_status parse_number(const char *text, uint64_t *out, struct pgr_error *e)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    if (errno || *end || !*out)
        return err_set(e, PGR_E_ARGUMENT,
                       "--engine: '%s' is neither an address (0x140001000) nor a number of "
                       "instructions",
                       text);
    return PGR_OK;
}

static pgr_status parse_point(const char *text, struct plan_step *step, struct pgr_error *e)
{
    size_t n = strlen(text);
    if (isdigit((unsigned char)*text)) {
        bool hex = text[0] == '0' && (text[1] | 32) == 'x';
        step->point = hex ? PLAN_ADDRESS : PLAN_COUNT;
        return parse_number(text, &step->value, e);
    }
    if (text[0] == 'N' && text[1] == 't' && isupper((unsigned char)text[2]) && !strchr(text, '.'))
        step->point = PLAN_SERVICE;
    else if (n > 4 && memchr(text, '.', n) && !strpbrk(text, "\\/"))
        step->point = PLAN_MODULE;
    else
        return err_set(e, PGR_E_ARGUMENT,
                       "--engine: '%s' is not a point at which to change engines: a service "
                       "(NtCreateFile), an address (0x140001000), a number of instructions or a "
                       "module (foo.dll)",
                       text);
    step->name = xstrdup(text);
    return PGR_OK;
}

static pgr_status parse_step(char *text, struct machine_plan *plan, struct pgr_error *e)
{
    struct plan_step step = {0};
    char *at = strchr(text, '@');
    pgr_status s = PGR_OK;
    if (!at != !plan->steps.len)
        return err_set(e, PGR_E_ARGUMENT,
                       "--engine: write the first engine alone and each further one with the point "
                       "from which it runs, such as kvm,unicorn@NtCreateFile; not '%s'",
                       text);
    if (at) {
        *at = 0;
        s = parse_point(at + 1, &step, e);
    }
    step.ops = by_name(text);
    if (!s && !step.ops)
        s = unknown(text, e);
    if (s)
        free(step.name);
    else
        vec_push(&plan->steps, step);
    return s;
}

static pgr_status parse(const char *text, struct machine_plan *plan, struct pgr_error *e)
{
    char *copy = xstrdup(text), *rest = copy, *part;
    pgr_status s = PGR_OK;
    while (!s && (part = strsep(&rest, ",")))
        s = parse_step(part, plan, e);
    free(copy);
    return s;
}

/* A number of instructions is counted by the engine that runs before it. */
static pgr_status check_steps(struct machine_plan *plan, struct pgr_error *e)
{
    plan->counts = plan->wants_count;
    for (size_t i = 0; i < plan->steps.len; i++) {
        bool counts = plan->wants_count ||
                      (i + 1 < plan->steps.len && plan->steps.data[i + 1].point == PLAN_COUNT);
        pgr_status s =
            check(plan->steps.data[i].ops, counts, plan->wants_exact, plan->wants_sights, e);
        if (s)
            return s;
        plan->counts |= counts;
    }
    return PGR_OK;
}

pgr_status machine_plan_make(const struct plan_wish *wish, struct machine_plan *out,
                             struct pgr_error *e)
{
    *out = (struct machine_plan){
        .wants_count = wish->count, .wants_exact = wish->exact, .wants_sights = wish->sights};
    out->automatic = !wish->engine || !strcmp(wish->engine, "auto");
    pgr_status s = PGR_OK;
    if (!out->automatic)
        s = parse(wish->engine, out, e);
    else if (!choose(out, 0))
        s = err_set(e, PGR_E_ENGINE, "no engine can run this here: %s", out->why);
    if (!s)
        s = check_steps(out, e);
    sum_up(out);
    if (s)
        machine_plan_free(out);
    return s;
}

void machine_plan_free(struct machine_plan *plan)
{
    for (size_t i = 0; i < plan->steps.len; i++)
        free(plan->steps.data[i].name);
    vec_free(&plan->steps);
    free(plan->why);
    *plan = (struct machine_plan){0};
}

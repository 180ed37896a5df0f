// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/trace_options.h"

/* ORDER: what trace_options_open() makes of them; the first is what not giving --trace means. */
enum { CHOICE_AUTO, CHOICE_OFF, CHOICE_TEXT, CHOICE_JSON };
const char *const trace_format_choices[] = {"auto", "off", "text", "json", NULL};

static bool others_given(const struct trace_values *v)
{
    return v->output || v->patterns.len || v->categories.len || v->functions.len;
}

pgr_status trace_options_open(const struct trace_values *v, struct trace **out, struct pgr_error *e)
{
    *out = NULL;
    if (v->format == CHOICE_OFF || (v->format == CHOICE_AUTO && !others_given(v)))
        return PGR_OK;
    struct trace_config cfg = {
        .format = v->format == CHOICE_JSON ? TRACE_FORMAT_JSON : TRACE_FORMAT_TEXT,
        .output = v->output,
        .filter = {v->patterns.data, v->patterns.len, v->categories.data, v->categories.len,
                   v->functions.data, v->functions.len},
    };
    return trace_create(&cfg, out, e);
}

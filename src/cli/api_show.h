/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_API_SHOW_H
#define CLI_API_SHOW_H
/* A prototype as `peregrine api` shows it. */
#include "api/api.h"
#include <jansson.h>

/* What to show of which function, and how it was found. */
struct api_shown {
    const struct api_table *table;
    struct api_function function;
    enum api_found found;
    const char *asked; /* the name on the command line */
    unsigned bitness;
    bool everything; /* structures and constants too */
};

void api_show_line(const struct api_shown *s); /* one line of a list */
void api_show_text(const struct api_shown *s);
json_t *api_show_json(const struct api_shown *s);
const char *api_direction_name(unsigned direction); /* "in" */
const char *api_convention_name(enum api_convention c);

/* The structures and groups of constants that a function's arguments and result lead to, each once
 * and in the order of their first use. */
struct api_mentions {
    api_type_id types[128];
    size_t type_count;
    api_group_id groups[128];
    size_t group_count;
};
void api_mentions(const struct api_table *t, const struct api_function *f, struct api_mentions *m);
#endif

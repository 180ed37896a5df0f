/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_FILTER_H
#define TRACE_FILTER_H
/*
 * Which functions are traced. Within one list any entry suffices; a function must pass each list
 * that is not empty. An entry may hold several separated by commas.
 */
#include "base/err.h"
#include "nt/call.h"

struct trace_filter_config {
    const char *const *patterns; /* wildcards on names: "Nt*File", or with the module of an API
                                    function: "kernel32!*File*" */
    size_t pattern_count;
    const char *const *categories; /* "file_io" */
    size_t category_count;
    const char *const *functions; /* exact names; "ZwClose" means NtClose; "kernel32!Sleep" */
    size_t function_count;
};

struct trace_filter;

/* PGR_E_ARGUMENT with what may have been meant: an unknown category or function, a pattern that no
 * function matches. `api`: API functions are meant as well, those with a prototype; what names a
 * module is not checked. */
pgr_status trace_filter_create(const struct trace_filter_config *cfg, bool api,
                               struct trace_filter **out, struct pgr_error *e);
void trace_filter_destroy(struct trace_filter *f);
/* `service` is a row of nt_services. */
bool trace_filter_wants(const struct trace_filter *f, const struct nt_service *service);
/* Whether what belongs to a category and has no name is let through: names are no matter. */
bool trace_filter_wants_category(const struct trace_filter *f, const char *category);
/* Whether the category of an API function matters. */
bool trace_filter_asks_category(const struct trace_filter *f);
/* Whether an API function is let through; its module is "kernel32.dll". `category` may be NULL
 * where it does not matter. */
bool trace_filter_wants_api(const struct trace_filter *f, const char *module, const char *name,
                            const char *category);
/* How many of the functions of such a module are, as far as can be said without looking at them. */
enum trace_share { TRACE_NONE, TRACE_SOME, TRACE_ALL };
enum trace_share trace_filter_share(const struct trace_filter *f, const char *module);
#endif

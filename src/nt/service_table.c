// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "nt/call.h"

#include <stdlib.h>
#include <string.h>

#define IN(type, name)       {#name, NT_ARG_##type, NT_IN, NULL},
#define OUT(type, name)      {#name, NT_ARG_##type, NT_OUT, NULL},
#define INOUT(type, name)    {#name, NT_ARG_##type, NT_INOUT, NULL},
#define INBUF(name, length)  {#name, NT_ARG_BUFFER, NT_IN, #length},
#define OUTBUF(name, length) {#name, NT_ARG_BUFFER, NT_OUT, #length},

#define MISSING(name, category, ...)          static const struct nt_arg args_##name[] = {__VA_ARGS__};
#define SERVICE(name, fn, category, ...)      MISSING(name, category, __VA_ARGS__)
#define CONSTANT(name, status, category, ...) MISSING(name, category, __VA_ARGS__)
#include "nt/services.def"
#undef MISSING
#undef SERVICE
#undef CONSTANT

#define ROW(name, state, category, constant, fn)                                                   \
    {#name, state, NT_CAT_##category, ARRAY_LEN(args_##name), constant, fn, args_##name},
#define MISSING(name, category, ...)                                                               \
    ROW(name, NT_SERVICE_MISSING, category, STATUS_NOT_IMPLEMENTED, NULL)
#define SERVICE(name, fn, category, ...)      ROW(name, NT_SERVICE_IMPLEMENTED, category, 0, fn)
#define CONSTANT(name, status, category, ...) ROW(name, NT_SERVICE_CONSTANT, category, status, NULL)
const struct nt_service nt_services[] = {
#include "nt/services.def"
};
const size_t nt_service_total = ARRAY_LEN(nt_services);
#undef MISSING
#undef SERVICE
#undef CONSTANT

enum { /* how many are not win32k's */
#define MISSING(name, ...)  CORE_##name,
#define SERVICE(name, ...)  CORE_##name,
#define CONSTANT(name, ...) CORE_##name,
#define NT_SERVICES_CORE_ONLY
#include "nt/services.def"
       CORE_COUNT
};

static int compare(const void *name, const void *service)
{
    return strcmp(name, ((const struct nt_service *)service)->name);
}

static const struct nt_service *find(const char *name, size_t from, size_t to)
{
    return bsearch(name, nt_services + from, to - from, sizeof *nt_services, compare);
}

const struct nt_service *nt_service_find(const char *name)
{
    char nt[64];
    size_t len = strlen(name);
    if (name[0] == 'Z' && name[1] == 'w' && len < sizeof nt) {
        memcpy(nt, name, len + 1);
        memcpy(nt, "Nt", 2);
        name = nt;
    }
    const struct nt_service *s = find(name, 0, CORE_COUNT);
    return s ? s : find(name, CORE_COUNT, nt_service_total);
}

size_t nt_service_length_of(const struct nt_service *s, size_t arg)
{
    size_t i = 0;
    while (i < s->arg_count && strcmp(s->args[i].name, s->args[arg].length) != 0)
        i++;
    BUG_ON(i == s->arg_count);
    return i;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *name_at(const struct api_table *t, size_t i)
{
    return api_string(t, ((const struct table_function *)api_row(t, API_FUNCTIONS, i))->name);
}

/* The first function whose name is not before `name`. */
static size_t lower_bound(const struct api_table *t, const char *name)
{
    size_t low = 0, high = api_function_count(t);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(name_at(t, mid), name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool api_find_exact(const struct api_table *t, const char *name, unsigned bitness,
                    struct api_function *out)
{
    unsigned wanted = bitness == 8 ? API_ON_64 : API_ON_32;
    for (size_t i = lower_bound(t, name); i < api_function_count(t); i++) {
        if (strcmp(name_at(t, i), name))
            break;
        struct api_function f = api_function_at(t, i);
        if (f.flags & wanted) {
            *out = f;
            return true;
        }
    }
    return false;
}

enum { NAME_MAX_LEN = 250 };

/* `name` written another way into out; false when it has no such form. */
typedef bool respell_fn(const char *name, size_t len, char out[NAME_MAX_LEN + 4]);

static bool respell(char out[NAME_MAX_LEN + 4], const char *before, const char *name, size_t len,
                    const char *after)
{
    snprintf(out, NAME_MAX_LEN + 4, "%s%.*s%s", before, (int)len, name, after);
    return true;
}

static bool zw_as_nt(const char *name, size_t len, char *out)
{
    return !strncmp(name, "Zw", 2) && respell(out, "Nt", name + 2, len - 2, "");
}

static bool nt_as_zw(const char *name, size_t len, char *out)
{
    return !strncmp(name, "Nt", 2) && respell(out, "Zw", name + 2, len - 2, "");
}

static bool without_k32(const char *name, size_t len, char *out)
{
    return !strncmp(name, "K32", 3) && respell(out, "", name + 3, len - 3, "");
}

static bool without_o(const char *name, size_t len, char *out)
{
    return !strncmp(name, "_o_", 3) && respell(out, "", name + 3, len - 3, "");
}

static bool a_by_w(const char *name, size_t len, char *out)
{
    return len > 1 && name[len - 1] == 'A' && respell(out, "", name, len - 1, "W");
}

static bool w_by_a(const char *name, size_t len, char *out)
{
    return len > 1 && name[len - 1] == 'W' && respell(out, "", name, len - 1, "A");
}

static bool with_suffix(const char *name, size_t len, char *out)
{
    return respell(out, "", name, len, "W");
}

static bool underscore(const char *name, size_t len, char *out)
{
    return name[0] == '_' ? respell(out, "", name + 1, len - 1, "")
                          : respell(out, "_", name, len, "");
}

/* _Name@12 of stdcall and @Name@12 of fastcall */
static bool undecorated(const char *name, size_t len, char *out)
{
    const char *at = strrchr(name, '@');
    if ((name[0] != '_' && name[0] != '@') || !at || at == name || !isdigit((unsigned char)at[1]))
        return false;
    return respell(out, "", name + 1, (size_t)(at - name) - 1, "");
}

bool api_find(const struct api_table *t, const char *name, unsigned bitness,
              struct api_function *out, enum api_found *how)
{
    static respell_fn *const forms[API_FOUND_COUNT] = {
        [API_ZW_AS_NT] = zw_as_nt, [API_NT_AS_ZW] = nt_as_zw,     [API_K32] = without_k32,
        [API_A_BY_W] = a_by_w,     [API_W_BY_A] = w_by_a,         [API_SUFFIX] = with_suffix,
        [API_O] = without_o,       [API_UNDERSCORE] = underscore, [API_DECORATED] = undecorated,
    };
    char other[NAME_MAX_LEN + 4];
    size_t len = strlen(name);
    *how = API_EXACT;
    if (api_find_exact(t, name, bitness, out))
        return true;
    if (!len || len > NAME_MAX_LEN)
        return false;
    for (enum api_found i = API_EXACT + 1; i < API_FOUND_COUNT; i++) {
        if (forms[i](name, len, other) && api_find_exact(t, other, bitness, out)) {
            *how = i;
            return true;
        }
    }
    return false;
}

const char *api_found_text(enum api_found how)
{
    static const char *const texts[API_FOUND_COUNT] = {
        [API_EXACT] = "",
        [API_ZW_AS_NT] = "the Nt name of the same function",
        [API_NT_AS_ZW] = "the Zw name of the same function",
        [API_K32] = "its name without K32",
        [API_A_BY_W] = "the wide function; this one takes narrow text",
        [API_W_BY_A] = "the narrow function; this one takes wide text",
        [API_SUFFIX] = "the wide function",
        [API_O] = "its name without _o_",
        [API_UNDERSCORE] = "the name with or without its underscore",
        [API_DECORATED] = "the name without decoration",
    };
    return texts[how];
}

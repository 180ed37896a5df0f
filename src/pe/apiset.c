// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/apiset.h"
#include "base/bits.h"

#include <string.h>
#include <strings.h>

/* Where the three generations keep the same things. -1: the generation lacks the field. */
struct schema {
    uint32_t version;
    int8_t header_size, count_at, entries_at; /* entries_at -1: right behind the header */
    int8_t entry_size, entry_name, entry_hashed, entry_values, entry_nvalues;
    int8_t values_header, values_count; /* an array header in front of the values */
    int8_t value_size, value_name, value_host;
    bool prefix_cut; /* names lack "api-" */
};

static const struct schema schemas[] = {
    {2, 8, 4, -1, 12, 0, -1, 8, -1, 4, 0, 16, 0, 8, true},
    {4, 16, 12, -1, 24, 4, -1, 20, -1, 8, 4, 20, 4, 12, true},
    {6, 28, 12, 16, 24, 4, 12, 16, 20, 0, -1, 20, 4, 12, false},
};

struct text {
    const uint8_t *utf16;
    uint32_t len; /* code units */
};

struct row {
    struct text name; /* as far as it is compared */
    struct text full;
    uint32_t values, nvalues;
};

static const struct schema *schema_of(const struct pe_apiset *as)
{
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        if (schemas[i].version == as->version)
            return &schemas[i];
    return NULL;
}

static bool text_at(const struct pe_apiset *as, uint32_t at, uint32_t bytes, struct text *t)
{
    if (!range_inside(at, bytes, as->size))
        return false;
    *t = (struct text){as->data + at, bytes / 2};
    return true;
}

/* A pair {offset, length in bytes}. */
static bool text_field(const struct pe_apiset *as, const uint8_t *p, struct text *t)
{
    return text_at(as, pe_u32(p), pe_u32(p + 4), t);
}

static bool read_row(const struct pe_apiset *as, const struct schema *s, uint32_t i, struct row *r)
{
    uint32_t entries =
        s->entries_at < 0 ? (uint32_t)s->header_size : pe_u32(as->data + s->entries_at);
    uint64_t at = entries + (uint64_t)i * (uint32_t)s->entry_size;
    if (!range_inside(at, (uint32_t)s->entry_size, as->size))
        return false;
    const uint8_t *p = as->data + at;
    if (!text_field(as, p + s->entry_name, &r->full))
        return false;
    r->name = r->full;
    if (s->entry_hashed >= 0)
        r->name.len = MIN(r->full.len, pe_u32(p + s->entry_hashed) / 2);
    r->values = pe_u32(p + s->entry_values);
    if (s->entry_nvalues >= 0) {
        r->nvalues = pe_u32(p + s->entry_nvalues);
        return true;
    }
    if (!range_inside(r->values, (uint32_t)s->values_header, as->size))
        return false;
    r->nvalues = pe_u32(as->data + r->values + s->values_count);
    r->values += (uint32_t)s->values_header;
    return true;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Both are ASCII in every schema there is; anything else just does not match. */
static bool text_equals(const struct text *t, const char *s, size_t len)
{
    if (t->len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint16_t c = pe_u16(t->utf16 + 2 * i);
        if (c > 0x7f || lower((uint8_t)c) != lower((uint8_t)s[i]))
            return false;
    }
    return true;
}

static bool text_copy(const struct text *t, char out[PE_APISET_HOST_MAX])
{
    out[0] = 0;
    if (t->len >= PE_APISET_HOST_MAX)
        return false;
    for (size_t i = 0; i < t->len; i++) {
        uint16_t c = pe_u16(t->utf16 + 2 * i);
        if (c < 0x20 || c > 0x7e || c == '/' || c == '\\') {
            out[0] = 0;
            return false;
        }
        out[i] = (char)c;
    }
    out[t->len] = 0;
    return true;
}

pgr_status pe_apiset_parse(struct pe_apiset *as, const void *data, size_t size, const char *name,
                           struct pgr_error *e)
{
    *as = (struct pe_apiset){.data = data, .size = (uint32_t)MIN(size, (size_t)UINT32_MAX)};
    if (size < 8)
        return err_set(e, PGR_E_FORMAT, "%s: the API-set schema is truncated (%zu bytes)", name,
                       size);
    as->version = pe_u32(as->data);
    const struct schema *s = schema_of(as);
    if (!s)
        return err_set(e, PGR_E_UNSUPPORTED,
                       "%s: the API-set schema has version %u (Version, offset 0x0); versions 2, 4 "
                       "and 6 are known",
                       name, as->version);
    if (size < (size_t)s->header_size)
        return err_set(e, PGR_E_FORMAT, "%s: the API-set schema is truncated (%zu bytes)", name,
                       size);
    as->count = pe_u32(as->data + s->count_at);
    if (as->count > as->size / (uint32_t)s->entry_size)
        return err_set(e, PGR_E_FORMAT,
                       "%s: the API-set schema claims %u sets (Count, offset 0x%x), more than its "
                       "%u bytes can hold",
                       name, as->count, s->count_at, as->size);
    return PGR_OK;
}

pgr_status pe_apiset_open(struct pe_apiset *as, const struct pe_image *schema, struct pgr_error *e)
{
    for (unsigned i = 0; i < schema->h.nsections; i++) {
        struct pe_section s = pe_section(schema, i);
        uint32_t avail;
        if (strcmp(s.name, ".apiset"))
            continue;
        const uint8_t *p = pe_at(schema, s.rva, &avail);
        return pe_apiset_parse(as, p, p ? avail : 0, schema->name, e);
    }
    return err_set(e, PGR_E_FORMAT,
                   "%s: there is no section .apiset, so this is not an apisetschema.dll",
                   schema->name);
}

static const uint8_t *value_at(const struct pe_apiset *as, const struct schema *s,
                               const struct row *r, uint32_t i)
{
    uint64_t at = r->values + (uint64_t)i * (uint32_t)s->value_size;
    return range_inside(at, (uint32_t)s->value_size, as->size) ? as->data + at : NULL;
}

/* The value for this importer, else the one without a name. */
static enum pe_apiset_result pick_host(const struct pe_apiset *as, const struct schema *s,
                                       const struct row *r, const char *importer,
                                       char out[PE_APISET_HOST_MAX])
{
    struct text best = {NULL, 0}, who, host;
    const uint8_t *p;
    for (uint32_t i = 0; i < r->nvalues && (p = value_at(as, s, r, i)); i++) {
        if (!text_field(as, p + s->value_name, &who) || !text_field(as, p + s->value_host, &host))
            continue;
        if (who.len && importer && text_equals(&who, importer, strlen(importer)))
            return text_copy(&host, out) && out[0] ? PE_APISET_HOST : PE_APISET_EMPTY;
        if (!who.len || !best.utf16)
            best = host;
    }
    return best.utf16 && text_copy(&best, out) && out[0] ? PE_APISET_HOST : PE_APISET_EMPTY;
}

enum pe_apiset_result pe_apiset_resolve(const struct pe_apiset *as, const char *name,
                                        const char *importer, char out[PE_APISET_HOST_MAX])
{
    const struct schema *s = schema_of(as);
    size_t len = strlen(name);
    out[0] = 0;
    if (!s || (strncasecmp(name, "api-", 4) && strncasecmp(name, "ext-", 4)))
        return PE_APISET_NONE;
    if (len > 4 && !strcasecmp(name + len - 4, ".dll"))
        len -= 4;
    size_t stem = len, cut = s->prefix_cut && len >= 4 ? 4 : 0;
    if (s->entry_hashed >= 0)
        while (stem && name[--stem] != '-')
            continue;
    for (uint32_t i = 0; i < as->count; i++) {
        struct row r;
        if (read_row(as, s, i, &r) &&
            (text_equals(&r.name, name, stem) || text_equals(&r.full, name + cut, len - cut)))
            return pick_host(as, s, &r, importer, out);
    }
    return PE_APISET_ABSENT;
}

bool pe_apiset_row(const struct pe_apiset *as, uint32_t i, char name[PE_APISET_HOST_MAX],
                   char host[PE_APISET_HOST_MAX])
{
    const struct schema *s = schema_of(as);
    struct row r;
    host[0] = name[0] = 0;
    if (!s || i >= as->count || !read_row(as, s, i, &r) || !text_copy(&r.full, name))
        return false;
    pick_host(as, s, &r, NULL, host);
    return true;
}

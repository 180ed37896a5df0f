// SPDX-License-Identifier: GPL-2.0-or-later
/* API-set maps of the three schema versions, made by hand, sound and damaged. */
#include "test.h"
#include "pe/apiset.h"
#include "pe/format.h"

#include <string.h>

struct schema {
    uint8_t bytes[1024];
    uint32_t len;
};

static uint32_t put_utf16(struct schema *m, const char *s)
{
    uint32_t at = m->len;
    for (; *s; s++, m->len += 2)
        pe_put16(m->bytes + m->len, (uint8_t)*s);
    return at;
}

static void put_words(struct schema *m, uint32_t at, const uint32_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pe_put32(m->bytes + at + 4 * i, w[i]);
}
#define WORDS(m, at, ...)                                                                          \
    put_words(m, at, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/* Two sets: one with a host and another for user32.dll, one without any. */
static struct schema schema6(void)
{
    struct schema m = {.len = 28 + 2 * 24 + 3 * 20};
    uint32_t a = put_utf16(&m, "api-ms-win-core-file-l1-2-1");
    uint32_t b = put_utf16(&m, "ext-ms-win-none-l1-1-0");
    uint32_t host = put_utf16(&m, "kernelbase.dll"), other = put_utf16(&m, "other.dll");
    uint32_t who = put_utf16(&m, "user32.dll");
    WORDS(&m, 0, 6, m.len, 0, 2, 28, 0, 31);
    WORDS(&m, 28, 0, a, 54, 50, 76, 2);
    WORDS(&m, 52, 0, b, 44, 40, 116, 1);
    WORDS(&m, 76, 0, 0, 0, host, 28);
    WORDS(&m, 96, 0, who, 20, other, 18);
    WORDS(&m, 116, 0, 0, 0, 0, 0);
    return m;
}

static struct schema schema4(void)
{
    struct schema m = {.len = 16 + 24 + 8 + 20};
    uint32_t a = put_utf16(&m, "ms-win-core-file-l1-2-1"), host = put_utf16(&m, "kernelbase.dll");
    WORDS(&m, 0, 4, m.len, 0, 1);
    WORDS(&m, 16, 0, a, 46, 0, 0, 40);
    WORDS(&m, 40, 0, 1);
    WORDS(&m, 48, 0, 0, 0, host, 28);
    return m;
}

static struct schema schema2(void)
{
    struct schema m = {.len = 8 + 12 + 4 + 16};
    uint32_t a = put_utf16(&m, "MS-Win-Core-File-L1-2-1"), host = put_utf16(&m, "kernelbase.dll");
    WORDS(&m, 0, 2, 1);
    WORDS(&m, 8, a, 46, 20);
    WORDS(&m, 20, 1);
    WORDS(&m, 24, 0, 0, host, 28);
    return m;
}

static void every_schema_resolves(void **state)
{
    const struct schema rows[] = {schema6(), schema4(), schema2()};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_apiset as;
        char host[PE_APISET_HOST_MAX], name[PE_APISET_HOST_MAX];
        expect_row(i, !pe_apiset_parse(&as, rows[i].bytes, rows[i].len, "map", NULL));
        expect_row(i, pe_apiset_resolve(&as, "API-MS-win-core-FILE-l1-2-1.dll", NULL, host) ==
                          PE_APISET_HOST);
        expect_row(i, !strcmp(host, "kernelbase.dll"));
        expect_row(i, pe_apiset_resolve(&as, "api-ms-win-core-file-l1-2-1", NULL, host) ==
                          PE_APISET_HOST);
        expect_row(i, pe_apiset_resolve(&as, "api-ms-win-core-fil-l1-2-1", NULL, host) ==
                          PE_APISET_ABSENT);
        expect_row(i, pe_apiset_resolve(&as, "kernel32.dll", NULL, host) == PE_APISET_NONE);
        expect_row(i, pe_apiset_resolve(&as, "api-", NULL, host) == PE_APISET_ABSENT);
        expect_row(i, pe_apiset_row(&as, 0, name, host) && !strcmp(host, "kernelbase.dll"));
        expect_row(i, !pe_apiset_row(&as, as.count, name, host));
    }
}

static void schema_6_ignores_the_last_number(void **state)
{
    struct schema m = schema6();
    struct pe_apiset as;
    char host[PE_APISET_HOST_MAX];
    assert_int_equal(pe_apiset_parse(&as, m.bytes, m.len, "map", NULL), PGR_OK);
    assert_int_equal(pe_apiset_resolve(&as, "api-ms-win-core-file-l1-2-9.dll", NULL, host),
                     PE_APISET_HOST);
    assert_int_equal(pe_apiset_resolve(&as, "api-ms-win-core-file-l1-3-1.dll", NULL, host),
                     PE_APISET_ABSENT);
}

static void the_importer_can_have_its_own_host(void **state)
{
    struct schema m = schema6();
    struct pe_apiset as;
    char host[PE_APISET_HOST_MAX];
    assert_int_equal(pe_apiset_parse(&as, m.bytes, m.len, "map", NULL), PGR_OK);
    pe_apiset_resolve(&as, "api-ms-win-core-file-l1-2-1.dll", "USER32.dll", host);
    assert_string_equal(host, "other.dll");
    pe_apiset_resolve(&as, "api-ms-win-core-file-l1-2-1.dll", "gdi32.dll", host);
    assert_string_equal(host, "kernelbase.dll");
}

static void a_set_without_host_is_empty(void **state)
{
    struct schema m = schema6();
    struct pe_apiset as;
    char host[PE_APISET_HOST_MAX];
    assert_int_equal(pe_apiset_parse(&as, m.bytes, m.len, "map", NULL), PGR_OK);
    assert_int_equal(pe_apiset_resolve(&as, "ext-ms-win-none-l1-1-0.dll", NULL, host),
                     PE_APISET_EMPTY);
}

static void damaged_schemas_are_refused(void **state)
{
    static const struct {
        uint32_t at, value, len;
        const char *word;
    } rows[] = {
        {0, 6, 4, "truncated"},         {0, 6, 20, "truncated"},        {0, 5, 200, "version 5"},
        {12, 0xffffffff, 200, "Count"}, {12, 0x7fffffff, 200, "Count"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct schema m = schema6();
        struct pe_apiset as;
        struct pgr_error e;
        pe_put32(m.bytes + rows[i].at, rows[i].value);
        uint8_t *copy = xmemdup(m.bytes, rows[i].len);
        expect_row(i, pe_apiset_parse(&as, copy, rows[i].len, "map", &e) != PGR_OK);
        expect_row(i, strstr(e.text, rows[i].word));
        free(copy);
    }
}

static void every_damaged_word_is_survived(void **state)
{
    static const uint32_t values[] = {0, 1, 0x7fffffff, 0xfffffff0, 0xffffffff};
    const struct schema rows[] = {schema6(), schema4(), schema2()};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (uint32_t at = 4; at < 136 && at + 4 <= rows[i].len; at += 4)
            for (size_t v = 0; v < ARRAY_LEN(values); v++) {
                struct pe_apiset as;
                char host[PE_APISET_HOST_MAX];
                uint8_t *copy = xmemdup(rows[i].bytes, rows[i].len);
                pe_put32(copy + at, values[v]);
                if (!pe_apiset_parse(&as, copy, rows[i].len, "map", NULL))
                    pe_apiset_resolve(&as, "api-ms-win-core-file-l1-2-1", "user32.dll", host);
                free(copy);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_schema_resolves),
        cmocka_unit_test(schema_6_ignores_the_last_number),
        cmocka_unit_test(the_importer_can_have_its_own_host),
        cmocka_unit_test(a_set_without_host_is_empty),
        cmocka_unit_test(damaged_schemas_are_refused),
        cmocka_unit_test(every_damaged_word_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

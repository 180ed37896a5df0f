// SPDX-License-Identifier: GPL-2.0-or-later
/* The parser of registry texts. */
#include "test.h"
#include "base/utf.h"
#include "nt/cm/packed.h"

#define HEAD "Windows Registry Editor Version 5.00\n"

static struct nt_registry *parsed(const char *text)
{
    struct nt_registry *r = reg_new();
    struct pgr_error e;
    if (reg_import(r, 1, "test.reg", text, strlen(text), &e))
        fail_msg("%s", e.text);
    return r;
}

static struct reg_key *key_at(struct nt_registry *r, const char *path)
{
    struct reg_place place;
    size_t len;
    uint16_t *wide = reg_host_path(path, &len);
    assert_non_null(wide);
    assert_int_equal(reg_walk(r, r->root, wide, len, false, &place), 0);
    free(wide);
    return place.missing_len ? NULL : place.key;
}

static struct reg_value *value_at(struct nt_registry *r, const char *path, const char *name)
{
    size_t len;
    struct reg_key *key = key_at(r, path);
    assert_non_null(key);
    uint16_t *wide = utf8_to_utf16(name, strlen(name), &len);
    struct reg_value *v = reg_value(key, wide, len);
    free(wide);
    return v;
}

extern const uint8_t pgr_registry_defaults[], pgr_registry_defaults_end[];

static void built_in_values_can_be_read_replaced_and_removed(void **state)
{
    static const char path[] = "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion";
    struct nt_registry *r = reg_unpack(pgr_registry_defaults, pgr_registry_defaults_end, 7);
    struct reg_key *key = key_at(r, path);
    assert_non_null(key);
    assert_int_equal(key->written, 7);
    struct reg_value *v = value_at(r, path, "CurrentMajorVersionNumber");
    assert_non_null(v);
    assert_int_equal(v->type, REG_DWORD);
    assert_memory_equal(v->data, "\x0a\0\0\0", 4);
    reg_value_set(key, v->name, v->name_len, REG_BINARY, "other", 5);
    v = value_at(r, path, "CurrentMajorVersionNumber");
    assert_int_equal(v->len, 5);
    assert_memory_equal(v->data, "other", 5);
    reg_value_remove(key, v);
    assert_null(value_at(r, path, "CurrentMajorVersionNumber"));
    assert_non_null(key_at(r, "HKLM\\System\\CurrentControlSet\\Control")); /* through a link */
    reg_free(r);
}

static size_t keys_made(const struct nt_registry *r)
{
    return r->keys.len - r->free.len;
}

static void built_in_keys_are_made_when_somebody_looks(void **state)
{
    struct nt_registry *r = reg_unpack(pgr_registry_defaults, pgr_registry_defaults_end, 7);
    struct nt_registry *other = reg_new();
    struct reg_text whole = {0}, copy = {0};
    size_t few = keys_made(r);
    assert_true(few <= 2);
    assert_non_null(key_at(r, "HKLM\\Software\\Microsoft"));
    size_t some = keys_made(r);
    assert_true(some > few);
    /* Whoever wants the whole tree gets it. */
    reg_key_copy(other, other->root, r->root);
    assert_true(keys_made(r) > 2 * some);
    assert_int_equal(keys_made(other), keys_made(r));
    reg_write(&whole, r->root, "HKLM");
    reg_write(&copy, other->root, "HKLM");
    assert_int_equal(whole.len, copy.len);
    assert_memory_equal(whole.data, copy.data, whole.len);
    reg_free(r);
    r = reg_unpack(pgr_registry_defaults, pgr_registry_defaults_end, 7);
    copy.len = 0;
    reg_write(&copy, r->root, "HKLM");
    assert_int_equal(whole.len, copy.len);
    assert_memory_equal(whole.data, copy.data, whole.len);
    vec_free(&whole);
    vec_free(&copy);
    reg_free(other);
    reg_free(r);
}

static void every_kind_of_value(void **state)
{
    static const struct {
        const char *text;
        uint32_t type, len;
        const void *data;
    } rows[] = {
        {"\"v\"=\"\"", REG_SZ, 2, u""},
        {"\"v\"=\"a\\\\b\\\"c\"", REG_SZ, 12, u"a\\b\"c"},
        {"\"v\"=\"\xc3\xa9\xf0\x9f\x8c\x8e\"", REG_SZ, 8, u"\u00e9\U0001f30e"},
        {"\"v\"=dword:1F", REG_DWORD, 4, "\x1f\0\0"},
        {"\"v\" = dword:ffffffff ; note", REG_DWORD, 4, "\xff\xff\xff\xff"},
        {"\"v\"=hex:", REG_BINARY, 0, ""},
        {"\"v\"=hex:01,2,ff", REG_BINARY, 3, "\x01\x02\xff"},
        {"\"v\"=hex:01,\\\r\n  02,\\\n  03\r", REG_BINARY, 3, "\1\2\3"},
        {"\"v\"=hex(b):01,00,00,00,00,00,00,00", REG_QWORD, 8, "\1\0\0\0\0\0\0"},
        {"\"v\"=hex(ffff0000):aa", 0xffff0000, 1, "\xaa"},
        {"\"v\"=str(2):\"%X%\"", REG_EXPAND_SZ, 8, u"%X%"},
        {"\"v\"=str(7):\"a\\0b\\0\"", REG_MULTI_SZ, 10, u"a\0b\0"},
        {"\"v\"=str(7):\"a\\0b\"", REG_MULTI_SZ, 10, u"a\0b\0"},
        {"\"v\"=str(7):\"\"", REG_MULTI_SZ, 2, u""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = xasprintf(HEAD "[HKLM\\K]\n%s\n", rows[i].text);
        struct nt_registry *r = parsed(text);
        struct reg_value *v = value_at(r, "HKEY_LOCAL_MACHINE\\k", "V");
        expect_row(i, v && v->type == rows[i].type && v->len == rows[i].len);
        expect_row(i, !v->len || !memcmp(v->data, rows[i].data, v->len));
        reg_free(r);
        free(text);
    }
}

static void later_lines_change_and_remove(void **state)
{
    struct nt_registry *r = parsed("\xef\xbb\xbf" HEAD "\n; a comment\n[HKCU\\A\\B]\n@=\"x\"\n"
                                   "\"gone\"=\"y\"\n\n[HKCU\\A\\C]\n[hkcu\\a\\b]\n@=\"z\"\n"
                                   "\"gone\"=-\n[-HKCU\\A\\C]\n\"ignored\"=\"below it\"\n");
    struct reg_value *v = value_at(r, "HKCU\\A\\B", "");
    assert_memory_equal(v->data, u"z", 4);
    assert_null(value_at(r, "HKCU\\A\\B", "gone"));
    assert_null(key_at(r, "HKCU\\A\\C"));
    reg_free(r);
}

static void utf16_files_are_read(void **state)
{
    static const char text[] = HEAD "[HKLM\\K]\r\n\"v\"=\"\xc3\xa9\"\r\n";
    size_t n;
    uint16_t *wide = utf8_to_utf16(text, strlen(text), &n);
    uint8_t *file = xmalloc(2 + n * 2);
    memcpy(file, "\xff\xfe", 2);
    memcpy(file + 2, wide, n * 2);
    struct nt_registry *r = reg_new();
    struct pgr_error e;
    assert_int_equal(reg_import(r, 1, "w.reg", file, 2 + n * 2, &e), PGR_OK);
    assert_memory_equal(value_at(r, "HKLM\\K", "v")->data, u"\u00e9", 4);
    reg_free(r);
    free(file);
    free(wide);
}

static void paths_go_through_links(void **state)
{
    struct nt_registry *r = parsed(HEAD "[HKLM\\Link]\n\"SymbolicLinkValue\"=str(6):"
                                        "\"\\\\Registry\\\\Machine\\\\Real\"\n[HKLM\\Real]\n"
                                        "[HKLM\\Link\\Below]\n\"v\"=dword:1\n");
    assert_non_null(value_at(r, "HKLM\\Real\\Below", "v"));
    assert_non_null(value_at(r, "HKLM\\Link\\Below", "v"));
    reg_free(r);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    static const struct {
        const char *text, *line, *word;
    } rows[] = {
        {"", "line 1:", "first line"},
        {"MZ", "line 1:", "not a registry text"},
        {HEAD "\n\"v\"=\"x\"\n", "line 3:", "before the first"},
        {HEAD "[HKLM\\K\n", "line 2:", "closing bracket"},
        {HEAD "[HKXX\\K]\n", "line 2:", "no root"},
        {HEAD "[HKLM\\K]\n\"v\n\n\"", "line 5:", "\"=\""},
        {HEAD "[HKLM\\K]\n\"v", "line 3:", "closing quote"},
        {HEAD "[HKLM\\K]\n\"v\"", "line 3:", "\"=\""},
        {HEAD "[HKLM\\K]\n\"v\"=x\n", "line 3:", "must be"},
        {HEAD "[HKLM\\K]\n\"v\"=dword:123456789\n", "line 3:", "hexadecimal"},
        {HEAD "[HKLM\\K]\n\"v\"=hex:123\n", "line 3:", "two hexadecimal"},
        {HEAD "[HKLM\\K]\n\"v\"=hex(zz):1\n", "line 3:", "parentheses"},
        {HEAD "[HKLM\\K]\n\"v\"=hex:01,\\\n 02 x\n", "line 4:", "unexpected"},
        {HEAD "[HKLM\\K]\n\"v\"=\"x\" y\n", "line 3:", "unexpected character 'y'"},
        {HEAD "garbage\n", "line 2:", "unexpected"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nt_registry *r = reg_new();
        struct pgr_error e = {0};
        pgr_status s = reg_import(r, 1, "bad.reg", rows[i].text, strlen(rows[i].text), &e);
        expect_row(i, s == PGR_E_FORMAT);
        if (!strstr(e.text, rows[i].line) || !strstr(e.text, rows[i].word))
            fail_msg("row %zu: %s", i, e.text);
        reg_free(r);
    }
}

static void written_texts_are_read_back(void **state)
{
    struct nt_registry *r =
        parsed(HEAD "[HKLM\\K]\n@=\"a\\\\b\\\"\xc3\xa9\"\n\"q\\\"\"=dword:7\n"
                    "\"m\"=str(7):\"a\\0b\"\n\"odd\"=hex(1):41\n\"nl\"=\"a\\nb\"\n"
                    "\"none\"=hex(0):\n[HKLM\\K\\L M\\N]\n\"x\"=hex:00,01\n");
    struct reg_text one = {0}, two = {0};
    struct nt_registry *again = reg_new();
    struct pgr_error e;
    reg_write(&one, key_at(r, "HKLM\\K"), "HKLM\\K");
    if (reg_import(again, 1, "again", one.data, one.len, &e))
        fail_msg("%s", e.text);
    reg_write(&two, key_at(again, "HKLM\\K"), "HKLM\\K");
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    assert_int_equal(value_at(again, "HKLM\\K", "odd")->len, 1);
    vec_free(&one);
    vec_free(&two);
    reg_free(again);
    reg_free(r);
}

static void names_have_limits(void **state)
{
    struct nt_registry *r = reg_new();
    struct pgr_error e;
    char name[300];
    memset(name, 'x', sizeof name);
    name[257] = 0;
    char *text = xasprintf(HEAD "[HKLM\\%s]\n", name);
    assert_int_equal(reg_import(r, 1, "n", text, strlen(text), &e), PGR_E_FORMAT);
    free(text);
    text = xasprintf(HEAD "[HKLM\\%s]\n", name + 1);
    assert_int_equal(reg_import(r, 1, "n", text, strlen(text), &e), PGR_OK);
    free(text);
    reg_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value),
        cmocka_unit_test(later_lines_change_and_remove),
        cmocka_unit_test(utf16_files_are_read),
        cmocka_unit_test(paths_go_through_links),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(written_texts_are_read_back),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(built_in_values_can_be_read_replaced_and_removed),
        cmocka_unit_test(built_in_keys_are_made_when_somebody_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

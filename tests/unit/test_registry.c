// SPDX-License-Identifier: GPL-2.0-or-later
/* The registry's services as a guest calls them. */
#include "guest_args.h"
#include "nt/cm/key.h"
#include "nt/ke/sync.h"

#define ROOT "\\Registry\\User\\" NT_USER_SID
enum { ALL = 0xf003f, OPTION_VOLATILE = 1, OPTION_LINK = 2 };

static uint64_t create_at(struct mm_fixture *f, uint64_t root, const char *name, uint32_t options)
{
    ok(call(f, "NtCreateKey", slot(0), ALL, attrs(f, root, name, OBJ_CASE_INSENSITIVE), 0, 0,
            options, slot(1)));
    return get(f, 0);
}

static ntstatus open_at(struct mm_fixture *f, uint64_t root, const char *name, uint32_t flags,
                        uint64_t *out)
{
    ntstatus s = call(f, "NtOpenKey", slot(0), ALL, attrs(f, root, name, flags));
    *out = get(f, 0);
    return s;
}

static ntstatus set_value(struct mm_fixture *f, uint64_t key, const char *name, uint32_t type,
                          const void *data, uint32_t len)
{
    return call(f, "NtSetValueKey", key, ustr(f, name), 0, type, bump(f, data, len), len);
}

static void a_new_key_is_created_then_opened(void **state)
{
    struct mm_fixture *f = *state;
    create_at(f, 0, ROOT "\\WineTest", 0);
    assert_int_equal(u32_at(f, slot(1)), 1); /* REG_CREATED_NEW_KEY */
    create_at(f, 0, ROOT "\\winetest", 0);
    assert_int_equal(u32_at(f, slot(1)), 2); /* REG_OPENED_EXISTING_KEY */
}

static void bad_paths_have_their_statuses(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h, root = create_at(f, 0, ROOT, 0);
    set(f, 0, 0xdeadbeef);
    expect(open_at(f, 0, ROOT "\\Missing", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(h, 0);
    expect(open_at(f, 0, "Registry\\Machine", 0, &h), STATUS_OBJECT_PATH_SYNTAX_BAD);
    expect(open_at(f, 0, "", 0, &h), STATUS_OBJECT_PATH_SYNTAX_BAD);
    expect(open_at(f, 0, "\\Elsewhere", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    expect(open_at(f, root, "\\Software", 0, &h), STATUS_OBJECT_PATH_INVALID);
    expect(open_at(f, 0x7777770, "Software", 0, &h), STATUS_INVALID_HANDLE);
    expect(call(f, "NtCreateKey", slot(0), ALL, attrs(f, root, "No\\Such\\Parent", 0), 0, 0, 0, 0),
           STATUS_OBJECT_NAME_NOT_FOUND);
    expect(call(f, "NtCreateKey", slot(0), ALL, 0, 0, 0, 0, 0), STATUS_ACCESS_VIOLATION);
    expect(call(f, "NtCreateKey", 0, ALL, attrs(f, root, "X", 0), 0, 0, 0, 0),
           STATUS_ACCESS_VIOLATION);
    char longest[300];
    memset(longest, 'k', sizeof longest);
    longest[257] = 0;
    expect(call(f, "NtCreateKey", slot(0), ALL, attrs(f, root, longest, 0), 0, 0, 0, 0),
           STATUS_INVALID_PARAMETER);
    longest[256] = 0;
    ok(call(f, "NtCreateKey", slot(0), ALL, attrs(f, root, longest, 0), 0, 0, 0, 0));
}

static void values_answer_exactly_by_length(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0);
    uint32_t data = 711, info[8];
    ok(set_value(f, key, "deletetest", REG_DWORD, &data, 4));
    uint64_t name = ustr(f, "DeleteTest");
    fill(f, 0xbd);
    expect(call(f, "NtQueryValueKey", key, name, 2, BUFFER, 11, slot(2)), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(u32_at(f, slot(2)), 16);
    expect(call(f, "NtQueryValueKey", key, name, 2, BUFFER, 12, slot(2)), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(u32_at(f, slot(2)), 16);
    peek(f, BUFFER, info, 16);
    assert_int_equal(info[1], REG_DWORD);
    assert_int_equal(info[2], 4);
    assert_int_equal(info[3], 0xbdbdbdbd);
    ok(call(f, "NtQueryValueKey", key, name, 2, BUFFER, 16, slot(2)));
    assert_int_equal(u32_at(f, BUFFER + 12), 711);
    /* KeyValueBasicInformation: the name as it was stored */
    ok(call(f, "NtQueryValueKey", key, name, 0, BUFFER, 100, slot(2)));
    assert_int_equal(u32_at(f, slot(2)), 12 + 20);
    uint16_t first;
    peek(f, BUFFER + 12, &first, 2);
    assert_int_equal(first, 'd');
    /* KeyValueFullInformation: data right behind the name */
    expect(call(f, "NtQueryValueKey", key, name, 1, BUFFER, 20, slot(2)), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(u32_at(f, slot(2)), 20 + 20 + 4);
    ok(call(f, "NtQueryValueKey", key, name, 1, BUFFER, 44, slot(2)));
    assert_int_equal(u32_at(f, BUFFER + 8), 40);
    assert_int_equal(u32_at(f, BUFFER + 40), 711);
    /* KeyValuePartialInformationAlign64 */
    expect(call(f, "NtQueryValueKey", key, name, 4, BUFFER, 8, slot(2)), STATUS_BUFFER_OVERFLOW);
    ok(call(f, "NtQueryValueKey", key, name, 4, BUFFER, 12, slot(2)));
    assert_int_equal(u32_at(f, BUFFER + 8), 711);
    expect(call(f, "NtQueryValueKey", key, name, 99, BUFFER, 100, slot(2)),
           STATUS_INVALID_PARAMETER);
    expect(call(f, "NtQueryValueKey", key, ustr(f, "none"), 2, BUFFER, 100, slot(2)),
           STATUS_OBJECT_NAME_NOT_FOUND);
}

static void values_of_any_type_and_no_data(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0);
    ok(call(f, "NtSetValueKey", key, ustr(f, "custtest"), 0, 0xff00ff00, 0, 0));
    ok(call(f, "NtQueryValueKey", key, ustr(f, "custtest"), 2, BUFFER, 100, slot(2)));
    assert_int_equal(u32_at(f, BUFFER + 4), 0xff00ff00);
    assert_int_equal(u32_at(f, BUFFER + 8), 0);
    expect(call(f, "NtSetValueKey", key, ustr(f, "bad"), 0, REG_SZ, 0x666000, 8),
           STATUS_ACCESS_VIOLATION);
    uint16_t name[16384];
    for (size_t i = 0; i < ARRAY_LEN(name); i++)
        name[i] = 'v';
    ok(mem_write(f->p->mem, BUFFER, name, 0x8000 - 2));
    struct UNICODE_STRING us = {.Length = 0xfffe, .MaximumLength = 0xfffe, .Buffer = SCRATCH};
    uint64_t huge = put_layout(f, &layout_UNICODE_STRING, &us);
    expect(call(f, "NtSetValueKey", key, huge, 0, REG_SZ, 0, 0), STATUS_INVALID_PARAMETER);
    expect(call(f, "NtQueryValueKey", key, huge, 2, BUFFER, 100, slot(2)),
           STATUS_OBJECT_NAME_NOT_FOUND);
    expect(call(f, "NtDeleteValueKey", key, huge), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void enumeration_ends_with_no_more_entries(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0);
    create_at(f, key, "beta", 0);
    create_at(f, key, "Alpha", 0);
    ok(set_value(f, key, "z", REG_SZ, u"1", 4));
    ok(set_value(f, key, "a", REG_SZ, u"22", 6));
    uint16_t name[8] = {0};
    ok(call(f, "NtEnumerateKey", key, 0, 0, BUFFER, 100, slot(2)));
    peek(f, BUFFER + 16, name, 10);
    assert_memory_equal(name, u"Alpha", 10);
    expect(call(f, "NtEnumerateKey", key, 0, 0, BUFFER, 17, slot(2)), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(u32_at(f, slot(2)), 26);
    expect(call(f, "NtEnumerateKey", key, 0, 0, BUFFER, 15, slot(2)), STATUS_BUFFER_TOO_SMALL);
    expect(call(f, "NtEnumerateKey", key, 2, 0, BUFFER, 100, slot(2)), STATUS_NO_MORE_ENTRIES);
    expect(call(f, "NtEnumerateKey", key, 0xffffffff, 0, BUFFER, 100, slot(2)),
           STATUS_NO_MORE_ENTRIES);
    /* values come in the order in which they were made */
    ok(call(f, "NtEnumerateValueKey", key, 0, 0, BUFFER, 100, slot(2)));
    peek(f, BUFFER + 12, name, 2);
    assert_int_equal(name[0], 'z');
    expect(call(f, "NtEnumerateValueKey", key, 2, 0, BUFFER, 100, slot(2)), STATUS_NO_MORE_ENTRIES);
    ok(call(f, "NtQueryKey", key, 2, BUFFER, 100, slot(2)));
    assert_int_equal(u32_at(f, slot(2)), 44);
    assert_int_equal(u32_at(f, BUFFER + 12), 0xffffffff); /* no class */
    assert_int_equal(u32_at(f, BUFFER + 20), 2);
    assert_int_equal(u32_at(f, BUFFER + 24), 10);
    assert_int_equal(u32_at(f, BUFFER + 32), 2);
    assert_int_equal(u32_at(f, BUFFER + 40), 6);
}

static void a_key_knows_its_full_name_and_class(void **state)
{
    struct mm_fixture *f = *state;
    static const char path[] = ROOT "\\WineTest";
    ok(call(f, "NtCreateKey", slot(0), ALL, attrs(f, 0, path, 0), 0, ustr(f, "cls"), 0, 0));
    uint64_t key = get(f, 0);
    uint32_t need = 4 + 2 * (uint32_t)strlen(path);
    expect(call(f, "NtQueryKey", key, 3, BUFFER, 0, slot(2)), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(u32_at(f, slot(2)), need);
    expect(call(f, "NtQueryKey", key, 3, BUFFER, 8, slot(2)), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(u32_at(f, BUFFER), need - 4);
    ok(call(f, "NtQueryKey", key, 3, BUFFER, need, slot(2)));
    uint16_t name[200];
    peek(f, BUFFER + 4, name, need - 4);
    char *text = utf16_to_utf8(name, (need - 4) / 2, NULL);
    assert_string_equal(text, path);
    free(text);
    ok(call(f, "NtQueryKey", key, 1, BUFFER, 100, slot(2))); /* KeyNodeInformation */
    assert_int_equal(u32_at(f, BUFFER + 12), 24 + 16);
    assert_int_equal(u32_at(f, BUFFER + 16), 6);
    expect(call(f, "NtQueryKey", key, 77, BUFFER, 100, slot(2)), STATUS_INVALID_PARAMETER);
}

static void a_deleted_key_says_so(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h, key = create_at(f, 0, ROOT "\\WineTest", 0);
    uint64_t child = create_at(f, key, "child", 0);
    expect(call(f, "NtDeleteKey", key), STATUS_CANNOT_DELETE);
    ok(call(f, "NtDeleteKey", child));
    ok(call(f, "NtDeleteKey", key));
    ok(call(f, "NtDeleteKey", key));
    expect(call(f, "NtQueryKey", key, 3, BUFFER, 100, slot(2)), STATUS_KEY_DELETED);
    expect(call(f, "NtEnumerateKey", key, 0, 0, BUFFER, 100, slot(2)), STATUS_KEY_DELETED);
    expect(set_value(f, key, "v", REG_SZ, u"x", 4), STATUS_KEY_DELETED);
    expect(open_at(f, key, "child", 0, &h), STATUS_KEY_DELETED);
    expect(open_at(f, 0, ROOT "\\WineTest", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    ok(nt_handle_close(f->k, f->p, key));
    ok(nt_handle_close(f->k, f->p, child));
    expect(call(f, "NtDeleteKey", 0), STATUS_INVALID_HANDLE);
}

static void access_is_checked_on_the_handle(void **state)
{
    struct mm_fixture *f = *state;
    ok(call(f, "NtCreateKey", slot(0), 0x20019, attrs(f, 0, ROOT "\\WineTest", 0), 0, 0, 0, 0));
    uint64_t key = get(f, 0);
    expect(set_value(f, key, "v", REG_SZ, u"x", 4), STATUS_ACCESS_DENIED);
    expect(call(f, "NtDeleteKey", key), STATUS_ACCESS_DENIED);
    expect(call(f, "NtRenameKey", key, ustr(f, "new")), STATUS_ACCESS_DENIED);
}

static void symbolic_links_lead_to_their_target(void **state)
{
    struct mm_fixture *f = *state;
    static const char target[] = ROOT "\\WineTest\\target";
    uint16_t wide[128];
    size_t n = strlen(target);
    for (size_t i = 0; i <= n; i++)
        wide[i] = (uint8_t)target[i];
    uint64_t h, root = create_at(f, 0, ROOT "\\WineTest", 0);
    uint64_t link = create_at(f, root, "link", OPTION_LINK);
    expect(set_value(f, link, "SymbolicLinkValue", REG_SZ, wide, (uint32_t)n * 2),
           STATUS_ACCESS_DENIED);
    expect(set_value(f, link, "other", REG_LINK, wide, (uint32_t)n * 2), STATUS_ACCESS_DENIED);
    ok(set_value(f, link, "SymbolicLinkValue", REG_LINK, wide, (uint32_t)n * 2));
    expect(open_at(f, root, "link", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    create_at(f, root, "link", 0); /* makes the target */
    ok(open_at(f, root, "target", 0, &h));
    ok(set_value(f, h, "value", REG_SZ, u"x", 4));
    ok(open_at(f, root, "link", 0, &h));
    ok(call(f, "NtQueryValueKey", h, ustr(f, "value"), 2, BUFFER, 100, slot(2)));
    ok(open_at(f, root, "link", OBJ_OPENLINK, &h));
    expect(call(f, "NtQueryValueKey", h, ustr(f, "value"), 2, BUFFER, 100, slot(2)),
           STATUS_OBJECT_NAME_NOT_FOUND);
    expect(call(f, "NtCreateKey", slot(0), ALL, attrs(f, root, "link", 0), 0, 0, OPTION_LINK, 0),
           STATUS_OBJECT_NAME_COLLISION);
    /* a terminator is part of the name */
    ok(set_value(f, link, "SymbolicLinkValue", REG_LINK, wide, (uint32_t)n * 2 + 2));
    expect(open_at(f, root, "link", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    ok(call(f, "NtDeleteKey", link));
}

static void a_link_to_itself_ends(void **state)
{
    struct mm_fixture *f = *state;
    static const char target[] = ROOT "\\WineTest\\loop\\loop";
    uint16_t wide[128];
    size_t n = strlen(target);
    for (size_t i = 0; i < n; i++)
        wide[i] = (uint8_t)target[i];
    uint64_t h, root = create_at(f, 0, ROOT "\\WineTest", 0);
    uint64_t link = create_at(f, root, "loop", OPTION_LINK);
    ok(set_value(f, link, "SymbolicLinkValue", REG_LINK, wide, (uint32_t)n * 2));
    expect(open_at(f, root, "loop", 0, &h), STATUS_NAME_TOO_LONG);
    ok(open_at(f, root, "loop", OBJ_OPENLINK, &h));
}

static void a_stable_key_cannot_be_below_a_volatile_one(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", OPTION_VOLATILE);
    expect(call(f, "NtCreateKey", slot(0), ALL, attrs(f, key, "x", 0), 0, 0, 0, 0),
           STATUS_CHILD_MUST_BE_VOLATILE);
    create_at(f, key, "x", OPTION_VOLATILE);
}

static void renaming_keeps_the_handle(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h, root = create_at(f, 0, ROOT "\\WineTest", 0);
    uint64_t key = create_at(f, root, "old", 0);
    expect(call(f, "NtRenameKey", 0, 0), STATUS_ACCESS_VIOLATION);
    expect(call(f, "NtRenameKey", key, ustr(f, "")), STATUS_INVALID_PARAMETER);
    expect(call(f, "NtRenameKey", 0, ustr(f, "x")), STATUS_INVALID_HANDLE);
    expect(call(f, "NtRenameKey", key, ustr(f, "old")), STATUS_CANNOT_DELETE);
    ok(call(f, "NtRenameKey", key, ustr(f, "new")));
    ok(open_at(f, root, "new", 0, &h));
    expect(open_at(f, root, "old", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    ok(set_value(f, key, "v", REG_SZ, u"x", 4));
}

static uint64_t event_handle(struct mm_fixture *f, nt_id *id)
{
    *id = nt_event_new(f->k, false, false);
    struct nt_object *o = nt_object_get(f->k, *id, NT_TYPE_EVENT);
    uint64_t h = nt_handle_add(f->p, o, 0x1f0003, 0);
    nt_object_unref(f->k, o);
    return h;
}

static ntstatus watch(struct mm_fixture *f, uint64_t key, uint64_t event, uint32_t filter,
                      bool tree)
{
    return call(f, "NtNotifyChangeKey", key, event, 0, 0, slot(8), filter, tree, 0, 0, true);
}

static void changes_signal_who_watches(void **state)
{
    struct mm_fixture *f = *state;
    nt_id id;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0), event = event_handle(f, &id);
    uint64_t child;
    expect(watch(f, key, event, REG_NOTIFY_CHANGE_NAME, false), STATUS_PENDING);
    ok(set_value(f, key, "v", REG_SZ, u"x", 4));
    assert_false(nt_event_is_set(f->k, id));
    child = create_at(f, key, "child", 0);
    assert_true(nt_event_is_set(f->k, id));
    /* the block lay on a stack frame that has gone by now */
    assert_int_equal(u32_at(f, slot(8)), 0);
    /* asking again resets the event */
    expect(watch(f, key, event, REG_NOTIFY_CHANGE_NAME, false), STATUS_PENDING);
    assert_false(nt_event_is_set(f->k, id));
    create_at(f, child, "grandchild", 0);
    assert_false(nt_event_is_set(f->k, id));
    ok(nt_handle_close(f->k, f->p, key));
    assert_true(nt_event_is_set(f->k, id));
}

static void a_tree_is_watched_as_a_whole(void **state)
{
    struct mm_fixture *f = *state;
    nt_id id;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0), event = event_handle(f, &id);
    uint64_t child = create_at(f, key, "child", 0);
    expect(watch(f, key, event, REG_NOTIFY_CHANGE_LAST_SET, true), STATUS_PENDING);
    ok(set_value(f, child, "v", REG_SZ, u"x", 4));
    assert_true(nt_event_is_set(f->k, id));
    expect(call(f, "NtNotifyChangeKey", 0, event, 0, 0, slot(8), 1, 0, 0, 0, true),
           STATUS_INVALID_HANDLE);
}

static void several_values_at_once(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0);
    uint32_t one = 1, two = 2, room = 16;
    ok(set_value(f, key, "one", REG_DWORD, &one, 4));
    ok(set_value(f, key, "two", REG_DWORD, &two, 4));
    uint64_t entries[6] = {ustr(f, "one"), 0, 0, ustr(f, "two"), 0, 0};
    uint64_t at = bump(f, entries, sizeof entries), size = bump(f, &room, 4);
    ok(call(f, "NtQueryMultipleValueKey", key, at, 2, BUFFER, size, slot(2)));
    assert_int_equal(u32_at(f, slot(2)), 8);
    assert_int_equal(u32_at(f, BUFFER), 1);
    assert_int_equal(u32_at(f, BUFFER + 4), 2);
    assert_int_equal(u32_at(f, at + 24 + 12), 4); /* offset of the second */
    room = 4;
    ok(mem_write(f->p->mem, size, &room, 4));
    expect(call(f, "NtQueryMultipleValueKey", key, at, 2, BUFFER, size, slot(2)),
           STATUS_BUFFER_OVERFLOW);
}

static void the_defaults_are_there(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        const char *key, *name, *value;
    } expected[] = {
        {"HKLM\\System\\CurrentControlSet\\Control\\Nls\\Codepage", "ACP", "1252"},
        {"HKLM\\System\\ControlSet001\\Control\\Nls\\Codepage", "OEMCP", "437"},
        {"HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion", "CurrentBuild", "19045"},
        {"HKCU\\Control Panel\\International", "LocaleName", "en-US"},
        {"HKCU\\Control Panel\\International\\\xf0\x9f\x8c\x8e\xf0\x9f\x8c\x8f\xf0\x9f\x8c\x8d",
         "Currencies", "USD"},
        {"HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Time Zones\\UTC", "Std",
         "Coordinated Universal Time"},
        {"HKCR\\.txt", NULL, "txtfile"},
    };
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        char *text = nt_registry_get_text(f->k, expected[i].key, expected[i].name);
        assert_non_null(text);
        assert_string_equal(text, expected[i].value);
        free(text);
    }
}

static void everything_survives_save_and_load(void **state)
{
    struct mm_fixture *f = *state, *g;
    nt_id id;
    struct ser s, t;
    uint64_t key = create_at(f, 0, ROOT "\\WineTest", 0), event = event_handle(f, &id);
    uint64_t gone = create_at(f, key, "gone", 0);
    ok(set_value(f, key, "v", REG_SZ, u"x", 4));
    expect(watch(f, key, event, REG_NOTIFY_CHANGE_NAME, false), STATUS_PENDING);
    ok(call(f, "NtDeleteKey", gone));
    ser_begin_save(&s);
    nt_registry_transfer(f->k, &s);
    assert_false(s.failed);
    g = mm_new(8);
    ser_begin_load(&t, s.data, s.len);
    nt_registry_transfer(g->k, &t);
    if (t.failed)
        fail_msg("%s", t.error.text);
    assert_int_equal(t.at, t.len);
    char *text = nt_registry_get_text(g->k, "HKCU\\WineTest", "v");
    assert_string_equal(text, "x");
    free(text);
    struct ser again;
    ser_begin_save(&again);
    nt_registry_transfer(g->k, &again);
    assert_int_equal(again.len, s.len);
    assert_memory_equal(again.data, s.data, s.len);
    ser_end(&again);
    /* a cut snapshot leaves what was there */
    for (size_t cut = 0; cut < s.len; cut += s.len / 50 + 1) {
        ser_begin_load(&t, s.data, cut);
        nt_registry_transfer(g->k, &t);
        assert_true(t.failed);
        assert_non_null(nt_registry_get(g->k, "HKCU\\WineTest", "v", NULL, NULL));
    }
    ser_end(&s);
    void *p = g;
    mm_teardown(&p);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, guest_setup, mm_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_new_key_is_created_then_opened),
        T(bad_paths_have_their_statuses),
        T(values_answer_exactly_by_length),
        T(values_of_any_type_and_no_data),
        T(enumeration_ends_with_no_more_entries),
        T(a_key_knows_its_full_name_and_class),
        T(a_deleted_key_says_so),
        T(access_is_checked_on_the_handle),
        T(symbolic_links_lead_to_their_target),
        T(a_link_to_itself_ends),
        T(a_stable_key_cannot_be_below_a_volatile_one),
        T(renaming_keeps_the_handle),
        T(changes_signal_who_watches),
        T(a_tree_is_watched_as_a_whole),
        T(several_values_at_once),
        T(the_defaults_are_there),
        T(everything_survives_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

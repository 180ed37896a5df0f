// SPDX-License-Identifier: GPL-2.0-or-later
/* Tokens, privileges, access checks and security descriptors. */
#include "guest_args.h"
#include "nt/ke/sync.h"
#include "nt/se/security.h"

enum { EVERYTHING = 0xf01ff, PROCESS_TOKEN = 0xfffffffc, THREAD_TOKEN = 0xfffffffb };

static uint64_t open_token(struct mm_fixture *f)
{
    ok(call(f, "NtOpenProcessToken", SELF, EVERYTHING, slot(0)));
    return get(f, 0);
}

static void sids_are_parsed(void **state)
{
    struct nt_sid s;
    assert_true(nt_sid_parse("S-1-5-21-0-0-0-1000", &s));
    assert_int_equal(s.len, 28);
    assert_memory_equal(s.bytes, "\1\5\0\0\0\0\0\5\x15\0\0\0", 12);
    assert_true(nt_sid_parse("S-1-1-0", &s));
    static const char *const bad[] = {"",
                                      "S-1",
                                      "S-1-",
                                      "S-1-5-",
                                      "S-2-5-1",
                                      "S-1-5-x",
                                      "S-1-5-1 ",
                                      "S-1-5-4294967296",
                                      "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_row(i, !nt_sid_parse(bad[i], &s));
}

static void the_user_is_told_with_its_size(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t token = open_token(f);
    uint32_t need = f->p->ptr_size == 8 ? 16 + 28 : 8 + 28;
    expect(call(f, "NtQueryInformationToken", token, 1, BUFFER, need - 1, slot(1)),
           STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(u32_at(f, slot(1)), need);
    ok(call(f, "NtQueryInformationToken", token, 1, BUFFER, need, slot(1)));
    uint64_t sid = 0;
    peek(f, BUFFER, &sid, f->p->ptr_size);
    assert_int_equal(sid, BUFFER + 2 * f->p->ptr_size);
    assert_int_equal(u32_at(f, sid + 24), 1000);
}

static void every_usual_class_answers(void **state)
{
    struct mm_fixture *f = *state;
    static const uint8_t classes[] = {1,  2,  3,  4,  5,  6,  7,  8,  10, 11, 12, 13, 15, 17,
                                      18, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 40};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        uint32_t len = 0;
        ntstatus s = call(f, "NtQueryInformationToken", PROCESS_TOKEN, classes[i], 0, 0, slot(1));
        expect_row(i, s == STATUS_BUFFER_TOO_SMALL);
        len = u32_at(f, slot(1));
        ok(call(f, "NtQueryInformationToken", PROCESS_TOKEN, classes[i], BUFFER, len, slot(1)));
    }
    expect(call(f, "NtQueryInformationToken", PROCESS_TOKEN, 9, BUFFER, 4, slot(1)),
           STATUS_INVALID_PARAMETER); /* a primary token has no level */
    expect(call(f, "NtQueryInformationToken", PROCESS_TOKEN, 99, BUFFER, 4, slot(1)),
           STATUS_INVALID_INFO_CLASS);
    expect(call(f, "NtQueryInformationToken", THREAD_TOKEN, 1, BUFFER, 4, slot(1)),
           STATUS_NO_TOKEN);
    expect(call(f, "NtQueryInformationToken", 0, 1, BUFFER, 4, slot(1)), STATUS_INVALID_HANDLE);
}

static void a_thread_has_no_token_until_it_impersonates(void **state)
{
    struct mm_fixture *f = *state;
    expect(call(f, "NtOpenThreadToken", UINT64_MAX - 1, 8, 0, slot(0)), STATUS_NO_TOKEN);
    ok(call(f, "NtImpersonateAnonymousToken", UINT64_MAX - 1));
    ok(call(f, "NtOpenThreadToken", UINT64_MAX - 1, 8, 0, slot(0)));
}

static void duplicates_have_the_level_that_was_asked_for(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t token = open_token(f);
    uint32_t qos[3] = {12, 2, 0};
    struct OBJECT_ATTRIBUTES oa = {
        .Length = (uint32_t)layout_size(&layout_OBJECT_ATTRIBUTES, f->p->ptr_size),
        .SecurityQualityOfService = bump(f, qos, sizeof qos)};
    uint64_t at = put_layout(f, &layout_OBJECT_ATTRIBUTES, &oa);
    ok(call(f, "NtDuplicateToken", token, 0, at, 0, 2, slot(0)));
    uint64_t copy = get(f, 0);
    ok(call(f, "NtQueryInformationToken", copy, 9, BUFFER, 4, slot(1)));
    assert_int_equal(u32_at(f, BUFFER), 2);
    ok(call(f, "NtQueryInformationToken", copy, 8, BUFFER, 4, slot(1)));
    assert_int_equal(u32_at(f, BUFFER), 2);
    qos[1] = 3; /* delegation cannot come out of impersonation */
    oa.SecurityQualityOfService = bump(f, qos, sizeof qos);
    at = put_layout(f, &layout_OBJECT_ATTRIBUTES, &oa);
    expect(call(f, "NtDuplicateToken", copy, 0, at, 0, 2, slot(0)), STATUS_BAD_IMPERSONATION_LEVEL);
    ok(call(f, "NtCompareTokens", token, copy, slot(2)));
    assert_int_equal(u32_at(f, slot(2)) & 0xff, 1);
    expect(call(f, "NtDuplicateToken", token, 0, 0, 0, 3, slot(0)), STATUS_INVALID_PARAMETER);
}

static void privileges_are_switched_and_told(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t token = open_token(f);
    uint32_t on[4] = {1, SE_DEBUG_PRIVILEGE, 0, 2};
    ok(call(f, "NtAdjustPrivilegesToken", token, 0, bump(f, on, sizeof on), 16, BUFFER, slot(1)));
    assert_int_equal(u32_at(f, slot(1)), 16);
    assert_int_equal(u32_at(f, BUFFER), 1);
    assert_int_equal(u32_at(f, BUFFER + 12), 0); /* it was off */
    uint32_t set[5] = {1, 1, SE_DEBUG_PRIVILEGE, 0, 0};
    ok(call(f, "NtPrivilegeCheck", token, bump(f, set, sizeof set), slot(2)));
    assert_int_equal(u32_at(f, slot(2)) & 0xff, 1);
    uint32_t none[4] = {1, SE_TCB_PRIVILEGE, 0, 2};
    expect(call(f, "NtAdjustPrivilegesToken", token, 0, bump(f, none, sizeof none), 0, 0, 0),
           STATUS_NOT_ALL_ASSIGNED);
    expect(call(f, "NtAdjustPrivilegesToken", token, 1, 0, 4, BUFFER, slot(1)),
           STATUS_BUFFER_TOO_SMALL);
    ok(call(f, "NtAdjustPrivilegesToken", token, 1, 0, 0, 0, 0));
    ok(call(f, "NtPrivilegeCheck", token, bump(f, set, sizeof set), slot(2)));
    assert_int_equal(u32_at(f, slot(2)) & 0xff, 0);
    expect(call(f, "NtAdjustPrivilegesToken", token, 0, 0, 0, 0, 0), STATUS_INVALID_PARAMETER);
}

static uint8_t *descriptor(const struct nt_ace *aces, size_t n, size_t *len)
{
    struct nt_sid owner;
    nt_sid_parse("S-1-5-18", &owner);
    struct nt_sd p = {.control = SE_DACL_PRESENT,
                      .owner = owner.bytes,
                      .owner_len = owner.len,
                      .group = owner.bytes,
                      .group_len = owner.len};
    uint8_t *dacl = nt_acl_build(aces, n, &p.dacl_len);
    p.dacl = dacl;
    uint8_t *sd = nt_sd_build(&p, len);
    free(dacl);
    return sd;
}

static void the_first_entry_that_names_a_right_decides(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_token *t = nt_object_get(f->k, f->p->token, NT_TYPE_TOKEN);
    struct nt_sid everyone, other;
    uint32_t granted;
    size_t len;
    nt_sid_parse("S-1-1-0", &everyone);
    nt_sid_parse("S-1-5-21-9-9-9-9", &other);
    const struct nt_ace aces[] = {{&t->user, 2, ACCESS_DENIED_ACE_TYPE, 0},
                                  {&everyone, 7, ACCESS_ALLOWED_ACE_TYPE, 0},
                                  {&t->user, 8, ACCESS_ALLOWED_ACE_TYPE, 8 /* inherit only */},
                                  {&other, 16, ACCESS_ALLOWED_ACE_TYPE, 0}};
    uint8_t *sd = descriptor(aces, ARRAY_LEN(aces), &len);
    ok(nt_token_check(t, sd, len, 5, 0x1f, &granted));
    assert_int_equal(granted, 5);
    expect(nt_token_check(t, sd, len, 2, 0x1f, &granted), STATUS_ACCESS_DENIED);
    expect(nt_token_check(t, sd, len, 8, 0x1f, &granted), STATUS_ACCESS_DENIED);
    expect(nt_token_check(t, sd, len, 16, 0x1f, &granted), STATUS_ACCESS_DENIED);
    ok(nt_token_check(t, sd, len, 0x02000000, 0x1f, &granted));
    assert_int_equal(granted, 5);
    free(sd);
    sd = descriptor(NULL, 0, &len); /* an empty list allows nobody */
    expect(nt_token_check(t, sd, len, 1, 0x1f, &granted), STATUS_ACCESS_DENIED);
    free(sd);
}

static void the_sacl_takes_a_privilege(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_token *t =
        nt_token_duplicate(f->k, nt_object_get(f->k, f->p->token, NT_TYPE_TOKEN), false, 2);
    struct nt_sid everyone;
    size_t len;
    uint32_t mapping[4] = {1, 2, 4, 0x1f}, room = 19;
    enum { ACCESS_SYSTEM_SECURITY = 0x01000000 };
    nt_sid_parse("S-1-1-0", &everyone);
    const struct nt_ace ace = {&everyone, 7, ACCESS_ALLOWED_ACE_TYPE, 0};
    uint8_t *sd = descriptor(&ace, 1, &len);
    uint64_t at = bump(f, sd, len), map = bump(f, mapping, 16), size = bump(f, &room, 4);
    uint64_t token = nt_handle_add(f->p, &t->o, EVERYTHING, 0);
    nt_object_unref(f->k, &t->o);
    expect(call(f, "NtAccessCheck", at, token, 1, map, BUFFER, size, slot(0), slot(1)),
           STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(u32_at(f, size), 20);
    ok(call(f, "NtAccessCheck", at, token, 1, map, BUFFER, size, slot(0), slot(1)));
    assert_int_equal(u32_at(f, slot(0)), 1);
    assert_int_equal(u32_at(f, slot(1)), STATUS_SUCCESS);
    ok(call(f, "NtAccessCheck", at, token, ACCESS_SYSTEM_SECURITY, map, BUFFER, size, slot(0),
            slot(1)));
    assert_int_equal(u32_at(f, slot(1)), STATUS_PRIVILEGE_NOT_HELD);
    uint32_t on[4] = {1, SE_SECURITY_PRIVILEGE, 0, 2};
    ok(call(f, "NtAdjustPrivilegesToken", token, 0, bump(f, on, sizeof on), 0, 0, 0));
    ok(call(f, "NtAccessCheck", at, token, ACCESS_SYSTEM_SECURITY, map, BUFFER, size, slot(0),
            slot(1)));
    assert_int_equal(u32_at(f, slot(1)), STATUS_SUCCESS);
    assert_int_equal(u32_at(f, BUFFER), 1);
    expect(call(f, "NtAccessCheck", at, token, 0x80000000, map, BUFFER, size, slot(0), slot(1)),
           STATUS_GENERIC_NOT_MAPPED);
    free(sd);
}

static void hostile_descriptors_are_refused(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_sid owner;
    uint8_t *out, *sd;
    size_t len, n;
    nt_sid_parse("S-1-5-18", &owner);
    const struct nt_ace ace = {&owner, 1, ACCESS_ALLOWED_ACE_TYPE, 0};
    sd = descriptor(&ace, 1, &len);
    ok(nt_sd_capture(&f->c, bump(f, sd, len), &out, &n));
    assert_int_equal(n, len);
    assert_memory_equal(out, sd, len);
    free(out);
    for (size_t i = 0; i < len; i++) { /* whatever byte is wrong: a status, or a sound copy */
        uint8_t bad[256];
        memcpy(bad, sd, len);
        bad[i] = 0xff;
        if (!nt_sd_capture(&f->c, bump(f, bad, len), &out, &n)) {
            nt_sd_parts(out, n);
            free(out);
        }
    }
    expect(nt_sd_capture(&f->c, 0x666000, &out, &n), STATUS_ACCESS_VIOLATION);
    free(sd);
}

static void descriptors_are_kept_with_their_object(void **state)
{
    struct mm_fixture *f = *state;
    nt_id id = nt_event_new(f->k, true, false);
    struct nt_object *o = nt_object_get(f->k, id, NT_TYPE_EVENT);
    uint64_t h = nt_handle_add(f->p, o, 0x1f0003, 0);
    nt_object_unref(f->k, o);
    ok(call(f, "NtQuerySecurityObject", h, 7, BUFFER, 0x1000, slot(0)));
    uint32_t before = u32_at(f, slot(0));
    struct nt_sid owner;
    nt_sid_parse("S-1-5-18", &owner);
    const struct nt_ace ace = {&owner, 1, ACCESS_ALLOWED_ACE_TYPE, 0};
    size_t len;
    uint8_t *sd = descriptor(&ace, 1, &len);
    ok(call(f, "NtSetSecurityObject", h, 4, bump(f, sd, len)));
    free(sd);
    ok(call(f, "NtQuerySecurityObject", h, 4, BUFFER, 0x1000, slot(0)));
    assert_int_equal(u32_at(f, slot(0)), 20 + 8 + 20);
    assert_true(before > 48);
    expect(call(f, "NtQuerySecurityObject", h, 4, BUFFER, 47, slot(0)), STATUS_BUFFER_TOO_SMALL);
}

static void tokens_survive_save_and_load(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_token *t = nt_object_get(f->k, f->p->token, NT_TYPE_TOKEN);
    struct nt_token *u = nt_object_new(f->k, NT_TYPE_TOKEN);
    struct ser s, l;
    ser_begin_save(&s);
    nt_type_token.transfer(f->k, &s, &t->o);
    ser_begin_load(&l, s.data, s.len);
    nt_type_token.transfer(f->k, &l, &u->o);
    assert_false(l.failed);
    assert_int_equal(u->group_len, t->group_len);
    assert_true(nt_sid_equal(&u->user, &t->user));
    assert_memory_equal(u->dacl, t->dacl, t->dacl_len);
    nt_object_unref(f->k, &u->o);
    ser_end(&s);
}

#define T(fn)   cmocka_unit_test_setup_teardown(fn, guest_setup, mm_teardown)
#define T32(fn) cmocka_unit_test_setup_teardown(fn, guest_setup32, mm_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sids_are_parsed),
        T(the_user_is_told_with_its_size),
        T32(the_user_is_told_with_its_size),
        T(every_usual_class_answers),
        T32(every_usual_class_answers),
        T(a_thread_has_no_token_until_it_impersonates),
        T(duplicates_have_the_level_that_was_asked_for),
        T32(duplicates_have_the_level_that_was_asked_for),
        T(privileges_are_switched_and_told),
        T(the_first_entry_that_names_a_right_decides),
        T(the_sacl_takes_a_privilege),
        T(hostile_descriptors_are_refused),
        T(descriptors_are_kept_with_their_object),
        T(tokens_survive_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

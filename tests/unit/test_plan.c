// SPDX-License-Identifier: GPL-2.0-or-later
/* What --engine takes, and what it says about the rest. */
#include "machine/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static pgr_status make(const char *engine, struct machine_plan *p, struct pgr_error *e)
{
    return machine_plan_make(&(struct plan_wish){.engine = engine}, p, e);
}

static void an_engine_may_be_named(void **state)
{
    struct machine_plan p;
    struct pgr_error e;
    assert_int_equal(make("unicorn", &p, &e), PGR_OK);
    assert_int_equal(p.steps.len, 1);
    assert_string_equal(p.steps.data[0].ops->name, "unicorn");
    assert_true(p.exact);
    assert_null(p.why);
    machine_plan_free(&p);
}

static void steps_have_a_point_each(void **state)
{
    struct machine_plan p;
    struct pgr_error e;
    assert_int_equal(
        make("unicorn,unicorn@NtCreateFile,unicorn@0x140001000,unicorn@5000,unicorn@foo.dll", &p,
             &e),
        PGR_OK);
    assert_int_equal(p.steps.len, 5);
    assert_int_equal(p.steps.data[1].point, PLAN_SERVICE);
    assert_string_equal(p.steps.data[1].name, "NtCreateFile");
    assert_int_equal(p.steps.data[2].point, PLAN_ADDRESS);
    assert_int_equal(p.steps.data[2].value, 0x140001000);
    assert_int_equal(p.steps.data[3].point, PLAN_COUNT);
    assert_int_equal(p.steps.data[3].value, 5000);
    assert_int_equal(p.steps.data[4].point, PLAN_MODULE);
    assert_true(p.counts);
    machine_plan_free(&p);
}

static void auto_takes_one_that_can_count_when_that_is_asked(void **state)
{
    struct machine_plan p;
    struct pgr_error e;
    struct plan_wish wish = {.engine = "auto", .count = true, .exact = true};
    assert_int_equal(machine_plan_make(&wish, &p, &e), PGR_OK);
    assert_true(p.steps.data[0].ops->caps & CPU_CAP_COUNT);
    assert_true(p.exact);
    machine_plan_free(&p);
}

static void auto_takes_one_that_tells_of_blocks_when_that_is_asked(void **state)
{
    struct machine_plan p;
    struct pgr_error e;
    assert_int_equal(machine_plan_make(&(struct plan_wish){.sights = true}, &p, &e), PGR_OK);
    assert_true(p.steps.data[0].ops->caps & CPU_CAP_OBSERVE);
    machine_plan_free(&p);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"unicron", "did you mean 'unicorn'"},
        {"", "no engine is called ''"},
        {"unicorn@NtClose", "the first engine alone"},
        {"unicorn,unicorn", "with the point"},
        {"unicorn,unicorn@", "is not a point"},
        {"unicorn,unicorn@close", "is not a point"},
        {"unicorn,unicorn@0x", "is neither an address"},
        {"unicorn,unicorn@12monkeys", "is neither an address"},
        {"unicorn,unicorn@99999999999999999999999", "is neither an address"},
        {"unicorn,unicorn@C:\\a.dll", "is not a point"},
        {"unicorn,,unicorn@NtClose", "with the point"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct machine_plan p;
        struct pgr_error e = {0};
        assert_int_equal(make(cases[i].text, &p, &e), PGR_E_ARGUMENT);
        if (!strstr(e.text, cases[i].says))
            fail_msg("'%s': %s", cases[i].text, e.text);
    }
}

static void engines_say_what_they_cannot(void **state)
{
    for (size_t i = 0; cpu_engines[i]; i++) {
        struct machine_plan p;
        struct pgr_error e = {0};
        struct plan_wish counting = {.engine = cpu_engines[i]->name, .count = true};
        struct plan_wish exact = {.engine = cpu_engines[i]->name, .exact = true};
        struct plan_wish sights = {.engine = cpu_engines[i]->name, .sights = true};
        if (!(cpu_engines[i]->caps & CPU_CAP_OBSERVE)) {
            assert_int_equal(machine_plan_make(&sights, &p, &e), PGR_E_ENGINE);
            assert_non_null(strstr(e.text, "what code and memory are used; unicorn can"));
        }
        if (!(cpu_engines[i]->caps & CPU_CAP_COUNT)) {
            assert_int_equal(machine_plan_make(&counting, &p, &e), PGR_E_ENGINE);
            assert_non_null(strstr(e.text, "unicorn can"));
        }
        if (!(cpu_engines[i]->caps & CPU_CAP_BLOCKS)) {
            assert_int_equal(machine_plan_make(&exact, &p, &e), PGR_E_ENGINE);
            assert_non_null(strstr(e.text, "virtual clock"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_may_be_named),
        cmocka_unit_test(steps_have_a_point_each),
        cmocka_unit_test(auto_takes_one_that_can_count_when_that_is_asked),
        cmocka_unit_test(auto_takes_one_that_tells_of_blocks_when_that_is_asked),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(engines_say_what_they_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

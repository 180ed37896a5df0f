// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "cli/cli.h"

#include <string.h>

struct values {
    bool flag;
    int verbose, colour;
    const char *text;
    struct cli_list list;
    uint64_t number, time;
};

static const char *const colours[] = {"red", "green", NULL};
static const struct cli_option options[] = {
    {"flag", 'f', NULL, "output", "a flag", CLI_INTO(FLAG, struct values, flag)},
    {"verbose", 'v', NULL, "output", "say more", CLI_INTO(COUNT, struct values, verbose)},
    {"colour", 0, "NAME", "output", "choose", CLI_INTO(CHOICE, struct values, colour),
     .choices = colours},
    {"text", 't', "TEXT", "guest", "a text", CLI_INTO(TEXT, struct values, text)},
    {"list", 'l', "ITEM", "guest", "many", CLI_INTO(LIST, struct values, list)},
    {"number", 'n', "N", "limits", "a number", CLI_INTO(INTEGER, struct values, number), .min = 1,
     .max = 1000000},
    {"time", 0, "TIME", "limits", "a time", CLI_INTO(DURATION, struct values, time), .rare = true},
    {NULL},
};
static const struct values defaults = {.number = 42, .text = "default"};
static const struct cli_command plain = {
    .name = "plain",
    .usage = "[options] A [B]",
    .description = "Does nothing.",
    .options = options,
    .defaults = &defaults,
    .values_size = sizeof defaults,
    .min_operands = 0,
    .max_operands = 2,
};

struct parsed {
    enum cli_parse result;
    struct values v;
    char **operands;
    int n;
    struct pgr_error e;
};

/* Splits `line` at spaces. */
static struct parsed parse(const struct cli_command *c, const char *line, char *copy)
{
    struct parsed p = {0};
    char *argv[20];
    int argc = 0;
    memcpy(copy, line, strlen(line) + 1);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    p.result = cli_parse(c, argc, argv, &p.v, &p.operands, &p.n, &p.e);
    return p;
}

static void parsed_free(struct parsed *p)
{
    if (p->result != CLI_WRONG)
        cli_values_free(&plain, &p->v);
    free(p->operands);
}

static void options_are_taken_in_every_spelling(void **state)
{
    static const char *const lines[] = {
        "plain --flag --text=hello --list a --list=b -vv --number 500 --colour green X Y",
        "plain -f -t hello -la -l b -v -v -n500 --colour=green X Y",
        "plain X -fvvt hello Y -l=a -l b -n 0x1f4 --colour green",
        "plain -vfv --text hello --list a --list b --number=0.5k --colour green -- X Y",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char copy[200];
        struct parsed p = parse(&plain, lines[i], copy);
        if (p.result != CLI_PARSED)
            fail_msg("row %zu: %s", i, p.e.text);
        expect_row(i, p.v.flag && p.v.verbose == 2 && p.v.colour == 1 && p.v.number == 500);
        expect_row(i, !strcmp(p.v.text, "hello") && p.v.list.len == 2);
        expect_row(i, !strcmp(p.v.list.data[0], "a") && !strcmp(p.v.list.data[1], "b"));
        expect_row(i, p.n == 2 && !strcmp(p.operands[0], "X") && !strcmp(p.operands[1], "Y"));
        expect_row(i, !p.operands[2]);
        parsed_free(&p);
    }
}

static void what_is_not_given_has_its_default(void **state)
{
    char copy[200];
    struct parsed p = parse(&plain, "plain", copy);
    assert_int_equal(p.result, CLI_PARSED);
    assert_true(!p.v.flag && p.v.number == 42 && !strcmp(p.v.text, "default") && !p.n);
    parsed_free(&p);
}

static void the_guests_arguments_are_left_alone(void **state)
{
    static const char *const lines[] = {"run --flag prog.exe --flag -x -- y",
                                        "run --flag -- prog.exe --flag -x -- y"};
    struct cli_command run = plain;
    run.stop_at_operand = true;
    run.max_operands = -1;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char copy[200];
        struct parsed p = parse(&run, lines[i], copy);
        expect_row(i, p.result == CLI_PARSED && p.v.flag && p.n == 5);
        expect_row(i, !strcmp(p.operands[0], "prog.exe") && !strcmp(p.operands[1], "--flag"));
        expect_row(i, !strcmp(p.operands[3], "--"));
        parsed_free(&p);
    }
}

static void a_single_dash_is_an_operand(void **state)
{
    char copy[200];
    struct parsed p = parse(&plain, "plain - -f", copy);
    assert_int_equal(p.result, CLI_PARSED);
    assert_true(p.n == 1 && !strcmp(p.operands[0], "-") && p.v.flag);
    parsed_free(&p);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"plain --falg", "unknown option --falg; did you mean --flag?"},
        {"plain --halp", "did you mean --help?"},
        {"plain --falg=1", "unknown option --falg; did you mean --flag?"},
        {"plain --nothing-like-it", "unknown option --nothing-like-it"},
        {"plain --=", "unknown option --"},
        {"plain -x", "unknown option -x"},
        {"plain -fx", "unknown option -x"},
        {"plain --flag=yes", "--flag: takes no argument"},
        {"plain --text", "--text needs an argument: --text TEXT"},
        {"plain -t", "--text needs an argument"},
        {"plain --colour blue", "'blue' is none of red, green"},
        {"plain --number many", "'many' is not a whole number"},
        {"plain --number=", "is not a whole number"},
        {"plain --number 1.5", "is not a whole number"},
        {"plain --number 1.2.3k", "is not a whole number"},
        {"plain --number 0x", "is not a whole number"},
        {"plain --number -5", "is not a whole number"},
        {"plain --number 99999999999999999999", "is not a whole number"},
        {"plain --number 0", "0 is not between 1 and 1000000"},
        {"plain --number 1G", "1G is not between 1 and 1000000"},
        {"plain --time soon", "'soon' is not a time"},
        {"plain --time 1.2.3s", "is not a time"},
        {"plain --list a A B C", "'C' is one argument too many"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char copy[200];
        struct parsed p = parse(&plain, rows[i].line, copy);
        expect_row(i, p.result == CLI_WRONG);
        if (!strstr(p.e.text, rows[i].says))
            fail_msg("row %zu says: %s", i, p.e.text);
    }
}

static void times_have_units(void **state)
{
    static const struct {
        const char *line;
        uint64_t ns;
    } rows[] = {
        {"plain --time 2", 2000000000},
        {"plain --time 1.5s", 1500000000},
        {"plain --time 20ms", 20000000},
        {"plain --time 3us", 3000},
        {"plain --time 7ns", 7},
        {"plain --time 2m", 120000000000},
        {"plain --time 1h", 3600000000000},
        {"plain --time 0.25", 250000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char copy[200];
        struct parsed p = parse(&plain, rows[i].line, copy);
        expect_row(i, p.result == CLI_PARSED && p.v.time == rows[i].ns);
        parsed_free(&p);
    }
}

static void too_few_operands_show_the_usage(void **state)
{
    struct cli_command c = plain;
    char copy[200];
    c.min_operands = 1;
    struct parsed p = parse(&c, "plain -f", copy);
    assert_int_equal(p.result, CLI_WRONG);
    assert_non_null(strstr(p.e.text, "peregrine plain [options] A [B]"));
}

static char *help_on(const struct cli_command *c, const char *topic, bool *found)
{
    char *text = NULL;
    size_t size;
    FILE *f = tmpfile();
    *found = cli_help_command(f, c, topic);
    size = (size_t)ftell(f);
    rewind(f);
    text = xcalloc(size + 1, 1);
    assert_int_equal(fread(text, 1, size, f), size);
    fclose(f);
    return text;
}

static void help_is_short_unless_more_is_asked_for(void **state)
{
    static const struct {
        const char *topic, *has, *lacks;
        bool found;
    } rows[] = {
        {NULL, "--flag", "--time", true},
        {NULL, "help plain all", "\033", true},
        {"all", "--time", "help plain all", true},
        {"limits", "--time", "--flag", true},
        {"trace", "no options on 'trace'", "--", true},
        {"frob", "", "--", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool found;
        char *text = help_on(&plain, rows[i].topic, &found);
        expect_row(i, found == rows[i].found);
        expect_row(i, strstr(text, rows[i].has) && !strstr(text, rows[i].lacks));
        free(text);
    }
}

static void every_command_is_described_whole(void **state)
{
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        assert_non_null((*c)->summary);
        assert_non_null((*c)->usage);
        assert_non_null((*c)->description);
        assert_ptr_equal(cli_find_command((*c)->name), *c);
        for (const struct cli_option *o = (*c)->options; o && o->name; o++) {
            bool known = false;
            for (const struct cli_topic *t = cli_topics; t->id; t++)
                known = known || !strcmp(t->id, o->topic);
            if (!known)
                fail_msg("%s --%s: topic %s", (*c)->name, o->name, o->topic);
            bool argument = o->type != CLI_FLAG && o->type != CLI_COUNT;
            if (argument != !!o->metavar || (o->type == CLI_CHOICE) != !!o->choices)
                fail_msg("%s --%s: metavar or choices", (*c)->name, o->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_in_every_spelling),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(the_guests_arguments_are_left_alone),
        cmocka_unit_test(a_single_dash_is_an_operand),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(too_few_operands_show_the_usage),
        cmocka_unit_test(help_is_short_unless_more_is_asked_for),
        cmocka_unit_test(every_command_is_described_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

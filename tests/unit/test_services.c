// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"

#include "cli/cli.h"
#include "nt/call.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_win32k(const struct nt_service *s)
{
    return s->category == NT_CAT_ui;
}

static void names_are_sorted_and_unique_in_each_of_the_two_lists(void **state)
{
    for (size_t i = 1; i < nt_service_total; i++) {
        if (is_win32k(&nt_services[i]) == is_win32k(&nt_services[i - 1]))
            expect_row(i, strcmp(nt_services[i - 1].name, nt_services[i].name) < 0);
        else
            expect_row(i, is_win32k(&nt_services[i]));
    }
}

static void every_service_is_found_by_both_spellings_of_its_name(void **state)
{
    for (size_t i = 0; i < nt_service_total; i++) {
        char zw[64];
        expect_row(i, nt_service_find(nt_services[i].name) == &nt_services[i]);
        if (strstr(nt_services[i].name, "wine_")) /* Wine's own have one name */
            continue;
        snprintf(zw, sizeof zw, "Zw%s", nt_services[i].name + 2);
        expect_row(i, !strncmp(nt_services[i].name, "Nt", 2));
        expect_row(i, nt_service_find(zw) == &nt_services[i]);
    }
}

static void wines_own_services_are_answered(void **state)
{
    static const char *const names[] = {"__wine_dbg_write", "wine_nt_to_unix_file_name",
                                        "wine_unix_to_nt_file_name"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct nt_service *s = nt_service_find(names[i]);
        expect_row(i, s && s->state != NT_SERVICE_MISSING);
    }
}

static void unknown_names_are_not_found(void **state)
{
    static const char *const names[] = {"",       "N",        "Nt",   "Zw",       "ntclose",
                                        "NtClos", "NtClosee", "RtlZ", "ZwNtClose"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        expect_row(i, !nt_service_find(names[i]));
    char longest[4096];
    memset(longest, 'w', sizeof longest);
    longest[0] = 'Z';
    longest[sizeof longest - 1] = 0;
    assert_null(nt_service_find(longest));
}

static void argument_lists_fit_and_name_their_lengths(void **state)
{
    for (size_t i = 0; i < nt_service_total; i++) {
        const struct nt_service *s = &nt_services[i];
        expect_row(i, s->arg_count <= NT_ARGS_MAX);
        for (size_t a = 0; a < s->arg_count; a++) {
            expect_row(i, s->args[a].type < NT_ARG_COUNT);
            expect_row(i, (s->args[a].type == NT_ARG_BUFFER) == (s->args[a].length != NULL));
            if (s->args[a].length) {
                size_t l = nt_service_length_of(s, a);
                expect_row(i, l != a && s->args[l].type != NT_ARG_BUFFER);
            }
            for (size_t b = 0; b < a; b++)
                expect_row(i, strcmp(s->args[a].name, s->args[b].name) != 0);
        }
    }
}

static void states_come_with_what_they_need(void **state)
{
    for (size_t i = 0; i < nt_service_total; i++) {
        const struct nt_service *s = &nt_services[i];
        expect_row(i, s->category < NT_CAT_COUNT);
        expect_row(i, (s->state == NT_SERVICE_IMPLEMENTED) == (s->fn != NULL));
        expect_row(i, s->state != NT_SERVICE_MISSING || s->constant == STATUS_NOT_IMPLEMENTED);
    }
}

/* The counts by which i386 stubs clean the stack; 64-bit values count twice there. */
static void well_known_services_have_the_arguments_of_the_abi(void **state)
{
    static const struct {
        const char *name;
        unsigned count;
        enum nt_category category;
    } rows[] = {
        {"NtClose", 1, NT_CAT_file_io},
        {"NtCreateFile", 11, NT_CAT_file_io},
        {"NtReadFile", 9, NT_CAT_file_io},
        {"NtQueryDirectoryFile", 11, NT_CAT_file_io},
        {"NtDeviceIoControlFile", 10, NT_CAT_file_io},
        {"NtAllocateVirtualMemory", 6, NT_CAT_memory},
        {"NtMapViewOfSection", 10, NT_CAT_memory},
        {"NtCreateKey", 7, NT_CAT_registry},
        {"NtQueryValueKey", 6, NT_CAT_registry},
        {"NtCreateThreadEx", 11, NT_CAT_threading},
        {"NtWaitForMultipleObjects", 5, NT_CAT_synchronization},
        {"NtWaitForAlertByThreadId", 2, NT_CAT_synchronization},
        {"NtRaiseException", 3, NT_CAT_exception},
        {"NtQuerySystemTime", 1, NT_CAT_time},
        {"NtQuerySystemInformation", 4, NT_CAT_environment},
        {"NtCreateUserProcess", 11, NT_CAT_process},
        {"NtInitializeNlsFiles", 3, NT_CAT_environment},
        {"NtTestAlert", 0, NT_CAT_threading},
        {"NtUserMessageCall", 7, NT_CAT_ui},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct nt_service *s = nt_service_find(rows[i].name);
        expect_row(i, s != NULL);
        expect_row(i, s->arg_count == rows[i].count);
        expect_row(i, s->category == rows[i].category);
    }
}

/* Runs `peregrine services` with standard output in a file of memory; the text from malloc. */
static char *run_services(int argc, const char *const *args, int *status)
{
    char *argv[8] = {(char *)"services"};
    int fd = memfd_create("stdout", 0), saved = dup(STDOUT_FILENO);
    for (int i = 0; i < argc; i++)
        argv[i + 1] = (char *)args[i];
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    *status = cli_run_command(cli_find_command("services"), argc + 1, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = xcalloc(1, (size_t)size + 1);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    close(fd);
    return text;
}

static void the_command_lists_every_service_as_json(void **state)
{
    int status;
    char *text = run_services(1, (const char *[]){"--json"}, &status);
    json_t *all = json_loads(text, 0, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(json_array_size(all), nt_service_total);
    for (size_t i = 0; i < nt_service_total; i++) {
        json_t *row = json_array_get(all, i);
        expect_row(i,
                   !strcmp(json_string_value(json_object_get(row, "name")), nt_services[i].name));
        expect_row(i,
                   json_array_size(json_object_get(row, "arguments")) == nt_services[i].arg_count);
    }
    json_decref(all);
    free(text);
}

static void the_command_selects_by_name_and_category_and_counts(void **state)
{
    int status;
    char *text = run_services(3, (const char *[]){"-c", "ui", "NtUserMessageCa??"}, &status);
    assert_int_equal(status, 0);
    assert_int_equal(strncmp(text, "NtUserMessageCall ", 18), 0);
    assert_non_null(strstr(text, "\n1 service: "));
    free(text);
    static const char *const wrong[][2] = {{"NtClsoe"}, {"-c", "regstry"}, {"Nt*Nothing*"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        free(run_services(wrong[i][1] ? 2 : 1, wrong[i], &status));
        expect_row(i, status == 2);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_sorted_and_unique_in_each_of_the_two_lists),
        cmocka_unit_test(every_service_is_found_by_both_spellings_of_its_name),
        cmocka_unit_test(wines_own_services_are_answered),
        cmocka_unit_test(unknown_names_are_not_found),
        cmocka_unit_test(argument_lists_fit_and_name_their_lengths),
        cmocka_unit_test(states_come_with_what_they_need),
        cmocka_unit_test(well_known_services_have_the_arguments_of_the_abi),
        cmocka_unit_test(the_command_lists_every_service_as_json),
        cmocka_unit_test(the_command_selects_by_name_and_category_and_counts),
    };
    return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}

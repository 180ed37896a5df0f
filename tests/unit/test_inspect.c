// SPDX-License-Identifier: GPL-2.0-or-later
/* `peregrine inspect`: what both shapes hold, and hostile files that never pass silently. */
#include "test.h"
#include "pe_sample.h"
#include "cli/cli.h"
#include "cli/inspect.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct pe_sample open_sample(struct pe_image *img)
{
    struct pe_sample s =
        pe_sample_make((struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_int_equal(pe_open(img, s.data, s.size, PE_FILE, "a\x1b[2J.dll", NULL), PGR_OK);
    return s;
}

static void the_page_names_everything_and_steers_no_terminal(void **state)
{
    static const char *const words[] = {"PE32+ DLL for x86-64",
                                        "AddressOfEntryPoint",
                                        ".text",
                                        "r-x",
                                        "kernel32.dll",
                                        "GetTickCount",
                                        "#115",
                                        "Forward -> kernel32.GetTickCount",
                                        "DIR64",
                                        "callback",
                                        "RT_VERSION",
                                        "Version 1.2.3.4",
                                        "a\\x1b[2J.dll"};
    struct pe_image img;
    struct pe_sample s = open_sample(&img);
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    inspect_text(f, &(struct inspect){.img = &img});
    fclose(f);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        expect_row(i, strstr(text, words[i]));
    assert_null(strchr(text, 0x1b));
    assert_null(strstr(text, "Anomalies"));
    free(text);
    free(s.data);
}

static void the_json_holds_the_same(void **state)
{
    struct pe_image img;
    struct pe_sample s = open_sample(&img);
    json_t *o = inspect_json(&(struct inspect){.img = &img});
    json_t *dll = json_array_get(json_object_get(json_object_get(o, "imports"), "dlls"), 1);
    assert_string_equal(json_string_value(json_object_get(dll, "dll")), "ws2_32.dll");
    json_t *fn = json_array_get(json_object_get(dll, "functions"), 0);
    assert_int_equal(json_integer_value(json_object_get(fn, "ordinal")), 115);
    assert_int_equal(json_array_size(json_object_get(o, "sections")), img.h.nsections);
    assert_int_equal(json_array_size(json_object_get(o, "anomalies")), 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(o, "exports"), "functions")),
                     7);
    json_decref(o);
    free(s.data);
}

static void entropy_is_bits_per_byte(void **state)
{
    uint8_t bytes[4096] = {0};
    assert_true(inspect_entropy(bytes, 0) == 0);
    memset(bytes, 7, sizeof bytes);
    assert_true(inspect_entropy(bytes, sizeof bytes) < 1e-9);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i & 1);
    assert_true(inspect_entropy(bytes, sizeof bytes) > 0.9999);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    double most = inspect_entropy(bytes, sizeof bytes);
    assert_true(most > 7.9999 && most < 8.0001);
}

/* Runs the command with its output going nowhere. */
static int run_on(const void *data, size_t size)
{
    char path[] = "/tmp/peregrine-inspect.XXXXXX";
    int fd = mkstemp(path), out = dup(1), err = dup(2), nowhere = open("/dev/null", O_WRONLY);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    char *argv[] = {"inspect", path, NULL};
    fflush(stdout);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    int status = cli_run_command(cli_find_command("inspect"), 2, argv);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    close(nowhere);
    close(fd);
    unlink(path);
    return status;
}

static void truncated_and_foreign_files_exit_with_2(void **state)
{
    static const size_t cuts[] = {0, 1, 2, 63, 64, 128, 132, 151, 152, 300, 392, 500, 1024, 5000};
    struct pe_image img;
    struct pe_sample s = open_sample(&img);
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
        expect_row(i, run_on(s.data, cuts[i]) == 2);
    assert_int_equal(run_on("hello\n", 6), 2);
    assert_int_equal(run_on(s.data, s.size), 0);
    free(s.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_names_everything_and_steers_no_terminal),
        cmocka_unit_test(the_json_holds_the_same),
        cmocka_unit_test(entropy_is_bits_per_byte),
        cmocka_unit_test(truncated_and_foreign_files_exit_with_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

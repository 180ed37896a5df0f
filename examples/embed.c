// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that embeds the library: runs a Windows program step by step, looks into it between two
 * steps, and takes its output.
 *
 *     cc embed.c $(pkg-config --cflags --libs peregrine) -o embed
 *     ./embed [ROOT]
 */
#include <peregrine/machine.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NO_ROOT = 77 };

static void check(pgr_status status, const struct pgr_error *e)
{
    if (!status)
        return;
    fprintf(stderr, "embed: %s\n", e->text);
    exit(status == PGR_E_NOT_FOUND ? NO_ROOT : 1);
}

/* Where the program stands: its registers and the bytes at the instruction pointer. */
static void look(struct pgr_machine *m)
{
    struct pgr_error e;
    uint64_t ip, sp;
    uint8_t code[8];
    bool wide = pgr_machine_pointer_size(m) == 8;
    check(pgr_machine_get_register(m, 0, wide ? "rip" : "eip", &ip, &e), &e);
    check(pgr_machine_get_register(m, 0, wide ? "rsp" : "esp", &sp, &e), &e);
    check(pgr_machine_read(m, ip, code, sizeof code, &e), &e);
    printf("after %" PRIu64 " services: ip %#" PRIx64 ", sp %#" PRIx64 ", code",
           pgr_machine_services(m), ip, sp);
    for (size_t i = 0; i < sizeof code; i++)
        printf(" %02x", code[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    static const char *const args[] = {"/c", "echo hello from C:\\data & exit 7", NULL};
    struct pgr_config config = {.root = argc > 1 ? argv[1] : NULL, .seed = 1};
    struct pgr_machine *m;
    struct pgr_error e;
    struct pgr_exit why;
    char text[256];
    int output[2];
    if (pipe(output))
        return 1;

    check(pgr_machine_create(&config, &m, &e), &e);
    check(pgr_machine_mount(m, "C:\\data", ".", PGR_MOUNT_READ_ONLY, &e), &e);
    struct pgr_program program = {
        .path = "cmd.exe", .args = args, .guest_cwd = "C:\\data", .std_fd = {-1, output[1], 2}};
    check(pgr_machine_load(m, &program, &e), &e);

    /* A hundred services at a time, ten seconds at most each. */
    struct pgr_limits limits = {.services = 100, .timeout_ns = 10000000000ull};
    do {
        look(m);
        check(pgr_machine_run(m, &limits, &why, &e), &e);
    } while (why.kind == PGR_EXIT_SERVICES);

    close(output[1]);
    ssize_t n = read(output[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    printf("exit %d, status %" PRIu32 ", output: %s", (int)why.kind, why.code, text);
    pgr_machine_destroy(m);
    return why.kind == PGR_EXIT_PROCESS && why.code == 7 && strstr(text, "hello") ? 0 : 1;
}

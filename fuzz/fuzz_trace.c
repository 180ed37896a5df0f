// SPDX-License-Identifier: GPL-2.0-or-later
/* Trace files: each is read to its end, or refused with one sentence. */
#include "cli/trace_file.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_lines(const char *path)
{
    struct trace_file f;
    struct pgr_error e = {0};
    if (trace_file_open(&f, path, &e)) {
        BUG_ON(!e.text[0]);
        return;
    }
    while (!trace_file_next(&f, &e) && f.line) {
        BUG_ON(f.line[f.len]);
        json_t *o = trace_file_object(&f, &e);
        BUG_ON(!o && !e.text[0]);
        json_decref(o);
    }
    trace_file_close(&f);
}

static void find_threads(const char *path)
{
    struct trace_file f;
    struct pgr_error e = {0};
    struct trace_threads t = {0};
    if (trace_file_open(&f, path, &e))
        return;
    pgr_status s = f.format == TRACE_FORMAT_SQLITE ? PGR_OK : trace_file_threads(&f, &t, &e);
    BUG_ON(s && !e.text[0]);
    vec_foreach (thread, &t.list) {
        size_t n = 0;
        trace_file_choose(&f, thread);
        while (!trace_file_next(&f, &e) && f.line)
            n++;
        BUG_ON(n != thread->lines.len);
    }
    trace_threads_free(&t);
    trace_file_close(&f);
}

static void count(const char *path)
{
    static const struct trace_top_options o = {.order = TOP_MEAN};
    struct pgr_error e = {0};
    json_t *rows;
    pgr_status s = trace_top_json(path, &o, &rows, &e);
    BUG_ON((s != PGR_OK) != (e.text[0] != 0));
    BUG_ON(!s && !json_is_array(rows));
    json_decref(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    int fd = memfd_create("trace", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        BUG("no file in memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_lines(path);
    find_threads(path);
    count(path);
    close(fd);
    return 0;
}

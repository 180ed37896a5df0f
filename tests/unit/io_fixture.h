/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IO_FIXTURE_H
#define IO_FIXTURE_H
/*
 * A kernel with one process and two threads over a temporary host tree, whose file services are
 * called as the dispatcher would:
 *
 *     T/ro   C:\windows   read-only          T/rw       D:\       read and write
 *     T/cow  C:\work      copy-on-write      T/outside  nowhere: must never be seen
 */
#include "test.h"
#include "base/utf.h"
#include "mem/space.h"
#include "nt/call.h"
#include "nt/io/classes.h"
#include "nt/io/internal.h"
#include "nt/ke/sync.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define expect(st, x) assert_int_equal((uint32_t)(st), (uint32_t)(x))
#define ok(x)         expect(x, STATUS_SUCCESS)

enum {
    AREA = 0x10000000,
    ATTRS = AREA + 0x100,
    STRING = AREA + 0x180,
    IOSB = AREA + 0x200,
    HANDLE_OUT = AREA + 0x220,
    OFFSET = AREA + 0x230,
    LENGTH = AREA + 0x238,
    NAME = AREA + 0x1000,
    BUFFER = AREA + 0x10000,
    BUFFER_SIZE = 0x10000,
    AREA_SIZE = 0x20000,
    RD = 0x120089, /* GENERIC_READ, mapped */
    WR = 0x120116,
    RW = RD | WR,
    DEL = 0x10000,
    SYNC = FILE_SYNCHRONOUS_IO_NONALERT,
    SHARE = 7,
};

struct io_fixture {
    char root[64];
    struct mem_ram *ram;
    struct nt_kernel *k;
    struct nt_process *p;
    struct nt_thread *t, *t2;
    struct nt_call c;
};

static inline char *host_path(struct io_fixture *f, const char *rel)
{
    return xasprintf("%s/%s", f->root, rel);
}

static inline void host_put(struct io_fixture *f, const char *rel, const char *text)
{
    char *path = host_path(f, rel);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    free(path);
}

static inline void host_dir(struct io_fixture *f, const char *rel)
{
    char *path = host_path(f, rel);
    assert_int_equal(mkdir(path, 0755), 0);
    free(path);
}

static inline void host_link(struct io_fixture *f, const char *target, const char *rel)
{
    char *path = host_path(f, rel);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static inline bool host_has(struct io_fixture *f, const char *rel, const char *text)
{
    char *path = host_path(f, rel), have[256] = "";
    FILE *in = fopen(path, "r");
    free(path);
    if (!in)
        return false;
    size_t n = fread(have, 1, sizeof have - 1, in);
    have[n] = 0;
    fclose(in);
    return !text || !strcmp(have, text);
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void io_mount(struct io_fixture *f, const char *guest, const char *rel,
                            enum nt_mount_mode mode)
{
    struct pgr_error e = {0};
    char *path = host_path(f, rel);
    if (nt_io_mount(f->k, guest, path, mode, &e))
        fail_msg("%s", e.text);
    free(path);
}

static inline void io_boot(struct io_fixture *f)
{
    struct nt_config cfg = {.seed = 1};
    struct pgr_error e = {0};
    uint64_t base = AREA, size = AREA_SIZE;
    assert_int_equal(mem_ram_create(&f->ram, 64ull << 30, NULL), PGR_OK);
    if (nt_kernel_create(&cfg, f->ram, &f->k, &e))
        fail_msg("%s", e.text);
    f->p = nt_object_new(f->k, NT_TYPE_PROCESS);
    f->p->ptr_size = 8;
    f->p->pid = 8;
    f->k->first_process = f->p->o.id;
    struct mem_config mc = {
        .ram = f->ram, .lowest = 0x10000, .highest = 0x7ffffffeffffull, .ptr_size = 8};
    assert_int_equal(mem_create(&mc, &f->p->mem, NULL), PGR_OK);
    ok(mem_reserve(f->p->mem, &base, &size, PAGE_READWRITE, true, NULL));
    f->t = nt_object_new(f->k, NT_TYPE_THREAD);
    f->t2 = nt_object_new(f->k, NT_TYPE_THREAD);
    f->t->process = f->t2->process = f->p->o.id;
    nt_object_ref(&f->p->o); /* one each */
    nt_object_ref(&f->p->o);
    f->t->state = f->t2->state = NT_THREAD_RUNNING;
    f->t->cpu.cs = f->t2->cpu.cs = 0x33;
    f->t->cpu.ss = f->t2->cpu.ss = 0x2b;
    f->c = (struct nt_call){.k = f->k, .p = f->p, .t = f->t, .mem = f->p->mem};
}

static inline int io_setup(void **state)
{
    struct io_fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/pgr-io-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    static const char *const dirs[] = {"ro", "ro/System32", "cow", "cow/sub", "rw", "outside"};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        host_dir(f, dirs[i]);
    host_put(f, "ro/System32/Kernel32.dll", "MZ kernel");
    host_put(f, "cow/Hello.txt", "hello");
    host_put(f, "cow/sub/inner.txt", "inner");
    host_put(f, "rw/free.txt", "free");
    host_put(f, "outside/secret.txt", "secret");
    io_boot(f);
    io_mount(f, "C:\\windows", "ro", NT_MOUNT_READ_ONLY);
    io_mount(f, "C:\\work", "cow", NT_MOUNT_COPY_ON_WRITE);
    io_mount(f, "D:\\", "rw", NT_MOUNT_READ_WRITE);
    *state = f;
    return 0;
}

static inline int io_teardown(void **state)
{
    struct io_fixture *f = *state;
    nt_handles_close_all(f->k, f->p);
    nt_kernel_destroy(f->k);
    mem_ram_destroy(f->ram);
    nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static inline ntstatus serve(struct io_fixture *f, const char *name, size_t n, const uint64_t *args)
{
    const struct nt_service *s = nt_service_find(name);
    assert_non_null(s);
    assert_int_equal(s->state, NT_SERVICE_IMPLEMENTED);
    assert_int_equal(s->arg_count, n);
    memset(f->c.arg, 0, sizeof f->c.arg);
    memcpy(f->c.arg, args, n * sizeof *args);
    f->c.service = s;
    return s->fn(&f->c);
}
#define call(f, name, ...)                                                                         \
    serve(f, name, ARRAY_LEN(((const uint64_t[]){__VA_ARGS__})), (const uint64_t[]){__VA_ARGS__})

static inline void poke(struct io_fixture *f, uint64_t va, const void *data, size_t len)
{
    ok(mem_write(f->p->mem, va, data, len));
}
static inline void peek(struct io_fixture *f, uint64_t va, void *out, size_t len)
{
    ok(mem_read(f->p->mem, va, out, len));
}
static inline uint32_t u32_at(struct io_fixture *f, uint64_t va)
{
    uint32_t v;
    peek(f, va, &v, 4);
    return v;
}
static inline uint64_t u64_at(struct io_fixture *f, uint64_t va)
{
    uint64_t v;
    peek(f, va, &v, 8);
    return v;
}
static inline uint64_t put64_at(struct io_fixture *f, uint64_t va, uint64_t v)
{
    poke(f, va, &v, 8);
    return va;
}

/* OBJECT_ATTRIBUTES for a UTF-8 name. */
static inline uint64_t attrs(struct io_fixture *f, uint64_t root, const char *name)
{
    size_t len;
    uint16_t *wide = utf8_to_utf16(name, strlen(name), &len);
    uint16_t lengths[2] = {(uint16_t)(len * 2), (uint16_t)(len * 2 + 2)};
    poke(f, NAME, wide, len * 2);
    free(wide);
    poke(f, STRING, lengths, 4);
    put64_at(f, STRING + 8, NAME);
    uint64_t oa[6] = {48, root, STRING, OBJ_CASE_INSENSITIVE, 0, 0};
    poke(f, ATTRS, oa, sizeof oa);
    return ATTRS;
}

/* NtCreateFile of a DOS path ("C:\x", which gets \??\ before it) or a full NT name. */
static inline ntstatus create_at(struct io_fixture *f, uint64_t root, const char *name,
                                 uint32_t access, uint32_t share, uint32_t disposition,
                                 uint32_t options, uint64_t *handle)
{
    char full[1024];
    bool dos = !root && name[0] != '\\';
    snprintf(full, sizeof full, "%s%s", dos ? "\\??\\" : "", name);
    ntstatus s = call(f, "NtCreateFile", HANDLE_OUT, access, attrs(f, root, full), IOSB, 0,
                      FILE_ATTRIBUTE_NORMAL, share, disposition, options, 0, 0);
    *handle = s ? 0 : u64_at(f, HANDLE_OUT);
    return s;
}
static inline ntstatus create(struct io_fixture *f, const char *name, uint32_t access,
                              uint32_t disposition, uint32_t options, uint64_t *handle)
{
    return create_at(f, 0, name, access, SHARE, disposition, options, handle);
}
static inline ntstatus open_for(struct io_fixture *f, const char *name, uint32_t access,
                                uint64_t *handle)
{
    return create(f, name, access, FILE_OPEN, SYNC, handle);
}
static inline void close_handle(struct io_fixture *f, uint64_t h)
{
    ok(nt_handle_close(f->k, f->p, h));
}
/* The status of opening for reading; closes again. */
static inline ntstatus try_open(struct io_fixture *f, const char *name)
{
    uint64_t h;
    ntstatus s = open_for(f, name, RD, &h);
    if (!s)
        close_handle(f, h);
    return s;
}

static inline ntstatus read_at(struct io_fixture *f, uint64_t h, uint32_t len, int64_t offset)
{
    return call(f, "NtReadFile", h, 0, 0, 0, IOSB, BUFFER, len,
                offset < 0 ? 0 : put64_at(f, OFFSET, (uint64_t)offset), 0);
}
static inline ntstatus write_at(struct io_fixture *f, uint64_t h, const char *text, int64_t offset)
{
    poke(f, BUFFER, text, strlen(text));
    return call(f, "NtWriteFile", h, 0, 0, 0, IOSB, BUFFER, strlen(text),
                offset < 0 ? 0 : put64_at(f, OFFSET, (uint64_t)offset), 0);
}
#define expect_text(f, text)                                                                       \
    do {                                                                                           \
        char have_[512] = "";                                                                      \
        assert_int_equal(u64_at(f, IOSB + 8), strlen(text));                                       \
        peek(f, BUFFER, have_, strlen(text));                                                      \
        assert_string_equal(have_, text);                                                          \
    } while (0)

static inline ntstatus set_info(struct io_fixture *f, uint64_t h, uint32_t cls, const void *data,
                                uint32_t len)
{
    poke(f, BUFFER, data, len);
    return call(f, "NtSetInformationFile", h, IOSB, BUFFER, len, cls);
}
static inline ntstatus get_info(struct io_fixture *f, uint64_t h, uint32_t cls, uint32_t len)
{
    return call(f, "NtQueryInformationFile", h, IOSB, BUFFER, len, cls);
}
static inline ntstatus delete_on_close(struct io_fixture *f, const char *name)
{
    uint64_t h;
    uint8_t yes = 1;
    ntstatus s = open_for(f, name, DEL | IO_SYNCHRONIZE, &h);
    if (s)
        return s;
    s = set_info(f, h, FileDispositionInformation, &yes, 1);
    close_handle(f, h);
    return s;
}
static inline ntstatus rename_to(struct io_fixture *f, uint64_t h, const char *name, bool replace)
{
    uint8_t raw[600] = {replace};
    size_t len;
    uint16_t *wide = utf8_to_utf16(name, strlen(name), &len);
    uint32_t bytes = (uint32_t)len * 2;
    memcpy(raw + 16, &bytes, 4);
    memcpy(raw + 20, wide, bytes);
    free(wide);
    return set_info(f, h, FileRenameInformation, raw, 20 + bytes);
}
/* All names that a wildcard finds, joined by spaces. */
static inline ntstatus list_dir(struct io_fixture *f, const char *dir, const char *pattern,
                                char out[512])
{
    uint64_t h;
    out[0] = 0;
    ntstatus s = create(f, dir, RD, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE, &h);
    if (s)
        return s;
    attrs(f, 0, pattern);
    for (bool restart = true; !s; restart = false) {
        s = call(f, "NtQueryDirectoryFile", h, 0, 0, 0, IOSB, BUFFER, 4096, FileNamesInformation,
                 false, STRING, restart);
        for (uint32_t at = 0, next = 1; !s && next; at += next) {
            uint16_t name[256];
            uint32_t bytes = u32_at(f, BUFFER + at + 8);
            peek(f, BUFFER + at + 12, name, bytes);
            char *text = utf16_to_utf8(name, bytes / 2, NULL);
            strncat(out, out[0] ? " " : "", 511 - strlen(out));
            strncat(out, text, 511 - strlen(out));
            free(text);
            next = u32_at(f, BUFFER + at);
        }
    }
    close_handle(f, h);
    return s == STATUS_NO_MORE_FILES ? STATUS_SUCCESS : s;
}
#endif

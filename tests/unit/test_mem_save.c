// SPDX-License-Identifier: GPL-2.0-or-later
/* Saving and loading memory, and what hostile snapshots do. */
#include "mem_fixture.h"
#include <fcntl.h>

struct files { /* what the test's opener may open */
    const char *path;
    unsigned opened;
};

static int open_known(void *ctx, const char *path, bool writable)
{
    struct files *files = ctx;
    if (strcmp(path, files->path))
        return -1;
    files->opened++;
    return open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
}

struct saved {
    struct ser ser;
    char path[64]; /* of the file that a section shows */
    uint64_t private, shared, copy, file, image, sparse, reserved;
};

static void make_private(struct mem_fixture *f, struct saved *v)
{
    v->private = reserve(f, 0, 0x500000, PAGE_READWRITE, true);
    ok(put64(f, v->private + 0x1ff8, 11));
    ok(put64(f, v->private + 0x3ff000, 12));
    ok(put64(f, v->private + 0x3000, 0)); /* resident, yet zero */
    ok(protect_range(f, v->private + 0x1000, 0x2000, PAGE_EXECUTE_READ, NULL));
    uint64_t base = v->private + 0x200000, size = 0x10000;
    ok(mem_decommit(f->s, &base, &size));
    v->sparse = reserve(f, 0, 1ull << 40, PAGE_NOACCESS, false);
    base = v->sparse + (1ull << 39), size = 0x400000;
    ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
    ok(put64(f, base, 13));
}

static void make_views(struct mem_fixture *f, struct saved *v)
{
    struct mem_object *o;
    ok(mem_object_anonymous(f->ram, 0x30000, &o));
    mem_object_unref(o); /* ids need not be dense */
    ok(mem_object_anonymous(f->ram, 0x30000, &o));
    v->shared = map(f, o, MEM_MAPPED, PAGE_READWRITE);
    v->copy = map(f, o, MEM_MAPPED, PAGE_WRITECOPY);
    mem_object_unref(o);
    ok(put64(f, v->shared + 0x20000, 21));
    ok(put64(f, v->copy + 0x10000, 22));
    ok(mem_object_image(f->ram, 0x8000, &o));
    ok(mem_object_put_bytes(o, 0x1000, "code", 5));
    v->image = map(f, o, MEM_IMAGE, PAGE_EXECUTE_WRITECOPY);
    mem_object_unref(o);
    ok(mem_set_view_protect(f->s, v->image, 0x2000, PAGE_EXECUTE_READ));
    ok(mem_set_view_protect(f->s, v->image + 0x4000, 0x1000, PAGE_READWRITE));
    ok(mem_object_reserved(f->ram, 0x10000, &o));
    v->reserved = map(f, o, MEM_MAPPED, PAGE_READWRITE);
    mem_object_unref(o);
    uint64_t base = v->reserved + 0x3000, size = 0x1000;
    ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
    ok(put64(f, base, 23));
}

static void make_file(struct mem_fixture *f, struct saved *v, bool writable)
{
    snprintf(v->path, sizeof v->path, "/tmp/peregrine-test-XXXXXX");
    int fd = mkstemp(v->path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0x3000), 0);
    uint64_t x = 31;
    assert_int_equal(pwrite(fd, &x, 8, 0x1000), 8);
    struct mem_object *o;
    ok(mem_object_file(f->ram, fd, 0, 0x3000, writable, &o));
    v->file = map(f, o, MEM_MAPPED, writable ? PAGE_READWRITE : PAGE_READONLY);
    mem_object_unref(o);
    close(fd);
}

static void save(struct mem_fixture *f, struct ser *s)
{
    ser_begin_save(s);
    mem_ram_transfer(s, f->ram);
    mem_transfer(s, f->s);
    assert_false(s->failed);
}

/* Loads into a new RAM and space; false when the snapshot was refused. */
static bool load(struct mem_fixture *f, const void *data, size_t len, struct files *files)
{
    *f = (struct mem_fixture){0};
    assert_int_equal(mem_ram_create(&f->ram, 64 * GIB, NULL), PGR_OK);
    f->s = new_space(f->ram);
    if (files)
        mem_ram_set_opener(f->ram, open_known, files);
    struct ser s;
    ser_begin_load(&s, data, len);
    mem_ram_transfer(&s, f->ram);
    if (!s.failed)
        mem_transfer(&s, f->s);
    bool all = s.at == s.len;
    if (s.failed)
        assert_true(strlen(s.error.text) > 10);
    return !s.failed && all;
}

static void drop(struct mem_fixture *f)
{
    mem_destroy(f->s);
    mem_ram_destroy(f->ram);
}

static void assert_same_layout(struct mem_fixture *a, struct mem_fixture *b)
{
    for (uint64_t va = 0; va <= HIGHEST;) {
        struct mem_info x = query(a, va), y = query(b, va);
        assert_memory_equal(&x, &y, sizeof x);
        va = x.base + x.size;
    }
    struct mem_stats x, y;
    mem_get_stats(a->s, &x);
    mem_get_stats(b->s, &y);
    assert_memory_equal(&x, &y, sizeof x);
}

static void what_was_saved_is_what_is_loaded(void **state)
{
    struct mem_fixture *f = *state, g;
    struct saved v;
    make_private(f, &v);
    make_views(f, &v);
    make_file(f, &v, true);
    struct files files = {v.path, 0};
    save(f, &v.ser);
    assert_in_range(v.ser.len, 5 * MEM_PAGE, 12 * MEM_PAGE); /* not the zero pages */
    assert_true(load(&g, v.ser.data, v.ser.len, &files));
    assert_int_equal(files.opened, 1);
    assert_same_layout(f, &g);
    assert_int_equal(get64(&g, v.private + 0x1ff8), 11);
    assert_int_equal(get64(&g, v.private + 0x3ff000), 12);
    assert_int_equal(get64(&g, v.sparse + (1ull << 39)), 13);
    assert_int_equal(get64(&g, v.shared + 0x20000), 21);
    assert_int_equal(get64(&g, v.copy + 0x20000), 21);
    assert_int_equal(get64(&g, v.copy + 0x10000), 22);
    assert_int_equal(get64(&g, v.shared + 0x10000), 0);
    assert_int_equal(get64(&g, v.image + 0x1000), 'c' | 'o' << 8 | 'd' << 16 | 'e' << 24);
    assert_int_equal(get64(&g, v.reserved + 0x3000), 23);
    assert_int_equal(get64(&g, v.file + 0x1000), 31);
    struct ser again;
    save(&g, &again);
    assert_int_equal(again.len, v.ser.len);
    assert_memory_equal(again.data, v.ser.data, again.len);
    ok(put64(&g, v.file, 32)); /* both show the file */
    assert_int_equal(get64(f, v.file), 32);
    ok(put64(&g, v.shared, 33)); /* shared still */
    assert_int_equal(get64(&g, v.copy), 33);
    drop(&g);
    ser_end(&again);
    ser_end(&v.ser);
    unlink(v.path);
}

static void objects_keep_their_ids_and_wait_to_be_asked_for(void **state)
{
    struct mem_fixture *f = *state, g;
    struct mem_object *o, *p;
    ok(mem_object_anonymous(f->ram, 0x1000, &o));
    ok(mem_object_anonymous(f->ram, 0x2000, &p));
    mem_object_bytes(p)[0x1fff] = 9;
    uint32_t id = mem_object_id(p);
    assert_int_not_equal(id, 0);
    struct ser s;
    save(f, &s);
    assert_true(load(&g, s.data, s.len, NULL));
    struct mem_object *q = mem_object_find(g.ram, id);
    assert_non_null(q);
    assert_int_equal(mem_object_size(q), 0x2000);
    assert_int_equal(mem_object_bytes(q)[0x1fff], 9);
    mem_object_unref(q);
    assert_null(mem_object_find(g.ram, id)); /* that was the last reference */
    assert_null(mem_object_find(g.ram, 12345));
    drop(&g);
    ser_end(&s);
    mem_object_unref(o);
    mem_object_unref(p);
}

static void a_file_opens_only_through_the_opener(void **state)
{
    struct mem_fixture *f = *state, g;
    struct saved v;
    make_file(f, &v, true);
    save(f, &v.ser);
    assert_false(load(&g, v.ser.data, v.ser.len, NULL));
    drop(&g);
    struct files none = {"/nowhere", 0};
    assert_false(load(&g, v.ser.data, v.ser.len, &none));
    drop(&g);
    ser_end(&v.ser);
    unlink(v.path);
    save(f, &v.ser); /* the file has no name now: its contents are saved */
    assert_true(load(&g, v.ser.data, v.ser.len, NULL));
    assert_int_equal(get64(&g, v.file + 0x1000), 31);
    drop(&g);
    ser_end(&v.ser);
}

static void a_file_only_read_needs_not_be_there(void **state)
{
    struct mem_fixture *f = *state, g;
    struct saved v;
    make_file(f, &v, false);
    save(f, &v.ser);
    struct files files = {v.path, 0};
    for (int i = 0; i < 2; i++) {
        assert_true(load(&g, v.ser.data, v.ser.len, i ? &files : NULL));
        assert_int_equal(get64(&g, v.file + 0x1000), 31);
        assert_same_layout(f, &g);
        drop(&g);
    }
    assert_int_equal(files.opened, 1);
    ser_end(&v.ser);
    unlink(v.path);
}

static void other_limits_are_refused(void **state)
{
    struct mem_fixture *f = *state;
    struct ser s, l;
    save(f, &s);
    struct mem_ram *ram;
    struct mem_space *space;
    struct mem_config cfg = {.lowest = 0x10000, .highest = 0x7ffeffff, .ptr_size = 4};
    assert_int_equal(mem_ram_create(&ram, GIB, NULL), PGR_OK);
    cfg.ram = ram;
    assert_int_equal(mem_create(&cfg, &space, NULL), PGR_OK);
    ser_begin_load(&l, s.data, s.len);
    mem_ram_transfer(&l, ram);
    assert_false(l.failed);
    mem_transfer(&l, space);
    assert_true(l.failed);
    mem_destroy(space);
    mem_ram_destroy(ram);
    ser_end(&s);
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void damaged_snapshots_are_refused_or_harmless(void **state)
{
    struct mem_fixture *f = *state, g;
    struct saved v;
    make_private(f, &v);
    make_views(f, &v);
    save(f, &v.ser);
    size_t step = v.ser.len / 150 + 1;
    for (size_t len = 0; len < v.ser.len; len += step) {
        assert_false(load(&g, v.ser.data, len, NULL));
        drop(&g);
    }
    uint64_t seed = 0x1234567;
    uint8_t *data = xmalloc(v.ser.len);
    for (int i = 0; i < 600; i++) {
        memcpy(data, v.ser.data, v.ser.len);
        for (unsigned k = 0; k <= next_random(&seed) % 3; k++)
            data[next_random(&seed) % v.ser.len] = (uint8_t)(next_random(&seed) >> (i % 2 ? 0 : 7));
        if (load(&g, data, v.ser.len, NULL)) { /* whatever it is now, it can be used */
            put64(&g, v.private, 1);
            put64(&g, v.image + 0x1000, 1);
            put64(&g, v.copy + 0x8000, 1);
        }
        drop(&g);
    }
    free(data);
    ser_end(&v.ser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mem_test(what_was_saved_is_what_is_loaded),
        mem_test(objects_keep_their_ids_and_wait_to_be_asked_for),
        mem_test(a_file_opens_only_through_the_opener),
        mem_test(a_file_only_read_needs_not_be_there),
        mem_test(other_limits_are_refused),
        mem_test(damaged_snapshots_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

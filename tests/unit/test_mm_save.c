// SPDX-License-Identifier: GPL-2.0-or-later
#include "mm_fixture.h"
#include "pe/build.h"

static const uint16_t path[] = u"\\??\\C:\\demo.dll";

static int build_dll(void)
{
    size_t size;
    struct pe_builder *b = pe_build_new(&(struct pe_build_options){
        .machine = IMAGE_FILE_MACHINE_AMD64, .dll = true, .name = "demo.dll", .file_align = 4096});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA);
    pe_build_append(b, text, "code", 4, 16);
    pe_build_append(b, data, "data", 4, 16);
    uint8_t *bytes = pe_build_finish(b, &size);
    int fd = temp_file(bytes, size);
    free(bytes);
    return fd;
}

static void transfer(struct mm_fixture *f, struct ser *s)
{
    mem_ram_transfer(s, f->ram);
    mem_transfer(s, f->p->mem);
    nt_mm_transfer(f->k, s);
    struct nt_object *o = NULL;
    nt_id id = 0;
    /* the only section there is */
    if (!s->loading) {
        struct nt_view v;
        assert_true(nt_image_at(f->k, f->p, 0x180000000, &v));
        id = v.section;
        o = nt_object_get(f->k, id, NT_TYPE_SECTION);
    }
    SER(s, id);
    if (s->loading) {
        o = nt_object_new(f->k, NT_TYPE_SECTION);
        while (o->id != id) { /* as the object table would give it the same id */
            assert_true(o->id < id);
            o = nt_object_new(f->k, NT_TYPE_SECTION);
        }
    }
    nt_type_section.transfer(f->k, s, o);
}

/* A fixture whose RAM and space are as new. */
static struct mm_fixture *mm_empty(void)
{
    struct mm_fixture *f = mm_new(8);
    struct mem_config mc = {
        .ram = f->ram, .lowest = 0x10000, .highest = 0x7ffffffeffffull, .ptr_size = 8};
    mem_destroy(f->p->mem);
    assert_int_equal(mem_create(&mc, &f->p->mem, NULL), PGR_OK);
    f->c.mem = f->p->mem;
    return f;
}

static void images_and_notes_survive_a_snapshot(void **state)
{
    struct mm_fixture *f = mm_new(8), *g = mm_empty();
    struct nt_image_info info;
    struct nt_view v;
    struct ser out, in;
    int fd = build_dll();
    ok(nt_map_image_file(f->k, f->p, fd, path, ARRAY_LEN(path) - 1, &info, NULL));
    put_u32(f, info.base + 0x2000, 77);
    uint64_t watched = alloc(f, 0x4000, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH);
    put_u32(f, watched + 0x1000, 1);
    ok(call(f, "NtResetWriteWatch", SELF, watched, 0x4000));

    ser_begin_save(&out);
    transfer(f, &out);
    ser_begin_load(&in, out.data, out.len);
    transfer(g, &in);
    if (in.failed)
        fail_msg("%s", in.error.text);

    assert_true(nt_image_at(g->k, g->p, info.base + 0x1000, &v));
    assert_int_equal(v.path_len, ARRAY_LEN(path) - 1);
    assert_memory_equal(v.path, path, sizeof path);
    assert_int_equal(u32_at(g, info.base + 0x2000), 77);
    assert_int_equal(u32_at(g, info.base + 0x1000), 0x65646f63); /* "code" */
    /* the file is known still: a new view has the same pages, unwritten */
    expect(nt_map_image_file(g->k, g->p, fd, path, ARRAY_LEN(path) - 1, &info, NULL),
           STATUS_IMAGE_NOT_AT_BASE);
    assert_int_equal(u32_at(g, info.base + 0x2000), 0x61746164); /* "data" */
    assert_int_equal(info.section_base, 0x180000000);
    if (g->p->o.id == f->p->o.id) {
        put_u32(g, watched + 0x2000, 1);
        set(g, 3, 16);
        ok(call(g, "NtGetWriteWatch", SELF, 0, watched, 0x4000, slot(8), slot(3), slot(4)));
        assert_int_equal(get(g, 3), 1);
        assert_int_equal(get(g, 8), watched + 0x2000);
    }
    close(fd);
    ser_end(&in);
    ser_end(&out);
    void *one = f, *two = g;
    mm_teardown(&one);
    mm_teardown(&two);
}

static void a_damaged_snapshot_is_refused(void **state)
{
    struct mm_fixture *f = mm_new(8);
    struct nt_image_info info;
    struct ser out, in;
    int fd = build_dll();
    ok(nt_map_image_file(f->k, f->p, fd, path, ARRAY_LEN(path) - 1, &info, NULL));
    close(fd);
    ser_begin_save(&out);
    nt_mm_transfer(f->k, &out);
    for (size_t cut = 0; cut < out.len; cut += 7) {
        struct mm_fixture *g = mm_empty();
        ser_begin_load(&in, out.data, cut);
        nt_mm_transfer(g->k, &in);
        assert_true(in.failed);
        ser_end(&in);
        void *one = g;
        mm_teardown(&one);
    }
    ser_end(&out);
    void *one = f;
    mm_teardown(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_and_notes_survive_a_snapshot),
        cmocka_unit_test(a_damaged_snapshot_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

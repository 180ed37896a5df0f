// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of a DLL's exports when it is mapped, without a guest that runs. */
#include "hook/internal.h"
#include "mm_fixture.h"
#include "pe/build.h"

enum { MANY = 70 };

/* Who listens. */
struct wish {
    const char *only; /* NULL: all */
    enum hook_share share;
    unsigned asked, forgotten;
    bool late;
};

static bool wants(void *ctx, struct hook_symbol *s)
{
    struct wish *w = ctx;
    w->asked++;
    s->user[0] = w;
    return !w->only || (s->name && !strcmp(s->name, w->only));
}

static enum hook_answer enter(void *ctx, struct nt_thread *t, struct hook_call *c)
{
    return HOOK_GO_ON;
}

static void forget(void *ctx, struct hook_symbol *s)
{
    ((struct wish *)ctx)->forgotten++;
    s->user[0] = NULL;
}

static enum hook_share share(void *ctx, const struct hook_module *m)
{
    return ((const struct wish *)ctx)->share;
}

struct dll {
    uint64_t base, size;
    struct hook_module *module;
};

struct watched {
    struct mm_fixture *f;
    struct hooks *h;
    struct wish wish;
};

static struct watched watch(struct mm_fixture *f)
{
    f->k->cfg.intercept = true;
    return (struct watched){.f = f, .h = hooks_create(f->k)};
}

static void listen(struct watched *w)
{
    hooks_listen(w->h, 0,
                 &(struct hook_listener){.ctx = &w->wish,
                                         .wants = wants,
                                         .enter = enter,
                                         .forget = forget,
                                         .share = w->wish.share ? share : NULL});
}

static void end(struct watched *w)
{
    hooks_destroy(w->h);
}

/* Ordinals: 1 alpha, 2 beta, 3 the code of alpha again, 4 data, 5 __chkstk, 6 nameless, 7 to
 * ntdll's code, 8 to its data, from 10 on many, and 90 is 91. */
static uint8_t *library(const struct mm_fixture *f, size_t *size)
{
    struct pe_builder *b = pe_build_new(&(struct pe_build_options){
        .machine = f->p->ptr_size == 8 ? IMAGE_FILE_MACHINE_AMD64 : 0x14c,
        .dll = true,
        .name = "sample.dll",
        .file_align = 4096});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA);
    pe_build_append(b, text, NULL, 0x1000, 16);
    pe_build_append(b, data, "data", 4, 16);
    pe_build_export(b, "alpha", 1, text, 0x10);
    pe_build_export(b, "beta", 2, text, 0x20);
    pe_build_export(b, "another", 3, text, 0x10);
    pe_build_export(b, "number", 4, data, 0);
    pe_build_export(b, "__chkstk", 5, text, 0x30);
    pe_build_export(b, NULL, 6, text, 0x40);
    pe_build_forward(b, "forward", 7, "NTDLL.RtlCode");
    pe_build_forward(b, "variable", 8, "NTDLL.RtlData");
    for (uint16_t i = 0; i < MANY; i++) { /* in another order than by their names */
        char name[16];
        snprintf(name, sizeof name, "many%02u", (i * 37u) % MANY);
        pe_build_export(b, name, (uint16_t)(10 + i), text, 0x100 + i * 16u);
    }
    pe_build_export(b, "text", 90, text, 0x90);
    pe_build_export(b, "textA", 91, text, 0x90);
    return pe_build_finish(b, size);
}

static uint8_t *system_library(const struct mm_fixture *f, size_t *size)
{
    struct pe_builder *b = pe_build_new(&(struct pe_build_options){
        .machine = f->p->ptr_size == 8 ? IMAGE_FILE_MACHINE_AMD64 : 0x14c,
        .dll = true,
        .name = "ntdll.dll",
        .file_align = 4096});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA);
    /* Not of the sample's size: files of one inode, size and time are one image. */
    pe_build_append(b, text, NULL, 0x2000, 16);
    pe_build_append(b, data, "data", 4, 16);
    pe_build_export(b, "RtlCode", 0, text, 0x10);
    pe_build_export(b, "RtlData", 0, data, 0);
    return pe_build_finish(b, size);
}

static struct dll map(struct watched *w, int fd, const uint16_t *path)
{
    struct nt_image_info info;
    size_t len = 0;
    while (path[len])
        len++;
    ntstatus s = nt_map_image_file(w->f->k, w->f->p, fd, path, len, &info, NULL);
    assert_true(nt_success(s));
    hooks_image(w->h, w->f->p, info.base, info.size, path, len, true);
    return (struct dll){info.base, info.size, hooks_module_at(w->h, w->f->p, info.base)};
}

static struct dll map_library(struct watched *w)
{
    size_t size;
    uint8_t *bytes = library(w->f, &size);
    int fd = temp_file(bytes, size);
    free(bytes);
    struct dll d = map(w, fd, u"\\??\\C:\\windows\\system32\\sample.dll");
    close(fd);
    return d;
}

static struct dll map_system(struct watched *w)
{
    size_t size;
    uint8_t *bytes = system_library(w->f, &size);
    int fd = temp_file(bytes, size);
    free(bytes);
    struct dll d = map(w, fd, u"\\??\\C:\\windows\\system32\\ntdll.dll");
    close(fd);
    return d;
}

static uint32_t peek32(struct watched *w, uint64_t va)
{
    uint32_t v = 0;
    assert_true(mem_peek(w->f->p->mem, va, &v, sizeof v));
    return v;
}

/* Of the guest's copy of the table. */
static uint64_t exported(struct watched *w, const struct dll *d, uint32_t ordinal)
{
    uint64_t nt = d->base + peek32(w, d->base + 0x3c);
    uint64_t directory = d->base + peek32(w, nt + (w->f->p->ptr_size == 8 ? 0x88 : 0x78));
    uint64_t functions = d->base + peek32(w, directory + 28);
    return d->base + peek32(w, functions + 4 * (ordinal - peek32(w, directory + 16)));
}

static uint64_t text_of(const struct dll *d)
{
    return d->base + 0x1000;
}

/* Where a thunk's call goes. */
static uint64_t called_from(struct watched *w, uint64_t thunk)
{
    uint8_t code[8];
    int32_t distance;
    uint64_t to = 0;
    ok(mem_read(w->f->p->mem, thunk, code, sizeof code));
    if (w->f->p->ptr_size == 4) {
        assert_int_equal(code[0], 0xe8);
        memcpy(&distance, code + 1, 4);
        return (uint32_t)(thunk + 5 + (uint64_t)distance);
    }
    assert_int_equal(code[0], 0xff);
    assert_int_equal(code[1], 0x15);
    memcpy(&distance, code + 2, 4);
    ok(mem_read(w->f->p->mem, thunk + 6 + (uint64_t)distance, &to, sizeof to));
    return to;
}

/* The symbol whose thunk stands in the table. */
static struct hook_symbol *symbol_of(struct watched *w, const struct dll *d, uint32_t ordinal)
{
    uint64_t thunk = exported(w, d, ordinal);
    assert_true(thunk >= d->module->thunks);
    assert_int_equal(called_from(w, thunk), hook_gate_address(GATE_CALL));
    struct hook_symbol *s = hook_thunk_at(w->h, w->f->p, thunk + (w->f->p->ptr_size == 8 ? 6 : 5));
    assert_non_null(s);
    assert_int_equal(s->ordinal, ordinal);
    return s;
}

static void check_thunks(struct watched *w, const struct dll *d)
{
    assert_string_equal(symbol_of(w, d, 1)->name, "alpha");
    assert_int_equal(symbol_of(w, d, 1)->address, text_of(d) + 0x10);
    assert_string_equal(symbol_of(w, d, 2)->name, "beta");
    assert_int_equal(exported(w, d, 3), exported(w, d, 1));
    assert_int_equal(exported(w, d, 4), d->base + 0x2000);
    assert_int_equal(exported(w, d, 5), text_of(d) + 0x30);
    assert_null(symbol_of(w, d, 6)->name);
    assert_true(exported(w, d, 7) < d->module->thunks);
    for (uint16_t i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "many%02u", (i * 37u) % MANY);
        assert_string_equal(symbol_of(w, d, 10u + i)->name, name);
        assert_int_equal(symbol_of(w, d, 10u + i)->address, text_of(d) + 0x100 + i * 16u);
    }
}

static void functions_get_thunks_and_data_and_helpers_of_compilers_do_not(void **state)
{
    struct watched w = watch(*state);
    listen(&w);
    struct dll d = map_library(&w);
    assert_int_equal(w.wish.asked, w.wish.forgotten); /* of what nobody called nothing is kept */
    check_thunks(&w, &d);
    end(&w);
    assert_int_equal(w.wish.asked, w.wish.forgotten);
}

static void who_wants_all_is_not_asked_about_each(void **state)
{
    struct watched w = watch(*state);
    w.wish.share = HOOK_ALL;
    listen(&w);
    struct dll d = map_library(&w);
    assert_int_equal(w.wish.asked, 0);
    check_thunks(&w, &d);
    end(&w);
}

static bool nobody(void *ctx, struct hook_symbol *s)
{
    ((struct wish *)ctx)->asked++;
    return false;
}

static enum hook_share late(void *ctx, const struct hook_module *m)
{
    return ((const struct wish *)ctx)->late ? HOOK_ALL : HOOK_NONE;
}

static void a_module_of_which_nothing_is_wanted_stays_as_it_is_until_something_is(void **state)
{
    struct watched w = watch(*state);
    struct mem_info mi;
    hooks_listen(
        w.h, 0,
        &(struct hook_listener){.ctx = &w.wish, .wants = nobody, .enter = enter, .share = late});
    hooks_begin(w.h, w.f->p);
    struct dll d = map_library(&w);
    assert_int_equal(exported(&w, &d, 1), text_of(&d) + 0x10);
    ok(mem_query(w.f->p->mem, d.module->thunks, &mi));
    assert_int_equal(mi.protect, PAGE_NOACCESS);
    w.wish.late = true;
    hooks_ask_again(w.h);
    assert_int_equal(w.wish.asked, 0);
    check_thunks(&w, &d);
    ok(mem_query(w.f->p->mem, d.module->thunks, &mi));
    assert_int_equal(mi.protect, PAGE_EXECUTE_READ);
    end(&w);
}

/* Its alias as well: both are one address to the guest. */
static void one_function_alone_has_a_thunk(void **state)
{
    struct watched w = watch(*state);
    w.wish.only = "another";
    listen(&w);
    struct dll d = map_library(&w);
    assert_string_equal(symbol_of(&w, &d, 3)->name, "another");
    assert_int_equal(exported(&w, &d, 1), exported(&w, &d, 3));
    assert_int_equal(exported(&w, &d, 2), text_of(&d) + 0x20);
    assert_int_equal(exported(&w, &d, 10), text_of(&d) + 0x100);
    end(&w);
}

/* kernel32 has lstrcpy beside lstrcpyA: headers, and so prototypes, know the latter alone. */
static void a_function_is_told_by_the_name_that_headers_know_and_heard_by_any(void **state)
{
    struct watched w = watch(*state);
    w.wish.share = HOOK_ALL;
    listen(&w);
    struct dll d = map_library(&w);
    const struct hook_symbol *s = symbol_of(&w, &d, 90);
    assert_int_equal(exported(&w, &d, 91), exported(&w, &d, 90));
    assert_string_equal(s->name, "textA");
    assert_memory_equal(s->also, "text\0", 6);
    assert_memory_equal(symbol_of(&w, &d, 1)->also, "another\0", 9);
    assert_null(symbol_of(&w, &d, 2)->also);
    end(&w);
}

static void who_hears_of_one_name_hears_of_calls_by_another(void **state)
{
    struct watched w = watch(*state);
    w.wish.only = "text";
    listen(&w);
    struct dll d = map_library(&w);
    struct hook_symbol *s = symbol_of(&w, &d, 90);
    assert_string_equal(s->name, "textA");
    assert_true(hook_ask_listeners(w.h, s));
    assert_int_equal(exported(&w, &d, 91), exported(&w, &d, 90));
    end(&w);
}

static void forwarders_get_thunks_when_there_is_code_where_they_lead(void **state)
{
    struct watched w = watch(*state);
    w.wish.share = HOOK_ALL;
    listen(&w);
    struct dll d = map_library(&w);
    uint64_t forward = exported(&w, &d, 7), variable = exported(&w, &d, 8);
    struct dll system = map_system(&w);
    assert_int_not_equal(exported(&w, &d, 7), forward);
    assert_int_equal(exported(&w, &d, 8), variable);
    struct hook_symbol *s = symbol_of(&w, &d, 7);
    assert_string_equal(s->name, "forward");
    assert_int_equal(hook_target(w.h, w.f->p, s), text_of(&system) + 0x10);
    end(&w);
}

static void names_and_addresses_lead_to_each_other(void **state)
{
    struct watched w = watch(*state);
    uint64_t offset;
    w.wish.share = HOOK_ALL;
    listen(&w);
    struct dll d = map_library(&w), system = map_system(&w);
    assert_int_equal(hooks_address_of(w.h, w.f->p, "sample!beta"), text_of(&d) + 0x20);
    assert_int_equal(hooks_address_of(w.h, w.f->p, "beta"), text_of(&d) + 0x20);
    assert_int_equal(hooks_address_of(w.h, w.f->p, "sample!#6"), text_of(&d) + 0x40);
    assert_int_equal(hooks_address_of(w.h, w.f->p, "forward"), text_of(&system) + 0x10);
    assert_int_equal(hooks_address_of(w.h, w.f->p, "variable"), 0);
    assert_int_equal(hooks_address_of(w.h, w.f->p, "number"), 0);
    assert_string_equal(hooks_symbol_near(w.h, d.module, text_of(&d) + 0x2a, &offset), "beta");
    assert_int_equal(offset, 10);
    assert_string_equal(hooks_symbol_near(w.h, d.module, text_of(&d) + 0x10, &offset), "alpha");
    assert_string_equal(hooks_symbol_near(w.h, d.module, text_of(&d), &offset), "");
    assert_int_equal(offset, 0x1000);
    end(&w);
}

/* 32-bit thunks are calls with a distance: they are not those of a view elsewhere. */
static void views_at_other_places_have_thunks_of_their_own(void **state)
{
    struct watched w = watch(*state);
    size_t size;
    uint8_t *bytes = library(w.f, &size);
    int fd = temp_file(bytes, size);
    free(bytes);
    w.wish.share = HOOK_ALL;
    listen(&w);
    struct dll a = map(&w, fd, u"\\??\\C:\\windows\\system32\\sample.dll");
    struct dll b = map(&w, fd, u"\\??\\C:\\windows\\system32\\sample.dll");
    assert_int_not_equal(a.base, b.base);
    check_thunks(&w, &a);
    check_thunks(&w, &b);
    close(fd);
    end(&w);
}

static void what_is_unmapped_has_no_thunks_any_more(void **state)
{
    struct watched w = watch(*state);
    w.wish.share = HOOK_ALL;
    listen(&w);
    struct dll d = map_library(&w);
    uint64_t back = exported(&w, &d, 2) + (w.f->p->ptr_size == 8 ? 6 : 5);
    assert_non_null(hook_thunk_at(w.h, w.f->p, back));
    hooks_image(w.h, w.f->p, d.base, d.size, NULL, 0, false);
    assert_null(hook_thunk_at(w.h, w.f->p, back));
    assert_int_equal(w.wish.asked, w.wish.forgotten);
    end(&w);
}

#define T(name)   cmocka_unit_test_setup_teardown(name, mm_setup, mm_teardown)
#define T32(name) cmocka_unit_test_setup_teardown(name, mm_setup32, mm_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(functions_get_thunks_and_data_and_helpers_of_compilers_do_not),
        T32(functions_get_thunks_and_data_and_helpers_of_compilers_do_not),
        T(a_function_is_told_by_the_name_that_headers_know_and_heard_by_any),
        T32(a_function_is_told_by_the_name_that_headers_know_and_heard_by_any),
        T(who_hears_of_one_name_hears_of_calls_by_another),
        T(who_wants_all_is_not_asked_about_each),
        T32(who_wants_all_is_not_asked_about_each),
        T(a_module_of_which_nothing_is_wanted_stays_as_it_is_until_something_is),
        T(one_function_alone_has_a_thunk),
        T(forwarders_get_thunks_when_there_is_code_where_they_lead),
        T(names_and_addresses_lead_to_each_other),
        T(views_at_other_places_have_thunks_of_their_own),
        T32(views_at_other_places_have_thunks_of_their_own),
        T(what_is_unmapped_has_no_thunks_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

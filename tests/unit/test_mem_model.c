// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random operations against a model that is too simple to be wrong: one record for each page of a
 * small space. After every few operations all queries and all contents must agree.
 */
#include "mem_fixture.h"

enum {
    FIRST = 0x10,  /* page number of the lowest address */
    PAGES = 0xc00, /* 12 MiB: six chunks */
    OBJECT_PAGES = 0x30,
    OBJECTS = 3,
    STEPS = 12000,
    CHECK_EVERY = 40,
};

struct model_page {
    uint32_t state, protect, alloc_protect, type; /* state 0: free */
    uint32_t base;                                /* page number of the region */
    uint32_t object, object_page;
    bool copied;
    uint64_t value; /* first eight bytes, when private or copied */
};

struct model {
    struct mem_ram *ram;
    struct mem_space *s;
    struct mem_object *object[OBJECTS];
    uint64_t shared[OBJECTS][OBJECT_PAGES]; /* first eight bytes */
    struct model_page page[PAGES];
    bool visible[PAGES]; /* an engine may have it mapped */
    uint64_t seed;
    unsigned succeeded, failed;
};

static uint64_t roll(struct model *m, uint64_t below)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (m->seed >> 11) % below;
}

static uint32_t pick(struct model *m, const uint32_t *from, size_t n)
{
    return from[roll(m, n)];
}

static uint32_t any_protect(struct model *m)
{
    static const uint32_t protects[] = {PAGE_NOACCESS,     PAGE_READONLY,
                                        PAGE_READWRITE,    PAGE_READWRITE,
                                        PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE,
                                        PAGE_WRITECOPY,    PAGE_EXECUTE_WRITECOPY,
                                        PAGE_EXECUTE,      PAGE_READWRITE | PAGE_GUARD};
    return pick(m, protects, ARRAY_LEN(protects));
}

static bool copies(uint32_t protect)
{
    return protect & (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY);
}

static uint32_t uncopied(uint32_t protect)
{
    return protect == PAGE_WRITECOPY           ? PAGE_READWRITE
           : protect == PAGE_EXECUTE_WRITECOPY ? PAGE_EXECUTE_READWRITE
                                               : protect;
}

static bool writable(uint32_t protect)
{
    return protect & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE) || copies(protect);
}

static uint64_t address(uint32_t page)
{
    return (uint64_t)(FIRST + page) * MEM_PAGE;
}

static uint32_t region_end(const struct model *m, uint32_t page)
{
    uint32_t base = m->page[page].base, end = page;
    while (end < PAGES && m->page[end].state && m->page[end].base == base)
        end++;
    return end;
}

/* Mostly a committed page. */
static uint32_t any_page(struct model *m)
{
    uint32_t i = (uint32_t)roll(m, PAGES);
    for (int tries = 0; tries < 5 && m->page[i].state != MEM_COMMIT; tries++)
        i = (uint32_t)roll(m, PAGES);
    return i;
}

/* A range of pages, mostly inside one region when it begins in one. */
static void any_range(struct model *m, uint32_t *first, uint32_t *count)
{
    *first = (uint32_t)roll(m, PAGES);
    *count = 1 + (uint32_t)roll(m, roll(m, 4) ? 24 : 1400);
    if (!m->page[*first].state)
        return;
    if (roll(m, 2)) /* exactly a region's start */
        *first = m->page[*first].base;
    if (roll(m, 5))
        *count = MIN(*count, region_end(m, *first) - *first);
}

/* The whole range lies in the region of its first page. */
static bool one_region(const struct model *m, uint32_t first, uint32_t count)
{
    return m->page[first].state && first + count <= region_end(m, first);
}

static void expect_status(struct model *m, ntstatus got, ntstatus want)
{
    expect(got, want);
    if (got)
        m->failed++;
    else
        m->succeeded++;
}

static void invalidated(void *ctx, uint64_t va, uint64_t len)
{
    struct model *m = ctx;
    for (uint64_t v = va / MEM_PAGE; v < (va + len) / MEM_PAGE; v++)
        m->visible[v - FIRST] = false;
}

static bool is_free(const struct model *m, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        if (m->page[i].state)
            return false;
    return true;
}

static uint32_t lowest_hole(const struct model *m, uint32_t count)
{
    for (uint32_t i = 0; i + count <= PAGES; i += 16)
        if (is_free(m, i, count))
            return i;
    return UINT32_MAX;
}

static ntstatus expect_place(const struct model *m, bool fixed, uint32_t *first, uint32_t *count)
{
    if (!fixed) {
        *first = lowest_hole(m, *count);
        return *first == UINT32_MAX ? STATUS_NO_MEMORY : STATUS_SUCCESS;
    }
    *count += *first % 16;
    *first -= *first % 16;
    if (*first + *count > PAGES)
        return STATUS_INVALID_PARAMETER;
    return is_free(m, *first, *count) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES;
}

static void do_reserve(struct model *m)
{
    uint32_t first, count, protect = any_protect(m);
    any_range(m, &first, &count);
    bool fixed = roll(m, 2), commit = roll(m, 2);
    uint64_t base = fixed ? address(first) : 0, size = count * (uint64_t)MEM_PAGE;
    ntstatus got = mem_reserve(m->s, &base, &size, protect, commit, NULL);
    if (copies(protect)) {
        expect_status(m, got, STATUS_INVALID_PAGE_PROTECTION);
        return;
    }
    expect_status(m, got, expect_place(m, fixed, &first, &count));
    if (got)
        return;
    assert_int_equal(base, address(first));
    assert_int_equal(size, count * (uint64_t)MEM_PAGE);
    for (uint32_t i = first; i < first + count; i++)
        m->page[i] = (struct model_page){.state = commit ? MEM_COMMIT : MEM_RESERVE,
                                         .protect = protect,
                                         .alloc_protect = protect,
                                         .type = MEM_PRIVATE,
                                         .base = first};
}

static void do_map(struct model *m)
{
    static const uint32_t protects[] = {PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
                                        PAGE_EXECUTE_READWRITE};
    uint32_t first, count, ignored, protect = pick(m, protects, ARRAY_LEN(protects));
    uint32_t object = (uint32_t)roll(m, OBJECTS), offset = (uint32_t)roll(m, OBJECT_PAGES);
    any_range(m, &first, &ignored);
    bool fixed = roll(m, 2);
    first -= first % 16;
    count = OBJECT_PAGES - offset;
    uint64_t base = fixed ? address(first) : 0, size = roll(m, 2) ? 0 : count * (uint64_t)MEM_PAGE;
    ntstatus got = mem_map_view(m->s, m->object[object], offset * (uint64_t)MEM_PAGE, &base, &size,
                                MEM_MAPPED, protect, object, NULL);
    expect_status(m, got, expect_place(m, fixed, &first, &count));
    for (uint32_t i = first; !got && i < first + count; i++)
        m->page[i] = (struct model_page){.state = MEM_COMMIT,
                                         .protect = protect,
                                         .alloc_protect = protect,
                                         .type = MEM_MAPPED,
                                         .base = first,
                                         .object = object,
                                         .object_page = offset + i - first};
}

static ntstatus view_allows(const struct model_page *p, uint32_t protect)
{
    static const uint32_t none = PAGE_NOACCESS,
                          read = PAGE_NOACCESS | PAGE_READONLY | PAGE_WRITECOPY;
    uint32_t base = protect & 0xff;
    if (p->type != MEM_MAPPED)
        return copies(protect) ? STATUS_INVALID_PAGE_PROTECTION : STATUS_SUCCESS;
    uint32_t allowed = p->alloc_protect == PAGE_EXECUTE_READWRITE ? 0xff
                       : p->alloc_protect == PAGE_READWRITE       ? read | PAGE_READWRITE
                                                                  : read | none;
    return allowed & base ? STATUS_SUCCESS : STATUS_SECTION_PROTECTION;
}

static void set_protect(struct model_page *p, uint32_t protect)
{
    p->protect = p->copied ? uncopied(protect) : protect;
}

static void do_commit(struct model *m)
{
    uint32_t first, count, protect = any_protect(m);
    any_range(m, &first, &count);
    if (first + count > PAGES)
        return;
    uint64_t base = address(first), size = count * (uint64_t)MEM_PAGE;
    ntstatus want = one_region(m, first, count) ? view_allows(&m->page[first], protect)
                                                : STATUS_CONFLICTING_ADDRESSES;
    expect_status(m, mem_commit(m->s, &base, &size, protect), want);
    for (uint32_t i = first; !want && i < first + count; i++) {
        if (m->page[i].state == MEM_RESERVE)
            m->page[i].value = 0;
        m->page[i].state = MEM_COMMIT;
        set_protect(&m->page[i], protect);
    }
}

static void do_protect(struct model *m)
{
    uint32_t first, count, protect = any_protect(m), old = 0;
    any_range(m, &first, &count);
    if (first + count > PAGES)
        return;
    uint64_t base = address(first), size = count * (uint64_t)MEM_PAGE;
    ntstatus want = one_region(m, first, count) ? view_allows(&m->page[first], protect)
                                                : STATUS_CONFLICTING_ADDRESSES;
    for (uint32_t i = first; !want && i < first + count; i++)
        if (m->page[i].state != MEM_COMMIT)
            want = STATUS_NOT_COMMITTED;
    expect_status(m, mem_protect(m->s, &base, &size, protect, &old), want);
    if (!want)
        assert_int_equal(old, m->page[first].protect);
    for (uint32_t i = first; !want && i < first + count; i++)
        set_protect(&m->page[i], protect);
}

static ntstatus free_status(const struct model *m, uint32_t *first, uint32_t *count, bool all)
{
    const struct model_page *p = &m->page[*first];
    if (!p->state)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (p->type != MEM_PRIVATE)
        return STATUS_UNABLE_TO_DELETE_SECTION;
    if (all) {
        *count = region_end(m, *first) - *first;
        return p->base == *first ? STATUS_SUCCESS : STATUS_FREE_VM_NOT_AT_BASE;
    }
    return one_region(m, *first, *count) ? STATUS_SUCCESS : STATUS_UNABLE_TO_FREE_VM;
}

static void do_decommit(struct model *m)
{
    uint32_t first, count;
    any_range(m, &first, &count);
    bool all = roll(m, 4) == 0;
    uint64_t base = address(first), size = all ? 0 : count * (uint64_t)MEM_PAGE;
    ntstatus want = free_status(m, &first, &count, all);
    expect_status(m, mem_decommit(m->s, &base, &size), want);
    for (uint32_t i = first; !want && i < first + count; i++) {
        m->page[i].state = MEM_RESERVE;
        m->page[i].value = 0;
    }
}

static void do_release(struct model *m)
{
    uint32_t first, count;
    any_range(m, &first, &count);
    bool all = roll(m, 3) != 0;
    uint64_t base = address(first), size = all ? 0 : count * (uint64_t)MEM_PAGE;
    ntstatus want = free_status(m, &first, &count, all);
    expect_status(m, mem_release(m->s, &base, &size), want);
    if (want)
        return;
    uint32_t end = region_end(m, first);
    for (uint32_t i = first; i < first + count; i++)
        m->page[i] = (struct model_page){0};
    for (uint32_t i = first + count; i < end; i++)
        m->page[i].base = first + count;
}

static void do_unmap(struct model *m)
{
    uint32_t first = (uint32_t)roll(m, PAGES);
    bool view = m->page[first].state && m->page[first].type == MEM_MAPPED;
    expect_status(m, mem_unmap_view(m->s, address(first)),
                  view ? STATUS_SUCCESS : STATUS_NOT_MAPPED_VIEW);
    if (!view)
        return;
    uint32_t end = region_end(m, first);
    for (uint32_t i = m->page[first].base; i < end; i++)
        m->page[i] = (struct model_page){0};
}

static uint64_t *model_value(struct model *m, struct model_page *p)
{
    return p->type == MEM_MAPPED && !p->copied ? &m->shared[p->object][p->object_page] : &p->value;
}

/* What an access gives; takes the guard away as it would. */
static ntstatus touch(struct model_page *p, bool write)
{
    if (p->state != MEM_COMMIT || p->protect == PAGE_NOACCESS || (write && !writable(p->protect)))
        return STATUS_ACCESS_VIOLATION;
    if (p->protect & PAGE_GUARD) {
        p->protect &= ~(uint32_t)PAGE_GUARD;
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    return STATUS_SUCCESS;
}

static void model_write(struct model *m, struct model_page *p, uint64_t v)
{
    if (copies(p->protect)) {
        p->value = *model_value(m, p);
        p->copied = true;
        p->protect = uncopied(p->protect);
    }
    *model_value(m, p) = v;
}

static void do_write(struct model *m)
{
    uint32_t i = any_page(m);
    uint64_t v = roll(m, UINT64_MAX >> 12);
    ntstatus want = touch(&m->page[i], true);
    if (!want)
        model_write(m, &m->page[i], v);
    expect_status(m, mem_write(m->s, address(i), &v, sizeof v), want);
}

static void do_read(struct model *m)
{
    uint32_t i = any_page(m);
    uint64_t v = 0;
    ntstatus want = touch(&m->page[i], false);
    expect_status(m, mem_read(m->s, address(i), &v, sizeof v), want);
    if (!want)
        assert_int_equal(v, *model_value(m, &m->page[i]));
}

/* As an engine would: a fault makes the page visible, and the bytes are used directly. */
static void do_fault(struct model *m)
{
    uint32_t i = any_page(m);
    bool write = roll(m, 2);
    struct mem_page p, q;
    struct model_page *mp = &m->page[i];
    ntstatus want = touch(mp, write);
    expect_status(m, mem_fault(m->s, address(i), write ? MEM_W : MEM_R, &p), want);
    if (want)
        return;
    uint64_t v = roll(m, UINT64_MAX >> 12);
    uint8_t *bytes = mem_ram_base(m->ram) + p.frame * MEM_PAGE;
    if (write) {
        model_write(m, mp, v);
        memcpy(bytes, &v, sizeof v);
    }
    memcpy(&v, bytes, sizeof v);
    assert_int_equal(v, *model_value(m, mp));
    assert_true(mem_present(m->s, address(i), &q));
    assert_int_equal(q.frame, p.frame);
    m->visible[i] = true;
}

static void do_poke(struct model *m)
{
    uint32_t i = any_page(m);
    uint64_t v = roll(m, UINT64_MAX >> 12);
    struct model_page *p = &m->page[i];
    bool there = p->state == MEM_COMMIT;
    expect_status(m, mem_poke(m->s, address(i), &v, sizeof v),
                  there ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION);
    if (!there)
        return;
    if (p->type == MEM_MAPPED && !p->copied && (copies(p->protect) || copies(p->alloc_protect))) {
        p->copied = true;
        p->protect = uncopied(p->protect);
    }
    *model_value(m, p) = v;
}

static uint32_t model_protect(const struct model_page *p)
{
    return p->state == MEM_COMMIT ? p->protect : 0;
}

static uint32_t run_end(const struct model *m, uint32_t i)
{
    const struct model_page *p = &m->page[i], *q;
    uint32_t end = i;
    for (; end < PAGES; end++) {
        q = &m->page[end];
        if (q->state != p->state || (p->state && q->base != p->base) ||
            model_protect(q) != model_protect(p))
            break;
    }
    return end;
}

static void check_queries(struct model *m)
{
    for (uint32_t i = 0; i < PAGES; i += 1 + (uint32_t)roll(m, 9)) {
        struct mem_info q;
        const struct model_page *p = &m->page[i];
        ok(mem_query(m->s, address(i) + roll(m, MEM_PAGE), &q));
        assert_int_equal(q.base, address(i));
        assert_int_equal(q.size, (run_end(m, i) - i) * (uint64_t)MEM_PAGE);
        assert_int_equal(q.state, p->state ? p->state : MEM_FREE);
        assert_int_equal(q.type, p->type);
        assert_int_equal(q.protect, p->state ? model_protect(p) : PAGE_NOACCESS);
        assert_int_equal(q.allocation_base, p->state ? address(p->base) : 0);
        assert_int_equal(q.allocation_protect, p->alloc_protect);
    }
}

static void check_contents(struct model *m)
{
    struct mem_page q;
    for (uint32_t i = 0; i < PAGES; i++) {
        struct model_page *p = &m->page[i];
        uint64_t v = 0;
        bool there = mem_peek(m->s, address(i), &v, sizeof v);
        assert_int_equal(there, p->state == MEM_COMMIT);
        if (there)
            assert_int_equal(v, *model_value(m, p));
        if (!there)
            assert_false(m->visible[i]);
        if (m->visible[i] && mem_present(m->s, address(i), &q)) {
            memcpy(&v, mem_ram_base(m->ram) + q.frame * MEM_PAGE, sizeof v);
            assert_int_equal(v, *model_value(m, p));
        }
    }
}

/* The loaded space takes the place of the saved one. */
static void do_save_and_load(struct model *m)
{
    struct ser save, load;
    ser_begin_save(&save);
    mem_ram_transfer(&save, m->ram);
    mem_transfer(&save, m->s);
    assert_false(save.failed);
    uint32_t id[OBJECTS];
    for (size_t i = 0; i < OBJECTS; i++) {
        id[i] = mem_object_id(m->object[i]);
        mem_object_unref(m->object[i]);
    }
    mem_destroy(m->s);
    mem_ram_destroy(m->ram);
    struct mem_config cfg = {.lowest = address(0), .highest = address(PAGES) - 1, .ptr_size = 4};
    assert_int_equal(mem_ram_create(&m->ram, GIB, NULL), PGR_OK);
    cfg.ram = m->ram;
    assert_int_equal(mem_create(&cfg, &m->s, NULL), PGR_OK);
    ser_begin_load(&load, save.data, save.len);
    mem_ram_transfer(&load, m->ram);
    mem_transfer(&load, m->s);
    assert_false(load.failed);
    assert_int_equal(load.at, load.len);
    ser_end(&save);
    for (size_t i = 0; i < OBJECTS; i++)
        assert_non_null(m->object[i] = mem_object_find(m->ram, id[i]));
    mem_observe(m->s, &(struct mem_observer){m, invalidated, NULL});
    memset(m->visible, 0, sizeof m->visible);
}

static struct model *model_new(uint64_t seed)
{
    struct model *m = xcalloc(1, sizeof *m);
    m->seed = seed;
    struct mem_config cfg = {.lowest = address(0), .highest = address(PAGES) - 1, .ptr_size = 4};
    assert_int_equal(mem_ram_create(&m->ram, GIB, NULL), PGR_OK);
    cfg.ram = m->ram;
    assert_int_equal(mem_create(&cfg, &m->s, NULL), PGR_OK);
    mem_observe(m->s, &(struct mem_observer){m, invalidated, NULL});
    for (size_t i = 0; i < OBJECTS; i++)
        ok(mem_object_anonymous(m->ram, OBJECT_PAGES * MEM_PAGE, &m->object[i]));
    return m;
}

static void model_free(struct model *m)
{
    for (size_t i = 0; i < OBJECTS; i++)
        mem_object_unref(m->object[i]);
    mem_destroy(m->s);
    mem_ram_destroy(m->ram);
    free(m);
}

static void random_operations_do_what_the_model_does(void **state)
{
    static void (*const operations[])(struct model *) = {
        do_reserve,  do_reserve, do_map,     do_commit, do_commit, do_protect, do_protect,
        do_decommit, do_release, do_release, do_unmap,  do_write,  do_write,   do_write,
        do_write,    do_read,    do_read,    do_fault,  do_fault,  do_fault,   do_poke,
    };
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct model *m = model_new(seed * 0x9e3779b97f4a7c15);
        for (unsigned i = 0; i < STEPS; i++) {
            operations[roll(m, ARRAY_LEN(operations))](m);
            if (i % CHECK_EVERY == 0) {
                check_queries(m);
                check_contents(m);
            }
            if (i % (STEPS / 8) == STEPS / 8 - 1)
                do_save_and_load(m);
        }
        assert_true(m->succeeded > STEPS / 4 && m->failed > STEPS / 10);
        model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_do_what_the_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

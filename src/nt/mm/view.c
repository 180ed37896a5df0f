// SPDX-License-Identifier: GPL-2.0-or-later
/* Views of sections: mapping, unmapping, and finding what an address belongs to. */
#include "base/utf.h"
#include "nt/io/io.h"
#include "nt/mm/internal.h"
#include "pe/format.h"

#include <unistd.h>

enum { VIEW_SHARE = 1, VIEW_UNMAP = 2 };

static void tell_image(struct nt_kernel *k, struct nt_process *p, const struct nt_section *s,
                       uint64_t base, uint64_t size, bool mapped)
{
    if (k->on_image && s->image)
        k->on_image(k->on_image_ctx, p, base, size, s->path, s->path_len, mapped);
    if (s->image)
        NT_TELL(k, image, p, base, size, s->path, s->path_len, mapped);
}

/* ---- Data
 * ------------------------------------------------------------------------------------------ */

static bool protect_fits(uint32_t section, uint32_t view)
{
    bool writable = section & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE);
    bool executable = section & (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE |
                                 PAGE_EXECUTE_WRITECOPY);
    if (view & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE) && !writable)
        return false;
    return executable || !(view & (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE |
                                   PAGE_EXECUTE_WRITECOPY));
}

static ntstatus data_size(const struct nt_section *s, struct mm_view_args *a)
{
    if (a->offset >= s->size)
        return STATUS_INVALID_PARAMETER;
    uint64_t rest = s->size - a->offset;
    if (!a->size)
        a->size = rest;
    else if (a->size > rest && !(a->alloc_type & MEM_RESERVE))
        return STATUS_INVALID_VIEW_SIZE;
    return a->size > INT64_MAX ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static ntstatus map_data(struct nt_kernel *k, struct nt_process *p, struct nt_section *s,
                         struct mm_view_args *a)
{
    struct mem_object *o;
    ntstatus st = data_size(s, a);
    if (!st && !protect_fits(s->protect, a->protect))
        st = STATUS_SECTION_PROTECTION;
    if (!st)
        st = mm_section_object(k, s, &o);
    if (!st)
        st = mem_map_view(p->mem, o, a->offset, &a->base, &a->size, MEM_MAPPED, a->protect, s->o.id,
                          &a->place);
    if (!st && a->commit && (s->attributes & SEC_RESERVE)) {
        uint64_t base = a->base, size = MIN(a->commit, a->size);
        st = mem_commit(p->mem, &base, &size, a->protect);
        if (st)
            mem_unmap_view(p->mem, a->base);
    }
    return st;
}

/* ---- Images
 * ----------------------------------------------------------------------------------------- */

static uint32_t without_execute(uint32_t protect)
{
    switch (protect) {
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        return PAGE_READONLY;
    case PAGE_EXECUTE_WRITECOPY:
        return PAGE_WRITECOPY;
    case PAGE_EXECUTE_READWRITE:
        return PAGE_READWRITE;
    default:
        return protect;
    }
}

static ntstatus protect_parts(struct nt_process *p, const struct nt_section *s, uint64_t base)
{
    vec_foreach (part, &s->image->parts) {
        uint32_t protect = s->no_execute ? without_execute(part->protect) : part->protect;
        ntstatus st = mem_set_view_protect(p->mem, base + part->rva, part->size, protect);
        if (st)
            return st;
    }
    return STATUS_SUCCESS;
}

static bool inside(const struct mem_place *limits, uint64_t base, uint64_t size)
{
    return base >= limits->lowest &&
           (!limits->highest || (base <= limits->highest && size - 1 <= limits->highest - base));
}

static ntstatus map_pages(struct nt_process *p, struct nt_section *s, uint64_t *base,
                          const struct mem_place *place)
{
    uint64_t size = s->image->info.size;
    return mem_map_view(p->mem, s->image->object, 0, base, &size, MEM_IMAGE, PAGE_EXECUTE_WRITECOPY,
                        s->o.id, place);
}

/* Where the caller says; else where it is laid out for; else where images like it go; else
 * anywhere. */
static ntstatus place_image(struct nt_process *p, struct nt_section *s, struct mm_view_args *a)
{
    const struct nt_image_info *i = &s->image->info;
    if (a->base)
        return map_pages(p, s, &a->base, &a->place);
    if (i->section_base && inside(&a->place, i->section_base, i->size)) {
        a->base = i->section_base;
        if (!map_pages(p, s, &a->base, NULL))
            return STATUS_SUCCESS;
    }
    struct mem_place place = mm_image_place(p, s->image, &a->place);
    a->base = 0;
    if (!map_pages(p, s, &a->base, &place))
        return STATUS_SUCCESS;
    a->base = 0;
    return map_pages(p, s, &a->base, &a->place);
}

static ntstatus image_status(const struct nt_process *p, const struct mm_image *img, uint64_t base)
{
    if (p->ptr_size == 8 && img->info.machine != IMAGE_FILE_MACHINE_AMD64)
        return STATUS_IMAGE_MACHINE_TYPE_MISMATCH;
    return base == img->info.section_base ? STATUS_SUCCESS : STATUS_IMAGE_NOT_AT_BASE;
}

static ntstatus map_image(struct nt_kernel *k, struct nt_process *p, struct nt_section *s,
                          struct mm_view_args *a, struct pgr_error *e)
{
    ntstatus st = STATUS_SUCCESS;
    if (a->machine && a->machine != s->image->info.machine)
        return STATUS_NOT_SUPPORTED;
    if (!s->image->object) {
        int fd;
        st = mm_section_fd(k, s, &fd);
        if (!st)
            st = mm_image_layout(k, p, s->image, fd, &a->place, a->must_move, e);
    }
    if (!st)
        st = place_image(p, s, a);
    if (st)
        return st;
    st = protect_parts(p, s, a->base);
    if (st) {
        mem_unmap_view(p->mem, a->base);
        return st;
    }
    a->size = s->image->info.size;
    tell_image(k, p, s, a->base, a->size, true);
    return image_status(p, s->image, a->base);
}

ntstatus mm_map(struct nt_kernel *k, struct nt_process *p, struct nt_section *s,
                struct mm_view_args *a, struct pgr_error *e)
{
    a->place.top_down = a->alloc_type & MEM_TOP_DOWN;
    if (a->page_aligned)
        a->place.align = MEM_PAGE;
    ntstatus st = s->image ? map_image(k, p, s, a, e) : map_data(k, p, s, a);
    if (nt_success(st))
        nt_object_ref(&s->o);
    return st;
}

ntstatus mm_unmap(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    struct mem_info mi;
    if (mem_query(p->mem, va, &mi) || mi.state == MEM_FREE || mi.type == MEM_PRIVATE)
        return STATUS_NOT_MAPPED_VIEW;
    struct nt_section *s = mm_section(k, mi.tag);
    if (!s) /* the machine's own pages are not the guest's to take away */
        return STATUS_NOT_MAPPED_VIEW;
    tell_image(k, p, s, mi.allocation_base, mi.region_size, false);
    ntstatus st = mem_unmap_view(p->mem, mi.allocation_base);
    if (!st)
        nt_object_unref(k, &s->o);
    return st;
}

/* ---- The services
 * --------------------------------------------------------------------------------------- */

static ntstatus view_access(uint32_t protect, uint32_t *access)
{
    switch (protect & ~(uint32_t)(PAGE_NOCACHE | PAGE_WRITECOMBINE)) {
    case PAGE_NOACCESS:
    case PAGE_READONLY:
    case PAGE_WRITECOPY:
        *access = SECTION_MAP_READ;
        return STATUS_SUCCESS;
    case PAGE_READWRITE:
        *access = SECTION_MAP_WRITE;
        return STATUS_SUCCESS;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
    case PAGE_EXECUTE_WRITECOPY:
        *access = SECTION_MAP_READ | SECTION_MAP_EXECUTE;
        return STATUS_SUCCESS;
    case PAGE_EXECUTE_READWRITE:
        *access = SECTION_MAP_WRITE | SECTION_MAP_EXECUTE;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PAGE_PROTECTION;
    }
}

struct map_call { /* what both services have in common */
    uint64_t section, process, base_ptr, size_ptr, offset_ptr;
    struct mm_view_args view;
};

static ntstatus map_for_guest(struct nt_call *c, struct map_call *m)
{
    struct nt_section *s;
    struct nt_process *p;
    uint32_t access;
    ntstatus st = view_access(m->view.protect, &access);
    if (!st)
        st = mm_target(c, m->process, PROCESS_VM_OPERATION, &p);
    if (!st)
        st = nt_handle_get(c, m->section, NT_TYPE_SECTION, access, &s);
    if (st)
        return st;
    st = mm_map(c->k, p, s, &m->view, NULL);
    if (!nt_success(st))
        return st;
    ntstatus put = mm_put_range(c, m->base_ptr, m->size_ptr, m->view.base, m->view.size);
    if (!put && m->offset_ptr)
        put = nt_put_u64(c, m->offset_ptr, m->view.offset);
    if (put) {
        mm_unmap(c->k, p, m->view.base);
        return put;
    }
    return st;
}

/* Base and offset must lie on the granularity; 32-bit Windows takes any page with
 * AT_ROUND_TO_PAGE, which 64-bit Windows refuses with `bad`. */
static ntstatus check_alignment(struct nt_call *c, struct mm_view_args *v, ntstatus bad)
{
    uint64_t mask = MEM_GRANULARITY - 1;
    if (v->alloc_type & AT_ROUND_TO_PAGE) {
        if (nt_ptr_size(c) == 8)
            return bad;
        v->base = align_down(v->base, MEM_PAGE);
        v->page_aligned = true;
        mask = MEM_PAGE - 1;
    }
    return (v->offset | v->base) & mask ? STATUS_MAPPED_ALIGNMENT : STATUS_SUCCESS;
}

static ntstatus read_map_args(struct nt_call *c, struct map_call *m)
{
    ntstatus st = mm_get_range(c, m->base_ptr, m->size_ptr, &m->view.base, &m->view.size);
    if (!st && m->offset_ptr)
        st = nt_get_u64(c, m->offset_ptr, &m->view.offset);
    return st;
}

ntstatus nt_map_view_of_section(struct nt_call *c)
{
    const struct NtMapViewOfSection_args *a = nt_args(c);
    const uint32_t known = MEM_RESERVE | MEM_TOP_DOWN | AT_ROUND_TO_PAGE | MEM_LARGE_PAGES |
                           0x800000 /* MEM_DIFFERENT_IMAGE_BASE_OK */;
    struct map_call m = {.section = a->SectionHandle,
                         .process = a->ProcessHandle,
                         .base_ptr = a->BaseAddress,
                         .size_ptr = a->ViewSize,
                         .offset_ptr = a->SectionOffset,
                         .view = {.commit = a->CommitSize,
                                  .alloc_type = (uint32_t)a->AllocationType,
                                  .protect = (uint32_t)a->PageProtection}};
    uint64_t highest;
    ntstatus st = read_map_args(c, &m);
    if (st)
        return st;
    if (a->InheritDisposition != VIEW_SHARE && a->InheritDisposition != VIEW_UNMAP)
        return STATUS_INVALID_PARAMETER_8;
    if (m.view.alloc_type & ~known)
        return STATUS_INVALID_PARAMETER_9;
    st = mm_zero_bits(c->p, a->ZeroBits, STATUS_INVALID_PARAMETER_4, &highest);
    if (!st && highest && m.view.base & ~highest)
        st = STATUS_INVALID_PARAMETER_4;
    if (!st)
        st = check_alignment(c, &m.view, STATUS_INVALID_PARAMETER_9);
    if (st)
        return st;
    m.view.place.highest = m.view.base ? 0 : highest;
    return map_for_guest(c, &m);
}

ntstatus nt_map_view_of_section_ex(struct nt_call *c)
{
    const struct NtMapViewOfSectionEx_args *a = nt_args(c);
    struct mm_extended ex;
    struct map_call m = {.section = a->SectionHandle,
                         .process = a->ProcessHandle,
                         .base_ptr = a->BaseAddress,
                         .size_ptr = a->ViewSize,
                         .offset_ptr = a->SectionOffset,
                         .view = {.alloc_type = (uint32_t)a->AllocationType,
                                  .protect = (uint32_t)a->PageProtection}};
    ntstatus st = read_map_args(c, &m);
    if (!st)
        st = mm_extended_read(c, a->ExtendedParameters, (uint32_t)a->ExtendedParameterCount, &ex);
    if (st)
        return st;
    if (ex.place.align || (m.view.base && (ex.place.lowest || ex.place.highest)))
        return STATUS_INVALID_PARAMETER;
    st = check_alignment(c, &m.view, STATUS_INVALID_PARAMETER);
    if (st)
        return st;
    m.view.place = ex.place;
    m.view.machine = ex.machine;
    return map_for_guest(c, &m);
}

static ntstatus unmap_for_guest(struct nt_call *c, uint64_t process, uint64_t base)
{
    struct nt_process *p;
    ntstatus st = mm_target(c, process, PROCESS_VM_OPERATION, &p);
    return st ? st : mm_unmap(c->k, p, base);
}

ntstatus nt_unmap_view_of_section(struct nt_call *c)
{
    const struct NtUnmapViewOfSection_args *a = nt_args(c);
    return unmap_for_guest(c, a->ProcessHandle, a->BaseAddress);
}

ntstatus nt_unmap_view_of_section_ex(struct nt_call *c)
{
    const struct NtUnmapViewOfSectionEx_args *a = nt_args(c);
    if (a->Flags & ~(uint64_t)(MEM_UNMAP_WITH_TRANSIENT_BOOST | MEM_PRESERVE_PLACEHOLDER))
        return STATUS_INVALID_PARAMETER;
    if (a->Flags & MEM_PRESERVE_PLACEHOLDER) /* no view was made from one */
        return STATUS_CONFLICTING_ADDRESSES;
    return unmap_for_guest(c, a->ProcessHandle, a->BaseAddress);
}

ntstatus nt_are_mapped_files_the_same(struct nt_call *c)
{
    const struct NtAreMappedFilesTheSame_args *a = nt_args(c);
    struct mem_info one, two;
    if (mem_query(c->mem, a->File1MappedAsAnImage, &one) || one.state == MEM_FREE ||
        mem_query(c->mem, a->File2MappedAsFile, &two) || two.state == MEM_FREE)
        return STATUS_INVALID_ADDRESS;
    if (one.type == MEM_PRIVATE || two.type == MEM_PRIVATE)
        return STATUS_CONFLICTING_ADDRESSES;
    if (one.allocation_base == two.allocation_base)
        return STATUS_SUCCESS;
    const struct nt_section *s = mm_section(c->k, one.tag), *t = mm_section(c->k, two.tag);
    bool same = s && t && s->image && s->image == t->image;
    return same ? STATUS_SUCCESS : STATUS_NOT_SAME_DEVICE;
}

/* ---- For the host
 * ---------------------------------------------------------------------------------------- */

static struct nt_section *host_section(struct nt_kernel *k, uint32_t attributes, uint32_t protect,
                                       const uint16_t *path, size_t len)
{
    struct nt_section *s = nt_object_new(k, NT_TYPE_SECTION);
    s->attributes = attributes;
    s->protect = protect;
    s->path = xcalloc(len + 1, sizeof *path);
    s->path_len = len;
    if (len)
        memcpy(s->path, path, len * sizeof *path);
    return s;
}

ntstatus nt_map_image_file(struct nt_kernel *k, struct nt_process *p, int fd,
                           const uint16_t *nt_path, size_t len, struct nt_image_info *info,
                           struct pgr_error *e)
{
    struct mm_view_args a = {.protect = PAGE_EXECUTE_WRITECOPY, .must_move = true};
    char *name = utf16_to_utf8(nt_path, len, NULL);
    struct nt_section *s =
        host_section(k, SEC_FILE | SEC_IMAGE, PAGE_EXECUTE_WRITECOPY, nt_path, len);
    ntstatus st = mm_image_open(k, fd, name, &s->image, e);
    free(name);
    if (!st) {
        s->size = s->image->info.size;
        st = mm_image_layout(k, p, s->image, fd, &a.place, true, e);
    }
    if (!st)
        st = mm_map(k, p, s, &a, e);
    if (nt_success(st) && info) {
        *info = s->image->info;
        info->base = a.base;
        info->section = s->o.id;
    }
    nt_object_unref(k, &s->o); /* the view has its own */
    return st;
}

ntstatus nt_map_system_file(struct nt_call *c, const char *guest_path, uint64_t *base,
                            uint64_t *size)
{
    struct mm_view_args a = {.protect = PAGE_READONLY};
    size_t len, nt_len;
    uint16_t *path = utf8_to_utf16(guest_path, strlen(guest_path), &len), *nt_path = NULL;
    int fd;
    ntstatus st = nt_io_open_host(c->k, path, len, &fd, &nt_path, &nt_len);
    free(path);
    if (st)
        return st;
    off_t end = lseek(fd, 0, SEEK_END);
    struct nt_section *s = host_section(c->k, SEC_FILE, PAGE_READONLY, nt_path, nt_len);
    free(nt_path);
    s->size = end > 0 ? (uint64_t)end : 0;
    st = s->size ? mem_object_file(c->k->ram, fd, 0, s->size, false, &s->object)
                 : STATUS_MAPPED_FILE_SIZE_ZERO;
    close(fd);
    if (!st)
        st = mm_map(c->k, c->p, s, &a, NULL);
    *base = a.base;
    *size = s->size;
    nt_object_unref(c->k, &s->o);
    return st;
}

static bool describe_view(struct nt_kernel *k, const struct mem_info *mi, struct nt_view *out)
{
    const struct nt_section *s = mi->state == MEM_FREE ? NULL : mm_section(k, mi->tag);
    if (!s || mi->type == MEM_PRIVATE)
        return false;
    *out = (struct nt_view){.base = mi->allocation_base,
                            .size = mi->region_size,
                            .image = mi->type == MEM_IMAGE,
                            .section = mi->tag,
                            .path = s->path,
                            .path_len = s->path_len};
    return true;
}

bool nt_view_at(struct nt_kernel *k, struct nt_process *p, uint64_t va, struct nt_view *out)
{
    struct mem_info mi;
    return p->mem && !mem_query(p->mem, va, &mi) && describe_view(k, &mi, out);
}

bool nt_image_at(struct nt_kernel *k, struct nt_process *p, uint64_t va, struct nt_view *out)
{
    return nt_view_at(k, p, va, out) && out->image;
}

void nt_views_each(struct nt_kernel *k, struct nt_process *p,
                   void (*fn)(void *ctx, const struct nt_view *v), void *ctx)
{
    struct mem_info mi;
    uint64_t va = 0;
    while (!mem_query(p->mem, va, &mi)) {
        struct nt_view v;
        bool free_run = mi.state == MEM_FREE;
        va = free_run ? mi.base + mi.size : mi.allocation_base + mi.region_size;
        if (describe_view(k, &mi, &v))
            fn(ctx, &v);
    }
}

struct release {
    struct nt_kernel *k;
    struct nt_process *p;
};

static void release_view(void *ctx, const struct nt_view *v)
{
    const struct release *r = ctx;
    mm_unmap(r->k, r->p, v->base);
}

void nt_mm_release_process(struct nt_kernel *k, struct nt_process *p)
{
    struct release r = {k, p};
    if (!p->mem)
        return;
    nt_views_each(k, p, release_view, &r);
    mm_marks_forget(k, p, 0, UINT64_MAX);
}

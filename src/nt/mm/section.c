// SPDX-License-Identifier: GPL-2.0-or-later
/* Section objects and the services on them. Views are in view.c. */
#include "base/utf.h"
#include "nt/io/io.h"
#include "nt/mm/internal.h"
#include "nt/mm/structs.h"

#include <stdio.h>

enum { FILE_READ_DATA = 1, FILE_WRITE_DATA = 2, PATH_UNITS_MAX = 0x8000 };

#define NTFS_FILE_MAX (1ull << 54)

static struct nt_file *section_file(struct nt_kernel *k, const struct nt_section *s)
{
    return s->file ? nt_object_get(k, s->file, NT_TYPE_FILE) : NULL;
}

static bool protect_writes(uint32_t protect);

/* What the file must know of a section over it. */
static unsigned section_use(const struct nt_section *s)
{
    if (s->attributes & SEC_IMAGE)
        return NT_SECTION_IMAGE;
    return protect_writes(s->protect) ? NT_SECTION_WRITES : 0;
}

static void section_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_section *s = (struct nt_section *)o;
    struct nt_file *f = section_file(k, s);
    if (f) {
        if (!k->damaged)
            nt_io_section_ref(k, f, section_use(s), -1);
        nt_id_unref(k, s->file);
    }
    mm_image_unref(k, s->image);
    mem_object_unref(s->object);
    free(s->path);
}

static void section_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_section *sec = (struct nt_section *)o;
    uint32_t object = sec->object ? mem_object_id(sec->object) : 0;
    SER(s, sec->attributes);
    SER(s, sec->protect);
    SER(s, sec->size);
    SER(s, sec->no_execute);
    nt_id_transfer(k, s, &sec->file, NT_TYPE_FILE);
    ser_utf16(s, &sec->path, &sec->path_len, PATH_UNITS_MAX);
    mm_image_transfer(k, s, &sec->image);
    SER(s, object);
    if (s->loading && object && !(sec->object = mem_object_find(k->ram, object)))
        ser_fail(s, "snapshot: the pages of a section are missing");
    if (s->loading && !s->failed && (sec->attributes & SEC_IMAGE) && !sec->image)
        ser_fail(s, "snapshot: an image section without an image");
}

struct mm_settling {
    struct nt_kernel *k;
    struct ser *s;
};

static void settle_section(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_section *s = (struct nt_section *)o;
    struct nt_file *f = section_file(k, s);
    (void)ctx;
    if (f)
        nt_io_section_ref(k, f, section_use(s), 1);
}

static void claim_view(void *ctx, const struct nt_view *v)
{
    struct mm_settling *m = ctx;
    nt_id_claim(m->k, m->s, v->section, NT_TYPE_SECTION, NT_CLAIM_REFERENCE);
}

void nt_mm_settle(struct nt_kernel *k, struct ser *s)
{
    struct mm_settling m = {k, s};
    struct nt_process *p = nt_process_get(k, k->first_process);
    if (p->mem)
        nt_views_each(k, p, claim_view, &m);
    nt_object_each(k, NT_TYPE_SECTION, settle_section, NULL);
}

static size_t section_describe(struct nt_kernel *k, struct nt_object *o, char *out, size_t size)
{
    struct nt_section *s = (struct nt_section *)o;
    char *path = s->path ? utf16_to_utf8(s->path, s->path_len, NULL) : NULL;
    const char *shown = path && !strncmp(path, "\\??\\", 4) ? path + 4 : path;
    int n = snprintf(out, size, "%s", shown ? shown : "pagefile");
    free(path);
    return n < 0 ? 0 : MIN((size_t)n, size ? size - 1 : 0);
}

const struct nt_type nt_type_section = {
    .name = "Section",
    .size = sizeof(struct nt_section),
    .generic = {0x20005, 0x20002, 0x20008, 0xf001f},
    .valid_access = 0x1f001f,
    .destroy = section_destroy,
    .transfer = section_transfer,
    .describe = section_describe,
};

/* ---- Creating -----------------------------------------------------------------------------------
 */

static bool protect_writes(uint32_t protect)
{
    return protect & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE);
}

/* Rights to the file that the section's protection needs. */
static ntstatus file_rights(uint32_t protect, uint32_t attributes, uint32_t *rights)
{
    *rights = FILE_READ_DATA;
    switch (protect & 0xff) {
    case PAGE_READONLY:
    case PAGE_EXECUTE_READ:
    case PAGE_WRITECOPY:
    case PAGE_EXECUTE_WRITECOPY:
        return STATUS_SUCCESS;
    case PAGE_READWRITE:
    case PAGE_EXECUTE_READWRITE:
        if (!(attributes & SEC_IMAGE))
            *rights |= FILE_WRITE_DATA;
        return STATUS_SUCCESS;
    case PAGE_EXECUTE:
    case PAGE_NOACCESS:
        *rights = 0;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PAGE_PROTECTION;
    }
}

/* Exactly one of SEC_IMAGE, SEC_RESERVE, SEC_COMMIT; what NtQuerySection reports comes back. */
static ntstatus check_attributes(uint32_t given, bool file, uint32_t *kept)
{
    switch (given & (SEC_IMAGE | SEC_RESERVE | SEC_COMMIT | SEC_FILE)) {
    case SEC_IMAGE:
        if (given & (SEC_WRITECOMBINE | SEC_LARGE_PAGES))
            return STATUS_INVALID_PARAMETER;
        *kept = SEC_FILE | SEC_IMAGE;
        return file ? STATUS_SUCCESS : STATUS_INVALID_FILE_FOR_SECTION;
    case SEC_RESERVE:
    case SEC_COMMIT:
        if (given & SEC_LARGE_PAGES) /* nobody here holds the privilege */
            return (given & SEC_COMMIT) && !file ? STATUS_PRIVILEGE_NOT_HELD
                                                 : STATUS_INVALID_PARAMETER;
        *kept = file ? SEC_FILE | (given & (SEC_NOCACHE | SEC_WRITECOMBINE)) : given;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

struct section_args {
    uint32_t protect, attributes, file_access;
    uint64_t max_size;
};

static ntstatus init_pagefile(struct nt_kernel *k, struct nt_section *s,
                              const struct section_args *a)
{
    if (!a->max_size || a->max_size > INT64_MAX)
        return a->max_size ? STATUS_SECTION_TOO_BIG : STATUS_INVALID_PARAMETER;
    s->size = align_up(a->max_size, MEM_PAGE);
    if (s->attributes & SEC_RESERVE)
        return mem_object_reserved(k->ram, s->size, &s->object);
    return mem_object_anonymous(k->ram, s->size, &s->object);
}

static ntstatus init_data(struct nt_kernel *k, struct nt_section *s, struct nt_file *f,
                          const struct section_args *a)
{
    int fd;
    uint64_t size;
    ntstatus st = nt_io_section_fd(k, f, protect_writes(a->protect), &fd, &size);
    if (st)
        return st;
    s->size = a->max_size ? a->max_size : size;
    if (!s->size)
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    if (s->size <= size)
        return STATUS_SUCCESS;
    if (!(a->file_access & FILE_WRITE_DATA) || s->size > NTFS_FILE_MAX)
        return STATUS_SECTION_TOO_BIG;
    return nt_io_extend(k, f, s->size);
}

static ntstatus init_image(struct nt_kernel *k, struct nt_section *s, struct nt_file *f,
                           const struct section_args *a)
{
    int fd;
    uint64_t size;
    ntstatus st = nt_io_section_fd(k, f, false, &fd, &size);
    if (!st)
        st = mm_image_open(k, fd, "image", &s->image, NULL);
    if (st)
        return st;
    s->size = a->max_size ? a->max_size : s->image->info.size;
    s->no_execute = a->attributes & SEC_NOCACHE; /* SEC_IMAGE_NO_EXECUTE */
    return s->size > s->image->info.size ? STATUS_SECTION_TOO_BIG : STATUS_SUCCESS;
}

static ntstatus init_section(struct nt_call *c, struct nt_section *s, struct nt_file *f,
                             const struct section_args *a)
{
    s->protect = a->protect;
    ntstatus st = check_attributes(a->attributes, f, &s->attributes);
    if (st)
        return st;
    if (!f)
        return init_pagefile(c->k, s, a);
    st = s->attributes & SEC_IMAGE ? init_image(c->k, s, f, a) : init_data(c->k, s, f, a);
    if (st)
        return st;
    s->file = ((struct nt_object *)f)->id;
    nt_object_ref((struct nt_object *)f);
    nt_io_section_ref(c->k, f, section_use(s), 1);
    s->path = nt_file_name(c->k, f, NT_FILE_NAME_DOS, &s->path_len);
    return STATUS_SUCCESS;
}

static ntstatus create_section(struct nt_call *c, const struct nt_attrs *oa, uint64_t file_handle,
                               const struct section_args *a, uint32_t access, uint64_t handle_out)
{
    struct nt_section *s;
    struct nt_file *f = NULL;
    bool existed;
    ntstatus st = nt_create_named(c, NT_TYPE_SECTION, oa, &s, &existed);
    if (!nt_success(st))
        return st;
    if (!existed) {
        if (file_handle)
            st = nt_handle_get(c, file_handle, NT_TYPE_FILE, a->file_access, &f);
        if (!st)
            st = init_section(c, s, f, a);
        if (st) {
            nt_object_unref(c->k, &s->o);
            return st;
        }
    }
    ntstatus put = nt_return_handle(c, &s->o, access, oa, handle_out);
    return put ? put : st;
}

static ntstatus create_from_args(struct nt_call *c, const struct NtCreateSection_args *a)
{
    struct nt_attrs oa;
    struct section_args args = {.protect = (uint32_t)a->SectionPageProtection & 0xff,
                                .attributes = (uint32_t)a->AllocationAttributes};
    ntstatus st = nt_put_ptr(c, a->SectionHandle, 0);
    if (!st)
        st = file_rights(args.protect, args.attributes, &args.file_access);
    if (!st && a->MaximumSize)
        st = nt_get_u64(c, a->MaximumSize, &args.max_size);
    if (!st)
        st = nt_attrs_read(c, a->ObjectAttributes, &oa);
    if (st)
        return st;
    st = create_section(c, &oa, a->FileHandle, &args, (uint32_t)a->DesiredAccess, a->SectionHandle);
    nt_attrs_free(&oa);
    return st;
}

ntstatus nt_create_section(struct nt_call *c)
{
    return create_from_args(c, nt_args(c));
}

ntstatus nt_create_section_ex(struct nt_call *c)
{
    const struct NtCreateSectionEx_args *a = nt_args(c);
    struct mm_extended ex;
    struct NtCreateSection_args base = {.SectionHandle = a->SectionHandle,
                                        .DesiredAccess = a->DesiredAccess,
                                        .ObjectAttributes = a->ObjectAttributes,
                                        .MaximumSize = a->MaximumSize,
                                        .SectionPageProtection = a->SectionPageProtection,
                                        .AllocationAttributes = a->AllocationAttributes,
                                        .FileHandle = a->FileHandle};
    ntstatus st =
        mm_extended_read(c, a->ExtendedParameters, (uint32_t)a->ExtendedParameterCount, &ex);
    return st ? st : create_from_args(c, &base);
}

ntstatus nt_open_section(struct nt_call *c)
{
    const struct NtOpenSection_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_SECTION, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->SectionHandle);
}

/* ---- What views need --------------------------------------------------------------------------
 */

ntstatus mm_section_fd(struct nt_kernel *k, struct nt_section *s, int *fd)
{
    struct nt_file *f = section_file(k, s);
    uint64_t size;
    bool writes = !(s->attributes & SEC_IMAGE) && protect_writes(s->protect);
    return f ? nt_io_section_fd(k, f, writes, fd, &size) : STATUS_INVALID_FILE_FOR_SECTION;
}

ntstatus mm_section_object(struct nt_kernel *k, struct nt_section *s, struct mem_object **out)
{
    if (!s->object) {
        int fd;
        ntstatus st = mm_section_fd(k, s, &fd);
        if (!st)
            st = mem_object_file(k->ram, fd, 0, s->size, protect_writes(s->protect), &s->object);
        if (st)
            return st;
    }
    *out = s->object;
    return STATUS_SUCCESS;
}

/* ---- Asking and extending -----------------------------------------------------------------------
 */

ntstatus nt_extend_section(struct nt_call *c)
{
    const struct NtExtendSection_args *a = nt_args(c);
    struct nt_section *s;
    uint64_t size;
    ntstatus st = nt_get_u64(c, a->NewSectionSize, &size);
    if (!st)
        st = nt_handle_get(c, a->SectionHandle, NT_TYPE_SECTION, SECTION_EXTEND_SIZE, &s);
    if (st)
        return st;
    struct nt_file *f = section_file(c->k, s);
    if (!f || (s->attributes & SEC_IMAGE))
        return STATUS_SECTION_NOT_EXTENDED;
    if (size > s->size) {
        if (size > NTFS_FILE_MAX)
            return STATUS_SECTION_TOO_BIG;
        st = nt_io_extend(c->k, f, size);
        if (st)
            return st;
        /* Views made so far keep the old pages; through the file both see the same bytes. */
        mem_object_unref(s->object);
        s->object = NULL;
        s->size = size;
    }
    return nt_put_u64(c, a->NewSectionSize, s->size);
}

static void image_information(const struct nt_call *c, const struct mm_image *img,
                              struct SECTION_IMAGE_INFORMATION *out)
{
    const struct nt_image_info *i = &img->info;
    *out = (struct SECTION_IMAGE_INFORMATION){.TransferAddress = i->section_base + i->entry,
                                              .MaximumStackSize = i->stack_reserve,
                                              .CommittedStackSize = i->stack_commit,
                                              .SubSystemType = i->subsystem,
                                              .MinorSubsystemVersion = i->subsystem_minor,
                                              .MajorSubsystemVersion = i->subsystem_major,
                                              .MajorOperatingSystemVersion = i->os_major,
                                              .MinorOperatingSystemVersion = i->os_minor,
                                              .ImageCharacteristics = i->characteristics,
                                              .DllCharacteristics = i->dll_characteristics,
                                              .Machine = i->machine,
                                              .ImageContainsCode = img->contains_code,
                                              .ImageFlags = img->flags,
                                              .LoaderFlags = img->clr,
                                              .ImageFileSize = img->file_size,
                                              .CheckSum = img->checksum};
    if (nt_ptr_size(c) == 4 && i->is64) { /* what Windows tells a 32-bit caller instead */
        out->TransferAddress = 0x81231234;
        out->MaximumStackSize = 0x100000;
        out->CommittedStackSize = 0x10000;
    }
}

ntstatus nt_query_image_information(struct nt_call *c, struct nt_process *p, uint64_t buffer,
                                    uint32_t length, uint64_t return_length)
{
    struct SECTION_IMAGE_INFORMATION i;
    struct nt_view v;
    if (!nt_image_at(c->k, p, p->image_base, &v))
        return STATUS_INVALID_PARAMETER;
    image_information(c, mm_section(c->k, v.section)->image, &i);
    return nt_return_layout(c, buffer, length, return_length, &layout_SECTION_IMAGE_INFORMATION,
                            &i);
}

/* SIZE_T instead of the ULONG of other queries. */
static ntstatus answer(struct nt_call *c, const struct NtQuerySection_args *a,
                       const struct layout *l, const void *host)
{
    size_t need = layout_size(l, nt_ptr_size(c));
    ntstatus st = nt_put(c, l, a->SectionInformation, host);
    if (!st && a->ReturnLength)
        st = nt_put_ptr(c, a->ReturnLength, need);
    return st;
}

static ntstatus original_base(struct nt_call *c, const struct NtQuerySection_args *a,
                              const struct nt_section *s)
{
    if (!s->image)
        return STATUS_SECTION_NOT_IMAGE;
    ntstatus st = nt_put_ptr(c, a->SectionInformation, s->image->info.preferred);
    if (!st && a->ReturnLength)
        st = nt_put_ptr(c, a->ReturnLength, nt_ptr_size(c));
    return st;
}

ntstatus nt_query_section(struct nt_call *c)
{
    enum { BASIC, IMAGE, RELOCATION, ORIGINAL_BASE };
    const struct NtQuerySection_args *a = nt_args(c);
    const size_t need[] = {layout_size(&layout_SECTION_BASIC_INFORMATION, nt_ptr_size(c)),
                           layout_size(&layout_SECTION_IMAGE_INFORMATION, nt_ptr_size(c)), 0,
                           nt_ptr_size(c)};
    struct nt_section *s;
    uint32_t class = (uint32_t)a->SectionInformationClass;
    if (class > ORIGINAL_BASE || class == RELOCATION)
        return nt_unknown_class(c, class);
    if (a->SectionInformationLength < need[class])
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!a->SectionInformation)
        return STATUS_ACCESS_VIOLATION;
    ntstatus st = nt_handle_get(c, a->SectionHandle, NT_TYPE_SECTION, SECTION_QUERY, &s);
    if (st)
        return st;
    if (class == BASIC) {
        struct SECTION_BASIC_INFORMATION b = {.Attributes = s->attributes, .Size = s->size};
        return answer(c, a, &layout_SECTION_BASIC_INFORMATION, &b);
    }
    if (class == ORIGINAL_BASE)
        return original_base(c, a, s);
    if (!s->image)
        return STATUS_SECTION_NOT_IMAGE;
    struct SECTION_IMAGE_INFORMATION i;
    image_information(c, s->image, &i);
    return answer(c, a, &layout_SECTION_IMAGE_INFORMATION, &i);
}

bool nt_section_image_info(struct nt_kernel *k, nt_id section, struct nt_image_info *out)
{
    const struct nt_section *s = mm_section(k, section);
    if (!s || !s->image)
        return false;
    *out = s->image->info;
    out->section = section;
    return true;
}

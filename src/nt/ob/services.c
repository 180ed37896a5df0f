// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/utf.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/cm/registry.h"
#include "nt/io/io.h"
#include "nt/structs.h"

#include <stdio.h>

ntstatus nt_close(struct nt_call *c)
{
    const struct NtClose_args *a = nt_args(c);
    return nt_handle_close(c->k, c->p, a->Handle);
}

enum { DUPLICATE_CLOSE_SOURCE = 1, DUPLICATE_SAME_ACCESS = 2, DUPLICATE_SAME_ATTRIBUTES = 4 };

static ntstatus duplicate(struct nt_call *c, const struct NtDuplicateObject_args *a,
                          struct nt_process *source, struct nt_process *target)
{
    struct nt_handle *row = nt_handle_row(source, a->SourceHandle);
    struct nt_object *o;
    uint32_t access, flags = (uint32_t)a->HandleAttributes & OBJ_INHERIT ? NT_HANDLE_INHERIT : 0;
    if (row) {
        o = nt_object_get(c->k, row->object, NT_TYPE_NONE);
        access = row->access;
        if (a->Options & DUPLICATE_SAME_ATTRIBUTES)
            flags = row->flags;
    } else {
        ntstatus s = source == c->p ? nt_handle_get(c, a->SourceHandle, NT_TYPE_NONE, 0, &o)
                                    : STATUS_INVALID_HANDLE;
        if (s)
            return s;
        access = nt_types[o->type]->generic[3];
    }
    if (!(a->Options & DUPLICATE_SAME_ACCESS))
        access = nt_map_access(o->type, (uint32_t)a->DesiredAccess);
    if (!target)
        return STATUS_SUCCESS;
    if (!nt_handle_room(target))
        return STATUS_INSUFFICIENT_RESOURCES;
    uint64_t h = nt_handle_add(target, o, access, flags);
    ntstatus s = a->TargetHandle ? nt_put_ptr(c, a->TargetHandle, h) : STATUS_SUCCESS;
    if (s)
        nt_handle_close(c->k, target, h);
    return s;
}

ntstatus nt_duplicate_object(struct nt_call *c)
{
    const struct NtDuplicateObject_args *a = nt_args(c);
    struct nt_process *source, *target = NULL;
    ntstatus s =
        a->TargetHandle ? nt_zero_handle(c, a->TargetHandle, STATUS_SUCCESS) : STATUS_SUCCESS;
    if (!s)
        s = nt_handle_get(c, a->SourceProcessHandle, NT_TYPE_PROCESS, 0, &source);
    if (s)
        return s;
    if (a->TargetProcessHandle) {
        s = nt_handle_get(c, a->TargetProcessHandle, NT_TYPE_PROCESS, 0, &target);
        if (!s && target->ended)
            s = STATUS_PROCESS_IS_TERMINATING;
    } else if (!(a->Options & DUPLICATE_CLOSE_SOURCE)) {
        s = STATUS_INVALID_HANDLE;
    }
    if (!s)
        s = duplicate(c, a, source, target);
    /* The source is closed even when the duplication failed. */
    if (a->Options & DUPLICATE_CLOSE_SOURCE)
        nt_handle_close(c->k, source, a->SourceHandle);
    return s;
}

/* ---- NtQueryObject ------------------------------------------------------------------------------
 */

#define FIELDS_OBJECT_BASIC_INFORMATION(F, S)                                                      \
    F(S, U32, Attributes, 1)                                                                       \
    F(S, U32, GrantedAccess, 1)                                                                    \
    F(S, U32, HandleCount, 1)                                                                      \
    F(S, U32, PointerCount, 1)                                                                     \
    F(S, U32, PagedPoolCharge, 1)                                                                  \
    F(S, U32, NonPagedPoolCharge, 1)                                                               \
    F(S, U32, Reserved, 3)                                                                         \
    F(S, U32, NameInfoSize, 1)                                                                     \
    F(S, U32, TypeInfoSize, 1) F(S, U32, SecurityDescriptorSize, 1) F(S, U32, CreationTime, 2)
LAYOUT_STRUCT(OBJECT_BASIC_INFORMATION);
LAYOUT_DEFINE(OBJECT_BASIC_INFORMATION);

#define FIELDS_OBJECT_TYPE_INFORMATION(F, S)                                                       \
    F(S, U16, Length, 1)                                                                           \
    F(S, U16, MaximumLength, 1)                                                                    \
    F(S, PTR, Buffer, 1)                                                                           \
    F(S, U32, TotalNumberOfObjects, 1)                                                             \
    F(S, U32, TotalNumberOfHandles, 1)                                                             \
    F(S, U32, Usage, 4)                                                                            \
    F(S, U32, HighWaterNumberOfObjects, 1)                                                         \
    F(S, U32, HighWaterNumberOfHandles, 1)                                                         \
    F(S, U32, HighWaterUsage, 4)                                                                   \
    F(S, U32, InvalidAttributes, 1)                                                                \
    F(S, U32, GenericMapping, 4)                                                                   \
    F(S, U32, ValidAccessMask, 1)                                                                  \
    F(S, U8, SecurityRequired, 1)                                                                  \
    F(S, U8, MaintainHandleCount, 1)                                                               \
    F(S, U8, TypeIndex, 1)                                                                         \
    F(S, U8, ReservedByte, 1)                                                                      \
    F(S, U32, PoolType, 1)                                                                         \
    F(S, U32, DefaultPagedPoolCharge, 1) F(S, U32, DefaultNonPagedPoolCharge, 1)
LAYOUT_STRUCT(OBJECT_TYPE_INFORMATION);
LAYOUT_DEFINE(OBJECT_TYPE_INFORMATION);

static uint32_t handle_attributes(const struct nt_handle *row)
{
    if (!row)
        return 0;
    return (row->flags & NT_HANDLE_INHERIT ? OBJ_INHERIT : 0) |
           (row->flags & NT_HANDLE_PROTECT ? 1u : 0);
}

static ntstatus query_basic(struct nt_call *c, const struct NtQueryObject_args *a,
                            struct nt_object *o)
{
    struct nt_handle *row = nt_handle_row(c->p, a->Handle);
    struct OBJECT_BASIC_INFORMATION info = {
        .Attributes = handle_attributes(row) | (o->permanent ? OBJ_PERMANENT : 0u),
        .GrantedAccess = row ? row->access : nt_types[o->type]->generic[3],
        .HandleCount = o->handles,
        .PointerCount = o->refs,
    };
    return nt_return_layout(c, a->ObjectInformation, (uint32_t)a->ObjectInformationLength,
                            a->ReturnLength, &layout_OBJECT_BASIC_INFORMATION, &info);
}

/* A UNICODE_STRING with its text right behind it, in the caller's buffer. */
static ntstatus put_inline_string(struct nt_call *c, uint64_t va, size_t header,
                                  const uint16_t *text, size_t len, bool terminate)
{
    struct UNICODE_STRING us = {
        .Length = (uint16_t)(len * 2),
        .MaximumLength = (uint16_t)(len * 2 + (terminate ? 2 : 0)),
        .Buffer = len || terminate ? va + header : 0,
    };
    ntstatus s = nt_put(c, &layout_UNICODE_STRING, va, &us);
    uint16_t zero = 0;
    if (!s && len)
        s = nt_write(c, va + header, text, len * 2);
    if (!s && terminate)
        s = nt_write(c, va + header + len * 2, &zero, 2);
    return s;
}

/* The name as NtQueryObject gives it; what is in no directory knows its own. */
static uint16_t *object_name(struct nt_kernel *k, struct nt_object *o, size_t *len)
{
    if (o->id == k->root_directory) {
        *len = 1;
        return utf8_to_utf16("\\", 1, NULL);
    }
    if (o->type == NT_TYPE_FILE) /* Wine's GetFinalPathNameByHandle wants DOS names */
        return nt_file_name(k, (struct nt_file *)o,
                            k->wine_userland ? NT_FILE_NAME_DOS : NT_FILE_NAME_DEVICE, len);
    if (o->type == NT_TYPE_KEY)
        return nt_key_name(k, o, len);
    return nt_name_full(k, o, len);
}

static ntstatus query_name(struct nt_call *c, const struct NtQueryObject_args *a,
                           struct nt_object *o)
{
    size_t len = 0, header = layout_size(&layout_UNICODE_STRING, nt_ptr_size(c));
    uint16_t *name = object_name(c->k, o, &len);
    if (!name && o->type == NT_TYPE_KEY)
        return STATUS_KEY_DELETED;
    if (o->type == NT_TYPE_FILE && nt_io_nameless(c->k, o)) {
        free(name);
        return STATUS_OBJECT_PATH_INVALID;
    }
    size_t need = header + (name ? len * 2 + 2 : 0);
    ntstatus s = STATUS_SUCCESS;
    if (a->ReturnLength)
        s = nt_put_u32(c, a->ReturnLength, (uint32_t)need);
    if (!s && a->ObjectInformationLength < header)
        s = STATUS_INFO_LENGTH_MISMATCH;
    else if (!s && a->ObjectInformationLength < need) /* file systems say it in their own way */
        s = o->type == NT_TYPE_FILE ? STATUS_BUFFER_OVERFLOW : STATUS_INFO_LENGTH_MISMATCH;
    else if (!s)
        s = put_inline_string(c, a->ObjectInformation, header, name, len, name != NULL);
    free(name);
    return s;
}

/* How many there are of a type. */
struct census {
    uint32_t objects, handles;
};

static void count_one(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct census *n = ctx;
    n->objects++;
    n->handles += o->handles;
}

static size_t type_entry_size(struct nt_call *c, enum nt_type_id id)
{
    return layout_size(&layout_OBJECT_TYPE_INFORMATION, nt_ptr_size(c)) +
           (strlen(nt_types[id]->name) + 1) * 2;
}

/* OBJECT_TYPE_INFORMATION at va, the name right behind it. */
static ntstatus put_type(struct nt_call *c, uint64_t va, enum nt_type_id id)
{
    const struct nt_type *type = nt_types[id];
    struct census n = {0};
    size_t header = layout_size(&layout_OBJECT_TYPE_INFORMATION, nt_ptr_size(c)), len;
    uint16_t *name = utf8_to_utf16(type->name, strlen(type->name), &len);
    nt_object_each(c->k, id, count_one, &n);
    struct OBJECT_TYPE_INFORMATION info = {
        .Length = (uint16_t)(len * 2),
        .MaximumLength = (uint16_t)(len * 2 + 2),
        .Buffer = va + header,
        .TotalNumberOfObjects = n.objects,
        .TotalNumberOfHandles = n.handles,
        .HighWaterNumberOfObjects = n.objects,
        .HighWaterNumberOfHandles = n.handles,
        .ValidAccessMask = type->valid_access,
        .TypeIndex = (uint8_t)(id + 1),
    };
    memcpy(info.GenericMapping, type->generic, sizeof info.GenericMapping);
    ntstatus s = nt_put(c, &layout_OBJECT_TYPE_INFORMATION, va, &info);
    if (!s)
        s = nt_write(c, va + header, name, len * 2 + 2);
    free(name);
    return s;
}

static ntstatus query_type(struct nt_call *c, const struct NtQueryObject_args *a,
                           struct nt_object *o)
{
    size_t need = type_entry_size(c, o->type);
    ntstatus s = a->ReturnLength ? nt_put_u32(c, a->ReturnLength, (uint32_t)need) : STATUS_SUCCESS;
    if (!s && a->ObjectInformationLength < need)
        s = STATUS_INFO_LENGTH_MISMATCH;
    return s ? s : put_type(c, a->ObjectInformation, o->type);
}

/* OBJECT_TYPES_INFORMATION: a count, then an entry per type, each on a boundary of pointers. */
static ntstatus query_types(struct nt_call *c, const struct NtQueryObject_args *a)
{
    unsigned step = nt_ptr_size(c);
    size_t need = step;
    uint32_t count = 0;
    for (enum nt_type_id id = NT_TYPE_NONE; id < NT_TYPE_COUNT; id++) {
        if (!nt_types[id])
            continue;
        need += align_up(type_entry_size(c, id), step);
        count++;
    }
    ntstatus s = a->ReturnLength ? nt_put_u32(c, a->ReturnLength, (uint32_t)need) : STATUS_SUCCESS;
    if (!s && a->ObjectInformationLength < need)
        s = STATUS_INFO_LENGTH_MISMATCH;
    if (!s)
        s = nt_put_u32(c, a->ObjectInformation, count);
    uint64_t at = a->ObjectInformation + step;
    for (enum nt_type_id id = NT_TYPE_NONE; id < NT_TYPE_COUNT && !s; id++) {
        if (!nt_types[id])
            continue;
        s = put_type(c, at, id);
        at += align_up(type_entry_size(c, id), step);
    }
    return s;
}

ntstatus nt_query_object(struct nt_call *c)
{
    const struct NtQueryObject_args *a = nt_args(c);
    struct nt_object *o;
    if (a->ObjectInformationClass == 3) /* about no object in particular */
        return query_types(c, a);
    ntstatus s = nt_handle_get(c, a->Handle, NT_TYPE_NONE, 0, &o);
    if (s)
        return s;
    switch (a->ObjectInformationClass) {
    case 0:
        return query_basic(c, a, o);
    case 1:
        return query_name(c, a, o);
    case 2:
        return query_type(c, a, o);
    case 4: { /* ObjectHandleFlagInformation: Inherit, ProtectFromClose */
        struct nt_handle *row = nt_handle_row(c->p, a->Handle);
        if (!row)
            return STATUS_INVALID_HANDLE;
        uint8_t flags[2] = {!!(row->flags & NT_HANDLE_INHERIT), !!(row->flags & NT_HANDLE_PROTECT)};
        return nt_return_info(c, a->ObjectInformation, (uint32_t)a->ObjectInformationLength,
                              a->ReturnLength, flags, sizeof flags);
    }
    default:
        return nt_unknown_class(c, (uint32_t)a->ObjectInformationClass);
    }
}

ntstatus nt_set_information_object(struct nt_call *c)
{
    const struct NtSetInformationObject_args *a = nt_args(c);
    uint8_t flags[2];
    if (a->ObjectInformationClass != 4)
        return nt_unknown_class(c, (uint32_t)a->ObjectInformationClass);
    if (a->ObjectInformationLength < sizeof flags)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_read(c, a->ObjectInformation, flags, sizeof flags);
    if (s)
        return s;
    struct nt_handle *row = nt_handle_row(c->p, a->Handle);
    if (!row)
        return STATUS_INVALID_HANDLE;
    row->flags = (flags[0] ? NT_HANDLE_INHERIT : 0) | (flags[1] ? NT_HANDLE_PROTECT : 0);
    return STATUS_SUCCESS;
}

ntstatus nt_make_temporary_object(struct nt_call *c)
{
    const struct NtMakeTemporaryObject_args *a = nt_args(c);
    struct nt_object *o;
    ntstatus s = nt_handle_get(c, a->Handle, NT_TYPE_NONE, 0, &o);
    if (s || !o->permanent)
        return s;
    o->permanent = false;
    nt_object_unref(c->k, o);
    return STATUS_SUCCESS;
}

ntstatus nt_make_permanent_object(struct nt_call *c)
{
    const struct NtMakePermanentObject_args *a = nt_args(c);
    struct nt_object *o;
    ntstatus s = nt_handle_get(c, a->Handle, NT_TYPE_NONE, 0, &o);
    if (s || o->permanent)
        return s;
    o->permanent = true;
    nt_object_ref(o);
    return STATUS_SUCCESS;
}

ntstatus nt_compare_objects(struct nt_call *c)
{
    const struct NtCompareObjects_args *a = nt_args(c);
    struct nt_object *one, *two;
    ntstatus s = nt_handle_get(c, a->FirstObjectHandle, NT_TYPE_NONE, 0, &one);
    if (!s)
        s = nt_handle_get(c, a->SecondObjectHandle, NT_TYPE_NONE, 0, &two);
    if (s)
        return s;
    return one == two ? STATUS_SUCCESS : STATUS_NOT_SAME_OBJECT;
}

/* ---- For people ---------------------------------------------------------------------------------
 */

static size_t describe_object(struct nt_kernel *k, struct nt_object *o, char *out, size_t size)
{
    const struct nt_type *type = nt_types[o->type];
    int n = snprintf(out, size, "%s", type->name);
    if (n < 0 || (size_t)n + 2 >= size)
        return MIN((size_t)MAX(n, 0), size - 1);
    size_t at = (size_t)n, len;
    uint16_t *name = nt_name_full(k, o, &len);
    if (name) {
        char *text = utf16_to_utf8(name, len, NULL);
        n = snprintf(out + at, size - at, " %s", text);
        at = MIN(at + (size_t)MAX(n, 0), size - 1);
        free(text);
        free(name);
    } else if (type->describe) {
        size_t used = type->describe(k, o, out + at + 1, size - at - 1);
        if (used) {
            out[at] = ' ';
            at = MIN(at + 1 + used, size - 1);
        }
    }
    out[at] = 0;
    return at;
}

size_t nt_handle_describe(struct nt_kernel *k, struct nt_process *p, uint64_t handle, char *out,
                          size_t size)
{
    if (size < 2)
        return 0;
    struct nt_handle *row = nt_handle_row(p, handle);
    if (row)
        return describe_object(k, nt_object_get(k, row->object, NT_TYPE_NONE), out, size);
    static const char *const pseudo[] = {"current process", "current thread", NULL,
                                         "process token",   "thread token",   "effective token"};
    int32_t i = -1 - (int32_t)handle;
    if (i < 0 || i > 5 || !pseudo[i])
        return 0;
    int n = snprintf(out, size, "%s", pseudo[i]);
    return MIN((size_t)n, size - 1);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/structs.h"

#include <stdlib.h>

enum { NAME_BYTES_MAX = 65532 };

ntstatus nt_attrs_read(struct nt_call *c, uint64_t address, struct nt_attrs *out)
{
    *out = (struct nt_attrs){0};
    if (!address)
        return STATUS_SUCCESS;
    struct OBJECT_ATTRIBUTES oa;
    ntstatus s = nt_get(c, &layout_OBJECT_ATTRIBUTES, address, &oa);
    if (s)
        return s;
    if (oa.Length != layout_size(&layout_OBJECT_ATTRIBUTES, nt_ptr_size(c)))
        return STATUS_INVALID_PARAMETER;
    if (oa.Attributes & ~(uint32_t)OBJ_VALID_ATTRIBUTES)
        return STATUS_INVALID_PARAMETER;
    out->present = true;
    out->root = oa.RootDirectory;
    out->attributes = oa.Attributes;
    if (!oa.ObjectName)
        return oa.RootDirectory ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
    struct UNICODE_STRING us;
    s = nt_get(c, &layout_UNICODE_STRING, oa.ObjectName, &us);
    if (s)
        return s;
    if (us.Buffer & 1)
        return STATUS_DATATYPE_MISALIGNMENT;
    if (us.Length & 1 || us.Length > NAME_BYTES_MAX)
        return STATUS_OBJECT_NAME_INVALID;
    return nt_read_string(c, oa.ObjectName, &out->name, &out->name_len);
}

void nt_attrs_free(struct nt_attrs *a)
{
    free(a->name);
    a->name = NULL;
}

ntstatus nt_return_handle(struct nt_call *c, struct nt_object *o, uint32_t access,
                          const struct nt_attrs *a, uint64_t handle_out)
{
    uint32_t flags = a && a->attributes & OBJ_INHERIT ? NT_HANDLE_INHERIT : 0;
    if (!nt_handle_room(c->p)) {
        nt_object_unref(c->k, o);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    uint64_t h = nt_handle_add(c->p, o, nt_map_access(o->type, access), flags);
    nt_object_unref(c->k, o);
    ntstatus s = nt_put_ptr(c, handle_out, h);
    if (s)
        nt_handle_close(c->k, c->p, h);
    return s;
}

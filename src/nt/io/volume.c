// SPDX-License-Identifier: GPL-2.0-or-later
/* Volumes look like NTFS of a fixed size: what the host has is none of the guest's business, and
 * would make no two runs alike. */
#include "nt/io/internal.h"
#include "nt/io/classes.h"

enum {
    SECTOR = 512,
    SECTORS_PER_UNIT = 8,
    FILE_DEVICE_DISK = 0x07,
    FILE_DEVICE_DISK_FILE_SYSTEM = 0x08,
    FILE_DEVICE_MAILSLOT = 0x0c,
    FILE_DEVICE_NAMED_PIPE = 0x11,
    FILE_DEVICE_NULL = 0x15,
    FILE_DEVICE_UNKNOWN = 0x22,
    FILE_DEVICE_CONSOLE = 0x50,
    FILE_DEVICE_IS_MOUNTED = 0x20,
    /* case kept, Unicode, ACLs, hard links, open by id */
    NTFS_ATTRIBUTES = 0x1 | 0x2 | 0x4 | 0x8 | 0x400000 | 0x1000000,
    SERIAL = 0x50675250,
};
static const uint64_t TOTAL_UNITS = 64u << 20; /* 256 GiB */
static const uint64_t FREE_UNITS = 32u << 20;
static const uint64_t MADE = 132223104000000000u; /* 2020-01-01 */

struct volume_query {
    struct nt_kernel *k;
    const struct nt_file *f;
    uint8_t *out;
    size_t size, used;
};

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

static bool on_disk(struct nt_kernel *k, const struct nt_file *f)
{
    return f->kind == NT_FILE_DISK || f->kind == NT_FILE_VOLUME || nt_stream_on_disk(k, f);
}

static ntstatus v_volume(struct volume_query *q)
{
    put64(q->out, MADE);
    put32(q->out + 8, SERIAL);
    q->out[16] = 1; /* object ids; the label is empty */
    q->used = 18;
    return STATUS_SUCCESS;
}

static ntstatus v_size(struct volume_query *q)
{
    put64(q->out, TOTAL_UNITS);
    put64(q->out + 8, FREE_UNITS);
    put32(q->out + 16, SECTORS_PER_UNIT);
    put32(q->out + 20, SECTOR);
    q->used = 24;
    return STATUS_SUCCESS;
}

static ntstatus v_full_size(struct volume_query *q)
{
    put64(q->out, TOTAL_UNITS);
    put64(q->out + 8, FREE_UNITS);
    put64(q->out + 16, FREE_UNITS);
    put32(q->out + 24, SECTORS_PER_UNIT);
    put32(q->out + 28, SECTOR);
    q->used = 32;
    return STATUS_SUCCESS;
}

static ntstatus v_device(struct volume_query *q)
{
    static const uint8_t types[] = {
        [NT_FILE_DISK] = FILE_DEVICE_DISK,
        [NT_FILE_VOLUME] = FILE_DEVICE_DISK,
        [NT_FILE_CONSOLE] = FILE_DEVICE_CONSOLE,
        [NT_FILE_NULL] = FILE_DEVICE_NULL,
        [NT_FILE_PIPE] = FILE_DEVICE_NAMED_PIPE,
        [NT_FILE_PIPE_ROOT] = FILE_DEVICE_NAMED_PIPE,
        [NT_FILE_PIPE_DEVICE] = FILE_DEVICE_NAMED_PIPE,
        [NT_FILE_MAILSLOT] = FILE_DEVICE_MAILSLOT,
        [NT_FILE_MOUNT_MANAGER] = FILE_DEVICE_UNKNOWN,
        [NT_FILE_MAILSLOT_DEVICE] = FILE_DEVICE_MAILSLOT,
    };
    static const uint8_t stream_types[] = {
        [NT_STREAM_PIPE] = FILE_DEVICE_NAMED_PIPE,
        [NT_STREAM_DISK] = FILE_DEVICE_DISK,
        [NT_STREAM_NULL] = FILE_DEVICE_NULL,
        [NT_STREAM_CONSOLE] = FILE_DEVICE_CONSOLE,
    };
    uint32_t type = q->f->kind == NT_FILE_STREAM ? stream_types[nt_stream_class(q->k, q->f)]
                                                 : types[q->f->kind];
    if (type == FILE_DEVICE_DISK && q->k->wine_userland) /* what its GetDriveType knows */
        type = FILE_DEVICE_DISK_FILE_SYSTEM;
    put32(q->out, type);
    put32(q->out + 4, on_disk(q->k, q->f) ? FILE_DEVICE_IS_MOUNTED : 0);
    q->used = 8;
    return STATUS_SUCCESS;
}

static ntstatus v_attribute(struct volume_query *q)
{
    static const uint16_t ntfs[] = u"NTFS", npfs[] = u"NPFS";
    bool disk = on_disk(q->k, q->f);
    size_t bytes = sizeof ntfs - 2, n = MIN(bytes, q->size - 12);
    put32(q->out, disk ? NTFS_ATTRIBUTES : 0);
    put32(q->out + 4, 255);
    put32(q->out + 8, (uint32_t)bytes);
    memcpy(q->out + 12, disk ? ntfs : npfs, n);
    q->used = 12 + n;
    return n < bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static ntstatus v_zero(struct volume_query *q)
{
    q->used = MIN(q->size, 48);
    return STATUS_SUCCESS;
}

static ntstatus v_flags(struct volume_query *q)
{
    q->used = 4;
    return STATUS_SUCCESS;
}

static ntstatus v_object_id(struct volume_query *q)
{
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

static ntstatus v_sector(struct volume_query *q)
{
    put32(q->out, SECTOR);
    put32(q->out + 4, SECTOR);
    put32(q->out + 8, SECTOR);
    put32(q->out + 12, SECTOR);
    put32(q->out + 16, 3); /* aligned device, partition on its device */
    q->used = 28;
    return STATUS_SUCCESS;
}

static const struct {
    ntstatus (*fn)(struct volume_query *q);
    uint8_t least;
    bool any_device;
} classes[] = {
    [FileFsVolumeInformation] = {v_volume, 24, false},
    [FileFsSizeInformation] = {v_size, 24, false},
    [FileFsDeviceInformation] = {v_device, 8, true},
    [FileFsAttributeInformation] = {v_attribute, 16, true},
    [FileFsControlInformation] = {v_zero, 48, false},
    [FileFsFullSizeInformation] = {v_full_size, 32, false},
    [FileFsObjectIdInformation] = {v_object_id, 64, false},
    [FileFsVolumeFlagsInformation] = {v_flags, 4, false},
    [FileFsSectorSizeInformation] = {v_sector, 28, false},
};

ntstatus nt_query_volume_information_file(struct nt_call *c)
{
    const struct NtQueryVolumeInformationFile_args *a = nt_args(c);
    uint32_t cls = (uint32_t)a->FsInformationClass, length = (uint32_t)a->Length;
    struct nt_file *f;
    uint8_t out[64] = {0};
    ntstatus s = nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c));
    if (!s)
        s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, 0, &f);
    if (s)
        return s;
    if (cls >= ARRAY_LEN(classes) || !classes[cls].fn)
        return nt_unknown_class(c, cls);
    if (length < classes[cls].least)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!classes[cls].any_device && !on_disk(c->k, f))
        return STATUS_INVALID_DEVICE_REQUEST;
    struct volume_query q = {.k = c->k, .f = f, .out = out, .size = MIN(length, sizeof out)};
    s = classes[cls].fn(&q);
    if (nt_error(s))
        return s;
    ntstatus w = nt_write(c, a->FsInformation, out, q.used);
    if (!w)
        w = nt_put_iosb(c, a->IoStatusBlock, s, q.used);
    return w ? w : s;
}

/* Labels and quotas are the administrator's. */
ntstatus nt_set_volume_information_file(struct nt_call *c)
{
    const struct NtSetVolumeInformationFile_args *a = nt_args(c);
    struct nt_file *f;
    ntstatus s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, 0, &f);
    if (s)
        return s;
    return a->FsInformationClass == FileFsLabelInformation ||
                   a->FsInformationClass == FileFsControlInformation ||
                   a->FsInformationClass == FileFsObjectIdInformation
               ? STATUS_ACCESS_DENIED
               : STATUS_INVALID_INFO_CLASS;
}

/* ---- Extended attributes: none
 * ------------------------------------------------------------------- */

ntstatus nt_query_ea_file(struct nt_call *c)
{
    const struct NtQueryEaFile_args *a = nt_args(c);
    struct nt_file *f;
    ntstatus s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, FILE_READ_EA, &f);
    if (s)
        return s;
    if (f->kind != NT_FILE_DISK)
        return STATUS_INVALID_DEVICE_REQUEST;
    static const uint8_t zeroes[4096];
    for (uint64_t at = 0; !s && at < a->Length; at += sizeof zeroes)
        s = nt_write(c, a->Buffer + at, zeroes, MIN(sizeof zeroes, a->Length - at));
    return s ? s : STATUS_NO_EAS_ON_FILE;
}

ntstatus nt_set_ea_file(struct nt_call *c)
{
    const struct NtSetEaFile_args *a = nt_args(c);
    struct nt_file *f;
    ntstatus s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, FILE_WRITE_EA, &f);
    if (s)
        return s;
    return f->kind == NT_FILE_DISK ? STATUS_EAS_NOT_SUPPORTED : STATUS_INVALID_DEVICE_REQUEST;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* NtFsControlFile and NtDeviceIoControlFile. */
#include "nt/io/mountmgr.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    FSCTL_REQUEST_OPLOCK_LEVEL_1 = 0x90000,
    FSCTL_REQUEST_OPLOCK_LEVEL_2 = 0x90004,
    FSCTL_REQUEST_BATCH_OPLOCK = 0x90008,
    FSCTL_LOCK_VOLUME = 0x90018,
    FSCTL_UNLOCK_VOLUME = 0x9001c,
    FSCTL_DISMOUNT_VOLUME = 0x90020,
    FSCTL_IS_VOLUME_MOUNTED = 0x90028,
    FSCTL_GET_COMPRESSION = 0x9003c,
    FSCTL_SET_COMPRESSION = 0x9c040,
    FSCTL_REQUEST_FILTER_OPLOCK = 0x9005c,
    FSCTL_GET_OBJECT_ID = 0x9009c,
    FSCTL_SET_REPARSE_POINT = 0x900a4,
    FSCTL_GET_REPARSE_POINT = 0x900a8,
    FSCTL_DELETE_REPARSE_POINT = 0x900ac,
    FSCTL_CREATE_OR_GET_OBJECT_ID = 0x900c0,
    FSCTL_SET_SPARSE = 0x900c4,
    FSCTL_SET_ZERO_DATA = 0x980c8,
    FSCTL_QUERY_ALLOCATED_RANGES = 0x940cf,
    FSCTL_REQUEST_OPLOCK = 0x90240,
    IOCTL_DISK_GET_DRIVE_GEOMETRY = 0x70000,
    IOCTL_DISK_GET_LENGTH_INFO = 0x7405c,
    IOCTL_STORAGE_GET_DEVICE_NUMBER = 0x2d1080,
    IOCTL_STORAGE_QUERY_PROPERTY = 0x2d1400,
    IOCTL_MOUNTDEV_QUERY_DEVICE_NAME = 0x4d0008,
    IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS = 0x560000,
};

static const uint64_t DISK_BYTES = 256ull << 30;

ntstatus nt_control_reply(struct nt_control *k, const void *data, size_t len)
{
    if (k->out_len < len)
        return STATUS_BUFFER_TOO_SMALL;
    k->used = len;
    return nt_write(k->c, k->out, data, len);
}

/* What tells ntdll's loader whether two paths are one file. */
static ntstatus get_object_id(struct nt_control *k)
{
    uint8_t id[64] = {0};
    if (!k->fcb)
        return STATUS_INVALID_DEVICE_REQUEST;
    uint64_t file = nt_file_id(k->c->k->io, k->fcb->path, k->fcb->len);
    memcpy(id, &file, 8);
    memcpy(id + 8, "Peregrin", 8);
    return nt_control_reply(k, id, sizeof id);
}

static ntstatus set_zero(struct nt_control *k)
{
    uint64_t range[2];
    int fd;
    if (!k->fcb || k->fcb->directory || k->in_len < sizeof range)
        return STATUS_INVALID_PARAMETER;
    if (!(k->f->access & FILE_WRITE_DATA))
        return STATUS_ACCESS_DENIED;
    ntstatus s = nt_read(k->c, k->in, range, sizeof range);
    if (!s && (range[0] > range[1] || range[1] > INT64_MAX))
        s = STATUS_INVALID_PARAMETER;
    if (!s)
        s = nt_fcb_fd(k->c->k->io, k->fcb, true, &fd);
    if (s || range[0] == range[1])
        return s;
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)range[0],
                  (off_t)(range[1] - range[0])) < 0)
        return STATUS_NOT_SUPPORTED;
    k->fcb->written = true;
    return STATUS_SUCCESS;
}

static ntstatus allocated_ranges(struct nt_control *k)
{
    uint64_t range[2];
    struct nt_stat st;
    if (!k->fcb || k->fcb->directory || k->in_len < sizeof range)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_read(k->c, k->in, range, sizeof range);
    if (!s)
        s = nt_fcb_stat(k->c->k->io, k->fcb, &st);
    if (s)
        return s;
    if (range[0] >= st.size)
        return STATUS_SUCCESS;
    range[1] = MIN(range[1], st.size - range[0]);
    return nt_control_reply(k, range, sizeof range);
}

static ntstatus get_compression(struct nt_control *k)
{
    uint16_t none = 0;
    return nt_control_reply(k, &none, sizeof none);
}

static ntstatus fs_control(struct nt_control *k, uint32_t code)
{
    switch (code) {
    case FSCTL_GET_OBJECT_ID:
    case FSCTL_CREATE_OR_GET_OBJECT_ID:
        return get_object_id(k);
    case FSCTL_IS_VOLUME_MOUNTED:
    case FSCTL_SET_SPARSE:
    case FSCTL_SET_COMPRESSION:
        return STATUS_SUCCESS;
    case FSCTL_GET_COMPRESSION:
        return get_compression(k);
    case FSCTL_SET_ZERO_DATA:
        return set_zero(k);
    case FSCTL_QUERY_ALLOCATED_RANGES:
        return allocated_ranges(k);
    case FSCTL_GET_REPARSE_POINT:
        return k->out && k->out_len ? STATUS_NOT_A_REPARSE_POINT : STATUS_INVALID_USER_BUFFER;
    case FSCTL_DELETE_REPARSE_POINT:
        return STATUS_NOT_A_REPARSE_POINT;
    case FSCTL_SET_REPARSE_POINT: /* a link could lead anywhere */
    case FSCTL_LOCK_VOLUME:
    case FSCTL_UNLOCK_VOLUME:
    case FSCTL_DISMOUNT_VOLUME:
        return STATUS_ACCESS_DENIED;
    case FSCTL_REQUEST_OPLOCK_LEVEL_1:
    case FSCTL_REQUEST_OPLOCK_LEVEL_2:
    case FSCTL_REQUEST_BATCH_OPLOCK:
    case FSCTL_REQUEST_FILTER_OPLOCK:
    case FSCTL_REQUEST_OPLOCK:
        return STATUS_OPLOCK_NOT_GRANTED;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static ntstatus device_name(struct nt_control *k)
{
    uint8_t out[2 + 2 * NT_DRIVE_NAME_MAX];
    char name[NT_DRIVE_NAME_MAX];
    nt_io_drive_device((char)(k->fcb ? k->fcb->path[0] : k->f->drive), name);
    uint16_t bytes = (uint16_t)(strlen(name) * 2);
    memcpy(out, &bytes, 2);
    for (size_t i = 0; name[i]; i++) {
        out[2 + 2 * i] = (uint8_t)name[i];
        out[3 + 2 * i] = 0;
    }
    return nt_control_reply(k, out, 2 + (size_t)bytes);
}

/* VOLUME_DISK_EXTENTS: all of it on one disk. */
static ntstatus disk_extents(struct nt_control *k)
{
    struct {
        uint64_t count, disk, start, length;
    } out = {1, 0, 1 << 20, DISK_BYTES};
    return nt_control_reply(k, &out, sizeof out);
}

/* STORAGE_DEVICE_DESCRIPTOR without the names; as much of it as fits. */
static ntstatus storage_property(struct nt_control *k)
{
    enum { DEVICE_PROPERTY = 0, STANDARD_QUERY = 0, QUERY_BYTES = 12, BUS_SATA = 11 };
    uint32_t query[2], out[10] = {sizeof out, sizeof out};
    if (k->in_len < QUERY_BYTES)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_read(k->c, k->in, query, sizeof query);
    if (s)
        return s;
    if (query[0] != DEVICE_PROPERTY || query[1] != STANDARD_QUERY)
        return STATUS_INVALID_PARAMETER_1;
    out[7] = BUS_SATA;
    return nt_control_reply(k, out, MIN(sizeof out, (size_t)k->out_len));
}

static ntstatus disk_control(struct nt_control *k, uint32_t code)
{
    uint32_t number[3] = {7 /* disk */, 0, 1};
    struct {
        uint64_t cylinders;
        uint32_t media, tracks, sectors, bytes;
    } geometry = {DISK_BYTES / 512 / 63 / 255, 12 /* fixed */, 255, 63, 512};
    switch (code) {
    case IOCTL_STORAGE_GET_DEVICE_NUMBER:
        return nt_control_reply(k, number, sizeof number);
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
        return nt_control_reply(k, &geometry, sizeof geometry);
    case IOCTL_DISK_GET_LENGTH_INFO:
        return nt_control_reply(k, &DISK_BYTES, sizeof DISK_BYTES);
    case IOCTL_MOUNTDEV_QUERY_DEVICE_NAME:
        return device_name(k);
    case IOCTL_STORAGE_QUERY_PROPERTY:
        return storage_property(k);
    case IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS:
        return disk_extents(k);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

/* A control code that nobody answers is worth knowing about. */
static ntstatus noted(struct nt_call *c, uint32_t code, ntstatus s)
{
    char what[40];
    if (s == STATUS_INVALID_DEVICE_REQUEST) {
        snprintf(what, sizeof what, "control code 0x%x", code);
        nt_note(c->k, NT_NOTE_DEVICE, what, c->service ? c->service->name : "");
    }
    return s;
}

struct control_args {
    uint64_t handle, event, apc, apc_context, iosb, code, in, in_len, out, out_len;
};

static ntstatus control(struct nt_call *c, const struct control_args *a, bool fs)
{
    struct nt_file *f;
    struct nt_irp r;
    uint32_t code = (uint32_t)a->code;
    ntstatus s = nt_handle_get(c, a->handle, NT_TYPE_FILE, 0, &f);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_CONTROL, a->event, a->apc, a->apc_context, a->iosb, &r);
    if (s)
        return s;
    struct nt_control k = {
        c, f, nt_file_fcb(c->k, f), a->in, a->out, (uint32_t)a->in_len, (uint32_t)a->out_len, 0};
    bool pipe =
        f->kind == NT_FILE_PIPE || f->kind == NT_FILE_PIPE_ROOT || f->kind == NT_FILE_PIPE_DEVICE;
    if (fs && pipe)
        return nt_pipe_control(c, f, &r, code, k.in, k.in_len, k.out, k.out_len);
    if (f->kind == NT_FILE_DISK || f->kind == NT_FILE_VOLUME)
        s = fs ? fs_control(&k, code) : disk_control(&k, code);
    else if (f->kind == NT_FILE_MOUNT_MANAGER && !fs)
        s = nt_mount_manager(&k, code);
    else
        s = STATUS_INVALID_DEVICE_REQUEST;
    return nt_irp_finish(c, f, &r, noted(c, code, s), k.used);
}

ntstatus nt_fs_control_file(struct nt_call *c)
{
    const struct NtFsControlFile_args *a = nt_args(c);
    struct control_args k = {a->FileHandle,    a->Event,
                             a->ApcRoutine,    a->ApcContext,
                             a->IoStatusBlock, a->FsControlCode,
                             a->InputBuffer,   a->InputBufferLength,
                             a->OutputBuffer,  a->OutputBufferLength};
    return control(c, &k, true);
}

ntstatus nt_device_io_control_file(struct nt_call *c)
{
    const struct NtDeviceIoControlFile_args *a = nt_args(c);
    struct control_args k = {a->FileHandle,    a->Event,
                             a->ApcRoutine,    a->ApcContext,
                             a->IoStatusBlock, a->IoControlCode,
                             a->InputBuffer,   a->InputBufferLength,
                             a->OutputBuffer,  a->OutputBufferLength};
    return control(c, &k, false);
}

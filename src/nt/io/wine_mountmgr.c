// SPDX-License-Identifier: GPL-2.0-or-later
/* Wine's extensions to the mount manager: its kernelbase asks here for the types of drives, its
 * advapi32 for the host's store of passwords. */
#include "nt/io/mountmgr.h"

enum {
    IOCTL_MOUNTMGR_QUERY_UNIX_DRIVE = 0x6d4084,
    IOCTL_MOUNTMGR_READ_CREDENTIAL = 0x6d40c0,
    IOCTL_MOUNTMGR_WRITE_CREDENTIAL = 0x6d80c4,
    IOCTL_MOUNTMGR_DELETE_CREDENTIAL = 0x6d80c8,
    IOCTL_MOUNTMGR_ENUMERATE_CREDENTIALS = 0x6d40cc,
};
enum { DRIVE_FIXED = 3, FS_NTFS = 0 };

/* In and out; offsets of strings that follow. None do: they would be paths of the host. */
struct unix_drive {
    uint32_t size, type, fs_type, serial;
    uint64_t unix_dev;
    uint16_t letter, mount_point_offset, device_offset, label_offset;
};

static ntstatus query_unix_drive(struct nt_control *k)
{
    struct unix_drive d;
    if (k->in_len < sizeof d || k->out_len < sizeof d)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_read(k->c, k->in, &d, sizeof d);
    if (s)
        return s;
    uint16_t letter = utf16_upcase(d.letter);
    if (letter < 'A' || letter > 'Z')
        return STATUS_INVALID_PARAMETER;
    if (!nt_drive_exists(k->c->k->io, letter))
        return STATUS_NO_SUCH_DEVICE;
    d = (struct unix_drive){
        .size = sizeof d, .type = DRIVE_FIXED, .fs_type = FS_NTFS, .letter = d.letter};
    return nt_control_reply(k, &d, sizeof d);
}

ntstatus nt_wine_mount_manager(struct nt_control *k, uint32_t code)
{
    switch (code) {
    case IOCTL_MOUNTMGR_QUERY_UNIX_DRIVE:
        return query_unix_drive(k);
    /* Only macOS has one; at this status advapi32 keeps them in the registry. */
    case IOCTL_MOUNTMGR_READ_CREDENTIAL:
    case IOCTL_MOUNTMGR_WRITE_CREDENTIAL:
    case IOCTL_MOUNTMGR_DELETE_CREDENTIAL:
    case IOCTL_MOUNTMGR_ENUMERATE_CREDENTIALS:
        return STATUS_NOT_SUPPORTED;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_IO_MOUNTMGR_H
#define NT_IO_MOUNTMGR_H
/* What device.c, the mount manager and its Wine extensions share. Not for other files. */
#include "nt/io/internal.h"

/* A control request that is answered at once. */
struct nt_control {
    struct nt_call *c;
    struct nt_file *f;
    struct nt_fcb *fcb;
    uint64_t in, out;
    uint32_t in_len, out_len;
    uint64_t used; /* Information */
};

/* The whole answer; STATUS_BUFFER_TOO_SMALL where it does not fit. */
ntstatus nt_control_reply(struct nt_control *k, const void *data, size_t len);

/* \\.\MountPointManager. STATUS_INVALID_DEVICE_REQUEST for a code that it does not know. */
ntstatus nt_mount_manager(struct nt_control *k, uint32_t code);

/* wine_mountmgr.c: codes that only Wine's DLLs send. The same. */
ntstatus nt_wine_mount_manager(struct nt_control *k, uint32_t code);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_IO_IO_H
#define NT_IO_IO_H
/*
 * Files, as the layers above the kernel see them: what the guest may reach on the host, standard
 * handles, and host descriptors for sections. Services live in the .c files of this folder; their
 * shared parts are in internal.h.
 *
 * The guest sees exactly the mounts. A mount shows a host directory at a guest path; mounts nest,
 * and directories above mount points exist by themselves. All that the guest writes and that does
 * not belong to a READ_WRITE mount goes to the overlay, one host directory that mirrors guest paths
 * (<overlay>/C/work/a.txt; deleted things are marked by empty files named .wh.NAME).
 *
 * Guest paths given here as text are UTF-8 and of the form "C:\work\a.txt"; a prefix "\??\" is
 * accepted. Letter case never matters. Host paths are resolved beneath the mount's directory by the
 * host kernel (openat2), so that neither ".." nor links lead out of it; descriptors are O_CLOEXEC.
 *
 * Not thread-safe: callers hold the kernel lock, or are alone.
 */
#include "nt/kernel.h"

enum nt_mount_mode {
    NT_MOUNT_READ_ONLY,
    NT_MOUNT_COPY_ON_WRITE, /* changes go to the overlay */
    NT_MOUNT_READ_WRITE
};

/* ---- Setting up ----------------------------------------------------------------------------- */

/* k->io with no mounts, and standard handles that are at their end and swallow output. The overlay
 * is a private temporary directory, made at the first write and removed by nt_io_destroy. */
pgr_status nt_io_create(struct nt_kernel *k, struct pgr_error *e);
void nt_io_destroy(struct nt_kernel *k);
/* Mounts, overlay and pipes. File objects follow with the object table, which needs this loaded
 * before. Host descriptors are opened again by path; what is gone reads as closed. */
void nt_io_transfer(struct nt_kernel *k, struct ser *s);
/* A file that a section of a snapshot shows, by the host path that it had: what the mounts and the
 * overlay, loaded already, allow. A descriptor of the caller's, or -1. */
int nt_io_reopen(struct nt_kernel *k, const char *host_path, bool writable);
/* After a load of everything: waits get their descriptors; fails where files do not fit together.
 */
void nt_io_settle(struct nt_kernel *k, struct ser *s);

/*
 * Shows host_dir at the guest path ("C:\work", "D:\" for a drive). A second mount at the same place
 * replaces the first. PGR_E_ARGUMENT: not a full guest path; PGR_E_IO: no such directory, no
 * access.
 */
pgr_status nt_io_mount(struct nt_kernel *k, const char *guest, const char *host_dir,
                       enum nt_mount_mode mode, struct pgr_error *e);
/* Files of host_dir stand in for files that the mount at `guest` lacks; they can be opened by name
 * and are not listed. One for each mount; PGR_E_ARGUMENT when there is no such mount. */
pgr_status nt_io_supply(struct nt_kernel *k, const char *guest, const char *host_dir,
                        struct pgr_error *e);
/* Keeps the overlay in `dir` (created when missing). NULL: back to a private temporary directory.
 * Before the guest runs. */
pgr_status nt_io_set_overlay(struct nt_kernel *k, const char *dir, struct pgr_error *e);
/* The overlay's host path, NULL while nothing has been written. */
const char *nt_io_overlay(const struct nt_kernel *k);
/* Makes an (empty) guest directory and those above it exist. Where nothing is mounted the host only
 * gets one when something is written there, and the guest cannot remove it. */
pgr_status nt_io_make_dir(struct nt_kernel *k, const char *guest, struct pgr_error *e);

/* Standard handles: 0 input, 1 output, 2 error. The descriptor is borrowed for the kernel's life.
 * fd -1: at its end, or a sink. */
void nt_io_set_std(struct nt_kernel *k, int which, int fd);
/* A new file object for it with one reference, to be put in the process's handle table. */
struct nt_file *nt_io_open_std(struct nt_kernel *k, int which);

/* ---- Looking in from the host --------------------------------------------------------------- */

/* Opens a guest file for reading: *fd is the caller's. *nt_path (may be NULL): "\??\C:\…" in the
 * letter case of the host, from malloc. STATUS_OBJECT_NAME_NOT_FOUND and such. */
ntstatus nt_io_open_host(struct nt_kernel *k, const uint16_t *path, size_t len, int *fd,
                         uint16_t **nt_path, size_t *nt_path_len);
/* The guest path that shows this existing host path, by the mount that is nearest; NULL when none
 * does. From malloc. */
char *nt_io_guest_path(struct nt_kernel *k, const char *host);
/* Where the bytes of this guest path are now (overlay or mount); NULL when it does not exist. From
 * malloc. For messages only: open files with nt_io_open_host. */
char *nt_io_host_path(struct nt_kernel *k, const char *guest);
/* STATUS_SUCCESS when the guest path exists. */
ntstatus nt_io_exists(struct nt_kernel *k, const char *guest, bool *is_directory);
/* Which drive letters exist: bit 0 is A. */
uint32_t nt_io_drives(const struct nt_kernel *k);
/* Like NTFS volume numbers: C is 1, D is 2, … Z is 24, A is 25, B is 26. */
unsigned nt_io_volume_number(char letter);

/* ---- File objects --------------------------------------------------------------------------- */

struct nt_file;
extern const struct nt_type nt_type_file;

/*
 * For NtCreateSection: the descriptor behind a file (borrowed: it may be replaced at the next write
 * by the guest, so map or duplicate it now) and its size. `writable`: views will write through;
 * a copy-on-write file gets its copy now. STATUS_INVALID_FILE_FOR_SECTION for what has no bytes
 * (directories, pipes), STATUS_ACCESS_DENIED for writable without the right to.
 */
ntstatus nt_io_section_fd(struct nt_kernel *k, struct nt_file *f, bool writable, int *fd,
                          uint64_t *size);
enum { NT_SECTION_IMAGE = 1, NT_SECTION_WRITES = 2 };
/* Sections over the file come (+1) and go (-1). While there are any, truncating it is
 * STATUS_USER_MAPPED_FILE and deleting it STATUS_CANNOT_DELETE; who opens it must share writing
 * with sections that write, and cannot write to an image. */
void nt_io_section_ref(struct nt_kernel *k, struct nt_file *f, unsigned what, int by);
/* Makes the file longer, for a section larger than it. */
ntstatus nt_io_extend(struct nt_kernel *k, struct nt_file *f, uint64_t size);

enum nt_file_name_form {
    NT_FILE_NAME_DOS,    /* \??\C:\dir\x */
    NT_FILE_NAME_DEVICE, /* \Device\HarddiskVolume1\dir\x */
    NT_FILE_NAME_LOCAL   /* \dir\x, as FileNameInformation has it */
};
/* From malloc, NUL-terminated. Never NULL: pipes and devices have names too. */
uint16_t *nt_file_name(struct nt_kernel *k, const struct nt_file *f, enum nt_file_name_form form,
                       size_t *len);

/* For se/: a named pipe has one security descriptor, which every end of every instance shows. The
 * ids of those ends are added to *out; nothing for other files. */
struct nt_io_ends {
    nt_id *data;
    size_t len, cap;
};
void nt_io_pipe_ends(struct nt_kernel *k, struct nt_object *file, struct nt_io_ends *out);
/* Disk files keep their descriptor by path: what one was given (borrowed; NULL: nothing), and
 * giving it (sd from malloc, taken over). False for other files. */
const uint8_t *nt_io_file_sd(struct nt_kernel *k, const struct nt_object *file, size_t *len);
bool nt_io_set_file_sd(struct nt_kernel *k, const struct nt_object *file, uint8_t *sd, size_t len);
/* An end of a pipe that was made without a name: nt_file_name gives one that nobody can open. */
bool nt_io_nameless(struct nt_kernel *k, struct nt_object *file);
/* STATUS_PIPE_DISCONNECTED for a client that the server has cut off. */
ntstatus nt_io_security_status(struct nt_kernel *k, struct nt_object *file);

/* ---- Called by ke/ -------------------------------------------------------------------------- */

/* Retry functions of waits (ke/retry.c). */
ntstatus nt_io_retry_read(struct nt_kernel *k, struct nt_thread *t);
ntstatus nt_io_retry_pipe(struct nt_kernel *k, struct nt_thread *t);
/* Requests of overlapped files that are timed: the earliest deadline (false: none), and ending
 * those that are due. Blocking ones are waits like others. */
bool nt_io_deadline(struct nt_kernel *k, uint64_t *when);
void nt_io_expire(struct nt_kernel *k);
/* The thread ended or its wait was broken off: its requests are forgotten. */
void nt_io_thread_gone(struct nt_kernel *k, struct nt_thread *t);
#endif

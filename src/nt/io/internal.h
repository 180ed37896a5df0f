/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_IO_INTERNAL_H
#define NT_IO_INTERNAL_H
/*
 * What the files of io/ share. From below to above:
 *
 *   host.c            openat2, directory lists, attributes: one host directory tree at a time
 *   mount.c cache.c   the table of mounts, name indexes of read-only trees
 *   path.c            NT names -> what they address (a disk path, a pipe, a device)
 *   lookup.c          disk path -> node: where it lies in mount and overlay
 *   overlay.c         changes: create, copy up, delete, rename, link
 *   fcb.c             what all open files of one path share: sharing, locks, the descriptor
 *   file.c irp.c      the File object; requests that wait
 *   create.c …        services
 *
 * A guest path is UTF-16 "C:\dir\x" in canonical form: upper-case drive, single separators, none at
 * the end (the root of a drive is "C:"). Host-side names are relative to a descriptor ("" or
 * "a/b").
 */
#include "base/bits.h"
#include "base/utf.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/io/io.h"
#include <stdio.h>
#include <sys/stat.h>

enum { /* access rights */
       FILE_READ_DATA = 0x1,
       FILE_LIST_DIRECTORY = 0x1,
       FILE_WRITE_DATA = 0x2,
       FILE_ADD_FILE = 0x2,
       FILE_APPEND_DATA = 0x4,
       FILE_CREATE_PIPE_INSTANCE = 0x4,
       FILE_READ_EA = 0x8,
       FILE_WRITE_EA = 0x10,
       FILE_EXECUTE = 0x20,
       FILE_DELETE_CHILD = 0x40,
       FILE_READ_ATTRIBUTES = 0x80,
       FILE_WRITE_ATTRIBUTES = 0x100,
       IO_DELETE = 0x10000,
       IO_SYNCHRONIZE = 0x100000,
       FILE_ALL_ACCESS = 0x1f01ff,
};
enum { FILE_SHARE_READ = 1, FILE_SHARE_WRITE = 2, FILE_SHARE_DELETE = 4 };
enum { /* dispositions */
       FILE_SUPERSEDE,
       FILE_OPEN,
       FILE_CREATE,
       FILE_OPEN_IF,
       FILE_OVERWRITE,
       FILE_OVERWRITE_IF
};
/* What Information says after an open. */
enum { FILE_SUPERSEDED, FILE_OPENED, FILE_CREATED, FILE_OVERWRITTEN };
enum { /* create options */
       FILE_DIRECTORY_FILE = 0x1,
       FILE_WRITE_THROUGH = 0x2,
       FILE_SEQUENTIAL_ONLY = 0x4,
       FILE_NO_INTERMEDIATE_BUFFERING = 0x8,
       FILE_SYNCHRONOUS_IO_ALERT = 0x10,
       FILE_SYNCHRONOUS_IO_NONALERT = 0x20,
       FILE_NON_DIRECTORY_FILE = 0x40,
       FILE_DELETE_ON_CLOSE = 0x1000,
       FILE_OPEN_BY_FILE_ID = 0x2000,
       FILE_SYNCHRONOUS = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT,
       FILE_OPTIONS_VALID = 0xffffff,
};
enum { /* attributes */
       FILE_ATTRIBUTE_READONLY = 0x1,
       FILE_ATTRIBUTE_HIDDEN = 0x2,
       FILE_ATTRIBUTE_SYSTEM = 0x4,
       FILE_ATTRIBUTE_DIRECTORY = 0x10,
       FILE_ATTRIBUTE_ARCHIVE = 0x20,
       FILE_ATTRIBUTE_NORMAL = 0x80,
       FILE_ATTRIBUTE_TEMPORARY = 0x100,
       FILE_ATTRIBUTE_OFFLINE = 0x1000,
       FILE_ATTRIBUTE_NOT_CONTENT_INDEXED = 0x2000,
       /* kept beside a host file; READONLY is its mode */
       FILE_ATTRIBUTES_STORED = 0x3126,
       FILE_ATTRIBUTES_SETTABLE = 0x31a7,
};

/* ---- host.c: one tree on the host ---------------------------------------------------------------
 */

struct host_name {
    char *name;
    uint8_t type; /* DT_* */
};
struct host_names {
    struct host_name *data;
    size_t len, cap;
};

/* open() beneath dirfd: links are followed as long as they stay inside. -1 with errno. */
int host_openat(int dirfd, const char *rel, int flags, mode_t mode);
/* Of what rel leads to; only regular files and directories exist (else ENOENT). */
bool host_stat(int dirfd, const char *rel, struct stat *st);
/* A regular file or directory, never a device or FIFO (ENOENT). */
int host_open_file(int dirfd, const char *rel, bool writable);
/* All names but "." and ".."; in the host's order. */
bool host_list(int dirfd, const char *rel, struct host_names *out);
void host_names_free(struct host_names *n);
/* "a" + "b" -> "a/b"; from malloc. */
char *host_join(const char *dir, const char *name);
/* Splits into a descriptor of the parent (-1 with errno; the caller closes it) and the last name.
 */
int host_parent(int dirfd, const char *rel, const char **last);
bool host_copy(int from, int to);

struct nt_io;
/* DOS attributes and creation time that a host file keeps in extended attributes, or where there
 * are none in a table of nt_io. */
struct host_extra {
    bool has_attributes, has_created;
    uint32_t attributes;
    uint64_t created;
};
void host_extra_get(struct nt_io *io, int dirfd, const char *rel, const struct stat *st,
                    struct host_extra *out);
/* Stores what has_… say. */
void host_extra_set(struct nt_io *io, int dirfd, const char *rel, const struct host_extra *x);
uint64_t host_time(struct timespec ts); /* to 100 ns since 1601 */
struct timespec host_timespec(uint64_t nt_time);

/* ---- cache.c ------------------------------------------------------------------------------------
 */

struct nt_name_cache;
struct nt_name_cache *nt_cache_create(void);
void nt_cache_free(struct nt_name_cache *c);
/* The name in the directory `rel` beneath dirfd as the host spells it, from malloc; NULL: none. An
 * exact match wins over one that differs in case. Without a cache each call reads the directory. */
char *nt_cache_find(struct nt_name_cache *c, int dirfd, const char *rel, const uint16_t *name,
                    size_t len);
char *nt_host_find(int dirfd, const char *rel, const uint16_t *name, size_t len);

/* ---- mount.c ------------------------------------------------------------------------------------
 */

struct nt_mount {
    uint16_t *guest; /* canonical */
    size_t guest_len;
    char *host;
    int fd;
    uint8_t mode;                /* enum nt_mount_mode */
    struct nt_name_cache *cache; /* not for READ_WRITE */
    struct nt_mount *supply;     /* files for what host lacks, see nt_io_supply; not in the list */
};

enum nt_stream_end { NT_STD_IN, NT_STD_OUT, NT_STD_ERR, NT_STD_COUNT };
enum nt_stream_class { /* what the host has there; sockets are pipes, other devices nothing */
                       NT_STREAM_PIPE,
                       NT_STREAM_DISK,
                       NT_STREAM_NULL,
                       NT_STREAM_CONSOLE
};

struct nt_side_row { /* attributes where the host's file system keeps none */
    uint64_t dev, ino;
    struct host_extra extra;
};
struct nt_id_row { /* file ids that the guest has seen */
    uint64_t id;
    uint16_t *path;
    size_t len;
    bool alias; /* the id is not the path's own */
};

struct nt_fcb;
struct nt_pipe;
struct nt_irp;

/* A directory that exists, empty, without a place on the host until something is written there. */
struct nt_bare_dir {
    uint16_t *guest;
    size_t len;
};

/* The security descriptor of a disk file that was given one. */
struct nt_secured {
    uint16_t *path;
    size_t len;
    uint8_t *sd;
    size_t sd_len;
};

struct nt_io {
    struct nt_kernel *k;
    struct nt_mount **mounts;
    size_t mount_len, mount_cap;
    char *overlay; /* host path; NULL: not made yet */
    int overlay_fd;
    bool overlay_private; /* remove it at the end */
    char *saved_overlay;  /* where the private one was that a snapshot brought; NULL: none */
    int std[NT_STD_COUNT];
    uint8_t std_class[NT_STD_COUNT]; /* enum nt_stream_class */
    struct {
        struct nt_fcb **data;
        size_t len, cap;
    } fcbs;
    uint32_t next_fcb;
    struct {
        struct nt_pipe **data;
        size_t len, cap;
    } pipes;
    uint32_t next_pipe;
    struct {
        struct nt_irp **data;
        size_t len, cap;
    } irps;
    uint32_t next_irp;
    struct {
        struct nt_side_row *data;
        size_t len, cap;
    } side;
    struct {
        struct nt_id_row *data;
        size_t len, cap;
    } ids;
    struct {
        struct nt_bare_dir *data;
        size_t len, cap;
    } bare;
    struct {
        struct nt_secured *data;
        size_t len, cap;
    } secured;
    uint64_t pipe_serial; /* names of anonymous pipes */
    bool watchers;        /* some directory was ever watched */
};

/* The mount whose path is the longest that begins `path`; NULL: only the overlay shows there. */
struct nt_mount *nt_mount_of(const struct nt_io *io, const uint16_t *path, size_t len);
/* The mount at exactly this path. */
struct nt_mount *nt_mount_at(const struct nt_io *io, const uint16_t *path, size_t len);
/* Is something mounted below this path, or a bare directory at or below it? Such a directory exists
 * and cannot go away. */
bool nt_mount_below(const struct nt_io *io, const uint16_t *path, size_t len);
void nt_bare_add(struct nt_io *io, const uint16_t *path, size_t len);
bool nt_drive_exists(const struct nt_io *io, uint16_t letter);
/* nt_io_mount, but the object namespace does not hear of the drive: a snapshot brings its own. */
pgr_status nt_mount_add(struct nt_kernel *k, const char *guest, const char *host_dir,
                        enum nt_mount_mode mode, struct pgr_error *e);
enum { NT_DRIVE_NAME_MAX = 64 };
/* "\Device\HarddiskVolume1". */
void nt_io_drive_device(char letter, char out[NT_DRIVE_NAME_MAX]);
/* "\??\Volume{GUID}", or "\DosDevices\C:". */
void nt_io_drive_link(char letter, bool volume, char out[NT_DRIVE_NAME_MAX]);
/* The overlay's descriptor, made when missing; -1. */
int nt_overlay_open(struct nt_io *io);
/* Tells the user which option would have allowed it. `mount` may be NULL. */
void nt_note_denied(struct nt_io *io, const uint16_t *path, size_t len,
                    const struct nt_mount *mount);

/* ---- path.c -------------------------------------------------------------------------------------
 */

enum nt_path_kind {
    NT_PATH_DISK,      /* text: guest path */
    NT_PATH_VOLUME,    /* the drive itself, without a directory; text: "C:" */
    NT_PATH_PIPE,      /* text: name; empty: \Device\NamedPipe\ */
    NT_PATH_PIPE_ROOT, /* \Device\NamedPipe, without the separator */
    NT_PATH_MAILSLOT,  /* text: name; empty: the device */
    NT_PATH_NULL,
    NT_PATH_CON_IN,
    NT_PATH_CON_OUT,
    NT_PATH_CON,
    NT_PATH_MOUNT_MANAGER
};
struct nt_path {
    uint8_t kind;
    bool trailing;    /* ended in a separator: only a directory will do */
    bool data_stream; /* ended in "::$DATA": only a file will do */
    uint16_t *text;   /* owned, NUL-terminated */
    size_t len;
};
/* `base`: the guest path of the RootDirectory, NULL without one. */
ntstatus nt_path_parse(const struct nt_io *io, const uint16_t *base, size_t base_len,
                       const uint16_t *name, size_t len, struct nt_path *out);
void nt_path_free(struct nt_path *p);
/* A host-side UTF-8 "C:\work" to canonical form; NULL when it is not a full path. */
uint16_t *nt_path_from_utf8(const char *text, size_t *len);
/* Length of the parent's path; the root's is itself. */
size_t nt_path_parent(const uint16_t *path, size_t len);
/* path + "\" + name, from malloc. */
uint16_t *nt_path_join(const uint16_t *path, size_t len, const uint16_t *name, size_t name_len,
                       size_t *out_len);
bool nt_path_begins(const uint16_t *path, size_t len, const uint16_t *prefix, size_t prefix_len);
bool nt_name_valid(const uint16_t *name, size_t len);

/* ---- wildcard.c ---------------------------------------------------------------------------------
 */

/* NT's expressions: * ? and < > " (DOS_STAR, DOS_QM, DOS_DOT). Case is ignored. */
bool nt_wildcard_match(const uint16_t *pattern, size_t pattern_len, const uint16_t *name,
                       size_t name_len);
bool nt_wildcard_has(const uint16_t *pattern, size_t len);

/* ---- shortname.c
 * --------------------------------------------------------------------------------- */

/* The 8.3 name of a file: up to 12 units. 0: its name is one already. */
size_t nt_short_name(const uint16_t *name, size_t len, uint16_t out[12]);

/* ---- lookup.c -----------------------------------------------------------------------------------
 */

/* Where a guest path lies. Either layer may be missing; the upper one wins, directories merge. */
struct nt_node {
    uint16_t *guest; /* as the names are spelled where they exist */
    size_t guest_len;
    struct nt_mount *mount; /* NULL: overlay only */
    char *lower;            /* beneath mount->fd; NULL: not there */
    char *upper;            /* beneath the overlay; NULL: not there */
    bool merged;            /* a directory in both layers: its names are those of both */
    bool synthetic;         /* a directory because something is mounted at or below it */
    bool directory;
    char *parent_lower, *parent_upper; /* the directory it is in, or would be */
    bool whiteout;                     /* not found: deleted from the lower layer */
    struct stat st; /* of the layer that shows; zeroes for a synthetic one without host directory */
};
/*
 * STATUS_SUCCESS; STATUS_OBJECT_NAME_NOT_FOUND with *out describing the place where it could be
 * created (both layers NULL); STATUS_OBJECT_PATH_NOT_FOUND (nothing in *out) when a directory on
 * the way is missing or not one.
 */
ntstatus nt_lookup(struct nt_io *io, const uint16_t *path, size_t len, struct nt_node *out);
void nt_node_free(struct nt_node *n);
/* The layer that shows: descriptor and name beneath it. False for synthetic ones. */
bool nt_node_layer(struct nt_io *io, const struct nt_node *n, int *dirfd, const char **rel);

struct nt_dirent {
    uint16_t *name;
    size_t len;
};
struct nt_dirents {
    struct nt_dirent *data;
    size_t len, cap;
};
/* All names of a directory, layers merged, sorted as NTFS does (by upper-case name). */
ntstatus nt_list(struct nt_io *io, const struct nt_node *dir, struct nt_dirents *out);
void nt_dirents_free(struct nt_dirents *d);

/* What the guest sees of a file; see nt_stat. */
struct nt_stat {
    uint64_t created, accessed, written, changed;
    uint64_t size, allocation, id;
    uint32_t attributes, links;
    bool directory;
};
void nt_stat_node(struct nt_io *io, const struct nt_node *n, struct nt_stat *out);
uint64_t nt_file_id(struct nt_io *io, const uint16_t *path, size_t len);
/* The id goes on to mean the file when it is renamed; links share it. */
void nt_file_id_keep(struct nt_io *io, uint64_t id, const uint16_t *path, size_t len);
void nt_file_id_seen(struct nt_io *io, uint64_t id, const uint16_t *path, size_t len);
const struct nt_id_row *nt_file_id_find(const struct nt_io *io, uint64_t id);

/* ---- overlay.c ----------------------------------------------------------------------------------
 */

/* STATUS_ACCESS_DENIED and a note when the place is read-only. */
ntstatus nt_check_writable(struct nt_io *io, const struct nt_node *n);
/* Creates what nt_lookup did not find; fills the node's layer. *fd: of a new file, read and write.
 */
ntstatus nt_create_at(struct nt_io *io, struct nt_node *n, bool directory, int *fd);
/* After it the node's bytes may be changed where they lie. */
ntstatus nt_make_own(struct nt_io *io, struct nt_node *n);
/* Removes a file or an empty directory. */
ntstatus nt_remove(struct nt_io *io, struct nt_node *n);
/* `to` comes from nt_lookup and was not found (or was removed). */
ntstatus nt_move(struct nt_io *io, struct nt_node *from, struct nt_node *to);
ntstatus nt_link(struct nt_io *io, struct nt_node *from, struct nt_node *to);
ntstatus nt_dir_empty(struct nt_io *io, const struct nt_node *n);
ntstatus nt_status_from_errno(int err);
ntstatus nt_set_attributes(struct nt_io *io, struct nt_node *n, uint32_t attributes);
/* 0: leave as it is. */
ntstatus nt_set_times(struct nt_io *io, struct nt_node *n, uint64_t created, uint64_t accessed,
                      uint64_t written);
/* Files made or written now get the machine's time when that is not the host's. */
void nt_stamp(struct nt_io *io, struct nt_node *n, bool created);
bool nt_overlay_hides(const char *host_name);
bool nt_overlay_whiteout(struct nt_io *io, const char *upper_dir, const uint16_t *name, size_t len);
bool nt_overlay_opaque(struct nt_io *io, const char *upper_dir);

/* ---- secured.c ----------------------------------------------------------------------------------
 */

/* May the caller open this file for what it `needs`? With `maximum` what it may not is taken out of
 * *access instead. */
ntstatus nt_secured_check(struct nt_call *c, const uint16_t *path, size_t len, uint32_t needs,
                          uint32_t *access, bool maximum);
/* May it make this file or directory? */
ntstatus nt_secured_check_new(struct nt_call *c, const uint16_t *path, size_t len, bool directory);
void nt_secured_gone(struct nt_io *io, const uint16_t *path, size_t len);
/* With all that is below. */
void nt_secured_moved(struct nt_io *io, const uint16_t *from, size_t from_len, const uint16_t *to,
                      size_t to_len);
void nt_secured_free(struct nt_io *io);
void nt_secured_transfer(struct nt_io *io, struct ser *s);

/* ---- fcb.c --------------------------------------------------------------------------------------
 */

struct nt_lock {
    uint32_t file; /* nt_id of the owner */
    uint32_t key, pid;
    uint64_t start, length;
    bool exclusive;
};

struct nt_fcb { /* one per path that is open */
    uint32_t id, refs;
    uint16_t *path;
    size_t len;
    bool directory;
    bool delete_pending, deleted;
    bool written; /* since the last stamp */
    int fd;       /* -1: not opened yet */
    bool fd_writable;
    uint32_t handles; /* files that have a handle */
    uint32_t opens, readers, writers, deleters, share_read, share_write, share_delete;
    uint32_t mapped_data, mapped_image, mapped_writes;
    struct {
        struct nt_lock *data;
        size_t len, cap;
    } locks;
};
struct nt_fcb *nt_fcb_find(struct nt_io *io, const uint16_t *path, size_t len);
struct nt_fcb *nt_fcb_new(struct nt_io *io, const uint16_t *path, size_t len, bool directory);
struct nt_fcb *nt_fcb_by_id(struct nt_io *io, uint32_t id);
void nt_fcb_unref(struct nt_io *io, struct nt_fcb *f);
bool nt_fcb_open_below(const struct nt_io *io, const struct nt_fcb *dir);
ntstatus nt_share_check(const struct nt_fcb *f, uint32_t access, uint32_t share);
void nt_share_add(struct nt_fcb *f, uint32_t access, uint32_t share, int by);
/* The descriptor; opened, or copied up and reopened, when need be. */
ntstatus nt_fcb_fd(struct nt_io *io, struct nt_fcb *f, bool writable, int *fd);
ntstatus nt_fcb_node(struct nt_io *io, const struct nt_fcb *f, struct nt_node *n);
/* Size and such of an open file, also of one already deleted. */
ntstatus nt_fcb_stat(struct nt_io *io, struct nt_fcb *f, struct nt_stat *st);
void nt_fcb_stamp(struct nt_io *io, struct nt_fcb *f);
void nt_fcb_rename(struct nt_io *io, struct nt_fcb *f, const uint16_t *path, size_t len);
bool nt_lock_allows(const struct nt_fcb *f, nt_id file, uint64_t start, uint64_t length,
                    bool write);
void nt_locks_drop(struct nt_fcb *f, nt_id file);
void nt_locks_released(struct nt_kernel *k, struct nt_fcb *f); /* who waits may have a turn */

/* ---- file.c -------------------------------------------------------------------------------------
 */

enum nt_file_kind { /* stored in snapshots: append only */
                    NT_FILE_DISK,
                    NT_FILE_VOLUME,
                    NT_FILE_STREAM,  /* a host descriptor: standard handle */
                    NT_FILE_CONSOLE, /* the same on a terminal */
                    NT_FILE_NULL,
                    NT_FILE_PIPE,
                    NT_FILE_PIPE_ROOT,
                    NT_FILE_PIPE_DEVICE,
                    NT_FILE_MAILSLOT,
                    NT_FILE_MOUNT_MANAGER,
                    NT_FILE_MAILSLOT_DEVICE,
};

struct nt_file {
    struct nt_object o;
    uint8_t kind; /* enum nt_file_kind */
    uint32_t access, share, options;
    uint64_t position;
    bool signaled;
    bool cleaned; /* the last handle is gone */
    bool delete_on_close;
    uint32_t fcb;              /* DISK */
    uint8_t stream;            /* STREAM, CONSOLE: enum nt_stream_end */
    uint16_t drive;            /* VOLUME */
    uint32_t pipe;             /* PIPE */
    bool server;               /* PIPE: which end */
    uint32_t pipe_mode;        /* PIPE: bit 0 message read mode, bit 1 non-blocking */
    struct nt_dirents entries; /* directory scan */
    size_t next_entry;
    bool scanned;
    uint16_t *pattern;
    size_t pattern_len;
    nt_id port; /* completion port; holds a reference */
    uint64_t port_key;
    uint32_t port_flags;  /* FILE_SKIP_… */
    VEC(uint8_t) changes; /* directory changes not yet reported, see notify.c */
    bool watching, watch_tree, changes_lost;
    bool watch_blind; /* began without a buffer: only learns that something happened */
    uint32_t watch_filter;
};

/* A new File with one reference. */
struct nt_file *nt_file_new(struct nt_io *io, enum nt_file_kind kind, uint32_t access,
                            uint32_t share, uint32_t options);
struct nt_fcb *nt_file_fcb(struct nt_kernel *k, const struct nt_file *f);
static inline bool nt_file_synchronous(const struct nt_file *f)
{
    return f->options & FILE_SYNCHRONOUS;
}
/* create.c: what an OBJECT_ATTRIBUTES names, with its root. */
ntstatus nt_parse_attrs(struct nt_call *c, const struct nt_attrs *a, struct nt_path *out);
/* Makes the handle and fills the IO_STATUS_BLOCK of an open; drops the reference. */
ntstatus nt_file_opened(struct nt_call *c, struct nt_file *f, const struct nt_attrs *a,
                        uint64_t handle_out, uint64_t iosb, uint32_t how);

/* Offsets of a transfer that stand for a place. */
static const uint64_t NT_AT_END = 0xffffffffffffffffu;      /* FILE_WRITE_TO_END_OF_FILE */
static const uint64_t NT_AT_POSITION = 0xfffffffffffffffeu; /* FILE_USE_FILE_POINTER_POSITION */

/* ---- irp.c: requests ----------------------------------------------------------------------------
 */

enum nt_irp_kind {
    NT_IRP_READ,
    NT_IRP_WRITE,
    NT_IRP_LISTEN,
    NT_IRP_TRANSCEIVE, /* a read, after its write */
    NT_IRP_NOTIFY,
    NT_IRP_LOCK,
    NT_IRP_PIPE_WAIT, /* FSCTL_PIPE_WAIT */
    NT_IRP_CONTROL,   /* done at once */
    NT_IRP_FLUSH,     /* a pipe's reader must have read all */
};

/* One request: where its answer goes. Lives in nt_io.irps while it is pending. */
struct nt_irp {
    uint32_t id;
    uint8_t kind;
    nt_id file, thread, process, event; /* file and event hold references while pending */
    bool blocking;                      /* the thread waits for it */
    uint64_t iosb, buffer, apc, apc_context, key;
    uint32_t length;
    uint64_t deadline; /* PIPE_WAIT, 0: none */
    uint64_t arg[3];
    uint8_t *data; /* WRITE to a pipe: what is left to write */
    size_t data_len, data_at;
};

/* The first thing of a service that does I/O: the event is checked and reset. */
ntstatus nt_irp_begin(struct nt_call *c, struct nt_file *f, enum nt_irp_kind kind, uint64_t event,
                      uint64_t apc, uint64_t apc_context, uint64_t iosb, struct nt_irp *out);
/* Done at once: fills the status block, sets the event, queues APC and completion. Returns status.
 */
ntstatus nt_irp_finish(struct nt_call *c, struct nt_file *f, struct nt_irp *r, ntstatus status,
                       uint64_t information);
ntstatus nt_irp_finish_disk(struct nt_call *c, struct nt_file *f, struct nt_irp *r, ntstatus status,
                            uint64_t information);
/* To be completed later; `r` moves into the table. STATUS_PENDING, or NT_BLOCKED for a synchronous
 * file. */
ntstatus nt_irp_pend(struct nt_call *c, struct nt_file *f, struct nt_irp *r);
/* Ends a pending one, wherever its thread is, and frees it. */
void nt_irp_complete(struct nt_kernel *k, struct nt_irp *r, ntstatus status, uint64_t information);
struct nt_irp *nt_irp_by_id(struct nt_io *io, uint32_t id);
/* The oldest pending one of a file. */
struct nt_irp *nt_irp_first(struct nt_io *io, nt_id file, enum nt_irp_kind kind);
void nt_irp_cancel_file(struct nt_kernel *k, nt_id file, ntstatus status);
/* Guest memory of the requester, who may not be running. */
bool nt_irp_write(struct nt_kernel *k, const struct nt_irp *r, uint64_t va, const void *data,
                  size_t len);
void nt_irps_transfer(struct nt_io *io, struct ser *s);

/* ---- stdio.c pipe.c notify.c
 * --------------------------------------------------------------------- */

ntstatus nt_stream_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                        uint64_t offset_ptr);
ntstatus nt_stream_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                         uint64_t offset_ptr);
int nt_stream_fd(struct nt_kernel *k, const struct nt_file *f);
enum nt_stream_class nt_stream_class_of(int fd);
/* Of a STREAM or CONSOLE. */
enum nt_stream_class nt_stream_class(struct nt_kernel *k, const struct nt_file *f);
/* Any file: is it a standard handle with a host file behind it? What follows is for those only. */
bool nt_stream_on_disk(struct nt_kernel *k, const struct nt_file *f);
ntstatus nt_stream_stat(struct nt_kernel *k, const struct nt_file *f, struct nt_stat *out);
uint64_t nt_stream_position(struct nt_kernel *k, const struct nt_file *f);
ntstatus nt_stream_seek(struct nt_kernel *k, const struct nt_file *f, uint64_t at);
ntstatus nt_stream_resize(struct nt_kernel *k, const struct nt_file *f, uint64_t size,
                          bool only_shrink);

ntstatus nt_pipe_open(struct nt_call *c, const struct nt_path *path, uint32_t access,
                      uint32_t share, uint32_t options, struct nt_file **out);
ntstatus nt_mailslot_open(struct nt_call *c, const struct nt_path *path, uint32_t access,
                          uint32_t share, uint32_t options, struct nt_file **out);
ntstatus nt_pipe_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r);
ntstatus nt_pipe_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r);
ntstatus nt_pipe_flush(struct nt_call *c, struct nt_file *f, struct nt_irp *r);
ntstatus nt_pipe_control(struct nt_call *c, struct nt_file *f, struct nt_irp *r, uint32_t code,
                         uint64_t in, uint32_t in_len, uint64_t out, uint32_t out_len);
/* A write of this file was cancelled, if it is a pipe's: what waited behind it moves on. */
void nt_pipe_write_cancelled(struct nt_kernel *k, nt_id file);
void nt_pipe_file_closed(struct nt_kernel *k, struct nt_file *f);
void nt_pipe_file_destroyed(struct nt_kernel *k, struct nt_file *f);
void nt_pipes_free(struct nt_io *io);
void nt_pipes_transfer(struct nt_io *io, struct ser *s);
/* Gives a nameless pipe a name of its own. */
void nt_pipe_anonymous(struct nt_io *io, struct nt_path *path);
uint16_t *nt_pipe_name(struct nt_kernel *k, const struct nt_file *f, size_t *len);
ntstatus nt_pipe_query(struct nt_call *c, struct nt_file *f, uint32_t cls, void *out, size_t *len);
ntstatus nt_pipe_set_info(struct nt_file *f, uint32_t read_mode, uint32_t completion_mode,
                          struct nt_kernel *k);

ntstatus nt_mailslot_set_timeout(struct nt_kernel *k, struct nt_file *f, uint64_t timeout);

/* rename.c: the body of FileRenameInformation(Ex) or FileLinkInformation(Ex). */
ntstatus nt_rename_file(struct nt_call *c, struct nt_file *f, const uint8_t *in, uint32_t len,
                        bool ex, bool link);

enum { /* FILE_ACTION_* */
       FILE_ACTION_ADDED = 1,
       FILE_ACTION_REMOVED,
       FILE_ACTION_MODIFIED,
       FILE_ACTION_RENAMED_OLD_NAME,
       FILE_ACTION_RENAMED_NEW_NAME,
};
enum { /* FILE_NOTIFY_CHANGE_* */
       FILE_NOTIFY_CHANGE_FILE_NAME = 0x1,
       FILE_NOTIFY_CHANGE_DIR_NAME = 0x2,
       FILE_NOTIFY_CHANGE_ATTRIBUTES = 0x4,
       FILE_NOTIFY_CHANGE_SIZE = 0x8,
       FILE_NOTIFY_CHANGE_LAST_WRITE = 0x10,
       FILE_NOTIFY_CHANGE_LAST_ACCESS = 0x20,
       FILE_NOTIFY_CHANGE_CREATION = 0x40,
};
/* The guest changed something: watchers of the directories above hear of it. */
void nt_notify(struct nt_io *io, const uint16_t *path, size_t len, uint32_t filter,
               uint32_t action);

/* FILE_BASIC_INFORMATION and FILE_NETWORK_OPEN_INFORMATION: 40 and 56 bytes, in every bitness. */
void nt_basic_information(const struct nt_stat *st, uint8_t out[40]);
void nt_network_information(const struct nt_stat *st, uint8_t out[56]);

#endif

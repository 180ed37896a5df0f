/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_OB_OBJECT_H
#define NT_OB_OBJECT_H
/*
 * Kernel objects: plain data in one table, referring to each other by id.
 *
 * Each kind of object is a struct that begins with struct nt_object, and has one row of functions
 * (struct nt_type). A pointer to an object is good as long as the kernel lock is held and a
 * reference exists; what is stored anywhere is the id. An object dies with its last reference;
 * each handle is one reference, and so is each id that another object keeps.
 */
#include "base/ntstatus.h"
#include "base/ser.h"
#include <stdbool.h>
#include <stdint.h>

struct nt_kernel;
struct nt_thread;
struct nt_process;
struct nt_call;

typedef uint32_t nt_id; /* 0: none. Slots are reused, ids are not (a generation is part of them). */

enum nt_type_id { /* the order is part of snapshots: append only */
                  NT_TYPE_NONE,
                  NT_TYPE_DIRECTORY,
                  NT_TYPE_SYMLINK,
                  NT_TYPE_PROCESS,
                  NT_TYPE_THREAD,
                  NT_TYPE_EVENT,
                  NT_TYPE_MUTANT,
                  NT_TYPE_SEMAPHORE,
                  NT_TYPE_TIMER,
                  NT_TYPE_KEYED_EVENT,
                  NT_TYPE_IO_COMPLETION,
                  NT_TYPE_SECTION,
                  NT_TYPE_FILE,
                  NT_TYPE_KEY,
                  NT_TYPE_TOKEN,
                  NT_TYPE_JOB,
                  NT_TYPE_DEBUG,
                  NT_TYPE_PORT,
                  /* Named and listed, but nothing is behind them in the kernel itself: */
                  NT_TYPE_DEVICE,
                  NT_TYPE_WINDOW_STATION,
                  NT_TYPE_DESKTOP,
                  NT_TYPE_TYPE,
                  NT_TYPE_COUNT
};

struct nt_object {
    nt_id id;
    uint8_t type;   /* enum nt_type_id */
    bool permanent; /* keeps its name without handles */
    uint32_t refs;
    uint32_t handles; /* open handles, over all processes */
    uint32_t waiters; /* threads waiting on it; a hint that saves scans */
    nt_id directory;  /* where it is named; 0: nameless */
    uint16_t *name;   /* owned, upper and lower case as created; NULL: nameless */
    size_t name_len;  /* in units */
};

/* One row per kind. Every function is mandatory unless marked. */
struct nt_type {
    const char *name; /* as NtQueryObject reports it: "Event" */
    size_t size;
    uint32_t generic[4]; /* what GENERIC_READ, WRITE, EXECUTE, ALL mean */
    uint32_t valid_access;
    void (*destroy)(struct nt_kernel *k, struct nt_object *o); /* frees what it owns, not itself */
    /* Saves or loads everything but struct nt_object itself. */
    void (*transfer)(struct nt_kernel *k, struct ser *s, struct nt_object *o);
    /* optional: the last handle of a process was closed (files flush, ports disconnect) */
    void (*closed)(struct nt_kernel *k, struct nt_object *o, struct nt_process *p);
    /* waitable types: may this thread pass now; and take what passing takes (returns the status,
     * STATUS_SUCCESS or STATUS_ABANDONED). NULL: waiting on it is STATUS_OBJECT_TYPE_MISMATCH. */
    bool (*signaled)(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t);
    ntstatus (*satisfy)(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t);
    /* optional: one line for people and traces: what is behind the object when it has no name, e.g.
     * a file's path. Returns the length that was written. */
    size_t (*describe)(struct nt_kernel *k, struct nt_object *o, char *out, size_t size);
};
/* Rows by enum nt_type_id; defined in ob/types.c. */
extern const struct nt_type *const nt_types[NT_TYPE_COUNT];

struct nt_object_table; /* inside struct nt_kernel */

struct nt_object_table *nt_objects_create(void);
void nt_objects_destroy(struct nt_kernel *k);

/* A new zeroed object of the type's size with one reference, owned by the caller. */
void *nt_object_new(struct nt_kernel *k, enum nt_type_id type);
/* Whether there may be another one that the guest wants. Whoever gives guests objects asks first;
 * the dispatcher does it for services with an output argument PHANDLE. */
bool nt_object_room(const struct nt_kernel *k);
/* NULL when there is none (any more), or when it is of another type; NT_TYPE_NONE takes any. */
void *nt_object_get(struct nt_kernel *k, nt_id id, enum nt_type_id type);
void nt_object_ref(struct nt_object *o);
void nt_object_unref(struct nt_kernel *k, struct nt_object *o);
void nt_id_unref(struct nt_kernel *k, nt_id id); /* 0 is ignored */
uint32_t nt_id_slot(nt_id id);                   /* ascends in nt_object_each */
/* Calls fn for each object of the type (NONE: all), in order of slots; fn may destroy it. */
void nt_object_each(struct nt_kernel *k, enum nt_type_id type,
                    void (*fn)(struct nt_kernel *k, struct nt_object *o, void *ctx), void *ctx);
/* Saves or loads the whole table with every object. */
void nt_objects_transfer(struct nt_kernel *k, struct ser *s);
/* References cannot be trusted any more: from here on only nt_objects_destroy ends objects. */
void nt_objects_pin(struct nt_kernel *k);

/* ---- Ids in snapshots (claims.c) ------------------------------------------------------------- */

enum nt_claim_use { NT_CLAIM_REFERENCE, NT_CLAIM_HANDLE, NT_CLAIM_WAIT };
/* An id that holds a reference to an object of the type (NONE: any); 0 is none. Ids that may be
 * stale hold none: they are plain numbers. */
void nt_id_transfer(struct nt_kernel *k, struct ser *s, nt_id *id, enum nt_type_id type);
/* The same for an id that was transferred otherwise. */
void nt_id_claim(struct nt_kernel *k, struct ser *s, nt_id id, enum nt_type_id type,
                 enum nt_claim_use use);
/* All was loaded: fails unless every claimed id names such an object and the objects count them. */
void nt_claims_settle(struct nt_kernel *k, struct ser *s);
void nt_claims_free(struct nt_kernel *k);

/* ---- Handles --------------------------------------------------------------------------------- */

enum { NT_HANDLE_INHERIT = 1, NT_HANDLE_PROTECT = 2 };

struct nt_handle {
    nt_id object;
    uint32_t access;
    uint32_t flags;
};
/* Grows as needed; value = 4 * (index + 1). Zeroed is empty. */
struct nt_handle_table {
    struct nt_handle *data;
    size_t len, cap;
    size_t first_free; /* no free entry below it */
    size_t used;
};

/* As many as Windows allows a process. */
bool nt_handle_room(const struct nt_process *p);
/* Adds a reference to o. There must be room. Access is what the handle grants, already mapped. */
uint64_t nt_handle_add(struct nt_process *p, struct nt_object *o, uint32_t access, uint32_t flags);
/* STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED when `access` has bits
 * that the handle lacks. Knows the pseudo handles -1 (process), -2 (thread), -4..-6 (tokens). The
 * object stays valid while the lock is held and the handle is open. *out of the type's own struct.
 */
ntstatus nt_handle_get(struct nt_call *c, uint64_t handle, enum nt_type_id type, uint32_t access,
                       void *out);
/* The row itself, for NtQueryObject and NtDuplicateObject; NULL for pseudo handles and bad ones. */
struct nt_handle *nt_handle_row(struct nt_process *p, uint64_t handle);
ntstatus nt_handle_close(struct nt_kernel *k, struct nt_process *p, uint64_t handle);
void nt_handles_close_all(struct nt_kernel *k, struct nt_process *p);
void nt_handles_transfer(struct nt_kernel *k, struct ser *s, struct nt_handle_table *t);
uint32_t nt_map_access(enum nt_type_id type, uint32_t desired);

/* ---- Names ----------------------------------------------------------------------------------- */

enum { /* OBJECT_ATTRIBUTES.Attributes */
       OBJ_INHERIT = 0x2,
       OBJ_PERMANENT = 0x10,
       OBJ_EXCLUSIVE = 0x20,
       OBJ_CASE_INSENSITIVE = 0x40,
       OBJ_OPENIF = 0x80,
       OBJ_OPENLINK = 0x100,
       OBJ_VALID_ATTRIBUTES = 0x1ff2
};

/* A decoded OBJECT_ATTRIBUTES. `name` is owned: nt_attrs_free. */
struct nt_attrs {
    uint64_t root;   /* handle, 0: none */
    uint16_t *name;  /* NULL: none. NUL-terminated */
    size_t name_len; /* units */
    uint32_t attributes;
    bool present; /* the guest gave a structure at all */
};
/* address 0 gives an empty structure and success. STATUS_ACCESS_VIOLATION, STATUS_INVALID_PARAMETER
 * (wrong Length or attributes), STATUS_OBJECT_NAME_INVALID (odd length). */
ntstatus nt_attrs_read(struct nt_call *c, uint64_t address, struct nt_attrs *out);
void nt_attrs_free(struct nt_attrs *a);

/*
 * What NtCreateXxx does for a nameable type: makes a new object and inserts it under a->name, or
 * with OBJ_OPENIF opens the one there (STATUS_OBJECT_NAME_EXISTS, *existed = true), else
 * STATUS_OBJECT_NAME_COLLISION. *out has a reference owned by the caller.
 */
ntstatus nt_create_named(struct nt_call *c, enum nt_type_id type, const struct nt_attrs *a,
                         void *out, bool *existed);
/* What NtOpenXxx does: a reference owned by the caller. Follows symbolic links. */
ntstatus nt_open_named(struct nt_call *c, enum nt_type_id type, const struct nt_attrs *a,
                       void *out);
/* Maps `access`, makes a handle for o, writes it to the guest and drops the caller's reference. */
ntstatus nt_return_handle(struct nt_call *c, struct nt_object *o, uint32_t access,
                          const struct nt_attrs *a, uint64_t handle_out);
/* All of NtCreateXxx but filling in the object. STATUS_SUCCESS: it is new;
 * STATUS_OBJECT_NAME_EXISTS: it was there. *out stays valid while the handle is open. The handle is
 * zero on failure. */
ntstatus nt_create_handle(struct nt_call *c, enum nt_type_id type, uint64_t attributes,
                          uint32_t access, uint64_t handle_out, void *out);
/* Refuses a call: zeroes the handle and returns `status`. */
ntstatus nt_zero_handle(struct nt_call *c, uint64_t handle_out, ntstatus status);
/* All of NtOpenXxx: attributes, lookup, handle. */
ntstatus nt_open_handle(struct nt_call *c, enum nt_type_id type, uint64_t attributes,
                        uint32_t access, uint64_t handle_out);
/* For names of files that lead through the namespace: the absolute path with links and the root
 * directory put in, as far as objects go: to a device, or to what no object is named. From malloc.
 * STATUS_OBJECT_TYPE_MISMATCH when it ends at an object that is no device. */
ntstatus nt_name_resolve(struct nt_call *c, const struct nt_attrs *a, uint16_t **path, size_t *len);
/* Host-side: the object at an absolute path such as u"\\BaseNamedObjects", NULL if none. No ref. */
struct nt_object *nt_name_lookup(struct nt_kernel *k, const uint16_t *path, size_t len,
                                 size_t *used);
/* Host-side: names a new object; takes over the caller's reference as a permanent one. */
void nt_name_insert(struct nt_kernel *k, const char *path_utf8, struct nt_object *o);
/* Host-side: a permanent symbolic link, unless the name is taken. */
void nt_name_link(struct nt_kernel *k, const char *path, const char *target);
void nt_name_remove(struct nt_kernel *k, struct nt_object *o);
/* "\BaseNamedObjects\x" from malloc, NULL when nameless. */
uint16_t *nt_name_full(struct nt_kernel *k, struct nt_object *o, size_t *len);
/* A few words about what a handle stands for, for traces: "Event \BaseNamedObjects\x",
 * "File C:\a.txt". Length written, 0 when the handle is not open. */
size_t nt_handle_describe(struct nt_kernel *k, struct nt_process *p, uint64_t handle, char *out,
                          size_t size);
/* Creates \, \??, \Device, \BaseNamedObjects, \Sessions\1\BaseNamedObjects, \KnownDlls … */
void nt_namespace_init(struct nt_kernel *k);
/* After a load: fails unless the names form a tree. */
void nt_namespace_settle(struct nt_kernel *k, struct ser *s);

/* struct nt_directory { o; members }, struct nt_symlink { o; target } live in ob/names.c. */
extern const struct nt_type nt_type_directory, nt_type_symlink;
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_CM_KEY_H
#define NT_CM_KEY_H
/* Inside cm/: the tree of keys, and key objects (what handles refer to). */
#include "base/vec.h"
#include "nt/call.h"
#include "nt/cm/registry.h"

enum {
    REG_KEY_NAME_MAX = 256,     /* units */
    REG_VALUE_NAME_MAX = 16383, /* units */
    REG_VALUE_SIZE_MAX = 1 << 28,
    REG_LINK_DEPTH = 16
};

enum { /* access rights to keys */
       KEY_QUERY_VALUE = 0x01,
       KEY_SET_VALUE = 0x02,
       KEY_CREATE_SUB_KEY = 0x04,
       KEY_ENUMERATE_SUB_KEYS = 0x08,
       KEY_NOTIFY = 0x10,
       KEY_CREATE_LINK = 0x20,
       KEY_DELETE = 0x10000
};

enum { /* what NtNotifyChangeKey watches */
       REG_NOTIFY_CHANGE_NAME = 1,
       REG_NOTIFY_CHANGE_ATTRIBUTES = 2,
       REG_NOTIFY_CHANGE_LAST_SET = 4,
       REG_NOTIFY_CHANGE_SECURITY = 8
};

struct reg_value {
    uint16_t *name;
    uint32_t name_len; /* units */
    uint32_t hash;     /* of the name in upper case */
    uint32_t type;
    uint32_t len;
    uint8_t *data;                   /* NULL when len is 0 */
    bool builtin_name, builtin_data; /* in the built-in registry (packed.h), not from malloc */
};

struct reg_key {
    uint32_t id; /* index in nt_registry.keys */
    uint32_t opens;
    uint32_t name_len, class_len; /* units */
    bool is_volatile, is_link, deleted;
    bool is_hive; /* came with NtLoadKey */
    uint64_t written;
    uint32_t user_flags;
    uint16_t *name, *class;
    struct reg_key *parent;         /* NULL: the root, or deleted */
    VEC(struct reg_key *) children; /* in order of name */
    VEC(struct reg_value) values;   /* in order of creation, as Windows enumerates them */
    VEC(nt_id) watchers;            /* key objects with a notification set up */
    uint8_t *sd;
    size_t sd_len;
    /* Its values and children are still in the built-in registry, see reg_whole(). */
    const struct packed_key *packed;
    struct nt_registry *registry; /* while it is packed */
};

struct nt_registry {
    VEC(struct reg_key *) keys; /* slot 0 is unused */
    VEC(uint32_t) free;
    struct reg_key *root; /* \Registry */
    const uint8_t *packed_end;
    uint64_t packed_time; /* what its keys say they were written at */
};

/*
 * The key with its values and children: those of the built-in registry come out of its packed form
 * when they are first asked for. Functions of this header do it; who looks at a child that was
 * found by index or at a whole tree does it himself.
 */
void reg_unpack_key(struct reg_key *key);
static inline struct reg_key *reg_whole(const struct reg_key *key)
{
    if (key->packed)
        reg_unpack_key((struct reg_key *)key);
    return (struct reg_key *)key;
}

/* ---- tree.c: no notifications, no time stamps; callers say reg_touch() ----------------------- */

struct reg_key *reg_key_new(struct nt_registry *r, const uint16_t *name, size_t len);
void reg_key_free(struct nt_registry *r, struct reg_key *key);
/* The child, or NULL with *at = where it would go. */
struct reg_key *reg_child(const struct reg_key *key, const uint16_t *name, size_t len, size_t *at);
struct reg_key *reg_child_add(struct nt_registry *r, struct reg_key *key, const uint16_t *name,
                              size_t len);
/* Copies the values and everything below `from`, which may be of another registry. */
void reg_key_copy(struct nt_registry *r, struct reg_key *to, const struct reg_key *from);
/* Takes the key out of its parent; it lives on, deleted, while it is open. */
void reg_key_unlink(struct nt_registry *r, struct reg_key *key);
/* The same with everything below it. */
void reg_key_unlink_tree(struct nt_registry *r, struct reg_key *key);
void reg_key_rename(struct reg_key *key, const uint16_t *name, size_t len);
struct reg_value *reg_value(const struct reg_key *key, const uint16_t *name, size_t len);
/* Copies name and data. */
void reg_value_set(struct reg_key *key, const uint16_t *name, size_t name_len, uint32_t type,
                   const void *data, size_t len);
void reg_value_remove(struct reg_key *key, struct reg_value *v);
struct reg_key *reg_key_by_id(const struct nt_registry *r, uint32_t id);
/* "\Registry\Machine\…" from malloc. */
uint16_t *reg_key_path(const struct reg_key *key, size_t *len);

/* ---- path.c -----------------------------------------------------------------------------------
 */

struct reg_place {
    struct reg_key *key; /* the key, or the deepest one that exists */
    uint16_t missing[REG_KEY_NAME_MAX + 1];
    size_t missing_len; /* 0: key is what was asked for */
    bool last;          /* nothing follows the missing component */
};
/* Follows `path` (without leading separator) from `key`, through symbolic links; the last component
 * is not followed when open_link. STATUS_OBJECT_NAME_NOT_FOUND (a broken link on the way),
 * STATUS_NAME_TOO_LONG (links that never end), STATUS_INVALID_PARAMETER (a component that is too
 * long). */
ntstatus reg_walk(struct nt_registry *r, struct reg_key *key, const uint16_t *path, size_t len,
                  bool open_link, struct reg_place *out);
/* Makes every component; NULL when one is too long or a link is broken. */
struct reg_key *reg_make(struct nt_registry *r, struct reg_key *key, const uint16_t *path,
                         size_t len);
/* Splits a host-side path ("HKLM\…") into what reg_walk wants, from the root; malloc, NULL when
 * it begins with no known root. */
uint16_t *reg_host_path(const char *path, size_t *len);

/* Where a guest's OBJECT_ATTRIBUTES lead: reg_walk's statuses, and those of handles and paths. */
ntstatus reg_locate(struct nt_call *c, const struct nt_attrs *at, bool open_link,
                    struct reg_place *out);

/* ---- Key objects --------------------------------------------------------------------------------
 */

struct reg_post { /* one NtNotifyChangeKey that waits */
    nt_id event, process, thread;
    uint64_t iosb, apc, apc_context;
    bool waits; /* the thread is blocked in the service */
};

struct nt_key {
    struct nt_object o;
    uint32_t key; /* id */
    bool armed, subtree;
    uint32_t filter;
    VEC(struct reg_post) posts;
};

/* The key behind a handle. STATUS_KEY_DELETED, and what nt_handle_get says. `object` may be NULL.
 */
ntstatus reg_handle(struct nt_call *c, uint64_t handle, uint32_t access, struct reg_key **key,
                    struct nt_key **object);
/* A new key object for an open of `key`, with one reference. */
struct nt_key *reg_open_object(struct nt_kernel *k, struct reg_key *key);
/* The key changed: time stamp, and notifications on it and its parents. */
void reg_touch(struct nt_kernel *k, struct reg_key *key, uint32_t change);
/* Ends the notifications of a key object with a status; stops watching. */
void reg_notify_end(struct nt_kernel *k, struct nt_key *object, ntstatus status);
/* The key was deleted: everybody who watches it is told. */
void reg_notify_deleted(struct nt_kernel *k, struct reg_key *key);

/* ---- Text (regfile.c)
 * ----------------------------------------------------------------------------- */

pgr_status reg_import(struct nt_registry *r, uint64_t now, const char *name, const void *text,
                      size_t len, struct pgr_error *e);
/* The key with everything stable below it as a text (UTF-8), named `path`. Frees with vec_free. */
struct reg_text {
    char *data;
    size_t len, cap;
};
void reg_write(struct reg_text *out, const struct reg_key *key, const char *path);
struct nt_registry *reg_new(void);
void reg_free(struct nt_registry *r);
#endif

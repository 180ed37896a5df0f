/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_CM_REGISTRY_H
#define NT_CM_REGISTRY_H
/*
 * The registry: one tree of keys in memory, filled from data/registry.reg at start.
 *
 * Paths on the host side are UTF-8: "HKLM\Software\X", "HKCU\…", "HKU\…", "HKCR\…", "HKCC\…" (or
 * the HKEY_… names), or the kernel's own "\Registry\Machine\…". Values' data is what the guest
 * sees: text is UTF-16LE with its terminator. HKCU is \Registry\User\NT_USER_SID.
 */
#include "base/err.h"
#include "base/ser.h"
#include "nt/ob/object.h"

#define NT_USER_SID "S-1-5-21-0-0-0-1000"

enum { /* value types, as in winnt.h */
       REG_NONE,
       REG_SZ,
       REG_EXPAND_SZ,
       REG_BINARY,
       REG_DWORD,
       REG_DWORD_BIG_ENDIAN,
       REG_LINK,
       REG_MULTI_SZ,
       REG_RESOURCE_LIST,
       REG_FULL_RESOURCE_DESCRIPTOR,
       REG_RESOURCE_REQUIREMENTS_LIST,
       REG_QWORD
};

/* Fills k->registry, with the default contents. k->clock must be set up: keys carry its time. */
pgr_status nt_registry_create(struct nt_kernel *k, struct pgr_error *e);
/* After the objects are gone. k->registry may be NULL. */
void nt_registry_destroy(struct nt_kernel *k);
/* Loading replaces the contents; key objects refer to keys by number, so the order against
 * nt_objects_transfer does not matter. */
void nt_registry_transfer(struct nt_kernel *k, struct ser *s);
/* After a load of both: fails unless every key object has its key. */
void nt_registry_settle(struct nt_kernel *k, struct ser *s);

/* Merges a text of regedit's format 5 ("Windows Registry Editor Version 5.00") or 4 ("REGEDIT4"),
 * in UTF-8 or UTF-16LE with a mark. On error (one sentence with `name` and the line) what stood
 * before the line has been merged. */
pgr_status nt_registry_import(struct nt_kernel *k, const char *name, const void *text, size_t len,
                              struct pgr_error *e);

/* The key and what is below it (but volatile keys) as a text of format 5, UTF-8, from malloc. NULL
 * when there is no such key. */
char *nt_registry_export(struct nt_kernel *k, const char *path, size_t *len);

/* Makes missing keys on the way. `name` NULL or "" is the key's default value. False when the path
 * starts with no known root or a name is too long. */
bool nt_registry_set(struct nt_kernel *k, const char *path, const char *name, uint32_t type,
                     const void *data, size_t len);
bool nt_registry_set_text(struct nt_kernel *k, const char *path, const char *name,
                          const char *text);
bool nt_registry_set_dword(struct nt_kernel *k, const char *path, const char *name, uint32_t value);
/* Borrowed data, good until the value changes; NULL when there is none. type and len may be NULL.
 */
const void *nt_registry_get(struct nt_kernel *k, const char *path, const char *name, uint32_t *type,
                            size_t *len);
/* Text values as UTF-8 from malloc; NULL when there is none or it is not text. */
char *nt_registry_get_text(struct nt_kernel *k, const char *path, const char *name);

extern const struct nt_type nt_type_key;
/* The full path of an open key, "\Registry\Machine\…", from malloc; NULL when it was deleted. */
uint16_t *nt_key_name(struct nt_kernel *k, struct nt_object *key, size_t *len);
/* An open key's security descriptor (self-relative, owned by the key): for se/. `sd` NULL: default.
 */
void nt_key_get_sd(struct nt_kernel *k, struct nt_object *key, const uint8_t **sd, size_t *len);
/* Copies; false when the key was deleted. */
bool nt_key_set_sd(struct nt_kernel *k, struct nt_object *key, const void *sd, size_t len);
#endif

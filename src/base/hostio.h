/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_HOSTIO_H
#define BASE_HOSTIO_H
/* Host files: whole-file maps, and writes that never leave half a file behind. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A read-only view of a regular file. Zeroed is empty; an empty file has data NULL. */
struct host_map {
    const uint8_t *data;
    size_t size;
    int fd; /* kept open, so that sections can map parts of it again; -1 when zero-sized */
};

/* Fails with a sentence on directories, devices, unreadable and missing files. */
pgr_status host_map_open(struct host_map *m, const char *path, struct pgr_error *e);
/* The same for a descriptor, which the map takes over (closes, also on failure). */
pgr_status host_map_fd(struct host_map *m, int fd, const char *name, struct pgr_error *e);
void host_map_close(struct host_map *m);

/* Writes beside `path`, syncs, renames over it. The old file stays whole until the rename. */
pgr_status host_write_file(const char *path, const void *data, size_t size, struct pgr_error *e);

/* read/write that retry on EINTR and short counts; false with errno set on failure. */
bool host_write_all(int fd, const void *data, size_t size);

/* $XDG_DATA_HOME/peregrine or ~/.local/share/peregrine, with "/" and `sub` added when not NULL.
 * From malloc; NULL when the user has no home. */
char *host_data_dir(const char *sub);
char *host_cache_dir(const char *sub); /* the same under $XDG_CACHE_HOME or ~/.cache */

bool host_make_dirs(const char *path); /* like mkdir -p; true when it is there */

uint64_t host_monotonic_ns(void);
/* That this process may run on; at least 1. */
unsigned host_processors(void);
uint64_t host_private_bytes(void);  /* memory that this process alone uses; 0: unknown */
uint64_t host_realtime_100ns(void); /* since 1601-01-01 UTC, as NT counts */
#endif

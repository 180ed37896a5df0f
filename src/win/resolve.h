/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_RESOLVE_H
#define WIN_RESOLVE_H
/*
 * What a program's imports lead to, found out without running anything: the rules by which ntdll's
 * loader finds DLLs and exports, applied to files. Every file is hostile: the graph is bounded
 * (WIN_RESOLVE_MODULES, WIN_RESOLVE_IMPORTS), forwarders may run in circles, names are only names.
 */
#include "base/vec.h"
#include "pe/apiset.h"

#define WIN_RESOLVE_MODULES 1024u
#define WIN_RESOLVE_IMPORTS (1u << 18)

/* ---- Where files come from ------------------------------------------------------------------ */

struct win_dll_file {
    const uint8_t *data;
    size_t size;
    char *path;        /* for reports, from malloc; owned by the resolution afterwards */
    const char *place; /* which part of the search order, as a phrase; static */
    int fd;            /* for `close` */
};

struct win_dll_source {
    unsigned ndirs;      /* places to search, in order */
    unsigned system_dir; /* the one that holds ntdll */
    /* Opens `name` (a plain file name in lower case) in place `dir`; false: not there. */
    bool (*open)(void *ctx, unsigned dir, const char *name, struct win_dll_file *out);
    void (*close)(void *ctx, struct win_dll_file *f);
    void *ctx;
};

/*
 * The guest's search order on the host: the directory of the program, the root's DLLs for its
 * bitness, the root's windows directory, the current directory. Names in any case; links that lead
 * out of a directory are not followed, as for the guest. `program_dir`, `system` and `windows` are
 * copied. Free with win_dll_dirs_free after the resolution.
 */
struct win_dll_dirs;
struct win_dll_dirs *win_dll_dirs_new(const char *program_dir, const char *system,
                                      const char *windows, const char *cwd);
/* Has the system directory show what Peregrine supplies where the root lacks it. */
void win_dll_dirs_supply(struct win_dll_dirs *d, unsigned ptr_size);
struct win_dll_source win_dll_dirs_source(struct win_dll_dirs *d);
void win_dll_dirs_free(struct win_dll_dirs *d);

/* ---- What was found ------------------------------------------------------------------------- */

enum win_import_state {
    WIN_IMPORT_FOUND,
    WIN_IMPORT_NO_DLL,    /* the DLL it names is not usable */
    WIN_IMPORT_NO_EXPORT, /* the DLL lacks it, or what a forwarder leads to does */
    WIN_IMPORT_CYCLE      /* forwarders lead in a circle, or for ever */
};

struct win_import {
    const char *name; /* NULL: by ordinal; borrowed from the image */
    uint16_t ordinal;
    uint16_t hops; /* forwarders followed */
    uint32_t slot; /* RVA of its IAT entry */
    enum win_import_state state;
    uint32_t module, rva; /* FOUND: where it leads; else the module where it ended */
    const char *last;     /* the last forwarder followed, or NULL; borrowed from an image */
};

/* One row of an import table. */
struct win_dependency {
    const char *dll;     /* as the image spells it */
    uint32_t module;     /* index */
    bool delayed;        /* bound at the first call */
    bool by_api_set;     /* the module is what stands behind the API set `dll` */
    size_t first, count; /* its imports */
};

enum win_module_state {
    WIN_MODULE_FOUND,
    WIN_MODULE_MISSING, /* no such file */
    WIN_MODULE_REFUSED  /* a file, but none that the loader takes */
};

struct win_module {
    char *name; /* lower case, with extension */
    char *path; /* NULL when missing */
    const char *place;
    enum win_module_state state;
    char *why;       /* not FOUND: a sentence without full stop */
    char *skipped;   /* a file of that name for another processor, passed over; or NULL */
    uint32_t number; /* its index */
    uint32_t needed_by;
    bool delayed; /* nothing needs it at the start */
    struct win_dll_file file;
    struct pe_image img;     /* FOUND only, like all below */
    struct pe_exports ex;    /* no functions when it exports nothing */
    struct pe_damage damage; /* of the import tables, which end there */
    VEC(struct win_dependency) deps;
    VEC(struct win_import) imports;
    uint32_t *index; /* export names by hash; made when first used */
    uint32_t index_mask;
};

struct win_resolution {
    const struct win_dll_source *src;
    const struct pe_apiset *apiset;
    VEC(struct win_module *) modules; /* 0 the program, 1 ntdll, 2 kernel32 */
    size_t imports;                   /* of all modules together */
    bool truncated;                   /* a limit was reached */
    bool binding_delayed;             /* what forwarders load now is not needed at the start */
    bool wine; /* ntdll is Wine's: a missing export only matters when called */
};

/* The three that every process has. */
enum { WIN_MODULE_PROGRAM, WIN_MODULE_NTDLL, WIN_MODULE_KERNEL32 };

/* `program` is borrowed, as are src and apiset (NULL: no sets are known); `name` is its file name.
 */
void win_resolve(struct win_resolution *out, const struct pe_image *program, const char *name,
                 const struct win_dll_source *src, const struct pe_apiset *apiset);
void win_resolution_free(struct win_resolution *r);

/* DLLs whose names stand in the program's own data, and which are neither imported nor to be found:
 * it may load them by itself. Lower case; free with win_dll_names_free. */
struct win_dll_names {
    char **data;
    size_t len, cap;
};
void win_missing_names(const struct win_resolution *r, struct win_dll_names *out);
void win_dll_names_free(struct win_dll_names *n);

/* "CreateFileW" or "#7". */
const char *win_import_name(const struct win_import *i, char buf[8]);
/* Follows one export; what GetProcAddress would do. */
struct win_import win_resolve_export(struct win_resolution *r, uint32_t module, const char *name,
                                     uint16_t ordinal);
/* The name of the export at rva, NULL when there is none. Linear. */
const char *win_export_name_of(const struct win_module *m, uint32_t rva);
/* What a missing or circular import means to the program: true when it does not start. A missing
 * export stops Windows' loader, while Wine's puts a function there that raises an exception. */
bool win_import_is_fatal(const struct win_resolution *r, const struct win_import *i);
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_APISET_H
#define PE_APISET_H
/*
 * The API-set map: "api-ms-win-core-file-l1-1-0.dll" to the DLL that implements it, from the
 * .apiset section of apisetschema.dll. Schema versions 2 (Windows 7, 8), 4 (8.1) and 6 (10, 11, and
 * Wine). The bytes are borrowed and hostile.
 */
#include "pe/pe.h"

struct pe_apiset {
    const uint8_t *data; /* the schema: what PEB.ApiSetMap points to */
    uint32_t size, version, count;
};

enum pe_apiset_result {
    PE_APISET_NONE,   /* not an API-set name: no "api-" or "ext-" */
    PE_APISET_ABSENT, /* named like one, but the map has no such set */
    PE_APISET_EMPTY,  /* known, and implemented by nobody here */
    PE_APISET_HOST    /* *out holds the DLL */
};

#define PE_APISET_HOST_MAX 260

/* From apisetschema.dll, opened by the caller. */
pgr_status pe_apiset_open(struct pe_apiset *as, const struct pe_image *schema, struct pgr_error *e);
/* From the schema's bytes. `name` is for sentences. */
pgr_status pe_apiset_parse(struct pe_apiset *as, const void *data, size_t size, const char *name,
                           struct pgr_error *e);

/* `name` may end in ".dll" and is compared without case; versions behind the last hyphen do not
 * matter to schema 6. `importer` is the file name of the importing DLL, NULL when unknown: some
 * sets have another host for one importer. */
enum pe_apiset_result pe_apiset_resolve(const struct pe_apiset *as, const char *name,
                                        const char *importer, char out[PE_APISET_HOST_MAX]);

/* Row i < as->count: its name as in the file, without ".dll", and its default host ("" when none).
 * False when the row is damaged. */
bool pe_apiset_row(const struct pe_apiset *as, uint32_t i, char name[PE_APISET_HOST_MAX],
                   char host[PE_APISET_HOST_MAX]);
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H
/* The two shapes of `peregrine inspect`: a page for people, JSON for programs. */
#include "pe/apiset.h"
#include "pe/map.h"
#include <jansson.h>
#include <stdio.h>

struct inspect {
    const struct pe_image *img;
    const struct pe_apiset *apiset; /* NULL: no root to ask */
    const char *apiset_root;        /* its name */
};

void inspect_text(FILE *f, const struct inspect *in);
json_t *inspect_json(const struct inspect *in);

/* Facts that both shapes show. */

struct inspect_field {
    const char *key; /* Microsoft's name */
    uint64_t value;
    uint8_t digits; /* hexadecimal digits, 0: decimal */
};
#define INSPECT_FIELDS 32
/* The header fields in the order of the file; returns how many. */
size_t inspect_fields(const struct pe_header *h, struct inspect_field out[INSPECT_FIELDS]);

struct inspect_relocs {
    uint32_t total, pages, by_type[16];
};
void inspect_count_relocs(const struct inspect *in, struct inspect_relocs *out);

/* Bits per byte, 0 to 8; above about 7.2 the bytes are compressed or encrypted. */
double inspect_entropy(const uint8_t *p, size_t n);
/* The DLL behind an API set, "" when there is none, NULL when `dll` is no API set or nobody knows.
 */
const char *inspect_host(const struct inspect *in, const char *dll, char buf[PE_APISET_HOST_MAX]);
/* "rwx" with dashes, "s" added for shared. */
void inspect_access(uint32_t characteristics, char out[5]);
/* A copy for terminals and JSON: what is not printable ASCII becomes \xNN. From malloc. */
char *inspect_escape(const char *s);
/* "RT_ICON", "12", or the text in quotes. From malloc. */
char *inspect_resource_name(const struct pe_resource *r, unsigned depth);
/* A CodeView GUID in the usual form. */
void inspect_guid(const uint8_t guid[16], char out[40]);
#endif

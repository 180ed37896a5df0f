/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CALL_VALUE_H
#define CLI_CALL_VALUE_H
/* Arguments and results of `peregrine call`: from words of the command line to values of C types,
 * and back. */
#include "api/api.h"
#include "base/err.h"
#include "base/vec.h"
#include <jansson.h>

enum call_kind {
    CALL_VOID,
    CALL_BOOL,
    CALL_SIGNED,
    CALL_UNSIGNED,
    CALL_HEX, /* handles, statuses */
    CALL_POINTER,
    CALL_TEXT,  /* char * */
    CALL_WTEXT, /* wchar_t * */
    CALL_FLOAT,
    CALL_DOUBLE,
    CALL_UNKNOWN /* whatever the word looks like; results: a number, and text if it points to some
                  */
};

struct call_type {
    uint8_t kind; /* enum call_kind */
    uint8_t size; /* bytes; pointers: 0, the guest's */
};

enum { CALL_ARGS_MAX = 24 };

/* What is known of a function. */
struct call_signature {
    bool known;
    bool variadic;
    uint8_t convention; /* enum api_convention */
    unsigned count;
    struct call_type result, args[CALL_ARGS_MAX];
};

/* "uint32 crc32(uint32, ptr, uint32)"; the function's name may be left out. PGR_E_ARGUMENT. */
pgr_status call_signature_parse(const char *text, struct call_signature *out, struct pgr_error *e);
/* By a prototype. */
void call_signature_of(const struct api_table *t, const struct api_function *f, unsigned bitness,
                       bool narrow, struct call_signature *out);

/* An argument: bits, or bytes that the guest gets the address of. */
struct call_value {
    bool wide; /* takes 64 bits */
    uint64_t bits;
    uint8_t *data; /* owned; NULL: none */
    size_t size;
    bool out; /* to be shown after the call */
};

/* A word by its type: numbers 7, -1, 0x7f, 1.5, true; null; text as it is, or s:7 and w:7 for text
 * that looks otherwise; @FILE: its bytes, hex:4d5a: bytes; out:64 so many zeroes, shown after the
 * call; inout:@FILE both. PGR_E_ARGUMENT, PGR_E_IO with a sentence. */
pgr_status call_value_parse(const char *word, const struct call_type *type, struct call_value *out,
                            struct pgr_error *e);
void call_value_free(struct call_value *v);
#endif

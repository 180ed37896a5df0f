/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef API_API_H
#define API_API_H
/*
 * Prototypes of API functions: arguments, structures, names of constants. The table is made from
 * the mingw-w64 headers (tools/prototypes) and lies read-only in the binary: nothing is unpacked
 * or allocated, and all names are pointers into it. What is returned by value stays valid as long
 * as the table's bytes do, which for the built-in one is for ever.
 *
 * Functions go by name alone, without their DLL. "Bitness" is the size of a pointer, 4 or 8.
 */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of the table's bytes. */
struct api_table {
    const uint8_t *at;
    size_t size;
    struct {
        const uint8_t *at;
        uint32_t count;
    } part[7]; /* enum api_part of table.h */
};

void api_builtin(struct api_table *t);
/* A table of the caller's: `data` stays the caller's and is aligned to 8. PGR_E_FORMAT when its
 * head is damaged. What lies behind is trusted as far as bounds go, whose violation is a BUG: check
 * a table that is not the build's own first. */
pgr_status api_open(struct api_table *t, const void *data, size_t size, struct pgr_error *e);
/* Looks at all of it; PGR_E_FORMAT with what is wrong. After that no function here fails. */
pgr_status api_check(const struct api_table *t, struct pgr_error *e);
/* "mingw-w64 10.0.0": where the prototypes come from. */
const char *api_source(const struct api_table *t);

/* ---- Functions
 * ----------------------------------------------------------------------------------- */

enum api_convention { API_CDECL, API_STDCALL, API_FASTCALL, API_THISCALL };

enum { API_VARIADIC = 1, API_ON_32 = 2, API_ON_64 = 4 };

typedef uint16_t api_type_id;  /* 0 is void */
typedef uint16_t api_group_id; /* 0 is none */

struct api_function {
    const char *name;
    const char *header;             /* that declares it, or "" */
    uint32_t first;                 /* of its arguments; for api_arg */
    api_type_id result;             /* see api_type */
    api_group_id result_group;      /* constants that it returns */
    uint16_t stack;                 /* bytes of all arguments on the stack of i386 */
    uint8_t count;                  /* of its arguments, without those of "..." */
    uint8_t flags;                  /* API_VARIADIC, and on which bitness it is declared so */
    uint8_t category;               /* for api_category_name; the numbers of nt/categories.def */
    uint8_t outcome;                /* enum api_outcome */
    enum api_convention convention; /* on i386; x64 has but one */
};

/* "file_io", or NULL beyond the last one. */
const char *api_category_name(const struct api_table *t, unsigned category);

/* How a result tells of failure, and where the reason lies. */
enum api_outcome {                    /* in the order of tools/prototypes/judge.py */
                   API_TELLS_NOTHING, /* void, answers, counts */
                   API_ZERO_FAILS, /* BOOL, handles, pointers, lengths: the thread's last error */
                   API_MINUS_ONE_FAILS,       /* INVALID_HANDLE_VALUE, INVALID_FILE_ATTRIBUTES,
                                                 SOCKET_ERROR: the same */
                   API_IS_NTSTATUS,           /* the result itself, when negative */
                   API_IS_HRESULT,            /* the same */
                   API_IS_WINERROR,           /* the result itself, when it is not ERROR_SUCCESS */
                   API_IS_ERRNO,              /* the result itself, when it is not 0 */
                   API_ZERO_FAILS_ERRNO,      /* fopen, malloc: errno */
                   API_MINUS_ONE_FAILS_ERRNO, /* _open: errno */
                   API_OUTCOME_COUNT
};
/* Whether the function says with this value of its result register that it failed. */
bool api_failed(const struct api_table *t, const struct api_function *f, uint64_t result,
                unsigned bitness);

/* How a name was found: what is not API_EXACT is a guess that the caller may want to tell. */
enum api_found {
    API_EXACT,
    API_ZW_AS_NT,   /* ZwClose by NtClose: the same function in user mode */
    API_NT_AS_ZW,   /* the reverse */
    API_K32,        /* K32EnumProcesses by EnumProcesses */
    API_A_BY_W,     /* FooA by FooW: strings are narrow where the prototype says wide */
    API_W_BY_A,     /* the reverse */
    API_SUFFIX,     /* Foo by FooW: there is no Foo */
    API_O,          /* ucrtbase's _o_malloc by malloc */
    API_UNDERSCORE, /* _foo by foo, or foo by _foo */
    API_DECORATED,  /* _Foo@12 by Foo */
    API_FOUND_COUNT
};
/* A few words such as "the prototype of the wide function"; "" for API_EXACT. */
const char *api_found_text(enum api_found how);

/* Whether there is a prototype by exactly this name. */
bool api_find_exact(const struct api_table *t, const char *name, unsigned bitness,
                    struct api_function *out);
/* The same, then by the other names of enum api_found in their order. */
bool api_find(const struct api_table *t, const char *name, unsigned bitness,
              struct api_function *out, enum api_found *how);
/* All of them in order of name (of strcmp); the few that differ by bitness are there twice. */
size_t api_function_count(const struct api_table *t);
struct api_function api_function_at(const struct api_table *t, size_t i);

/* ---- Arguments
 * ----------------------------------------------------------------------------------- */

enum api_direction { API_IN, API_OUT, API_INOUT };
enum api_size_kind { API_SIZE_UNKNOWN, API_SIZE_BYTES, API_SIZE_ELEMENTS };
enum { API_NO_ARG = 0xff };

struct api_arg {
    const char *name;
    api_type_id type;
    api_group_id group; /* constants of its value, or of what it points to */
    uint8_t direction;  /* enum api_direction; OUT and INOUT only of pointers */
    uint8_t size_kind;  /* enum api_size_kind: of the buffer it points to */
    uint8_t size_arg;   /* index of the argument that says how much room there is, by value or by
                           what it points to; or API_NO_ARG */
    uint8_t filled_arg; /* of the one that says how much was written; or API_NO_ARG */
};

/* i < f->count */
struct api_arg api_arg(const struct api_table *t, const struct api_function *f, unsigned i);
/* Index by name, or -1. */
int api_arg_index(const struct api_table *t, const struct api_function *f, const char *name);

enum api_where {
    API_GENERAL, /* x64: 0 to 3 are RCX, RDX, R8, R9; i386: 0 and 1 are ECX, EDX */
    API_VECTOR,  /* XMM0 to XMM3 */
    API_STACK    /* at the stack pointer that the function is entered with, plus `at` */
};
struct api_place {
    uint8_t where;     /* enum api_where */
    bool by_reference; /* x64: what is there is the address of a structure passed by value */
    uint16_t at;       /* number of the register, or offset */
    uint32_t size;     /* of the value, in bytes */
};
/* Where argument i lies when the function is entered; i may go beyond count for variadic ones,
 * whose further arguments take one slot each (of x64, then, integers and addresses are meant). */
struct api_place api_place(const struct api_table *t, const struct api_function *f, unsigned i,
                           unsigned bitness);
/* The caller passes the address of the result's room before all arguments. */
bool api_hidden_result(const struct api_table *t, const struct api_function *f, unsigned bitness);
/* Bytes that the function takes off the stack beside its return address. */
unsigned api_pops(const struct api_table *t, const struct api_function *f, unsigned bitness);

/* ---- Types
 * --------------------------------------------------------------------------------------- */

enum api_kind { /* in the order of tools/prototypes/pack.py */
                API_VOID,
                API_BOOL,
                API_INT,
                API_UINT,
                API_CHAR,
                API_WCHAR,
                API_FLOAT,
                API_HANDLE,
                API_NTSTATUS,
                API_HRESULT,
                API_WINERROR,
                API_POINTER, /* to `target`; to CHAR or WCHAR, when const, to text */
                API_CODE,    /* the address of a function */
                API_STRUCT,
                API_UNION,
                API_INTERFACE, /* a COM object; met behind pointers only */
                API_GUID,
                API_ENUM,
                API_ARRAY,  /* of `target`; its count is size / target's size */
                API_OPAQUE, /* a structure of which nothing is known */
                API_KIND_COUNT
};
const char *api_kind_name(enum api_kind kind); /* "pointer" */

struct api_type {
    const char *name; /* as C writes it: "LPCWSTR", "const char *", "struct _FOO" */
    uint32_t size32, size64;
    uint8_t kind;          /* enum api_kind */
    bool is_const;         /* the type itself, such as the target of an LPCWSTR */
    api_type_id target;    /* POINTER, ARRAY */
    api_group_id group;    /* ENUM: its constants */
    uint32_t first, count; /* STRUCT, UNION: fields, for api_field. Structures have them that a
                              function takes, one level deep; others are met by size only */
};
struct api_type api_type(const struct api_table *t, api_type_id id);
static inline uint32_t api_size(const struct api_type *type, unsigned bitness)
{
    return bitness == 8 ? type->size64 : type->size32;
}

enum { API_NOWHERE = 0xffffffff };

struct api_field {
    const char *name;
    uint32_t at32, at64; /* byte offset; API_NOWHERE where this bitness has no such field */
    api_type_id type;
    api_group_id group;
    uint8_t bit, bits; /* bit field: lowest bit of the unit at the offset, and how many; else 0 */
    bool overlaps;     /* another view of bytes that fields before it have shown */
};
/* i < type->count; in order of 64-bit offset */
struct api_field api_field(const struct api_table *t, const struct api_type *type, unsigned i);
static inline uint32_t api_field_at(const struct api_field *f, unsigned bitness)
{
    return bitness == 8 ? f->at64 : f->at32;
}

/* ---- Constants
 * ----------------------------------------------------------------------------------- */

struct api_group {
    const char *name;
    uint32_t first, count;
    bool is_flags;
};
struct api_group api_group(const struct api_table *t, api_group_id id);
/* By name, such as "ERROR" for what GetLastError returns; 0 when there is none. Looks at them all.
 */
api_group_id api_group_by_name(const struct api_table *t, const char *name);
/* Name and value of the constant i < g->count. */
const char *api_constant(const struct api_table *t, const struct api_group *g, unsigned i,
                         uint64_t *value);
/*
 * "GENERIC_READ|SYNCHRONIZE|0x200000", "OPEN_EXISTING", and digits for what has no name. Writes at
 * most `size` (at least 24) bytes with the NUL, whole names only; returns the length.
 */
size_t api_value_text(const struct api_table *t, api_group_id id, uint64_t value, char *out,
                      size_t size);
#endif

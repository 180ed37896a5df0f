/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_CALL_H
#define NT_CALL_H
/*
 * A service call: who calls what with which arguments, and how handlers reach guest memory.
 *
 * services.def is the one list. For each line there is a struct of its arguments by name, all
 * uint64_t, narrowed already to the width of their type (a ULONG is zero-extended from 32 bits):
 *
 *     ntstatus nt_close(struct nt_call *c)
 *     {
 *         const struct NtClose_args *a = nt_args(c);
 *         return nt_handle_close(c->k, c->p, a->Handle);
 *     }
 */
#include "base/layout.h"
#include "nt/kernel.h"

enum nt_service_state { NT_SERVICE_IMPLEMENTED, NT_SERVICE_CONSTANT, NT_SERVICE_MISSING };

enum nt_category {
#define CATEGORY(name) NT_CAT_##name,
#include "nt/categories.def"
#undef CATEGORY
    NT_CAT_COUNT
};
const char *nt_category_name(enum nt_category c); /* "file_io" */

enum nt_direction { NT_IN, NT_OUT, NT_INOUT };

enum nt_arg_type { /* what the tracer and the narrowing know about an argument; see types.def */
#define ARGTYPE(name, width) NT_ARG_##name,
#include "nt/types.def"
#undef ARGTYPE
                   NT_ARG_COUNT
};

struct nt_arg {
    const char *name;
    uint8_t type;       /* enum nt_arg_type */
    uint8_t direction;  /* enum nt_direction */
    const char *length; /* BUFFER: name of the argument that holds its size, else NULL */
};

enum { NT_ARGS_MAX = 18 };

typedef ntstatus nt_service_fn(struct nt_call *c);

struct nt_service {
    const char *name;
    uint8_t state;    /* enum nt_service_state */
    uint8_t category; /* enum nt_category */
    uint8_t arg_count;
    ntstatus constant; /* what CONSTANT ones return */
    nt_service_fn *fn; /* IMPLEMENTED */
    const struct nt_arg *args;
};
/* All of services.def: the kernel's own in order of name, then win32k's in order of name. */
extern const struct nt_service nt_services[];
extern const size_t nt_service_total;
/* By exact name ("NtClose"; "ZwClose" finds it too); NULL. */
const struct nt_service *nt_service_find(const char *name);
/* Index of the argument that holds the size of the BUFFER argument `arg`. */
size_t nt_service_length_of(const struct nt_service *s, size_t arg);

struct nt_call {
    struct nt_kernel *k;
    struct nt_process *p;
    struct nt_thread *t;
    struct mem_space *mem; /* p's */
    const struct nt_service *service;
    uint32_t number;
    uint64_t arg[NT_ARGS_MAX];
    uint64_t caller;     /* guest return address of the stub, for notes and traces */
    bool keep_registers; /* the handler replaced the thread's registers: leave RAX alone */
};
static inline const void *nt_args(const struct nt_call *c)
{
    return c->arg;
}

/* Runs the service `number` for thread t: fetches arguments by the ABI, calls, traces, stores the
 * result. Returns false when another thread should run now. t->cpu must be current. */
bool nt_dispatch(struct nt_kernel *k, struct nt_thread *t, uint32_t number);

/* The service c is the one that its thread is blocked in. The dispatcher does it by itself; who
 * reports the return before NT_BLOCKED reached the dispatcher does it first. */
void nt_remember_call(const struct nt_call *c);
/* Tells the observer that the service in which t was blocked returns now. */
void nt_report_return(struct nt_kernel *k, struct nt_thread *t, ntstatus status);

/* Declares struct NtXxx_args and nt_xxx for every line. */
#define IN(type, name)       uint64_t name;
#define OUT(type, name)      uint64_t name;
#define INOUT(type, name)    uint64_t name;
#define INBUF(name, length)  uint64_t name;
#define OUTBUF(name, length) uint64_t name;
#define SERVICE(name, fn, category, ...)                                                           \
    struct name##_args {                                                                           \
        __VA_ARGS__                                                                                \
    };                                                                                             \
    ntstatus fn(struct nt_call *c);
#define CONSTANT(name, status, category, ...)
#define MISSING(name, category, ...)
#include "nt/services.def"
#undef SERVICE
#undef CONSTANT
#undef MISSING
#undef IN
#undef OUT
#undef INOUT
#undef INBUF
#undef OUTBUF

/* "ntdll.dll+0x1234" for an address inside an image, else "0x…". */
void nt_describe_address(struct nt_kernel *k, struct nt_process *p, uint64_t va, char *out,
                         size_t size);

/* ---- Guest memory, as the calling thread sees it: a bad pointer is STATUS_ACCESS_VIOLATION
 * -------- */

ntstatus nt_read(struct nt_call *c, uint64_t va, void *out, size_t len);
ntstatus nt_write(struct nt_call *c, uint64_t va, const void *data, size_t len);
ntstatus nt_get(struct nt_call *c, const struct layout *l, uint64_t va, void *host);
ntstatus nt_put(struct nt_call *c, const struct layout *l, uint64_t va, const void *host);
ntstatus nt_put_u8(struct nt_call *c, uint64_t va, uint8_t v);
ntstatus nt_put_u32(struct nt_call *c, uint64_t va, uint32_t v);
ntstatus nt_put_u64(struct nt_call *c, uint64_t va, uint64_t v);
ntstatus nt_get_u32(struct nt_call *c, uint64_t va, uint32_t *v);
ntstatus nt_get_u64(struct nt_call *c, uint64_t va, uint64_t *v);
ntstatus nt_put_ptr(struct nt_call *c, uint64_t va, uint64_t v); /* 4 or 8 bytes */
ntstatus nt_get_ptr(struct nt_call *c, uint64_t va, uint64_t *v);
/* Writable for `len` bytes? Probes without changing anything. */
ntstatus nt_probe_write(struct nt_call *c, uint64_t va, size_t len);
/* The text of a UNICODE_STRING at va: malloc'd, NUL-terminated; units in *len. */
ntstatus nt_read_string(struct nt_call *c, uint64_t va, uint16_t **out, size_t *len);
/* IO_STATUS_BLOCK {status or pointer, information}. */
ntstatus nt_put_iosb(struct nt_call *c, uint64_t va, ntstatus status, uint64_t information);

/*
 * The usual tail of an NtQueryInformationXxx: `need` bytes in `data` for a caller's buffer of
 * `length`. Writes *return_length (when not 0). Too small: STATUS_INFO_LENGTH_MISMATCH.
 */
ntstatus nt_return_info(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t return_length,
                        const void *data, size_t need);
/* The same from a layout and its host struct. */
ntstatus nt_return_layout(struct nt_call *c, uint64_t buffer, uint32_t length,
                          uint64_t return_length, const struct layout *l, const void *host);
/* An information class that nobody wrote yet: a note, and STATUS_INVALID_INFO_CLASS. */
ntstatus nt_unknown_class(struct nt_call *c, uint32_t info_class);

/* Before a service touches t's registers, or ends or suspends it: whether t, which may run on
 * another worker, stands still. When not return NT_AWAIT, with nothing done yet: the service is
 * called once more. Always true for the caller itself. */
bool nt_stands_still(struct nt_call *c, struct nt_thread *t);

static inline unsigned nt_ptr_size(const struct nt_call *c)
{
    return c->p->ptr_size;
}
#endif

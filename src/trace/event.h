/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H
/*
 * What happened in the guest, in a form that no longer needs the guest: sinks print it, store it
 * or count it. An event and all it points to live until the sink returns.
 */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_event_kind { /* the names are in trace_event_kind_name */
                        TRACE_CALL,
                        TRACE_RETURN,
                        TRACE_IMAGE,     /* a module was mapped (`begins`) or unmapped */
                        TRACE_EXCEPTION, /* that the kernel hands to the guest */
                        TRACE_THREAD,    /* it is made (`begins`) or has ended */
                        TRACE_PROCESS,   /* it has ended */
                        TRACE_AWAY /* the call will not return: it went on elsewhere. For sinks
                                      that pair calls with returns; no line is written for it */
};
enum { TRACE_KINDS_ALL = ~0u };
/* "call", "return" ... as JSON has them. */
const char *trace_event_kind_name(enum trace_event_kind kind);

enum trace_value_kind {
    TRACE_NUMBER,     /* number */
    TRACE_SIGNED,     /* number, as int64_t */
    TRACE_BOOL,       /* number: 0 is false */
    TRACE_ADDRESS,    /* number; 0 is NULL */
    TRACE_UNREADABLE, /* number: the address where nothing could be read */
    TRACE_SYMBOL,     /* text: names of constants, durations; printed as it is */
    TRACE_STRING,     /* text of the guest's */
    TRACE_HANDLE, /* number, sign-extended: pseudo handles are -1 to -6; text: what it stands for,
                     if length is not 0 */
    TRACE_BYTES,  /* number: size of the whole; text: its first `length` bytes */
    TRACE_TEXT,   /* the same, where the bytes are text */
    TRACE_WTEXT,  /* the same, where they were UTF-16; text is UTF-8 */
    TRACE_LIST,   /* children without names */
    TRACE_FIELDS  /* children with names */
};

struct trace_value {
    uint8_t kind;        /* enum trace_value_kind */
    bool cut;            /* text, or the list, goes on in the guest */
    uint8_t children;    /* LIST, FIELDS: they follow in the array, each before its own children */
    uint8_t name_length; /* of name; 0: not counted */
    uint32_t length;     /* of text, in bytes */
    const char *name;    /* of the argument or field; NULL in lists */
    const char *text;    /* UTF-8 from hostile hands: maybe malformed, surrogates as WTF-8 */
    uint64_t number;
};

struct trace_event {
    uint8_t kind;      /* enum trace_event_kind */
    bool main_thread;  /* the first thread of the machine's first process */
    bool is_status;    /* RETURN: result_code is an NTSTATUS */
    bool failed;       /* RETURN: by what the result's type says */
    bool begins;       /* IMAGE, THREAD */
    bool first_chance; /* EXCEPTION: else nobody handled it */
    uint32_t pid, tid;
    uint64_t time;        /* 100 ns since the machine started */
    const char *category; /* "file_io" */
    const char *module;   /* of an API function, "kernel32.dll"; NULL for services */
    const char *function; /* NULL: the API function has but an ordinal */
    uint32_t ordinal;
    uint32_t depth;    /* API functions: of calls around it */
    uint64_t frame;    /* API functions: tells calls of one thread apart while they go on */
    const char *label; /* API functions: as text shows module and function; NULL: not known yet */
    uint32_t label_length;
    const char *caller;    /* CALL of an API function: "a.exe+0x1234" */
    uint8_t caller_length; /* 0: not counted, it may have any bytes; else no format escapes one */
    bool has_error;        /* RETURN of an API function that failed: what GetLastError would say */
    uint32_t last_error;
    const char *last_error_name; /* "ERROR_FILE_NOT_FOUND"; may be NULL */
    uint64_t result_code;
    struct trace_value result;        /* RETURN: SYMBOL, or a number */
    const struct trace_value *values; /* in parameter order */
    size_t value_count;               /* not counting children */

    /* What follows is of events that are no calls; `module` above is IMAGE's file name. */
    const char *path; /* IMAGE: "C:\\windows\\system32\\ntdll.dll"; NULL: no file */
    uint64_t base, size;
    uint64_t entry; /* IMAGE that begins: address, 0: none; and two fields of its header */
    uint32_t checksum, timestamp;
    uint32_t code;         /* EXCEPTION; PROCESS, and THREAD that ended: exit code */
    const char *code_name; /* "STATUS_ACCESS_VIOLATION"; may be NULL */
    uint64_t address;      /* EXCEPTION: where; THREAD that begins: what it will run */
    const char *place;     /* the same as "a.exe+0x1234" */
    const char *access;    /* EXCEPTION: "read", "write", "execute"; NULL: was no such thing */
    uint64_t accessed;     /* the address */
};

/* A consumer of events; ctx is the first argument of each function. What goes wrong in a sink stays
 * there until `destroy`. */
struct trace_sink {
    void *ctx;
    void (*event)(void *ctx, const struct trace_event *ev);
    void (*flush)(void *ctx); /* what was buffered becomes visible; may be NULL */
    /* Writes the rest, closes, frees ctx. Not PGR_OK, with a sentence in *e, when some of the trace
     * was lost at any time. NULL: nothing to do. */
    pgr_status (*destroy)(void *ctx, struct pgr_error *e);
    uint32_t kinds; /* bit for each kind of event that it takes; 0: all */
};
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H
/*
 * What happened in the guest, in a form that no longer needs the guest: sinks print it, store it
 * or count it. An event and all it points to live until the sink returns.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_event_kind { /* the names are in trace_event_kind_name */
                        TRACE_CALL,
                        TRACE_RETURN,
                        TRACE_IMAGE,
                        TRACE_EXCEPTION,
                        TRACE_THREAD
};
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
    uint8_t kind;      /* enum trace_value_kind */
    bool cut;          /* text, or the list, goes on in the guest */
    uint16_t children; /* LIST, FIELDS: they follow in the array, each before its own children */
    uint32_t length;   /* of text, in bytes */
    const char *name;  /* of the argument or field; NULL in lists */
    const char *text;  /* UTF-8 from hostile hands: maybe malformed, surrogates as WTF-8 */
    uint64_t number;
};

struct trace_event {
    uint8_t kind;     /* enum trace_event_kind */
    bool main_thread; /* the first thread of the machine's first process */
    bool is_status;   /* RETURN: result_code is an NTSTATUS */
    uint32_t pid, tid;
    uint64_t time;        /* 100 ns since the machine started */
    const char *category; /* "file_io" */
    const char *module;   /* of an API function, "kernel32.dll"; NULL for services */
    const char *function; /* NULL: the API function has but an ordinal */
    uint32_t ordinal;
    uint32_t depth;     /* API functions: of calls around it */
    const char *caller; /* CALL of an API function: "a.exe+0x1234" */
    bool has_error;     /* RETURN of an API function that failed: what GetLastError would say */
    uint32_t last_error;
    const char *last_error_name; /* "ERROR_FILE_NOT_FOUND"; may be NULL */
    uint64_t result_code;
    struct trace_value result;        /* RETURN: SYMBOL, or a number */
    const struct trace_value *values; /* in parameter order */
    size_t value_count;               /* not counting children */
};

/* A consumer of events; ctx is the first argument of each function. */
struct trace_sink {
    void *ctx;
    void (*event)(void *ctx, const struct trace_event *ev);
    void (*flush)(void *ctx); /* what was buffered becomes visible; may be NULL */
};
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_NOTE_H
#define CPU_NOTE_H
/*
 * Calls that an engine notes by itself.
 *
 * Who replaces functions by thunks that call a gate, and return addresses by another gate, may let
 * the engine do so alone: cpu_note_call() says where the function of a thunk is, and what of the
 * guest's memory is to be kept of each call. The engine may then write a record of a call of it,
 * and another one of its return, and tell of many at once: of all threads, in the order in which
 * they were written, and always before the handler hears of an exit, and before cpu_run returns.
 * What it does itself is as if the gates had been reached and the handler had done the usual: at
 * entry taken what the thunk pushed, put the gate of returns where the return address was, gone on
 * at the target; at return gone on at that address. Any call may be an exit
 * all the same, and so may the return of one that was noted: it is, once something else than
 * records has changed what calls of the thread go on (cpu_note_calls). An engine may do without all
 * of this.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CPU_NOTE_ARGS = 8,
    CPU_NOTE_CAPTURES = 5,
    CPU_CAPTURE_MOST = 600 /* bytes of one; calls with longer text are exits */
};

enum cpu_capture_how {
    CPU_CAPTURE_BYTES, /* `size` */
    CPU_CAPTURE_SIZED, /* `size` times another argument, at most `most` */
    CPU_CAPTURE_TEXT,  /* bytes up to a NUL, and that */
    CPU_CAPTURE_WIDE,  /* the same, of UTF-16 */
};
enum { CPU_CAPTURE_CALL = 1, CPU_CAPTURE_RETURN = 2 };

/* Memory that an argument points to. Nothing is kept where it points below 0x10000. */
struct cpu_capture {
    uint8_t arg;
    uint8_t how;      /* enum cpu_capture_how */
    uint8_t when;     /* CPU_CAPTURE_CALL, CPU_CAPTURE_RETURN */
    uint8_t size_arg; /* SIZED */
    uint16_t size, most;
};

struct cpu_noted {
    uint64_t key;    /* what the thunk pushes: the address behind its call */
    uint64_t target; /* where the function is */
    uint16_t pops;   /* bytes that it takes off the stack besides its return address */
    uint8_t args;    /* to keep, of one register or slot each */
    uint8_t captures;
    struct cpu_capture capture[CPU_NOTE_CAPTURES];
};

struct cpu_piece { /* of the guest's memory */
    uint64_t va;
    uint32_t len;
    const uint8_t *data;
};

/* From hostile hands, like any register; lasts until the next one is asked for. */
struct cpu_record {
    bool returned; /* it is of a return, else of a call */
    uint8_t piece_count;
    uint64_t key, slot;  /* slot: where the return address of the call lies */
    uint64_t ago;        /* how many nanoseconds before cpu_config.on_records was called */
    uint64_t stack;      /* the lower end of the thread's stack, by its TEB */
    uint64_t back;       /* call: what stood there */
    uint64_t result[2];  /* return: RAX, RDX */
    uint32_t last_error; /* return: of the thread */
    uint64_t
        arg[CPU_NOTE_ARGS]; /* call: RCX, RDX, R8, R9 and the stack; of 32-bit code the stack */
    struct cpu_piece piece[CPU_NOTE_CAPTURES];
};
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_NOTES_RECORDER_H
#define CPU_NOTES_RECORDER_H
/*
 * What both sides know of noted calls: recorder.c and record.S, which run where the guest does, and
 * notes.c. All of it is the guest's to spoil.
 *
 * Each thread of an engine has a `struct note` and behind it a ring of records; the recorder moves
 * `head`, the engine `tail`. The guest's side has the ring mapped twice, so that a record never
 * wraps there. `head` decides: a record has been written, and what it tells of has happened, when
 * that has moved.
 */
#include "cpu/note.h"
#include "cpu/notes/layout.h"
#include <stdatomic.h>

/* A record is words of 64 bits. Behind those pieces: address, length, bytes up to a whole word. */
struct record_head {
    uint32_t size; /* of the whole */
    uint8_t returned, args, pieces, unused;
};
enum {
    RECORD_HEAD,
    RECORD_WHEN, /* by the TSC */
    RECORD_KEY,
    RECORD_SLOT,
    RECORD_STACK,
    RECORD_BACK, /* of a call; arguments follow its last word */
    RECORD_CALL_WORDS,
    RECORD_RESULT = 5, /* of a return */
    RECORD_RESULT2,
    RECORD_ERROR,
    RECORD_RETURN_WORDS
};
enum {
    RECORD_MOST =
        8 * (RECORD_CALL_WORDS + CPU_NOTE_ARGS) + CPU_NOTE_CAPTURES * (16 + CPU_CAPTURE_MOST),
    NOTE_OPEN_MAX = 24
};

struct note_out { /* what is to be kept when the call returns */
    uint64_t va;
    uint32_t how, len;
};

struct note_open { /* a call that was noted and has not returned */
    uint64_t sp;   /* that it returns with, its return address taken */
    uint64_t back, slot, key;
    uint64_t outs;
    struct note_out out[CPU_NOTE_CAPTURES];
};

struct note {
    uint64_t gpr[16]; /* as they were at the gate, by encoding */
    uint64_t target;  /* where the guest goes on once it is noted, */
    uint64_t rsp;     /* and with which stack pointer */
    uint32_t far_ip;  /* the same of 32-bit code */
    uint32_t far_cs;
    uint32_t before; /* head, when it came to the gate */
    uint32_t of_return;
    _Atomic uint32_t head, tail;
    uint64_t out[2]; /* where the gates lead when it is not noted: of calls, of returns */
    uint64_t back;   /* what the slot of the last call had */
    uint64_t gate;   /* the gate of returns */
    uint64_t rows, ring;
    uint64_t now; /* the time stamp when it came to a gate of calls last */
    uint32_t on;
    uint32_t depth; /* how many of `open` there are; the parent has it begin anew at 0 */
    struct note_open open[NOTE_OPEN_MAX];
};

struct note_row {         /* a function; by its key */
    _Atomic uint64_t key; /* 0 while the rest is written */
    uint64_t target;
    uint16_t taken; /* bytes of its return address and arguments */
    uint8_t args, captures;
    uint32_t unused;
    struct cpu_capture capture[CPU_NOTE_CAPTURES];
};
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_NOTES_NOTES_H
#define CPU_NOTES_NOTES_H
/*
 * An engine's side of calls that are noted where the guest runs (cpu/note.h).
 *
 * The engine shows the guest, at CPU_AREA + CPU_NOTES and so on, the memory that it gives here,
 * lets the two gates lead to cpu_notes_entry(), and asks cpu_notes_interrupted() whenever guest
 * code stops anywhere. What the guest writes into that memory is what it could have passed to the
 * functions as well. All functions are called with the machine's lock held.
 */
#include "cpu/engine.h"
#include "cpu/notes/layout.h"

struct note;
struct note_row;

/* One for each thread of the engine that runs guest code. */
struct cpu_note_thread {
    struct note *note;    /* CPU_NOTE_SIZE bytes at CPU_NOTES, or as much as comes before the ring's
                           * second mapping */
    struct x86_state *st; /* of the run that has it */
    uint32_t tail;        /* up to where records were taken */
    uint8_t *taken;       /* room for a ring */
    uint32_t taken_at, taken_end; /* what is in there and was not told of yet */
    struct x86_state *taken_of;
};

struct cpu_notes {
    const struct cpu_config *cfg;
    unsigned count;
    struct cpu_note_thread thread[CPU_NOTE_MAX];
    struct note_row *rows;
    bool one;             /* the engine has one thread, which needs not be found */
    bool other_tsc;       /* the guest's time stamps are not the host's */
    bool have_taken;      /* some thread has records that were not told of yet */
    uint64_t tsc, tsc_ns; /* the same moment, by both clocks */
    double ns_per_tick;
    uint64_t told_tsc, behind; /* behind: the host's time stamp less the guest's, at most */
};

/* Whether calls can be noted with this configuration. */
bool cpu_notes_wanted(const struct cpu_config *cfg);
/* n->thread[].note, n->rows and so on up to other_tsc are set; `recorder`: the RECORDER_SIZE bytes
 * that the code is to be in. out: where a gate of calls, and one of returns, leads when it is an
 * exit. */
void cpu_notes_init(struct cpu_notes *n, uint8_t *recorder, const uint64_t out[2]);
void cpu_notes_destroy(struct cpu_notes *n);
/* The guest's address of what the gates of calls, or of returns, lead to. */
uint64_t cpu_notes_entry(const struct cpu_notes *n, bool of_returns);

/* cpu_engine_ops.note_call and next_record. */
void cpu_notes_call(struct cpu_notes *n, const struct cpu_noted *f);
struct x86_state *cpu_notes_next(struct cpu_notes *n, struct cpu_record *r);
/* Whether the thread notes calls, until it is said again; and whether returns of those that go on.
 */
void cpu_notes_switch(struct cpu_note_thread *t, bool on, bool same);

/* Guest code stopped at st->rip. True: it was in the recorder, and *st (general registers, rip) has
 * become what it is at *gate, or, *gate being 0, when the call or return had been noted. */
bool cpu_notes_interrupted(struct cpu_notes *n, struct cpu_note_thread *t, struct x86_state *st,
                           uint64_t *gate);
/* The guest has come to this gate because there was no more room: records were taken, are to be
 * told of by cpu_notes_tell_taken(), maybe while it runs on, and it may go on at the gate. */
bool cpu_notes_take_full(struct cpu_notes *n, struct cpu_note_thread *t, uint64_t gate);
void cpu_notes_tell_taken(struct cpu_notes *n);
/* Tells of all that was noted; a guest thread is out. */
void cpu_notes_tell(struct cpu_notes *n);
#endif

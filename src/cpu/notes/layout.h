/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_NOTES_LAYOUT_H
#define CPU_NOTES_LAYOUT_H
/* Where calls are noted, for C and for record.S. Offsets in the engines' area (CPU_AREA). */

#define CPU_NOTES      0x50000 /* for each thread of an engine: struct note, a stack, records */
#define CPU_NOTE_SIZE  0x10000
#define CPU_NOTE_MAX   8
#define CPU_RECORDER   0xd0000 /* code, */
#define CPU_ROWS       0xd2000 /* and the table of functions */
#define CPU_NOTES_SIZE (CPU_ROWS + ROWS_SIZE - CPU_NOTES)

#define RECORDER_SIZE 0x2000
#define ROWS_SIZE     0x8000
#define ROWS          512 /* of 64 bytes */

/* In what a thread has. */
#define NOTE_RING      0x2000 /* mapped again behind itself */
#define NOTE_RING_SIZE 0x7000
#define NOTE_STACK     0x1ff0 /* where it begins */

/* struct note */
#define NOTE_GPR       0x00
#define NOTE_TARGET    0x80
#define NOTE_RSP       0x88
#define NOTE_FAR       0x90
#define NOTE_BEFORE    0x98
#define NOTE_OF_RETURN 0x9c
#define NOTE_HEAD      0xa0
#define NOTE_OUT       0xa8

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_NATIVE_LAYOUT_H
#define CPU_NATIVE_LAYOUT_H
#include "cpu/notes/layout.h"
/*
 * Where things lie in the child, for C and for stub.S. See README.md and internal.h.
 *
 * The area is one memfd, seen by both processes: the stub's code, then one block for each executor,
 * then copies of code pages with services patched. All of it is the guest's to spoil.
 */

#define NATIVE_AREA         0x7ffffff00000 /* CPU_AREA */
#define NATIVE_CODE_SIZE    0x1000
#define NATIVE_EXECS        0x10000 /* offset in the area */
#define NATIVE_EXEC_SIZE    0x8000  /* aligned to it */
#define NATIVE_EXEC_MAX     8
#define NATIVE_AREA_SIZE    (CPU_NOTES + CPU_NOTES_SIZE) /* see cpu/notes/layout.h */
#define NATIVE_LOW_OFFSET   0x2000 /* the page that 32-bit guests have at NATIVE_LOW32 */
#define NATIVE_GATE_OFFSET  0x4000 /* pages that lie over the gates */
#define NATIVE_LOW32        0xffff0000
#define NATIVE_PATCH_OFFSET 0x100000 /* in the memfd */
#define NATIVE_USER_END     0x7ffffffff000

/* Over the gates: the first page has code at each slot, the last ones what that needs. */
#define NATIVE_GATE_TAIL 3
#define NATIVE_GATES_MIN 0x8000 /* bytes of gates; below that they are left to faults */

/* An executor's block. */
#define EXEC_XSAVE     0x1000
#define EXEC_OPS       0x2000
#define EXEC_ALTSTACK  0x3000
#define EXEC_STACK_TOP 0x0ff0 /* for a few words; ends the control page */

/* struct native_ctl */
#define CTL_TURN          0x00
#define CTL_CHILD_SLEEPS  0x04
#define CTL_PARENT_SLEEPS 0x08
#define CTL_KICK          0x0c
#define CTL_EXIT          0x10
#define CTL_SPIN          0x14
#define CTL_OP_COUNT      0x18
#define CTL_CMD           0x1c
#define CTL_STEPPED       0x20
#define CTL_XMASK         0x24
#define CTL_SIGNAL        0x28
#define CTL_XRSTOR        0x30
#define CTL_SIGINFO       0x38
#define CTL_UCONTEXT      0x40
#define CTL_FS_BASE       0x48
#define CTL_GS_BASE       0x50
#define CTL_SEGS          0x58 /* ds, es, fs, gs: 32 bits each */
#define CTL_SLOT          0x68
#define CTL_GPR           0x80  /* by encoding; rsp is in the frame */
#define CTL_FRAME         0x100 /* rip, cs, rflags, rsp, ss: for iretq */

/* CTL_CMD: what the executor does after its operations, by bits */
#define CMD_SAVE   1 /* live vector registers to EXEC_XSAVE, bases, selectors */
#define CMD_RESUME 2
#define CMD_LOAD   4 /* vector registers from CTL_XRSTOR; cleared when done */
#define CMD_SEGS   8 /* selectors and bases */

/* CTL_EXIT */
#define EXIT_DONE    1 /* operations and saving, without CMD_RESUME */
#define EXIT_SERVICE 2 /* a patched service; rip is where its call returns to */
#define EXIT_GATE    3
#define EXIT_SIGNAL  4 /* in guest code; CTL_UCONTEXT has the state */
#define EXIT_KICKED  5 /* CTL_KICK was set when it was to resume */
#define EXIT_OP      6 /* an operation failed, the ones after it were not tried */
#define EXIT_BROKEN  7 /* a fault inside the stub */

/* struct native_op */
#define OP_NR     0x00
#define OP_ARGS   0x08
#define OP_RESULT 0x38
#define OP_SIZE   0x40
#define OP_MAX    64

/* CTL_TURN */
#define TURN_CHILD  0
#define TURN_PARENT 1

/* OP_NR above the numbers of system calls */
#define OP_INT80     0x10000 /* of the 32-bit table, args 0 to 2 */
#define OP_TOLERATED 0x20000 /* failure is no failure */

/* Global descriptors of each thread that the kernel lets us set: FS of 32-bit code, and one whose
 * limit says which executor this is. */
#define TLS_TEB   12
#define TLS_INDEX 13
#define SEL_TEB   0x63
#define SEL_INDEX 0x6b

#endif

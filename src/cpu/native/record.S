/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the gates for calls and returns of functions lead to when calls are noted (record.c): a page
 * of code for guests of either bitness, which finds its data in the pages behind it. All of it is
 * 64-bit code.
 *
 * At the gate of calls rsp has what a thunk pushed, and above it the return address. At the gate of
 * returns rsp is where the function left it. Whatever is not in order takes the ordinary way out.
 * Until `commit` and `close` nothing is changed but the record that is next, registers that neither
 * callers nor functions care for (rax, r10 and r11 at entry; rcx and r8 to r11 at return; r8 to r15
 * in 32-bit code), and rax and rdx between `timed` and `untimed`. record.c sorts out signals.
 */
#include "cpu/native/layout.h"

    .section .rodata.native_record, "a", @progbits
    .macro globals names:vararg
    .irp name, \names
    .globl native_record\name
    .hidden native_record\name
    .endr
    .endm

    /* The row of the key's function, if it has one. */
    .macro row_of page:req, row:req
    shr     $3, \row
    and     $(REC_ROWS - 1), \row
    shl     $4, \row
    add     \page + RECORD_DATA + REC_ROWS_AT(%rip), \row
    .endm
    /* r11: the function of the thunk that came here, its number of arguments in the highest byte;
     * \key: what it pushed. Only r11 is changed when it has none. */
    .macro find page:req, key:req, key_part:req, key11:req, out:req
    mov     (%rsp), \key11
    row_of  \page, %r11
    mov     (%r11), %r11
    cmp     \key11, (%rsp)
    jne     \out
    mov     (%rsp), \key_part
    mov     \key, %r11
    row_of  \page, %r11
    mov     8(%r11), %r11
    .endm
    /* \next, in halves: whether a record is open, and how many there are. */
    .macro take page:req, next:req, next32:req, out:req
    mov     \page + RECORD_DATA + REC_STATE(%rip), \next
    test    \next32, \next32
    jnz     \out
    shr     $32, \next
    cmp     \page + RECORD_DATA + REC_LIMIT(%rip), \next32
    jae     \out
    shl     $7, \next
    add     \page + RECORD_DATA + REC_BASE(%rip), \next
    .endm

    /* Of the record that is open: \next; \after is the state without it. */
    .macro opened page:req, next:req, next32:req, after:req, out:req
    mov     \page + RECORD_DATA + REC_STATE(%rip), \next
    cmp     $1, \next32
    jne     \out
    shr     $32, \next
    cmp     $REC_MAX, \next32
    jae     \out
    lea     1(\next), \after
    shl     $32, \after
    shl     $7, \next
    add     \page + RECORD_DATA + REC_BASE(%rip), \next
    cmp     RECORD_SP(\next), %rsp
    jne     \out
    mov     %rax, RECORD_RESULT(\next)
    mov     %rdx, RECORD_RESULT2(\next)
    .endm

    .macro time into:req
    rdtsc
    shl     $32, %rdx
    or      %rdx, %rax
    mov     %rax, \into
    .endm

    globals 64, 64_end, 64_return, 64_call_timed, 64_call_untimed, 64_commit, 64_open, 64_move
    globals 64_go, 64_timed, 64_untimed, 64_close, 64_back
    .balign 64
native_record64:
    find    native_record64, %rax, %rax, %r11, 8f
    take    native_record64, %r10, %r10d, 8f
    mov     %rax, RECORD_KEY(%r10)
    mov     %rcx, RECORD_ARG + 0x00(%r10)
    mov     %rdx, RECORD_ARG + 0x08(%r10)
    mov     %r8, RECORD_ARG + 0x10(%r10)
    mov     %r9, RECORD_ARG + 0x18(%r10)
    lea     8(%rsp), %rax
    mov     %rax, RECORD_SLOT(%r10)
    lea     16(%rsp), %rax
    mov     %rax, RECORD_SP(%r10)
    mov     8(%rsp), %rax
    cmp     native_record64 + RECORD_DATA + REC_RETURN(%rip), %rax
    je      8f
    mov     %rax, RECORD_BACK(%r10)
    mov     %gs:0x10, %rax          /* where the stack ends */
    mov     %rax, RECORD_STACK(%r10)
    mov     %r11, %rax
    shr     $56, %rax
    cmp     $4, %eax
    jbe     1f
    mov     0x30(%rsp), %rax
    mov     %rax, RECORD_ARG + 0x20(%r10)
    mov     0x38(%rsp), %rax
    mov     %rax, RECORD_ARG + 0x28(%r10)
1:  shl     $8, %r11
    shr     $8, %r11
    mov     %rdx, RECORD_RESULT2(%r10)
native_record64_call_timed:
    time    RECORD_BEGAN(%r10)
    mov     RECORD_RESULT2(%r10), %rdx
native_record64_call_untimed:
    mov     native_record64 + RECORD_DATA + REC_RETURN(%rip), %rax
native_record64_commit:
    mov     %rax, 8(%rsp)
native_record64_open:
    movl    $1, native_record64 + RECORD_DATA + REC_STATE(%rip)
native_record64_move:
    lea     8(%rsp), %rsp
native_record64_go:
    jmp     *%r11
8:  jmp     native_record64 + RECORD_OUT_CALL

native_record64_return:
    opened  native_record64, %r10, %r10d, %r9, 8f
native_record64_timed:
    mov     %gs:0x68, %eax          /* the thread's last error */
    mov     %eax, RECORD_ERROR(%r10)
    time    RECORD_ENDED(%r10)
    mov     RECORD_RESULT2(%r10), %rdx
    mov     RECORD_RESULT(%r10), %rax
native_record64_untimed:
native_record64_close:
    mov     %r9, native_record64 + RECORD_DATA + REC_STATE(%rip)
native_record64_back:
    jmp     *RECORD_BACK(%r10)
8:  jmp     native_record64 + RECORD_OUT_RETURN
native_record64_end:

    globals 32, 32_end, 32_return, 32_call_timed, 32_call_untimed, 32_commit, 32_open, 32_move
    globals 32_go, 32_timed, 32_untimed, 32_close, 32_back
    .balign 64
native_record32:
    find    native_record32, %r8, %r8d, %r11d, 8f
    take    native_record32, %r10, %r10d, 8f
    mov     %r8, RECORD_KEY(%r10)
    lea     4(%rsp), %r8d
    mov     %r8, RECORD_SLOT(%r10)
    mov     4(%rsp), %r8d
    cmp     native_record32 + RECORD_DATA + REC_RETURN(%rip), %r8
    je      8f
    mov     %r8, RECORD_BACK(%r10)
    mov     %fs:0x8, %r8d
    mov     %r8, RECORD_STACK(%r10)
    mov     %r11, %r9
    shr     $56, %r9                /* arguments */
    movzbl  %r9b, %r9d
    .set    i, 0
    .rept   REC_ARGS
    cmp     $i, %r9d
    je      1f
    mov     8 + 4 * i(%rsp), %r8d
    mov     %r8, RECORD_ARG + 8 * i(%r10)
    .set    i, i + 1
    .endr
1:  mov     %r11, %r9
    shr     $32, %r9
    movzwl  %r9w, %r9d              /* what the return address and the arguments take */
    lea     4(%rsp, %r9), %r8d
    mov     %r8, RECORD_SP(%r10)
    mov     %r11d, native_record32 + RECORD_DATA + REC_FAR(%rip)
    mov     %rax, RECORD_RESULT(%r10)
    mov     %rdx, RECORD_RESULT2(%r10)
native_record32_call_timed:
    time    RECORD_BEGAN(%r10)
    mov     RECORD_RESULT2(%r10), %rdx
    mov     RECORD_RESULT(%r10), %rax
native_record32_call_untimed:
    mov     native_record32 + RECORD_DATA + REC_RETURN(%rip), %r8
native_record32_commit:
    mov     %r8d, 4(%rsp)
native_record32_open:
    movl    $1, native_record32 + RECORD_DATA + REC_STATE(%rip)
native_record32_move:
    lea     4(%rsp), %rsp
native_record32_go:
    ljmp    *native_record32 + RECORD_DATA + REC_FAR(%rip)
8:  jmp     native_record32 + RECORD_OUT_CALL

native_record32_return:
    opened  native_record32, %r10, %r10d, %r9, 8f
    mov     RECORD_BACK(%r10), %r8d
    mov     %r8d, native_record32 + RECORD_DATA + REC_FAR(%rip)
native_record32_timed:
    mov     %fs:0x34, %eax
    mov     %eax, RECORD_ERROR(%r10)
    time    RECORD_ENDED(%r10)
    mov     RECORD_RESULT2(%r10), %rdx
    mov     RECORD_RESULT(%r10), %rax
native_record32_untimed:
native_record32_close:
    mov     %r9, native_record32 + RECORD_DATA + REC_STATE(%rip)
native_record32_back:
    ljmp    *native_record32 + RECORD_DATA + REC_FAR(%rip)
8:  jmp     native_record32 + RECORD_OUT_RETURN
native_record32_end:
    .section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the gates for calls and returns of functions lead to when calls are noted: 64-bit code, for
 * guests of either bitness. It changes stacks and calls recorder.c, which is in the same section; all
 * of that is copied to where it runs.
 *
 * Before `saved` only registers are changed that neither callers nor functions care for (r10, r11,
 * flags); from there on the registers are in the note, and the guest's are what is there.
 */
#include "cpu/notes/layout.h"

    .section cpu_recorder, "ax", @progbits

    .macro keep reg:req, n:req
    mov     \reg, NOTE_GPR + 8 * \n(%r11)
    .endm
    .macro again n:req, reg:req
    mov     NOTE_GPR + 8 * \n(%rbx), \reg
    .endm

    .macro entry name:req, function:req, of_return:req, find:req, go:vararg
    .globl cpu_recorder_at_\name, cpu_recorder_at_\name\()_saved
    .hidden cpu_recorder_at_\name, cpu_recorder_at_\name\()_saved
    .balign 16
cpu_recorder_at_\name:
    \find
    keep    %rax, 0
    keep    %rcx, 1
    keep    %rdx, 2
    keep    %rbx, 3
    keep    %rsp, 4
    keep    %rbp, 5
    keep    %rsi, 6
    keep    %rdi, 7
    keep    %r8, 8
    keep    %r9, 9
    keep    %r12, 12
    keep    %r13, 13
    keep    %r14, 14
    keep    %r15, 15
    mov     NOTE_HEAD(%r11), %r10d
    mov     %r10d, NOTE_BEFORE(%r11)
    movl    $\of_return, NOTE_OF_RETURN(%r11)
cpu_recorder_at_\name\()_saved:
    mov     %r11, %rbx
    mov     %r11, %rdi
    lea     NOTE_STACK(%r11), %rsp
    cld
    call    cpu_recorder_\function
    test    %al, %al
    again   0, %rax
    again   1, %rcx
    again   2, %rdx
    again   6, %rsi
    again   7, %rdi
    again   8, %r8
    again   9, %r9
    mov     %rbx, %r11
    again   3, %rbx
    mov     NOTE_GPR + 8 * 4(%r11), %rsp
    jz      1f
    mov     NOTE_RSP(%r11), %rsp
    \go
1:  jmp     *NOTE_OUT + 8 * \of_return(%r11)
    .endm

    /* r11: the thread's note. Native executors are known by the limit of a descriptor, half the offset;
     * flags change. */
    .macro by_limit
    lsl     selector(%rip), %r11d
    add     %r11, %r11
    add     notes(%rip), %r11
    .endm
    .macro the_only
    mov     notes(%rip), %r11
    .endm

    entry   call64, call64, 0, by_limit, jmp *NOTE_TARGET(%r11)
    entry   return64, return64, 1, by_limit, jmp *NOTE_TARGET(%r11)
    entry   call32, call32, 0, by_limit, ljmp *NOTE_FAR(%r11)
    entry   return32, return32, 1, by_limit, ljmp *NOTE_FAR(%r11)
    entry   call1, call64, 0, the_only, jmp *NOTE_TARGET(%r11)
    entry   return1, return64, 1, the_only, jmp *NOTE_TARGET(%r11)

    .balign 8
notes:
    .quad   0x7ffffff00000 + CPU_NOTES /* CPU_AREA */
selector:
    .word   0x6b                    /* SEL_INDEX of the native engine */
    .section .note.GNU-stack, "", @progbits

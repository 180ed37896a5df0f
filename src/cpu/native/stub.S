/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only code in the child besides the guest's. It has no data of its own, needs no relocation,
 * and trusts nothing: a guest may jump to any instruction of it with any registers. What that can
 * do is bounded by the child's system call filter, which knows the three system calls here by
 * address.
 *
 * An executor's block is found by `lsl`: a descriptor of this thread has the offset as its limit.
 * Only the kernel can change that; guests have all registers and both segment bases to themselves.
 */
#include "cpu/native/layout.h"

    .section .rodata.native_stub, "a", @progbits
    .globl native_stub, native_stub_end, native_stub_boot, native_stub_boot_end
    .globl native_stub_service, native_stub_gate, native_stub_signal, native_stub_thread
    .globl native_stub_after_op, native_stub_after_int80, native_stub_after_wait
    .globl native_stub_after_wake
    .balign 4096
    .code64
native_stub:

    /* r11: this executor's block. Changes ZF. */
    .macro find_block
    lsl     sel_index(%rip), %r11d
    add     execs(%rip), %r11
    .endm

    /* Everything but r11 and rip into the block at r11, which moves to rbx. */
    .macro save_registers
    mov     %rax, CTL_GPR + 0x00(%r11)
    mov     %rcx, CTL_GPR + 0x08(%r11)
    mov     %rdx, CTL_GPR + 0x10(%r11)
    mov     %rbx, CTL_GPR + 0x18(%r11)
    mov     %rbp, CTL_GPR + 0x28(%r11)
    mov     %rsi, CTL_GPR + 0x30(%r11)
    mov     %rdi, CTL_GPR + 0x38(%r11)
    mov     %r8,  CTL_GPR + 0x40(%r11)
    mov     %r9,  CTL_GPR + 0x48(%r11)
    mov     %r10, CTL_GPR + 0x50(%r11)
    mov     %r12, CTL_GPR + 0x60(%r11)
    mov     %r13, CTL_GPR + 0x68(%r11)
    mov     %r14, CTL_GPR + 0x70(%r11)
    mov     %r15, CTL_GPR + 0x78(%r11)
    mov     %rsp, CTL_FRAME + 0x18(%r11)
    lea     EXEC_STACK_TOP(%r11), %rsp
    pushfq
    pop     CTL_FRAME + 0x10(%r11)
    push    $2                      /* iretq faults with NT set */
    popfq
    mov     %r11, %rbx
    .endm

    /* Called from a patched service, by `call *pointer`. */
native_stub_service:
    find_block
    pop     CTL_FRAME + 0x00(%r11)
    save_registers
    movl    $EXIT_SERVICE, CTL_EXIT(%rbx)
    jmp     hand_off

    /* Jumped to by a gate's thunk, which has found the block and stored CTL_SLOT. */
native_stub_gate:
    save_registers
    movl    $EXIT_GATE, CTL_EXIT(%rbx)
    jmp     hand_off

    /* The beginning of every executor: rbx is its block, and its first command waits there. */
native_stub_thread:
    mov     $0x2b, %eax
    mov     %eax, %ds
    mov     %eax, %es
    jmp     command

done:
    movl    $EXIT_DONE, CTL_EXIT(%rbx)

    /* It is the parent's turn; then wait for a command. rbx: the block. */
hand_off:
    mov     $TURN_PARENT, %eax
    xchg    %eax, CTL_TURN(%rbx)
    cmpl    $0, CTL_PARENT_SLEEPS(%rbx)
    je      wait_turn
    mov     $202, %eax              /* futex(&turn, FUTEX_WAKE, 1) */
    lea     CTL_TURN(%rbx), %rdi
    mov     $1, %esi
    mov     $1, %edx
    syscall
native_stub_after_wake:
wait_turn:
    xor     %ecx, %ecx
1:  cmpl    $TURN_CHILD, CTL_TURN(%rbx)
    je      command
    pause
    inc     %ecx
    cmp     CTL_SPIN(%rbx), %ecx    /* which may change meanwhile */
    jb      1b
    mov     $1, %eax
    xchg    %eax, CTL_CHILD_SLEEPS(%rbx)
    mov     $202, %eax              /* futex(&turn, FUTEX_WAIT, TURN_PARENT, NULL) */
    lea     CTL_TURN(%rbx), %rdi
    xor     %esi, %esi
    mov     $TURN_PARENT, %edx
    xor     %r10d, %r10d
    syscall
native_stub_after_wait:
    movl    $0, CTL_CHILD_SLEEPS(%rbx)
    jmp     wait_turn

command:
    mov     CTL_OP_COUNT(%rbx), %r12d
    lea     EXEC_OPS(%rbx), %r13
    test    %r12d, %r12d
    jz      after_ops
next_op:
    mov     OP_NR(%r13), %r14
    movzwl  %r14w, %eax
    mov     OP_ARGS + 0x00(%r13), %rdi
    mov     OP_ARGS + 0x08(%r13), %rsi
    mov     OP_ARGS + 0x10(%r13), %rdx
    mov     OP_ARGS + 0x18(%r13), %r10
    mov     OP_ARGS + 0x20(%r13), %r8
    mov     OP_ARGS + 0x28(%r13), %r9
    test    $OP_INT80, %r14d
    jnz     op_int80
    syscall
native_stub_after_op:
    cmp     $56, %r14d              /* clone: the new thread's block is its last argument */
    jne     op_done
    test    %rax, %rax
    jnz     op_done
    mov     %r9, %rbx
    jmp     native_stub_thread
op_int80:
    mov     %rbx, %r15
    mov     %edi, %ebx
    mov     %esi, %ecx
    int     $0x80
native_stub_after_int80:
    mov     %r15, %rbx
    cltq
op_done:
    mov     %rax, OP_RESULT(%r13)
    test    $OP_TOLERATED, %r14d
    jnz     2f
    test    %rax, %rax
    js      op_failed
2:  add     $OP_SIZE, %r13
    dec     %r12d
    jnz     next_op
    movl    $0, CTL_OP_COUNT(%rbx)
after_ops:
    mov     CTL_CMD(%rbx), %esi
    test    $CMD_SAVE, %esi
    jz      3f
    mov     CTL_XMASK(%rbx), %eax
    xor     %edx, %edx
    xsave64 EXEC_XSAVE(%rbx)
    call    save_segments
3:  test    $CMD_RESUME, %esi
    jnz     resume
    jmp     done
op_failed:
    movl    $EXIT_OP, CTL_EXIT(%rbx)
    jmp     hand_off

save_segments:
    rdfsbase %rax
    mov     %rax, CTL_FS_BASE(%rbx)
    rdgsbase %rax
    mov     %rax, CTL_GS_BASE(%rbx)
    mov     %ds, %eax
    mov     %eax, CTL_SEGS + 0(%rbx)
    mov     %es, %eax
    mov     %eax, CTL_SEGS + 4(%rbx)
    mov     %fs, %eax
    mov     %eax, CTL_SEGS + 8(%rbx)
    mov     %gs, %eax
    mov     %eax, CTL_SEGS + 12(%rbx)
    ret

    /*
     * Into the guest. A signal that arrives between here and the end of iretq sends the executor
     * back to here, so no kick is ever lost; hence everything can be done twice. rsp stays where it
     * was until CMD_LOAD is done: the registers may come from a signal frame that is still in use.
     */
resume:
    find_block
    mov     %r11, %rbx
    cmpl    $0, CTL_KICK(%rbx)
    jne     kicked
    mov     CTL_CMD(%rbx), %esi
    test    $CMD_SEGS, %esi
    jz      4f
    mov     CTL_SEGS + 0(%rbx), %eax
    mov     %eax, %ds
    mov     CTL_SEGS + 4(%rbx), %eax
    mov     %eax, %es
    mov     CTL_SEGS + 8(%rbx), %eax
    mov     %eax, %fs
    mov     CTL_SEGS + 12(%rbx), %eax
    mov     %eax, %gs
    mov     CTL_FS_BASE(%rbx), %rax
    wrfsbase %rax
    mov     CTL_GS_BASE(%rbx), %rax
    wrgsbase %rax
4:  test    $CMD_LOAD, %esi
    jz      5f
    mov     CTL_XMASK(%rbx), %eax
    xor     %edx, %edx
    mov     CTL_XRSTOR(%rbx), %rcx
    xrstor64 (%rcx)
    andl    $~CMD_LOAD, CTL_CMD(%rbx)
5:  lea     CTL_FRAME(%rbx), %rsp
    mov     CTL_GPR + 0x00(%rbx), %rax
    mov     CTL_GPR + 0x08(%rbx), %rcx
    mov     CTL_GPR + 0x10(%rbx), %rdx
    mov     CTL_GPR + 0x28(%rbx), %rbp
    mov     CTL_GPR + 0x30(%rbx), %rsi
    mov     CTL_GPR + 0x38(%rbx), %rdi
    mov     CTL_GPR + 0x40(%rbx), %r8
    mov     CTL_GPR + 0x48(%rbx), %r9
    mov     CTL_GPR + 0x50(%rbx), %r10
    mov     CTL_GPR + 0x58(%rbx), %r11
    mov     CTL_GPR + 0x60(%rbx), %r12
    mov     CTL_GPR + 0x68(%rbx), %r13
    mov     CTL_GPR + 0x70(%rbx), %r14
    mov     CTL_GPR + 0x78(%rbx), %r15
    mov     CTL_GPR + 0x18(%rbx), %rbx
    iretq
resume_end:
kicked:
    movl    $EXIT_KICKED, CTL_EXIT(%rbx)
    jmp     hand_off

    /*
     * All signals, on the alternate stack at the end of the block. They are never blocked and there
     * is no return by the kernel: what the frame holds is loaded here or by `resume`.
     * edi: signal, rsi: siginfo, rdx: ucontext.
     */
#define UC_GPR(n)  (40 + 8 * (n)) /* r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags */
#define UC_RIP     168
#define UC_FLAGS   176
#define UC_CS      184
#define UC_SS      190
#define UC_TRAPNO  200
#define UC_FPSTATE 224
#define SIG_KICK   10
#define SIG_TRAP   5
#define FLAG_TF    0x100
native_stub_signal:
    push    $2                      /* the kernel leaves the guest's NT and AC */
    popfq
    mov     %rsp, %rbx
    and     $-NATIVE_EXEC_SIZE, %rbx
    mov     UC_RIP(%rdx), %rax
    lea     native_stub(%rip), %rcx
    sub     %rcx, %rax
    cmp     $NATIVE_CODE_SIZE, %rax
    jb      inside
    mov     $EXIT_SIGNAL, %ecx
report:
    mov     %edi, CTL_SIGNAL(%rbx)
    mov     %rsi, CTL_SIGINFO(%rbx)
    mov     %rdx, CTL_UCONTEXT(%rbx)
    mov     %ecx, CTL_EXIT(%rbx)
    call    save_segments
    jmp     hand_off
inside:
    cmp     $SIG_KICK, %edi
    je      6f
    mov     $EXIT_BROKEN, %ecx
    cmp     $SIG_TRAP, %edi
    jne     report
    cmpq    $1, UC_TRAPNO(%rdx)
    jne     report
    /* The guest steps into a service: the flag comes back when it is answered. */
    movl    $1, CTL_STEPPED(%rbx)
    andq    $~FLAG_TF, UC_FLAGS(%rdx)
6:  sub     $(resume - native_stub), %rax
    cmp     $(resume_end - resume), %rax
    jae     7f
    lea     resume(%rip), %rax
    mov     %rax, UC_RIP(%rdx)
7:  mov     UC_FPSTATE(%rdx), %rcx
    mov     %rdx, %r8
    mov     CTL_XMASK(%rbx), %eax
    xor     %edx, %edx
    xrstor64 (%rcx)
    mov     %r8, %rdx
    movzwl  UC_SS(%rdx), %eax
    push    %rax
    push    UC_GPR(15)(%rdx)
    push    UC_FLAGS(%rdx)
    movzwl  UC_CS(%rdx), %eax
    push    %rax
    push    UC_RIP(%rdx)
    mov     UC_GPR(0)(%rdx), %r8
    mov     UC_GPR(1)(%rdx), %r9
    mov     UC_GPR(2)(%rdx), %r10
    mov     UC_GPR(3)(%rdx), %r11
    mov     UC_GPR(4)(%rdx), %r12
    mov     UC_GPR(5)(%rdx), %r13
    mov     UC_GPR(6)(%rdx), %r14
    mov     UC_GPR(7)(%rdx), %r15
    mov     UC_GPR(8)(%rdx), %rdi
    mov     UC_GPR(9)(%rdx), %rsi
    mov     UC_GPR(10)(%rdx), %rbp
    mov     UC_GPR(11)(%rdx), %rbx
    mov     UC_GPR(13)(%rdx), %rax
    mov     UC_GPR(14)(%rdx), %rcx
    mov     UC_GPR(12)(%rdx), %rdx
    iretq

    .balign 8
execs:
    .quad   NATIVE_AREA + NATIVE_EXECS
sel_index:
    .word   SEL_INDEX
    .org    native_stub + NATIVE_CODE_SIZE
native_stub_end:

    /*
     * What the child runs first, from a file of its own: a list of operations behind the code, the
     * last of which maps the stub. A failed one ends the child with its number.
     */
    .balign 16
native_stub_boot:
    lea     boot_ops(%rip), %r13
    mov     $1, %r12d
8:  mov     OP_NR(%r13), %r14
    test    %r14, %r14
    jz      9f
    movzwl  %r14w, %eax
    mov     OP_ARGS + 0x00(%r13), %rdi
    mov     OP_ARGS + 0x08(%r13), %rsi
    mov     OP_ARGS + 0x10(%r13), %rdx
    mov     OP_ARGS + 0x18(%r13), %r10
    mov     OP_ARGS + 0x20(%r13), %r8
    mov     OP_ARGS + 0x28(%r13), %r9
    syscall
    test    $OP_TOLERATED, %r14d
    jnz     10f
    cmp     OP_RESULT(%r13), %rax   /* what it must give; -1: anything but an error */
    je      10f
    cmpq    $-1, OP_RESULT(%r13)
    jne     11f
    test    %rax, %rax
    js      11f
10: add     $OP_SIZE, %r13
    inc     %r12d
    jmp     8b
9:  mov     OP_ARGS + 0x00(%r13), %rbx
    jmp     *OP_ARGS + 0x08(%r13)
11: mov     %r12d, %edi
    mov     $231, %eax
    syscall
    .balign 16
boot_ops:
native_stub_boot_end:
    .section .note.GNU-stack, "", @progbits

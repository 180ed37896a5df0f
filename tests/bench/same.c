// SPDX-License-Identifier: GPL-2.0-or-later
/* The Windows program's own kernels in a Linux program: flat.ld's piece of memory at its address.
 * What follows in it is the kernels' zeroed data. */
__asm__(".section .flat,\"awx\",@progbits\n"
        ".incbin \"" BENCH_FLAT "\"\n"
        ".org 0x400000\n");

// SPDX-License-Identifier: GPL-2.0-or-later
/* Code that is not there before it runs: unpacked into memory of its own, into memory that is made
 * executable later, in place, and by itself. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { KEY = 0x5a, LENGTH = 10 };

typedef int __fastcall answer_fn(void *self);

/* movb $n, 5(%ecx); mov $0, %eax; ret */
#define PACKED(n)                                                                                  \
    {                                                                                              \
        0xc6 ^ KEY, 0x41 ^ KEY, 0x05 ^ KEY, (n) ^ KEY, 0xb8 ^ KEY, KEY, KEY, KEY, KEY, 0xc3 ^ KEY  \
    }
/* mov $n, %eax; ret */
#define PACKED_PLAIN(n)                                                                            \
    {                                                                                              \
        0xb8 ^ KEY, (n) ^ KEY, KEY, KEY, KEY, 0xc3 ^ KEY                                           \
    }

static const unsigned char itself[LENGTH] = PACKED(0x44);
static const unsigned char plain[3][LENGTH] = {PACKED_PLAIN(0x11), PACKED_PLAIN(0x22),
                                               PACKED_PLAIN(0x33)};
__asm__(".section .packed, \"xw\"\n"
        "in_place: .byte 0xb8 ^ 0x5a, 0x55 ^ 0x5a, 0x5a, 0x5a, 0x5a, 0xc3 ^ 0x5a\n"
        ".fill 4, 1, 0x5a\n"
        ".text\n");
extern unsigned char in_place[] __asm__("in_place");

static void unpack(unsigned char *out, const unsigned char *packed)
{
    for (int i = 0; i < LENGTH; i++)
        out[i] = packed[i] ^ KEY;
}

static int run(void *code)
{
    return ((answer_fn *)code)(code);
}

int main(void)
{
    const DWORD both = MEM_RESERVE | MEM_COMMIT;
    DWORD old;
    unsigned char *at = VirtualAlloc(NULL, 0x3000, both, PAGE_EXECUTE_READWRITE);
    unpack(at + 0x10, plain[0]);
    printf("first %x\n", run(at + 0x10));
    unpack(at + 0x20, plain[1]);
    printf("second %x\n", run(at + 0x20));
    printf("again %x\n", run(at + 0x20));
    unpack(at + 0x2000, itself);
    printf("itself %x\n", run(at + 0x2000));
    unsigned char *later = VirtualAlloc(NULL, 0x1000, both, PAGE_READWRITE);
    unpack(later, plain[2]);
    VirtualProtect(later, 0x1000, PAGE_EXECUTE_READ, &old);
    printf("later %x, was %lx\n", run(later), old);
    unpack(in_place, in_place);
    printf("in place %x\n", run(in_place));
    VirtualProtect(in_place, LENGTH, PAGE_EXECUTE_READ, &old);
    printf("was %lx\n", old);
    return 0;
}

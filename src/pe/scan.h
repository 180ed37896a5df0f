/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_SCAN_H
#define PE_SCAN_H
/*
 * The system-call stubs of an ntdll or win32u: service numbers differ between Windows builds, so
 * they are read from the code of the image in use.
 */
#include "pe/pe.h"
#include "base/vec.h"

enum pe_stub_kind {
    PE_STUB_SYSCALL,    /* x86-64: syscall, with or without the test of KUSER_SHARED_DATA */
    PE_STUB_CALL_EDX,   /* x86: mov edx, target; call edx (Wine, Windows 10 WOW64) */
    PE_STUB_CALL_KUSER, /* x86: mov edx, 7ffe0300h; call edx or [edx] (XP to 7) */
    PE_STUB_CALL_WOW32, /* x86: call fs:[0c0h] (WOW64 of XP x64 to 8) */
    PE_STUB_SYSENTER,   /* x86: call over to mov edx, esp; sysenter (8 and later) */
    PE_STUB_INT2E       /* x86: lea edx, [esp+4]; int 2eh (2000) */
};

struct pe_service {
    uint32_t number, rva;
    const char *name;   /* in the image */
    uint8_t kind;       /* enum pe_stub_kind */
    bool primary;       /* the name to show: the first of those with this number */
    uint16_t arg_bytes; /* x86: what `ret n` takes off the stack; 0xffff when unknown */
    uint32_t target_va; /* CALL_EDX: the address loaded into edx */
};

/* Sorted by number; among equal numbers Nt names first, then Zw, then others, each by name. */
struct pe_services {
    VEC(struct pe_service) rows;
};

/* Empty when the image has none. The image must outlive the result. */
void pe_scan_services(struct pe_services *out, const struct pe_image *img);
void pe_services_free(struct pe_services *s);
/* The primary row of a number, NULL when unused. */
const struct pe_service *pe_service_by_number(const struct pe_services *s, uint32_t number);
#endif

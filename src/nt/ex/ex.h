/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_EX_EX_H
#define NT_EX_EX_H
/*
 * The executive's odds and ends: atoms, LUIDs, locales, timer resolution, system information.
 * Hung on struct nt_kernel as k->ex.
 */
#include "base/err.h"
#include "base/ser.h"
#include "base/vec.h"
#include "nt/ob/object.h"

enum {
    NT_WINDOWS_MAJOR = 10,
    NT_WINDOWS_MINOR = 0,
    NT_WINDOWS_BUILD = 19045,
    NT_TIMER_SLOWEST = 156250, /* 100 ns */
    NT_TIMER_FASTEST = 5000,
    NT_TIMER_USUAL = 10000, /* until somebody asks for another: a Sleep(1) does take about 1 ms */
    NT_PHYSICAL_PAGES = 0x100000, /* what the guest is told: 4 GiB */
    NT_CPU_FAMILY = 6,
    NT_CPU_REVISION = 0x3c01 /* model and stepping */
};

struct nt_atom {
    uint16_t value; /* 0xc000 and up */
    uint16_t count;
    bool pinned;
    uint16_t *name;
    size_t name_len; /* units */
};

struct nt_object_sd { /* the security descriptor that was set on an object (not a key) */
    nt_id object;
    uint8_t *sd;
    size_t len;
};

struct nt_ex {
    VEC(struct nt_object_sd) sds;
    VEC(struct nt_atom) atoms; /* slot i holds atom 0xc000 + i; value 0: free */
    uint64_t next_luid;
    uint64_t next_uuid_time;
    uint32_t system_locale, user_locale, ui_language;
    uint32_t timer_resolution; /* asked for with NtSetTimerResolution, 0: nothing */
    uint32_t execution_state;
    uint32_t cpu_count;
};

/* Fills k->ex. */
pgr_status nt_ex_create(struct nt_kernel *k, struct pgr_error *e);
void nt_ex_destroy(struct nt_kernel *k);
void nt_ex_transfer(struct nt_kernel *k, struct ser *s);

/* Global atoms, for the window manager as well. `name` in UTF-16 without terminator.
 * STATUS_OBJECT_NAME_INVALID, STATUS_INVALID_PARAMETER, STATUS_NO_MEMORY. */
ntstatus nt_atom_add(struct nt_kernel *k, const uint16_t *name, size_t len, uint16_t *atom);
ntstatus nt_atom_find(struct nt_kernel *k, const uint16_t *name, size_t len, uint16_t *atom);
ntstatus nt_atom_delete(struct nt_kernel *k, uint16_t atom);
#endif

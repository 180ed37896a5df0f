/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RESOLVE_FIXTURE_H
#define RESOLVE_FIXTURE_H
/* DLLs in memory for the resolver, made by the builder. */
#include "pe/build.h"
#include "win/resolve.h"

#include <stdio.h>

enum { FIXTURE_FILES = 16, FIXTURE_SYSTEM = 1, FIXTURE_DIRS = 2 };

struct fixture_file {
    unsigned dir;
    const char *name;
    uint8_t *data;
    size_t size;
};

struct fixture {
    struct fixture_file files[FIXTURE_FILES];
    size_t count;
    int open; /* files that were opened and not closed */
};

static inline bool fixture_open(void *ctx, unsigned dir, const char *name, struct win_dll_file *out)
{
    struct fixture *x = ctx;
    for (size_t i = 0; i < x->count; i++) {
        struct fixture_file *f = &x->files[i];
        if (f->dir != dir || strcmp(f->name, name) != 0)
            continue;
        *out = (struct win_dll_file){f->data, f->size, xasprintf("%u/%s", dir, name),
                                     dir == FIXTURE_SYSTEM ? "the root" : "the program's directory",
                                     -1};
        x->open++;
        return true;
    }
    return false;
}

static inline void fixture_close(void *ctx, struct win_dll_file *f)
{
    ((struct fixture *)ctx)->open--;
}

static inline struct win_dll_source fixture_source(struct fixture *x)
{
    return (struct win_dll_source){.ndirs = FIXTURE_DIRS,
                                   .system_dir = FIXTURE_SYSTEM,
                                   .open = fixture_open,
                                   .close = fixture_close,
                                   .ctx = x};
}

static inline void fixture_free(struct fixture *x)
{
    for (size_t i = 0; i < x->count; i++)
        free(x->files[i].data);
    x->count = 0;
}

/* An image in the making, with a section of code that begins with an entry point. */
struct making {
    struct pe_builder *b;
    int text;
    bool x64;
};

static inline struct making make_image(uint16_t machine, bool dll, const char *name)
{
    struct making m = {
        pe_build_new(&(struct pe_build_options){.machine = machine, .dll = dll, .name = name}), 0,
        machine == IMAGE_FILE_MACHINE_AMD64};
    m.text = pe_build_section(m.b, ".text", PE_BUILD_CODE);
    pe_build_entry(m.b, m.text, pe_build_append(m.b, m.text, "\xc3", 1, 16));
    return m;
}

static inline void make_export(struct making *m, const char *name, uint16_t ordinal)
{
    pe_build_export(m->b, name, ordinal, m->text, pe_build_append(m->b, m->text, "\xc3", 1, 16));
}

/* A function that calls through the IAT: `kind` 0 call, 1 jmp, 2 load of the pointer. */
static inline uint32_t make_caller(struct making *m, const char *export, int import, int kind)
{
    static const char *const codes[] = {"\xff\x15\0\0\0\0\xc3", "\xff\x25\0\0\0\0\xcc",
                                        "\x8b\x05\0\0\0\0\xc3"};
    uint32_t at = pe_build_append(m->b, m->text, codes[kind], 7, 16);
    pe_build_fixup_import(m->b, m->text, at + 2, m->x64 ? PE_FIXUP_REL32 : PE_FIXUP_ADDRESS,
                          import);
    if (export)
        pe_build_export(m->b, export, 0, m->text, at);
    return at;
}

/* call `to`; ret */
static inline void make_call(struct making *m, const char *export, uint32_t to)
{
    uint32_t at = pe_build_append(m->b, m->text, "\xe8\0\0\0\0\xc3", 6, 16);
    pe_build_fixup(m->b, m->text, at + 1, PE_FIXUP_REL32, m->text, to);
    pe_build_export(m->b, export, 0, m->text, at);
}

/* A delay import table of one function. */
static inline void make_delay(struct making *m, const char *dll, const char *fn)
{
    uint8_t attributes[4] = {1}, hint[64] = {0};
    int s = pe_build_section(m->b, ".delay", PE_BUILD_DATA);
    uint32_t iat = pe_build_append(m->b, s, NULL, 16, 8);
    uint32_t lookup = pe_build_append(m->b, s, NULL, 16, 8);
    uint32_t name = pe_build_append(m->b, s, dll, (uint32_t)strlen(dll) + 1, 1);
    snprintf((char *)hint + 2, sizeof hint - 2, "%s", fn);
    uint32_t by_name = pe_build_append(m->b, s, hint, sizeof hint, 2);
    uint32_t d = pe_build_append(m->b, s, attributes, 4, 8);
    pe_build_append(m->b, s, NULL, 2 * PE_DELAY_DESCRIPTOR_SIZE - 4, 1);
    pe_build_fixup(m->b, s, d + 4, PE_FIXUP_RVA32, s, name);
    pe_build_fixup(m->b, s, d + 12, PE_FIXUP_RVA32, s, iat);
    pe_build_fixup(m->b, s, d + 16, PE_FIXUP_RVA32, s, lookup);
    pe_build_fixup(m->b, s, lookup, PE_FIXUP_RVA32, s, by_name);
    pe_build_directory(m->b, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, s, d, PE_DELAY_DESCRIPTOR_SIZE);
}

/* ntdll's stub for service `number`. */
static inline void make_stub(struct making *m, const char *name, uint8_t number)
{
    const uint8_t x64[] = {0x4c, 0x8b, 0xd1, 0xb8, number, 0,    0,    0,    0xf6, 0x04, 0x25,
                           0x08, 0x03, 0xfe, 0x7f, 0x01,   0x75, 0x03, 0x0f, 0x05, 0xc3};
    const uint8_t x86[] = {0xb8, number, 0, 0, 0, 0xba, 0, 0, 0, 0, 0xff, 0xd2, 0xc2, 8, 0};
    uint32_t at = m->x64 ? pe_build_append(m->b, m->text, x64, sizeof x64, 16)
                         : pe_build_append(m->b, m->text, x86, sizeof x86, 16);
    pe_build_export(m->b, name, 0, m->text, at);
}

static inline void keep_image(struct fixture *x, unsigned dir, const char *name, struct making m)
{
    struct fixture_file *f = &x->files[x->count++];
    *f = (struct fixture_file){.dir = dir, .name = name};
    f->data = pe_build_finish(m.b, &f->size);
}

/* ntdll and kernel32 of a root; `wine` adds what tells Wine's ntdll from Windows'. */
static inline void make_root(struct fixture *x, uint16_t machine, bool wine)
{
    struct making ntdll = make_image(machine, true, "ntdll.dll");
    make_stub(&ntdll, "NtClose", 7);
    make_stub(&ntdll, "NtFrobnicate", 9);
    if (wine)
        make_export(&ntdll, "__wine_unix_call_dispatcher", 0);
    keep_image(x, FIXTURE_SYSTEM, "ntdll.dll", ntdll);
    struct making kernel32 = make_image(machine, true, "kernel32.dll");
    int close = pe_build_import(kernel32.b, "ntdll.dll", "NtClose", 0);
    int frob = pe_build_import(kernel32.b, "ntdll.dll", "NtFrobnicate", 0);
    make_caller(&kernel32, "CloseHandle", close, 1);
    make_call(&kernel32, "Frob", make_caller(&kernel32, NULL, frob, 0));
    make_caller(&kernel32, "FrobLater", frob, 2);
    make_export(&kernel32, "Seven", 7);
    pe_build_forward(kernel32.b, "Forward", 0, "ntdll.NtClose");
    pe_build_forward(kernel32.b, "ByOrdinal", 0, "kernel32.#7");
    pe_build_forward(kernel32.b, "Nowhere", 0, "ntdll.NoSuch");
    pe_build_forward(kernel32.b, "NoDll", 0, "absent.Fn");
    pe_build_forward(kernel32.b, "SetForward", 0, "api-ms-win-a-l1-1-0.CloseHandle");
    pe_build_forward(kernel32.b, "Circle", 0, "kernel32.Back");
    pe_build_forward(kernel32.b, "Back", 0, "kernel32.Circle");
    pe_build_forward(kernel32.b, "Self", 0, "kernel32.Self");
    keep_image(x, FIXTURE_SYSTEM, "kernel32.dll", kernel32);
}
#endif

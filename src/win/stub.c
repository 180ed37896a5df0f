// SPDX-License-Identifier: GPL-2.0-or-later
/* A program for what is no program: it carries machine code, or only lives so that its thread can
 * be made to call functions of DLLs. */
#include "pe/build.h"
#include "win/win.h"

#include <string.h>

struct pieces {
    const uint8_t *before, *after;
    size_t before_size, after_size;
};

/* `call code` comes in between, or nothing; then ExitProcess with what it returned. */
static const uint8_t begin64[] = {0x48, 0x83, 0xec,
                                  0x28, 0x31, 0xc0};     /* sub rsp, 40; xor eax, eax */
static const uint8_t end64[] = {0x89, 0xc1, 0xff, 0x15}; /* mov ecx, eax; call [slot] */
static const uint8_t begin32[] = {0x31, 0xc0};           /* xor eax, eax */
static const uint8_t end32[] = {0x50, 0xff, 0x15};       /* push eax; call [slot] */

static const struct pieces pieces64 = {begin64, end64, sizeof begin64, sizeof end64};
static const struct pieces pieces32 = {begin32, end32, sizeof begin32, sizeof end32};

uint8_t *win_stub_image(unsigned ptr_size, const void *code, size_t size, uint32_t entry,
                        size_t *image_size)
{
    static const uint8_t call[] = {0xe8, 0, 0, 0, 0}, slot[] = {0, 0, 0, 0, 0xcc};
    const bool wide = ptr_size == 8;
    const struct pieces *p = wide ? &pieces64 : &pieces32;
    struct pe_builder *b = pe_build_new(&(struct pe_build_options){
        .machine = wide ? IMAGE_FILE_MACHINE_AMD64 : IMAGE_FILE_MACHINE_I386});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int exit = pe_build_import(b, "kernel32.dll", "ExitProcess", 0);
    uint32_t at = pe_build_append(b, text, p->before, (uint32_t)p->before_size, 16);
    pe_build_entry(b, text, at);
    if (code) {
        int raw = pe_build_section(b, ".raw", PE_BUILD_CODE | IMAGE_SCN_MEM_WRITE);
        pe_build_append(b, raw, code, (uint32_t)size, 16);
        at = pe_build_append(b, text, call, sizeof call, 1);
        pe_build_fixup(b, text, at + 1, PE_FIXUP_REL32, raw, entry);
    }
    pe_build_append(b, text, p->after, (uint32_t)p->after_size, 1);
    at = pe_build_append(b, text, slot, sizeof slot, 1);
    pe_build_fixup_import(b, text, at, wide ? PE_FIXUP_REL32 : PE_FIXUP_ADDRESS, exit);
    return pe_build_finish(b, image_size);
}

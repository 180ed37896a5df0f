// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Synthetic DLLs: genuine PE images made by pe/build.h, whose exports jump to gates. The guest's
 * loader cannot tell them from files.
 */
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "mem/space.h"
#include "nt/io/io.h"
#include "pe/build.h"
#include "win/internal.h"

#include <string.h>
#include <strings.h>

struct synthetic_export {
    const char *dll, *name;
    uint8_t args; /* stdcall words on i386 */
    uint64_t (*fn)(struct nt_kernel *k, struct nt_thread *t, const uint64_t *args);
};

/* BOOL ProcessPrng(PBYTE pbData, SIZE_T cbData): documented never to fail. */
static uint64_t process_prng(struct nt_kernel *k, struct nt_thread *t, const uint64_t *args)
{
    struct mem_space *m = nt_process_get(k, t->process)->mem;
    uint64_t at = args[0], left = args[1];
    while (left) {
        size_t n = MIN(left, (uint64_t)MEM_PAGE);
        ntstatus s;
        uint8_t *p = mem_window(m, at, &n, MEM_W, &s);
        if (!p)
            return 0;
        nt_random_bytes(k, p, n);
        at += n;
        left -= n;
    }
    return 1;
}

/* The order numbers the gates: append only. */
static const struct synthetic_export exports[] = {
    {"bcryptprimitives.dll", "ProcessPrng", 2, process_prng},
};

/* `mov eax, gate; jmp eax`, or with rax: wherever the image lies, the gate is one jump away. */
static size_t thunk(unsigned ptr_size, size_t index, uint8_t out[12])
{
    uint64_t gate = win_gate_base(ptr_size) + (WIN_GATE_SYNTHETIC + index) * WIN_GATE_STEP;
    size_t n = 0;
    if (ptr_size == 8)
        out[n++] = 0x48;
    out[n++] = 0xb8;
    memcpy(out + n, &gate, ptr_size);
    n += ptr_size;
    out[n++] = 0xff;
    out[n++] = 0xe0;
    return n;
}

static uint8_t *build(const char *dll, unsigned ptr_size, size_t *size)
{
    struct pe_builder *b = pe_build_new(&(struct pe_build_options){
        .machine = ptr_size == 8 ? IMAGE_FILE_MACHINE_AMD64 : IMAGE_FILE_MACHINE_I386,
        .dll = true,
        .name = dll});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    for (size_t i = 0; i < ARRAY_LEN(exports); i++) {
        uint8_t code[12];
        if (strcmp(exports[i].dll, dll))
            continue;
        size_t n = thunk(ptr_size, i, code);
        pe_build_export(b, exports[i].name, 0, text,
                        pe_build_append(b, text, code, (uint32_t)n, 16));
    }
    return pe_build_finish(b, size);
}

uint8_t *win_synthetic_image(const char *dll, unsigned ptr_size, size_t *size)
{
    for (size_t i = 0; i < ARRAY_LEN(exports); i++)
        if (!strcasecmp(exports[i].dll, dll))
            return build(exports[i].dll, ptr_size, size);
    return NULL;
}

static bool same_content(const char *path, const uint8_t *data, size_t size)
{
    struct host_map m;
    if (host_map_open(&m, path, NULL))
        return false;
    bool same = m.size == size && !memcmp(m.data, data, size);
    host_map_close(&m);
    return same;
}

static pgr_status install(const char *dir, const char *dll, unsigned ptr_size, struct pgr_error *e)
{
    size_t size;
    uint8_t *image = build(dll, ptr_size, &size);
    char *path = xasprintf("%s/%s", dir, dll);
    pgr_status s = same_content(path, image, size) ? PGR_OK : host_write_file(path, image, size, e);
    free(path);
    free(image);
    return s;
}

#define SYSTEM32 "C:\\windows\\system32"

pgr_status win_synthetic_install(struct nt_kernel *k, unsigned ptr_size, struct pgr_error *e)
{
    char *dir = host_cache_dir(ptr_size == 8 ? "synthetic/x64" : "synthetic/x86");
    pgr_status s = PGR_OK;
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(exports) && !s; i++) {
        bool is_dir;
        char *path = xasprintf(SYSTEM32 "\\%s", exports[i].dll);
        if (nt_io_exists(k, path, &is_dir)) {
            if (!dir || !host_make_dirs(dir))
                s = err_set(e, PGR_E_IO,
                            "cannot make a directory for %s, which the root lacks; "
                            "set HOME or XDG_CACHE_HOME to a place that can be "
                            "written to",
                            exports[i].dll);
            else
                s = install(dir, exports[i].dll, ptr_size, e);
            any = true;
        }
        free(path);
    }
    if (any && !s)
        s = nt_io_supply(k, SYSTEM32, dir, e);
    free(dir);
    return s;
}

bool win_synthetic_call(struct nt_kernel *k, struct nt_thread *t, uint64_t index)
{
    struct nt_process *p = nt_process_get(k, t->process);
    const uint64_t *r = t->cpu.gpr;
    uint64_t args[4] = {r[X86_RCX], r[X86_RDX], r[X86_R8], r[X86_R9]};
    if (index >= ARRAY_LEN(exports))
        return false;
    if (p->ptr_size == 4) {
        uint32_t stack[4] = {0};
        mem_read(p->mem, (uint32_t)r[X86_RSP] + 4, stack, sizeof stack);
        for (int i = 0; i < 4; i++)
            args[i] = stack[i];
    }
    t->cpu.gpr[X86_RAX] = exports[index].fn(k, t, args);
    return true;
}

unsigned win_synthetic_pops(const struct nt_process *p, uint64_t index)
{
    return p->ptr_size == 4 && index < ARRAY_LEN(exports) ? exports[index].args * 4u : 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

#include <stdarg.h>
#include <stdio.h>

/* Windows' own bound on one image; larger ones are refused before anything is mapped. */
#define LARGEST_IMAGE 0x77000000u
/* So does it for e_lfanew (256 MiB), which also keeps the sums below within 32 bits. */
#define LARGEST_LFANEW 0x10000000u

pgr_status pe_refuse(struct pe_image *img, struct pgr_error *e, ntstatus st, pgr_status status,
                     const char *fmt, ...)
{
    char text[PGR_ERROR_TEXT_MAX - 256];
    va_list ap;
    img->status = st;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, status, "%s: %s", img->name, text);
}

#define DAMAGED(...) pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_FORMAT, __VA_ARGS__)

static pgr_status truncated(struct pe_image *img, struct pgr_error *e, ntstatus st,
                            const char *field, uint64_t at, uint64_t need)
{
    return pe_refuse(
        img, e, st, PGR_E_FORMAT,
        "the file ends inside the %s (offset 0x%llx: %llu bytes are expected, the file "
        "has %zu in all); it is truncated, fetch it again",
        field, (unsigned long long)at, (unsigned long long)need, img->size);
}

static pgr_status check_dos_header(struct pe_image *img, struct pgr_error *e)
{
    const uint8_t *p = img->data;
    if (img->size < 2 || p[0] != 'M' || p[1] != 'Z')
        return pe_refuse_not_mz(img, e);
    if (img->size < PE_DOS_HEADER_SIZE)
        return truncated(img, e, STATUS_INVALID_IMAGE_NOT_MZ, "DOS header", 0, PE_DOS_HEADER_SIZE);
    uint32_t at = img->h.lfanew = pe_u32(p + 0x3c);
    if (at >= LARGEST_LFANEW || !range_inside(at, 4, img->size)) {
        /* A DOS program keeps whatever it likes in this field. */
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_PROTECT, PGR_E_FORMAT,
                         "this is a DOS program, or a truncated Windows program (e_lfanew, offset "
                         "0x3c: the PE header should be at 0x%x, the file has %zu bytes)",
                         at, img->size);
    }
    if (memcmp(p + at, "PE\0\0", 4))
        return pe_refuse_signature(img, e, at);
    if (at & 3)
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_PROTECT, PGR_E_FORMAT,
                         "the PE header is misaligned (e_lfanew, offset 0x3c: 0x%x is not a "
                         "multiple of 4); Windows refuses it",
                         at);
    return PGR_OK;
}

static void read_file_header(struct pe_header *h, const uint8_t *p)
{
    h->machine = pe_u16(p);
    h->nsections = pe_u16(p + 2);
    h->timestamp = pe_u32(p + 4);
    h->symbol_table = pe_u32(p + 8);
    h->nsymbols = pe_u32(p + 12);
    h->optional_size = pe_u16(p + 16);
    h->characteristics = pe_u16(p + 18);
}

static pgr_status check_file_header(struct pe_image *img, unsigned flags, struct pgr_error *e)
{
    struct pe_header *h = &img->h;
    uint32_t at = h->lfanew + 4;
    if (!range_inside(at, PE_FILE_HEADER_SIZE, img->size))
        return truncated(img, e, STATUS_INVALID_IMAGE_PROTECT, "COFF file header", at,
                         PE_FILE_HEADER_SIZE);
    read_file_header(h, img->data + at);
    bool x86 = h->machine == IMAGE_FILE_MACHINE_I386 || h->machine == IMAGE_FILE_MACHINE_AMD64;
    if (!x86 && !(flags & PE_ANY_MACHINE)) {
        const char *machine = pe_machine_name(h->machine);
        return pe_refuse(
            img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_UNSUPPORTED,
            "this is a Windows program for %s (Machine, offset 0x%x: 0x%04x); only x86 "
            "(0x014c) and x86-64 (0x8664) can run: use the x64 build of the program",
            machine ? machine : "an unknown processor", at, h->machine);
    }
    if (!h->optional_size)
        return DAMAGED("this is an object file, not a program (SizeOfOptionalHeader, offset 0x%x: "
                       "0); link it first",
                       at + 16);
    if (!(h->characteristics & IMAGE_FILE_EXECUTABLE_IMAGE))
        return DAMAGED("the file is marked as not runnable (Characteristics, offset 0x%x: 0x%04x "
                       "lacks EXECUTABLE_IMAGE, 0x0002); the linker reported errors, link it again",
                       at + 18, h->characteristics);
    return PGR_OK;
}

static void read_optional_common(struct pe_header *h, const uint8_t *p)
{
    h->linker_major = p[2];
    h->linker_minor = p[3];
    h->code_size = pe_u32(p + 4);
    h->data_size = pe_u32(p + 8);
    h->bss_size = pe_u32(p + 12);
    h->entry = pe_u32(p + 16);
    h->code_base = pe_u32(p + 20);
    h->image_base = h->is64 ? pe_u64(p + 24) : pe_u32(p + 28);
    h->section_align = pe_u32(p + 32);
    h->file_align = pe_u32(p + 36);
    h->os_major = pe_u16(p + 40);
    h->os_minor = pe_u16(p + 42);
    h->image_major = pe_u16(p + 44);
    h->image_minor = pe_u16(p + 46);
    h->subsystem_major = pe_u16(p + 48);
    h->subsystem_minor = pe_u16(p + 50);
    h->image_size = pe_u32(p + PE_OPT_IMAGE_SIZE);
    h->headers_size = pe_u32(p + 60);
    h->checksum = pe_u32(p + 64);
    h->subsystem = pe_u16(p + 68);
    h->dll_characteristics = pe_u16(p + 70);
}

static void read_optional_sizes(struct pe_header *h, const uint8_t *p)
{
    uint64_t *const out[] = {&h->stack_reserve, &h->stack_commit, &h->heap_reserve,
                             &h->heap_commit};
    for (size_t i = 0; i < 4; i++)
        *out[i] = h->is64 ? pe_u64(p + 72 + 8 * i) : pe_u32(p + 72 + 4 * i);
    h->ndirectories = pe_u32(p + (h->is64 ? 108 : 92));
}

/* The fields sit at fixed places: SizeOfOptionalHeader only tells where the section table starts,
 * and packers make it smaller than what Windows reads. */
static pgr_status read_optional_header(struct pe_image *img, struct pgr_error *e)
{
    struct pe_header *h = &img->h;
    uint32_t at = h->lfanew + 4 + PE_FILE_HEADER_SIZE;
    if (!range_inside(at, 2, img->size))
        return truncated(img, e, STATUS_INVALID_IMAGE_FORMAT, "optional header", at,
                         h->optional_size);
    h->magic = pe_u16(img->data + at);
    h->is64 = h->magic == IMAGE_NT_OPTIONAL_HDR64_MAGIC;
    bool want64 = h->machine == IMAGE_FILE_MACHINE_AMD64, want32 = h->machine == 0x14c;
    if ((!h->is64 && h->magic != IMAGE_NT_OPTIONAL_HDR32_MAGIC) || (want64 && !h->is64) ||
        (want32 && h->is64))
        return DAMAGED(
            "the optional header does not fit the processor (Magic, offset 0x%x: 0x%04x, "
            "expected 0x%s for machine 0x%04x)",
            at, h->magic,
            want64   ? "020b"
            : want32 ? "010b"
                     : "010b or 0x020b",
            h->machine);
    uint32_t fixed = h->is64 ? PE_OPTIONAL64_FIXED : PE_OPTIONAL32_FIXED;
    if (!range_inside(at, fixed, img->size))
        return truncated(img, e, STATUS_INVALID_IMAGE_FORMAT, "optional header", at, fixed);
    read_optional_common(h, img->data + at);
    read_optional_sizes(h, img->data + at);
    uint32_t n = MIN(h->ndirectories, (uint32_t)IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    if (!range_inside(at + fixed, (uint64_t)n * PE_DIRECTORY_SIZE, img->size))
        return truncated(img, e, STATUS_INVALID_IMAGE_FORMAT, "data directories", at + fixed,
                         (uint64_t)n * PE_DIRECTORY_SIZE);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *d = img->data + at + fixed + i * PE_DIRECTORY_SIZE;
        h->directories[i] = (struct pe_directory){pe_u32(d), pe_u32(d + 4)};
    }
    h->section_table = at + h->optional_size;
    return PGR_OK;
}

static bool is_power_of_two(uint32_t v)
{
    return v && !(v & (v - 1));
}

static pgr_status check_alignments(struct pe_image *img, struct pgr_error *e)
{
    const struct pe_header *h = &img->h;
    uint32_t at = h->lfanew + 24;
    if (!is_power_of_two(h->file_align))
        return DAMAGED("FileAlignment (offset 0x%x) is 0x%x, expected a power of two", at + 36,
                       h->file_align);
    if (!is_power_of_two(h->section_align))
        return DAMAGED("SectionAlignment (offset 0x%x) is 0x%x, expected a power of two", at + 32,
                       h->section_align);
    if ((h->file_align & 511) && h->file_align != h->section_align)
        return DAMAGED("FileAlignment (offset 0x%x) is 0x%x, expected a multiple of 0x200, or the "
                       "value of SectionAlignment (0x%x)",
                       at + 36, h->file_align, h->section_align);
    if (h->section_align < h->file_align)
        return DAMAGED("SectionAlignment (offset 0x%x) is 0x%x, expected at least FileAlignment "
                       "(0x%x)",
                       at + 32, h->section_align, h->file_align);
    if (h->section_align < PE_PAGE && h->section_align != h->file_align)
        return DAMAGED(
            "SectionAlignment (offset 0x%x) is 0x%x: below a page (0x1000) it must equal "
            "FileAlignment (0x%x)",
            at + 32, h->section_align, h->file_align);
    return PGR_OK;
}

static pgr_status check_sizes(struct pe_image *img, struct pgr_error *e)
{
    const struct pe_header *h = &img->h;
    uint32_t at = h->lfanew + 24;
    if (!h->image_size || h->image_size > LARGEST_IMAGE)
        return DAMAGED("SizeOfImage (offset 0x%x) is 0x%x, expected 1 to 0x%x", at + 56,
                       h->image_size, LARGEST_IMAGE);
    if (!h->headers_size)
        return DAMAGED("SizeOfHeaders (offset 0x%x) is 0, expected the size of the headers",
                       at + 60);
    if (h->headers_size >= h->image_size)
        return DAMAGED("SizeOfHeaders (offset 0x%x) is 0x%x, expected less than SizeOfImage (0x%x)",
                       at + 60, h->headers_size, h->image_size);
    if (h->image_base & 0xffff)
        return DAMAGED("ImageBase (offset 0x%x) is 0x%llx, expected a multiple of 0x10000",
                       at + (h->is64 ? 24 : 28), (unsigned long long)h->image_base);
    if (h->is64 && h->image_base >> 47)
        return DAMAGED("ImageBase (offset 0x%x) is 0x%llx, beyond the user's address space",
                       at + 24, (unsigned long long)h->image_base);
    return PGR_OK;
}

pgr_status pe_open(struct pe_image *img, const void *data, size_t size, unsigned flags,
                   const char *name, struct pgr_error *e)
{
    pgr_status s;
    *img = (struct pe_image){
        .data = data, .size = size, .name = name ? name : "image", .mapped = flags & PE_MAPPED};
    if ((s = check_dos_header(img, e)) || (s = check_file_header(img, flags, e)) ||
        (s = read_optional_header(img, e)) || (s = check_alignments(img, e)) ||
        (s = check_sizes(img, e)))
        return s;
    img->flat = img->h.section_align < PE_PAGE || !img->h.nsections;
    img->va_base = img->h.image_base;
    return pe_check_sections(img, e);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

/* Directories that the guest's loader follows without looking at bounds. */
static const uint8_t followed[] = {IMAGE_DIRECTORY_ENTRY_EXPORT, IMAGE_DIRECTORY_ENTRY_IMPORT,
                                   IMAGE_DIRECTORY_ENTRY_BASERELOC, IMAGE_DIRECTORY_ENTRY_TLS,
                                   IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT};

static uint32_t directory_offset(const struct pe_image *img, unsigned i)
{
    uint32_t fixed = img->h.is64 ? PE_OPTIONAL64_FIXED : PE_OPTIONAL32_FIXED;
    return img->h.lfanew + 24 + fixed + i * PE_DIRECTORY_SIZE;
}

static pgr_status check_directories(struct pe_image *img, struct pgr_error *e)
{
    for (size_t i = 0; i < ARRAY_LEN(followed); i++) {
        struct pe_directory d = pe_directory(img, followed[i]);
        if (d.rva && !pe_rva_inside(img, d.rva, d.size))
            return pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_FORMAT,
                             "the %s directory (DataDirectory[%u], offset 0x%x: address 0x%x, size "
                             "0x%x) is outside the image (SizeOfImage 0x%x); the file is damaged",
                             pe_directory_name(followed[i]), followed[i],
                             directory_offset(img, followed[i]), d.rva, d.size, img->h.image_size);
    }
    return PGR_OK;
}

static pgr_status check_tables(struct pe_image *img, struct pgr_error *e)
{
    struct pe_damage damage = {0};
    struct pe_tls tls;
    struct pe_imports it;
    pe_imports_begin(&it, img, PE_IMPORTS);
    while (pe_imports_dll(&it))
        while (pe_imports_function(&it))
            continue;
    damage = it.damage;
    if (!damage.what)
        pe_tls(img, &tls, &damage);
    if (damage.what)
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_FORMAT,
                         "%s (address 0x%x); the file is damaged or packed in an unknown way",
                         damage.what, damage.rva);
    return PGR_OK;
}

static pgr_status check_kind(struct pe_image *img, struct pgr_error *e)
{
    const struct pe_header *h = &img->h;
    uint32_t at = h->lfanew + 24;
    struct pe_clr clr;
    const char *subsystem = pe_subsystem_name(h->subsystem);
    if (h->characteristics & IMAGE_FILE_DLL)
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_UNSUPPORTED,
                         "this is a DLL, not a program (Characteristics, offset 0x%x: 0x%04x); try "
                         "rundll32.exe FILE,FUNCTION",
                         at - 2, h->characteristics);
    if (h->subsystem == IMAGE_SUBSYSTEM_NATIVE)
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_UNSUPPORTED,
                         "this is a kernel driver or native program (Subsystem, offset 0x%x: 1); "
                         "only console (3) and window (2) programs can run",
                         at + 68);
    if (h->subsystem != IMAGE_SUBSYSTEM_WINDOWS_CUI && h->subsystem != IMAGE_SUBSYSTEM_WINDOWS_GUI)
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_UNSUPPORTED,
                         "this program is for another subsystem (Subsystem, offset 0x%x: %u, %s); "
                         "only console (3) and window (2) programs can run",
                         at + 68, h->subsystem, subsystem ? subsystem : "unknown");
    if (pe_clr(img, &clr) && clr.il_only)
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_UNSUPPORTED,
                         "this is a .NET program (CLR header, DataDirectory[14], offset 0x%x: "
                         "IL-only); only native code can run here: use the dotnet or mono runtime",
                         directory_offset(img, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR));
    return PGR_OK;
}

pgr_status pe_check_program(struct pe_image *img, struct pgr_error *e)
{
    pgr_status s;
    if ((s = check_kind(img, e)))
        return s;
    if (img->h.entry >= img->h.image_size)
        return pe_refuse(
            img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_FORMAT,
            "AddressOfEntryPoint (offset 0x%x) is 0x%x, outside the image (SizeOfImage "
            "0x%x); the file is damaged",
            img->h.lfanew + 40, img->h.entry, img->h.image_size);
    if ((s = check_directories(img, e)))
        return s;
    return check_tables(img, e);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

#include <string.h>

/* Files that people hand to a program runner by mistake. */
static const struct {
    const char *magic;
    uint8_t len;
    const char *what, *remedy;
} signatures[] = {
    {"\x7f"
     "ELF",
     4, "a Linux program (ELF)", "run it directly"},
    {"#!", 2, "a Unix script", "run it with its interpreter"},
    {"PK\3\4", 4, "a ZIP archive", "unpack it first"},
    {"7z\xbc\xaf\x27\x1c", 6, "a 7-Zip archive", "unpack it first"},
    {"\x1f\x8b", 2, "a gzip file", "unpack it first"},
    {"Rar!", 4, "a RAR archive", "unpack it first"},
    {"MSCF", 4, "a cabinet archive", "unpack it first"},
    {"\xd0\xcf\x11\xe0", 4, "an OLE document (such as an .msi installer)",
     "give the program itself"},
    {"MDMP", 4, "a minidump", "give the program itself"},
    {"!<arch>\n", 8, "an object library", "link it first"},
    {"\xcf\xfa\xed\xfe", 4, "a macOS program (Mach-O)", "find its Windows build"},
    {"\xce\xfa\xed\xfe", 4, "a macOS program (Mach-O)", "find its Windows build"},
    {"ZM", 2, "a DOS program of the oldest kind ('ZM')", "use a DOS emulator"},
    {"\x64\x86", 2, "an x86-64 object file", "link it first"},
    {"\x4c\x01", 2, "an x86 object file", "link it first"},
};

static bool looks_like_text(const uint8_t *p, size_t size)
{
    size_t n = MIN(size, (size_t)512);
    for (size_t i = 0; i < n; i++)
        if (p[i] == 0x7f || (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r' &&
                             p[i] != '\f' && p[i] != 0x1b && p[i] != 0x1a))
            return false;
    return true;
}

pgr_status pe_refuse_not_mz(struct pe_image *img, struct pgr_error *e)
{
    const uint8_t *p = img->data;
    size_t size = img->size;
    if (!size)
        return pe_refuse(
            img, e, STATUS_INVALID_FILE_FOR_SECTION, PGR_E_FORMAT,
            "the file is empty (0 bytes), so there is no DOS header; a Windows program "
            "(PE32 or PE32+) is expected");
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++)
        if (size >= signatures[i].len && !memcmp(p, signatures[i].magic, signatures[i].len))
            return pe_refuse(img, e, STATUS_INVALID_IMAGE_NOT_MZ, PGR_E_FORMAT,
                             "this is %s, not a Windows program (e_magic, offset 0x0: expected "
                             "'MZ'); %s",
                             signatures[i].what, signatures[i].remedy);
    if (looks_like_text(p, size))
        return pe_refuse(
            img, e, STATUS_INVALID_IMAGE_NOT_MZ, PGR_E_FORMAT,
            "this is a text file, not a Windows program (e_magic, offset 0x0: expected "
            "'MZ'); batch files run as: cmd.exe /c FILE");
    return pe_refuse(img, e, STATUS_INVALID_IMAGE_NOT_MZ, PGR_E_FORMAT,
                     "this is not a Windows program (e_magic, offset 0x0: expected 4d 5a 'MZ', "
                     "found %02x%s)",
                     p[0], size > 1 && p[0] == 'M' ? " and another second byte" : "");
}

/* NE headers tell the target system: Windows reports each kind by its own status. */
static pgr_status refuse_ne(struct pe_image *img, struct pgr_error *e, uint32_t at)
{
    enum { EXETYP = 0x36, WINDOWS = 2, DOS4 = 5 };
    uint8_t type = img->size > at + EXETYP ? img->data[at + EXETYP] : 0;
    ntstatus st = STATUS_INVALID_IMAGE_NE_FORMAT;
    const char *kind = "a 16-bit OS/2 program";
    if (type == WINDOWS) {
        st = STATUS_INVALID_IMAGE_WIN_16;
        kind = "a 16-bit Windows program";
    } else if (type == DOS4) {
        st = STATUS_INVALID_IMAGE_PROTECT;
        kind = "a 16-bit DOS program";
    } else if (!type) {
        kind = "a 16-bit NE program";
    }
    return pe_refuse(img, e, st, PGR_E_UNSUPPORTED,
                     "this is %s (Signature, offset 0x%x: 'NE'); only PE32 and PE32+ for x86 and "
                     "x86-64 can run",
                     kind, at);
}

pgr_status pe_refuse_signature(struct pe_image *img, struct pgr_error *e, uint32_t at)
{
    const uint8_t *p = img->data + at;
    if (p[0] == 'N' && p[1] == 'E')
        return refuse_ne(img, e, at);
    if (p[0] == 'L' && (p[1] == 'E' || p[1] == 'X'))
        return pe_refuse(img, e, STATUS_INVALID_IMAGE_PROTECT, PGR_E_UNSUPPORTED,
                         "this is a %s (Signature, offset 0x%x: 'L%c'); only PE32 and PE32+ for "
                         "x86 and x86-64 can run",
                         p[1] == 'E' ? "16/32-bit LE program (DOS extender or VxD)"
                                     : "32-bit OS/2 program",
                         at, p[1]);
    return pe_refuse(
        img, e, STATUS_INVALID_IMAGE_PROTECT, PGR_E_UNSUPPORTED,
        "this is a DOS program without a Windows part (e_lfanew, offset 0x3c: leads to "
        "0x%x, where 'PE' is expected and %02x %02x %02x %02x is found); use a DOS "
        "emulator, or fetch the file again if it should be a Windows program",
        at, p[0], p[1], p[2], p[3]);
}

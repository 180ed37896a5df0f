// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/pe.h"
#include "base/bits.h"

static const struct {
    uint16_t value;
    const char *name;
} machines[] = {
    {0x014c, "x86"},          {0x8664, "x86-64"},        {0xaa64, "ARM64"},
    {0xa641, "ARM64EC"},      {0xa64e, "ARM64X"},        {0x01c0, "ARM"},
    {0x01c2, "Thumb"},        {0x01c4, "ARM (Thumb-2)"}, {0x0200, "Itanium"},
    {0x0ebc, "EFI bytecode"}, {0x0162, "MIPS R3000"},    {0x0166, "MIPS R4000"},
    {0x0184, "Alpha"},        {0x0284, "Alpha 64"},      {0x01f0, "PowerPC"},
    {0x5032, "RISC-V 32"},    {0x5064, "RISC-V 64"},     {0x6232, "LoongArch32"},
    {0x6264, "LoongArch64"},
};

const char *pe_machine_name(uint16_t machine)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (machines[i].value == machine)
            return machines[i].name;
    return NULL;
}

static const char *const subsystems[] = {
    [1] = "native",
    [2] = "Windows GUI",
    [3] = "Windows console",
    [5] = "OS/2 console",
    [7] = "POSIX console",
    [8] = "Windows 9x driver",
    [9] = "Windows CE",
    [10] = "EFI application",
    [11] = "EFI boot driver",
    [12] = "EFI runtime driver",
    [13] = "EFI ROM",
    [14] = "Xbox",
    [16] = "Windows boot application",
};

const char *pe_subsystem_name(uint16_t subsystem)
{
    return subsystem < ARRAY_LEN(subsystems) ? subsystems[subsystem] : NULL;
}

static const char *const directories[IMAGE_NUMBEROF_DIRECTORY_ENTRIES] = {
    "export",         "import",       "resource",       "exception", "certificate", "relocation",
    "debug",          "architecture", "global pointer", "TLS",       "load config", "bound import",
    "import address", "delay import", "CLR header",     "reserved",
};

const char *pe_directory_name(unsigned index)
{
    return index < ARRAY_LEN(directories) ? directories[index] : NULL;
}

static const char *const reloc_types[] = {
    [IMAGE_REL_BASED_ABSOLUTE] = "ABSOLUTE", [IMAGE_REL_BASED_HIGH] = "HIGH",
    [IMAGE_REL_BASED_LOW] = "LOW",           [IMAGE_REL_BASED_HIGHLOW] = "HIGHLOW",
    [IMAGE_REL_BASED_HIGHADJ] = "HIGHADJ",   [IMAGE_REL_BASED_DIR64] = "DIR64",
};

const char *pe_reloc_type_name(unsigned type)
{
    return type < ARRAY_LEN(reloc_types) ? reloc_types[type] : NULL;
}

static const char *const resource_types[] = {
    [1] = "RT_CURSOR",      [2] = "RT_BITMAP",        [3] = "RT_ICON",
    [4] = "RT_MENU",        [5] = "RT_DIALOG",        [6] = "RT_STRING",
    [7] = "RT_FONTDIR",     [8] = "RT_FONT",          [9] = "RT_ACCELERATOR",
    [10] = "RT_RCDATA",     [11] = "RT_MESSAGETABLE", [12] = "RT_GROUP_CURSOR",
    [14] = "RT_GROUP_ICON", [16] = "RT_VERSION",      [17] = "RT_DLGINCLUDE",
    [19] = "RT_PLUGPLAY",   [20] = "RT_VXD",          [21] = "RT_ANICURSOR",
    [22] = "RT_ANIICON",    [23] = "RT_HTML",         [24] = "RT_MANIFEST",
};

const char *pe_resource_type_name(uint32_t id)
{
    return id < ARRAY_LEN(resource_types) ? resource_types[id] : NULL;
}

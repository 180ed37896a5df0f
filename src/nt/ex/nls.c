// SPDX-License-Identifier: GPL-2.0-or-later
/* Locale tables, which the guest maps from its own Windows directory, and default languages. */
#include "base/bits.h"
#include "nt/call.h"
#include "nt/ex/ex.h"
#include "nt/mm/mm.h"

#include <stdio.h>

enum {
    NLS_SECTION_SORTKEYS = 9,
    NLS_SECTION_CASEMAP = 10,
    NLS_SECTION_CODEPAGE = 11,
    NLS_SECTION_NORMALIZE = 12
};

/* The tables lie beside the 64-bit DLLs, which a 32-bit process sees as sysnative. */
static const char *const system_directories[] = {"C:\\windows\\system32", "C:\\windows\\sysnative"};
#define SORTING "C:\\windows\\globalization\\sorting"

static ntstatus map_in(struct nt_call *c, const char *directory, const char *name, uint64_t *base,
                       uint64_t *size)
{
    char path[96];
    snprintf(path, sizeof path, "%s\\%s.nls", directory, name);
    return nt_map_system_file(c, path, base, size);
}

/* STATUS_OBJECT_NAME_NOT_FOUND for whatever is missing: that is how callers probe. */
static ntstatus map(struct nt_call *c, const char *directory, const char *name, uint64_t pointer,
                    uint64_t size_out)
{
    uint64_t base, size;
    ntstatus s = STATUS_OBJECT_NAME_NOT_FOUND;
    if (directory)
        s = map_in(c, directory, name, &base, &size);
    for (size_t i = 0; s && !directory && i < ARRAY_LEN(system_directories); i++)
        s = map_in(c, system_directories[i], name, &base, &size);
    if (s == STATUS_OBJECT_PATH_NOT_FOUND)
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    if (!s)
        s = nt_put_ptr(c, pointer, base);
    return s || !size_out ? s : nt_put_u32(c, size_out, (uint32_t)size);
}

static const char *normalization_file(uint64_t form)
{
    switch (form) {
    case 1:
        return "normnfc";
    case 2:
        return "normnfd";
    case 5:
        return "normnfkc";
    case 6:
        return "normnfkd";
    case 13:
        return "normidna";
    default:
        return NULL;
    }
}

ntstatus nt_get_nls_section_ptr(struct nt_call *c)
{
    const struct NtGetNlsSectionPtr_args *a = nt_args(c);
    char name[24];
    const char *directory = NULL, *form;
    switch (a->SectionType) {
    case NLS_SECTION_SORTKEYS:
        if (a->SectionData)
            return STATUS_INVALID_PARAMETER_1;
        directory = SORTING;
        snprintf(name, sizeof name, "sortdefault");
        break;
    case NLS_SECTION_CASEMAP:
        if (a->SectionData)
            return STATUS_UNSUCCESSFUL;
        snprintf(name, sizeof name, "l_intl");
        break;
    case NLS_SECTION_CODEPAGE:
        snprintf(name, sizeof name, "c_%03u", (unsigned)a->SectionData);
        break;
    case NLS_SECTION_NORMALIZE:
        form = normalization_file(a->SectionData);
        if (!form)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        snprintf(name, sizeof name, "%s", form);
        break;
    default:
        return STATUS_INVALID_PARAMETER_1;
    }
    return map(c, directory, name, a->SectionPointer, a->SectionSize);
}

ntstatus nt_initialize_nls_files(struct nt_call *c)
{
    const struct NtInitializeNlsFiles_args *a = nt_args(c);
    ntstatus s = map(c, NULL, "locale", a->BaseAddress, 0);
    if (!s)
        s = nt_put_u32(c, a->DefaultLocaleId, c->k->ex->system_locale);
    return s; /* the size is not written */
}

ntstatus nt_query_default_locale(struct nt_call *c)
{
    const struct NtQueryDefaultLocale_args *a = nt_args(c);
    return nt_put_u32(c, a->DefaultLocaleId,
                      a->UserProfile & 1 ? c->k->ex->user_locale : c->k->ex->system_locale);
}

ntstatus nt_set_default_locale(struct nt_call *c)
{
    const struct NtSetDefaultLocale_args *a = nt_args(c);
    *(a->UserProfile & 1 ? &c->k->ex->user_locale : &c->k->ex->system_locale) =
        (uint32_t)a->DefaultLocaleId;
    return STATUS_SUCCESS;
}

static ntstatus put_language(struct nt_call *c, uint64_t va, uint32_t language)
{
    uint16_t v = (uint16_t)language;
    return nt_write(c, va, &v, sizeof v);
}

ntstatus nt_query_default_ui_language(struct nt_call *c)
{
    const struct NtQueryDefaultUILanguage_args *a = nt_args(c);
    return put_language(c, a->DefaultUILanguageId, c->k->ex->ui_language);
}

ntstatus nt_set_default_ui_language(struct nt_call *c)
{
    const struct NtSetDefaultUILanguage_args *a = nt_args(c);
    c->k->ex->ui_language = (uint16_t)a->DefaultUILanguageId;
    return STATUS_SUCCESS;
}

ntstatus nt_query_install_ui_language(struct nt_call *c)
{
    const struct NtQueryInstallUILanguage_args *a = nt_args(c);
    return put_language(c, a->InstallUILanguageId, c->k->ex->ui_language);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/utf.h"
#include "nt/call.h"
#include "nt/ex/ex.h"

#include <stdio.h>

enum { FIRST_STRING_ATOM = 0xc000, ATOM_NAME_MAX = 255, ATOM_COUNT_MAX = 0xffff };

/*
 * "#1234" stands for the number. STATUS_MORE_ENTRIES: it is a name after all. Nought and numbers
 * from 0xc000 on are errors.
 */
static ntstatus integer_name(const uint16_t *name, size_t len, uint16_t *atom)
{
    uint32_t v = 0;
    if (!len)
        return STATUS_OBJECT_NAME_INVALID;
    if (len > ATOM_NAME_MAX)
        return STATUS_INVALID_PARAMETER;
    if (name[0] != '#' || len == 1)
        return STATUS_MORE_ENTRIES;
    for (size_t i = 1; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return STATUS_MORE_ENTRIES;
        v = v * 10 + (name[i] - '0');
        if (v > 0xffff)
            v = 0xffff;
    }
    if (!v || v >= FIRST_STRING_ATOM)
        return STATUS_INVALID_PARAMETER;
    *atom = (uint16_t)v;
    return STATUS_SUCCESS;
}

static struct nt_atom *find(struct nt_ex *ex, const uint16_t *name, size_t len)
{
    for (size_t i = 0; i < ex->atoms.len; i++) {
        struct nt_atom *a = &ex->atoms.data[i];
        if (a->value && utf16_equal_nocase(a->name, a->name_len, name, len))
            return a;
    }
    return NULL;
}

static struct nt_atom *by_value(struct nt_ex *ex, uint64_t atom)
{
    size_t i = (size_t)atom - FIRST_STRING_ATOM;
    if (atom < FIRST_STRING_ATOM || i >= ex->atoms.len || !ex->atoms.data[i].value)
        return NULL;
    return &ex->atoms.data[i];
}

static struct nt_atom *free_slot(struct nt_ex *ex)
{
    size_t i = 0;
    while (i < ex->atoms.len && ex->atoms.data[i].value)
        i++;
    if (i > 0xffff - FIRST_STRING_ATOM)
        return NULL;
    if (i == ex->atoms.len)
        vec_push(&ex->atoms, (struct nt_atom){0});
    ex->atoms.data[i].value = (uint16_t)(FIRST_STRING_ATOM + i);
    return &ex->atoms.data[i];
}

ntstatus nt_atom_add(struct nt_kernel *k, const uint16_t *name, size_t len, uint16_t *atom)
{
    ntstatus s = integer_name(name, len, atom);
    if (s != STATUS_MORE_ENTRIES)
        return s;
    struct nt_atom *a = find(k->ex, name, len);
    if (a) {
        if (a->count < ATOM_COUNT_MAX)
            a->count++;
    } else {
        a = free_slot(k->ex);
        if (!a)
            return STATUS_NO_MEMORY;
        a->name = xmemdup(name, len * 2);
        a->name_len = len;
        a->count = 1;
        a->pinned = false;
    }
    *atom = a->value;
    return STATUS_SUCCESS;
}

ntstatus nt_atom_find(struct nt_kernel *k, const uint16_t *name, size_t len, uint16_t *atom)
{
    ntstatus s = integer_name(name, len, atom);
    if (s != STATUS_MORE_ENTRIES)
        return s;
    struct nt_atom *a = find(k->ex, name, len);
    if (!a)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *atom = a->value;
    return STATUS_SUCCESS;
}

ntstatus nt_atom_delete(struct nt_kernel *k, uint16_t atom)
{
    if (atom && atom < FIRST_STRING_ATOM)
        return STATUS_SUCCESS;
    struct nt_atom *a = by_value(k->ex, atom);
    if (!a)
        return STATUS_INVALID_HANDLE;
    if (a->pinned)
        return STATUS_WAS_LOCKED;
    if (--a->count == 0) {
        free(a->name);
        *a = (struct nt_atom){0};
    }
    return STATUS_SUCCESS;
}

typedef ntstatus named_fn(struct nt_kernel *k, const uint16_t *name, size_t len, uint16_t *atom);

/* Names below 64 KiB are no pointers but numbers (MAKEINTATOM). */
static ntstatus by_name(struct nt_call *c, uint64_t name, uint64_t length, uint64_t out,
                        named_fn *fn)
{
    uint16_t atom = 0, text[ATOM_NAME_MAX + 1];
    ntstatus s;
    if (name < 0x10000) {
        atom = (uint16_t)name;
        s = atom && atom < FIRST_STRING_ATOM ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    } else {
        if (length > ATOM_NAME_MAX * 2)
            return STATUS_INVALID_PARAMETER;
        s = nt_read(c, name, text, length);
        if (!s)
            s = fn(c->k, text, length / 2, &atom);
    }
    return s || !out ? s : nt_write(c, out, &atom, sizeof atom);
}

ntstatus nt_add_atom(struct nt_call *c)
{
    const struct NtAddAtom_args *a = nt_args(c);
    return by_name(c, a->AtomName, a->Length, a->Atom, nt_atom_add);
}

ntstatus nt_add_atom_ex(struct nt_call *c)
{
    enum { ATOM_FLAG_GLOBAL = 2 };
    const struct NtAddAtomEx_args *a = nt_args(c);
    if (a->Flags & ~(uint64_t)ATOM_FLAG_GLOBAL)
        return STATUS_INVALID_PARAMETER;
    return by_name(c, a->AtomName, a->Length, a->Atom, nt_atom_add);
}

ntstatus nt_find_atom(struct nt_call *c)
{
    const struct NtFindAtom_args *a = nt_args(c);
    return by_name(c, a->AtomName, a->Length, a->Atom, nt_atom_find);
}

ntstatus nt_delete_atom(struct nt_call *c)
{
    const struct NtDeleteAtom_args *a = nt_args(c);
    return nt_atom_delete(c->k, (uint16_t)a->Atom);
}

enum { AtomBasicInformation, AtomTableInformation };

/* ATOM_BASIC_INFORMATION: usage count, flags, length of the name in bytes, the name with a NUL. A
 * name that is too long is cut. */
static ntstatus basic(struct nt_call *c, const struct NtQueryInformationAtom_args *a)
{
    enum { NAME_AT = 6, FIXED = 8 };
    uint16_t info[FIXED / 2 + ATOM_NAME_MAX] = {0};
    size_t len;
    if (a->AtomInformationLength < FIXED)
        return STATUS_INVALID_PARAMETER;
    if (a->Atom < FIRST_STRING_ATOM) {
        char text[8];
        if (!a->Atom)
            return STATUS_INVALID_PARAMETER;
        len = (size_t)snprintf(text, sizeof text, "#%u", (unsigned)a->Atom);
        info[0] = info[1] = 1;
        for (size_t i = 0; i < len; i++)
            info[NAME_AT / 2 + i] = (uint8_t)text[i];
    } else {
        struct nt_atom *atom = by_value(c->k->ex, a->Atom);
        if (!atom)
            return STATUS_INVALID_HANDLE;
        len = atom->name_len;
        info[0] = atom->count;
        info[1] = atom->pinned;
        memcpy(info + NAME_AT / 2, atom->name, len * 2);
    }
    size_t fits = MIN(len, (a->AtomInformationLength - FIXED) / 2);
    info[2] = (uint16_t)(fits ? fits * 2 : len * 2);
    info[NAME_AT / 2 + fits] = 0;
    ntstatus s = nt_write(c, a->AtomInformation, info, FIXED + fits * 2);
    if (!s && a->ReturnLength)
        s = nt_put_u32(c, a->ReturnLength, (uint32_t)(FIXED + info[2]));
    return s ? s : fits ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

/* ATOM_TABLE_INFORMATION: a count and the atoms. */
static ntstatus table(struct nt_call *c, const struct NtQueryInformationAtom_args *a)
{
    struct nt_ex *ex = c->k->ex;
    uint32_t count = 0, room = (uint32_t)a->AtomInformationLength;
    ntstatus s = STATUS_SUCCESS;
    if (room < 8)
        return STATUS_INVALID_PARAMETER;
    for (size_t i = 0; i < ex->atoms.len && !s; i++) {
        uint16_t v = ex->atoms.data[i].value;
        if (v && 4 + 2 * (count + 1) <= room)
            s = nt_write(c, a->AtomInformation + 4 + 2 * count, &v, 2);
        count += v != 0;
    }
    if (!s)
        s = nt_put_u32(c, a->AtomInformation, count);
    if (!s && a->ReturnLength)
        s = nt_put_u32(c, a->ReturnLength, 4 + 2 * count);
    return s ? s : 4 + 2 * count > room ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

ntstatus nt_query_information_atom(struct nt_call *c)
{
    const struct NtQueryInformationAtom_args *a = nt_args(c);
    if (a->AtomInformationClass == AtomBasicInformation)
        return basic(c, a);
    if (a->AtomInformationClass == AtomTableInformation)
        return table(c, a);
    return nt_unknown_class(c, (uint32_t)a->AtomInformationClass);
}

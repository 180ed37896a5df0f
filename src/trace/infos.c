// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers whose contents an information class names. */
#include "base/bits.h"
#include "trace/decoder.h"

enum form {
    F_END,
    F_BOOL, /* BOOLEAN */
    F_U32,  /* number */
    F_I64,  /* signed number */
    F_PTR,  /* address */
    F_SIZE, /* SIZE_T */
    F_HANDLE,
    F_TIME,   /* LARGE_INTEGER, system time */
    F_NAMED,  /* 32 bits of `type` */
    F_TEXT,   /* UTF-16; a ULONG at `length` holds its size in bytes */
    F_DATA,   /* registry data, the same; its type is the field before it */
    F_DATA_AT /* the same; a ULONG at the field's offset says where in the buffer */
};

struct field {
    const char *name;
    uint8_t form;
    uint8_t at32, at64;         /* offset in the buffer */
    uint8_t length32, length64; /* TEXT, DATA */
    uint8_t type;               /* NAMED: enum nt_arg_type */
};
#define FIELD(form, name, at)                                                                      \
    {                                                                                              \
#name, F_##form, at, at, 0, 0, 0                                                           \
    }
#define FIELD2(form, name, at, at2)                                                                \
    {                                                                                              \
#name, F_##form, at, at2, 0, 0, 0                                                          \
    }
#define NAMED(type, name, at)                                                                      \
    {                                                                                              \
#name, F_NAMED, at, at, 0, 0, NT_ARG_##type                                                \
    }
#define NAMED2(type, name, at, at2)                                                                \
    {                                                                                              \
#name, F_NAMED, at, at2, 0, 0, NT_ARG_##type                                               \
    }
#define TEXT(name, len, at)                                                                        \
    {                                                                                              \
#name, F_TEXT, at, at, len, len, 0                                                         \
    }
#define DATA(form, name, len, at)                                                                  \
    {                                                                                              \
#name, F_##form, at, at, len, len, 0                                                       \
    }

enum { FIELDS_MAX = 7 };
struct info {
    uint8_t class_type; /* enum nt_arg_type of the argument with the class */
    uint16_t class;
    struct field fields[FIELDS_MAX];
};

#define FILE_CLASS  NT_ARG_FILE_INFORMATION_CLASS
#define KEY_CLASS   NT_ARG_KEY_INFORMATION_CLASS
#define VALUE_CLASS NT_ARG_KEY_VALUE_INFORMATION_CLASS
/* Of a directory's entries the first one stands for all. */
static const struct info infos[] = {
    {FILE_CLASS, 1, {TEXT(FileName, 60, 64)}},   /* FileDirectoryInformation */
    {FILE_CLASS, 2, {TEXT(FileName, 60, 68)}},   /* FileFullDirectoryInformation */
    {FILE_CLASS, 3, {TEXT(FileName, 60, 94)}},   /* FileBothDirectoryInformation */
    {FILE_CLASS, 12, {TEXT(FileName, 8, 12)}},   /* FileNamesInformation */
    {FILE_CLASS, 37, {TEXT(FileName, 60, 104)}}, /* FileIdBothDirectoryInformation */
    {FILE_CLASS, 38, {TEXT(FileName, 60, 80)}},  /* FileIdFullDirectoryInformation */
    {FILE_CLASS,
     4, /* FileBasicInformation */
     {NAMED(FILE_ATTRIBUTES, FileAttributes, 32), FIELD(TIME, CreationTime, 0),
      FIELD(TIME, LastWriteTime, 16)}},
    {FILE_CLASS,
     5, /* FileStandardInformation */
     {FIELD(I64, AllocationSize, 0), FIELD(I64, EndOfFile, 8), FIELD(U32, NumberOfLinks, 16),
      FIELD(BOOL, DeletePending, 20), FIELD(BOOL, Directory, 21)}},
    {FILE_CLASS, 9, {TEXT(FileName, 0, 4)}}, /* FileNameInformation */
    {FILE_CLASS,
     10, /* FileRenameInformation */
     {FIELD(BOOL, ReplaceIfExists, 0),
      FIELD2(HANDLE, RootDirectory, 4, 8),
      {"FileName", F_TEXT, 12, 20, 8, 16, 0}}},
    {FILE_CLASS,
     11, /* FileLinkInformation */
     {FIELD(BOOL, ReplaceIfExists, 0),
      FIELD2(HANDLE, RootDirectory, 4, 8),
      {"FileName", F_TEXT, 12, 20, 8, 16, 0}}},
    {FILE_CLASS, 13, {FIELD(BOOL, DeleteFile, 0)}},       /* FileDispositionInformation */
    {FILE_CLASS, 14, {FIELD(I64, CurrentByteOffset, 0)}}, /* FilePositionInformation */
    {FILE_CLASS, 19, {FIELD(I64, AllocationSize, 0)}},    /* FileAllocationInformation */
    {FILE_CLASS, 20, {FIELD(I64, EndOfFile, 0)}},         /* FileEndOfFileInformation */
    {FILE_CLASS,
     34, /* FileNetworkOpenInformation */
     {NAMED(FILE_ATTRIBUTES, FileAttributes, 48), FIELD(I64, EndOfFile, 40),
      FIELD(TIME, LastWriteTime, 16)}},
    {FILE_CLASS, 64, {FIELD(U32, Flags, 0)}}, /* FileDispositionInformationEx */
    {FILE_CLASS,
     65, /* FileRenameInformationEx */
     {FIELD(U32, Flags, 0),
      FIELD2(HANDLE, RootDirectory, 4, 8),
      {"FileName", F_TEXT, 12, 20, 8, 16, 0}}},
    {VALUE_CLASS, 0, {NAMED(REG_TYPE, Type, 4), TEXT(Name, 8, 12)}}, /* basic */
    {VALUE_CLASS,
     1, /* full */
     {TEXT(Name, 16, 20), NAMED(REG_TYPE, Type, 4), DATA(DATA_AT, Data, 12, 8)}},
    {VALUE_CLASS, 2, {NAMED(REG_TYPE, Type, 4), DATA(DATA, Data, 8, 12)}}, /* partial */
    {VALUE_CLASS, 4, {NAMED(REG_TYPE, Type, 0), DATA(DATA, Data, 4, 8)}},  /* partial, aligned */
    {KEY_CLASS, 0, {TEXT(Name, 12, 16)}},                                  /* KeyBasicInformation */
    {KEY_CLASS, 1, {TEXT(Name, 20, 24)}},                                  /* KeyNodeInformation */
    {KEY_CLASS, 2, {FIELD(U32, SubKeys, 20), FIELD(U32, Values, 32)}},     /* KeyFullInformation */
    {KEY_CLASS, 3, {TEXT(Name, 0, 4)}},                                    /* KeyNameInformation */
    {KEY_CLASS, 4, {FIELD(U32, SubKeys, 12), FIELD(U32, Values, 20)}}, /* KeyCachedInformation */
    {NT_ARG_MEMORY_INFORMATION_CLASS,
     0, /* MemoryBasicInformation */
     {FIELD(PTR, BaseAddress, 0), FIELD2(PTR, AllocationBase, 4, 8),
      NAMED2(PAGE_PROTECTION, AllocationProtect, 8, 16), FIELD2(SIZE, RegionSize, 12, 24),
      NAMED2(MEMORY_STATE, State, 16, 32), NAMED2(PAGE_PROTECTION, Protect, 20, 36),
      NAMED2(MEMORY_TYPE, Type, 24, 40)}},
};

static size_t width(const struct trace_decoder *d, enum form form)
{
    switch (form) {
    case F_BOOL:
        return 1;
    case F_I64:
    case F_TIME:
        return 8;
    case F_PTR:
    case F_SIZE:
    case F_HANDLE:
        return d->g->ptr_size;
    default:
        return 4;
    }
}

/* Where a TEXT or DATA field lies; false when that is not in the buffer, or cannot be read. */
static bool extent(struct trace_decoder *d, const struct field *f, uint64_t va, uint64_t size,
                   uint32_t *at, uint32_t *len)
{
    bool wide = d->g->ptr_size == 8;
    uint32_t length_at = wide ? f->length64 : f->length32;
    *at = wide ? f->at64 : f->at32;
    *len = 0;
    if (f->form == F_DATA_AT && (!range_inside(*at, 4, size) || !trace_peek(d, va + *at, at, 4)))
        return false;
    return *at <= size && range_inside(length_at, 4, size) && trace_peek(d, va + length_at, len, 4);
}

static void put_data(struct trace_decoder *d, const char *name, uint32_t type, uint64_t va,
                     uint64_t size)
{
    enum { REG_DWORD = 4 };
    uint32_t value;
    if (type == REG_DWORD && size == 4 && trace_peek(d, va, &value, 4))
        trace_put(d, TRACE_NUMBER, name, value);
    else
        trace_put_buffer(d, name, va, size);
}

static bool put_extent(struct trace_decoder *d, const struct field *f, uint64_t va, uint64_t size,
                       uint32_t previous)
{
    uint32_t at, len;
    if (!extent(d, f, va, size, &at, &len))
        return false;
    uint64_t inside = MIN(len, size - at);
    if (f->form == F_TEXT)
        trace_put_utf16_at(d, f->name, va + at, inside / 2);
    else
        put_data(d, f->name, previous, va + at, inside);
    return true;
}

/* `value`: the bytes of a field that is no extent. */
static void put_field(struct trace_decoder *d, const struct field *f, uint64_t value)
{
    switch ((enum form)f->form) {
    case F_BOOL:
        trace_put(d, TRACE_BOOL, f->name, value);
        break;
    case F_I64:
        trace_put(d, TRACE_SIGNED, f->name, value);
        break;
    case F_PTR:
        trace_put(d, TRACE_ADDRESS, f->name, value);
        break;
    case F_HANDLE:
        trace_put_handle(d, f->name, value);
        break;
    case F_TIME:
        trace_put_system_time(d, f->name, value);
        break;
    case F_NAMED:
        trace_put_named(d, f->type, f->name, (uint32_t)value);
        break;
    default:
        trace_put(d, TRACE_NUMBER, f->name, value);
        break;
    }
}

/* A field with a fixed width; its value stays in *value for the field after it. */
static bool put_fixed(struct trace_decoder *d, const struct field *f, uint64_t va, uint64_t size,
                      uint64_t *value)
{
    uint64_t at = d->g->ptr_size == 8 ? f->at64 : f->at32;
    *value = 0;
    if (!range_inside(at, width(d, f->form), size) ||
        !trace_peek(d, va + at, value, width(d, f->form)))
        return false;
    put_field(d, f, *value);
    return true;
}

/* Fields that lie in the buffer, up to the first that does not. */
static void put_fields(struct trace_decoder *d, const struct info *info, const char *name,
                       uint64_t va, uint64_t size)
{
    struct trace_value *v = trace_put(d, TRACE_FIELDS, name, 0);
    uint64_t value = 0;
    for (const struct field *f = info->fields; f < info->fields + FIELDS_MAX && f->form; f++) {
        if (f->form >= F_TEXT ? !put_extent(d, f, va, size, (uint32_t)value)
                              : !put_fixed(d, f, va, size, &value))
            break;
        v->children++;
    }
}

bool trace_put_info(struct trace_decoder *d, const char *name, uint64_t va, uint64_t size)
{
    uint8_t first;
    if (!va || !size || !trace_peek(d, va, &first, 1))
        return false;
    for (size_t i = 0; i < d->service->arg_count; i++) {
        for (const struct info *info = infos; info < infos + ARRAY_LEN(infos); info++) {
            if (info->class_type == d->service->args[i].type && info->class == d->arg[i]) {
                put_fields(d, info, name, va, size);
                return true;
            }
        }
    }
    return false;
}

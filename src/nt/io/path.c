// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NT names. NT itself knows neither "." nor "..": the guest's ntdll resolves them before it calls,
 * so here they are invalid names, and nothing textual can climb out of a mount.
 */
#include "nt/io/internal.h"

enum { NAME_UNITS_MAX = 255 };

static uint16_t upper(uint16_t c)
{
    return c >= 'a' && c <= 'z' ? (uint16_t)(c - 32) : c;
}

/* Length of an ASCII prefix of the name, ignoring case; 0 when it does not begin so. */
static size_t begins(const uint16_t *name, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    if (len < n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (upper(name[i]) != upper((uint8_t)prefix[i]))
            return 0;
    return n;
}

static bool equals(const uint16_t *name, size_t len, const char *text)
{
    return len == strlen(text) && begins(name, len, text);
}

bool nt_path_begins(const uint16_t *path, size_t len, const uint16_t *prefix, size_t prefix_len)
{
    return len >= prefix_len && utf16_equal_nocase(path, prefix_len, prefix, prefix_len) &&
           (len == prefix_len || path[prefix_len] == '\\');
}

bool nt_name_valid(const uint16_t *name, size_t len)
{
    if (!len || len > NAME_UNITS_MAX)
        return false;
    if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
        return false;
    for (size_t i = 0; i < len; i++) {
        uint16_t ch = name[i];
        if (ch < 0x20 || (ch < 0x80 && strchr("\"*/:<>?\\|", ch)))
            return false;
    }
    return true;
}

void nt_path_free(struct nt_path *p)
{
    free(p->text);
    *p = (struct nt_path){0};
}

uint16_t *nt_path_join(const uint16_t *path, size_t len, const uint16_t *name, size_t name_len,
                       size_t *out_len)
{
    uint16_t *out = xmalloc((len + name_len + 2) * 2);
    memcpy(out, path, len * 2);
    out[len] = '\\';
    memcpy(out + len + 1, name, name_len * 2);
    *out_len = len + 1 + name_len;
    out[*out_len] = 0;
    return out;
}

size_t nt_path_parent(const uint16_t *path, size_t len)
{
    size_t n = len;
    while (n > 2 && path[n - 1] != '\\')
        n--;
    return n > 2 ? n - 1 : 2;
}

/* "name:stream:type" in the last component: all that exists is the unnamed data stream. */
static ntstatus cut_stream(const uint16_t *name, size_t *len, bool *data_stream)
{
    size_t colon = 0;
    while (colon < *len && name[colon] != ':')
        colon++;
    if (colon == *len)
        return STATUS_SUCCESS;
    const uint16_t *rest = name + colon;
    size_t rest_len = *len - colon;
    if (equals(rest, rest_len, "::$DATA")) {
        *len = colon;
        *data_stream = true;
        return STATUS_SUCCESS;
    }
    return STATUS_OBJECT_NAME_INVALID;
}

/* Appends the components of name[0..len) to out->text, which has room for them. */
static ntstatus add_components(struct nt_path *out, const uint16_t *name, size_t len)
{
    size_t at = 0, extra = out->len == 2 && len > 1 && name[1] == '\\'; /* "C:\\" is forgiven */
    while (at < len) {
        if (name[at] == '\\') {
            if (out->trailing && !extra--)
                return STATUS_OBJECT_NAME_INVALID;
            out->trailing = true;
            at++;
            continue;
        }
        extra = 0;
        size_t end = at;
        while (end < len && name[end] != '\\')
            end++;
        size_t n = end - at;
        ntstatus s = end == len ? cut_stream(name + at, &n, &out->data_stream) : STATUS_SUCCESS;
        if (s)
            return s;
        if (!nt_name_valid(name + at, n))
            return STATUS_OBJECT_NAME_INVALID;
        out->text[out->len++] = '\\';
        memcpy(out->text + out->len, name + at, n * 2);
        out->len += n;
        out->trailing = false;
        at = end;
    }
    out->text[out->len] = 0;
    return STATUS_SUCCESS;
}

static void set_text(struct nt_path *out, enum nt_path_kind kind, const uint16_t *text, size_t len)
{
    out->kind = (uint8_t)kind;
    out->text = xcalloc(len + 1, 2);
    memcpy(out->text, text, len * 2);
    out->len = len;
}

/* What follows the drive: nothing (the volume itself), or a path. */
static ntstatus on_drive(struct nt_path *out, uint16_t letter, const uint16_t *rest, size_t len)
{
    out->kind = len ? NT_PATH_DISK : NT_PATH_VOLUME;
    out->text = xmalloc((len + 4) * 2);
    out->text[0] = upper(letter);
    out->text[1] = ':';
    out->text[2] = 0;
    out->len = 2;
    if (len && rest[0] != '\\')
        return STATUS_OBJECT_NAME_INVALID;
    ntstatus s = add_components(out, rest, len);
    return s;
}

static ntstatus drive_path(const struct nt_io *io, struct nt_path *out, uint16_t letter,
                           const uint16_t *rest, size_t len)
{
    if (!nt_drive_exists(io, upper(letter)))
        return len > 1 ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
    return on_drive(out, letter, rest, len);
}

static const struct {
    const char *name;
    uint8_t kind;
} devices[] = {
    {"NUL", NT_PATH_NULL},
    {"Null", NT_PATH_NULL},
    {"CON", NT_PATH_CON},
    {"CONIN$", NT_PATH_CON_IN},
    {"CONOUT$", NT_PATH_CON_OUT},
    {"ConDrv\\CurrentIn", NT_PATH_CON_IN},
    {"ConDrv\\Input", NT_PATH_CON_IN},
    {"ConDrv\\CurrentOut", NT_PATH_CON_OUT},
    {"ConDrv\\Output", NT_PATH_CON_OUT},
    {"ConDrv\\Console", NT_PATH_CON},
    {"MountPointManager", NT_PATH_MOUNT_MANAGER},
};

static ntstatus device(struct nt_path *out, const uint16_t *name, size_t len)
{
    static const char *const pipe_names[] = {"pipe", "NamedPipe"};
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        if (equals(name, len, devices[i].name)) {
            out->kind = devices[i].kind;
            return STATUS_SUCCESS;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(pipe_names); i++) {
        size_t n = begins(name, len, pipe_names[i]);
        if (n && n == len) {
            out->kind = NT_PATH_PIPE_ROOT;
            return STATUS_SUCCESS;
        }
        if (n && name[n] == '\\') {
            set_text(out, NT_PATH_PIPE, name + n + 1, len - n - 1);
            return STATUS_SUCCESS;
        }
    }
    size_t n = begins(name, len, "mailslot");
    if (n && (n == len || name[n] == '\\')) {
        n += n < len;
        set_text(out, NT_PATH_MAILSLOT, name + n, len - n);
        return STATUS_SUCCESS;
    }
    for (size_t i = 0; i < len; i++)
        if (name[i] == '\\')
            return STATUS_OBJECT_PATH_NOT_FOUND;
    return len ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_NAME_INVALID;
}

/* "HarddiskVolume1\dir": see nt_io_volume_number. */
static bool volume(const struct nt_io *io, const uint16_t *name, size_t len, uint16_t *letter,
                   size_t *used)
{
    size_t n = begins(name, len, "HarddiskVolume");
    unsigned number = 0;
    if (!n)
        return false;
    while (n < len && name[n] >= '0' && name[n] <= '9' && number < 100)
        number = number * 10 + name[n++] - '0';
    *used = n;
    for (char c = 'A'; c <= 'Z'; c++) {
        if (nt_io_volume_number(c) == number && nt_drive_exists(io, (uint8_t)c)) {
            *letter = (uint8_t)c;
            return true;
        }
    }
    return false;
}

/* "Volume{00000000-0000-0000-0000-0000000000NN}": NN is the drive letter's code. */
static bool volume_guid(const uint16_t *name, size_t len, uint16_t *letter, size_t *used)
{
    size_t n = begins(name, len, "Volume{00000000-0000-0000-0000-0000000000");
    if (!n || len < n + 3 || name[n + 2] != '}')
        return false;
    unsigned code = 0;
    for (int i = 0; i < 2; i++) {
        uint16_t c = upper(name[n + i]);
        code = code * 16 + (c >= 'A' ? c - 'A' + 10u : c - '0' + 0u);
    }
    *letter = (uint16_t)code;
    *used = n + 3;
    return code >= 'A' && code <= 'Z';
}

static ntstatus dos_device(const struct nt_io *io, struct nt_path *out, const uint16_t *name,
                           size_t len);

static ntstatus absolute(const struct nt_io *io, struct nt_path *out, const uint16_t *name,
                         size_t len)
{
    static const char *const dos[] = {"\\??\\", "\\DosDevices\\", "\\GLOBAL??\\"};
    static const uint16_t windows[] = u"C:\\windows";
    uint16_t letter;
    size_t n, used;
    for (size_t i = 0; i < ARRAY_LEN(dos); i++)
        if ((n = begins(name, len, dos[i])))
            return dos_device(io, out, name + n, len - n);
    if ((n = begins(name, len, "\\Device\\"))) {
        if (volume(io, name + n, len - n, &letter, &used))
            return on_drive(out, letter, name + n + used, len - n - used);
        return device(out, name + n, len - n);
    }
    if ((n = begins(name, len, "\\SystemRoot")) && (len == n || name[n] == '\\')) {
        size_t total = ARRAY_LEN(windows) - 1 + len - n;
        uint16_t *full = xmalloc((total + 1) * 2);
        memcpy(full, windows, sizeof windows - 2);
        memcpy(full + ARRAY_LEN(windows) - 1, name + n, (len - n) * 2);
        ntstatus s = drive_path(io, out, full[0], full + 2, total - 2);
        free(full);
        return s;
    }
    if (begins(name, len, "\\\\")) /* "\\?\x" was meant for Win32 */
        return STATUS_OBJECT_NAME_INVALID;
    for (size_t i = 1; i < len; i++)
        if (name[i] == '\\')
            return STATUS_OBJECT_PATH_NOT_FOUND;
    return len == 1 ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_OBJECT_NAME_NOT_FOUND;
}

static ntstatus dos_device(const struct nt_io *io, struct nt_path *out, const uint16_t *name,
                           size_t len)
{
    uint16_t letter;
    size_t n, used;
    if (len >= 2 && name[1] == ':' && (len == 2 || name[2] == '\\') && upper(name[0]) >= 'A' &&
        upper(name[0]) <= 'Z')
        return drive_path(io, out, name[0], name + 2, len - 2);
    if ((n = begins(name, len, "GLOBALROOT")) && len > n && name[n] == '\\') {
        if (begins(name + n, len - n, "\\??\\GLOBALROOT")) /* would recurse for ever */
            return STATUS_OBJECT_PATH_NOT_FOUND;
        return absolute(io, out, name + n, len - n);
    }
    if ((n = begins(name, len, "GLOBAL\\")))
        return begins(name + n, len - n, "GLOBAL") ? STATUS_OBJECT_PATH_NOT_FOUND
                                                   : dos_device(io, out, name + n, len - n);
    if (volume_guid(name, len, &letter, &used))
        return drive_path(io, out, letter, name + used, len - used);
    if (volume(io, name, len, &letter, &used))
        return on_drive(out, letter, name + used, len - used);
    if (begins(name, len, "UNC\\")) /* no network: no share answers */
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (equals(name, len, "Null")) /* the device's own name, and no link to it */
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return device(out, name, len);
}

ntstatus nt_path_parse(const struct nt_io *io, const uint16_t *base, size_t base_len,
                       const uint16_t *name, size_t len, struct nt_path *out)
{
    *out = (struct nt_path){0};
    ntstatus s;
    if (base) {
        if (len && name[0] == '\\')
            return STATUS_INVALID_PARAMETER;
        out->kind = NT_PATH_DISK;
        out->text = xmalloc((base_len + len + 3) * 2);
        memcpy(out->text, base, base_len * 2);
        out->len = base_len;
        s = add_components(out, name, len);
    } else if (!len || name[0] != '\\') {
        s = STATUS_OBJECT_PATH_SYNTAX_BAD;
    } else {
        s = absolute(io, out, name, len);
    }
    if (s)
        nt_path_free(out);
    return s;
}

uint16_t *nt_path_from_utf8(const char *text, size_t *out_len)
{
    size_t len;
    struct nt_path p = {0};
    uint16_t *wide = utf8_to_utf16(text, strlen(text), &len), *name = wide;
    size_t prefix = begins(wide, len, "\\??\\");
    name += prefix;
    len -= prefix;
    for (size_t i = 0; i < len; i++)
        if (name[i] == '/')
            name[i] = '\\';
    bool ok = len >= 2 && name[1] == ':' && upper(name[0]) >= 'A' && upper(name[0]) <= 'Z' &&
              on_drive(&p, name[0], name + 2, len - 2) == STATUS_SUCCESS && !p.data_stream;
    free(wide);
    if (!ok) {
        nt_path_free(&p);
        return NULL;
    }
    *out_len = p.len;
    return p.text;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mount manager: every drive is a volume with two links to it, \??\Volume{GUID} and
 * \DosDevices\C:. Both are computed from the letter (see path.c), nothing is kept.
 */
#include "nt/io/mountmgr.h"

enum { IOCTL_MOUNTMGR_QUERY_POINTS = 0x6d0008 };
enum { SPEC_BYTES = 24, HEADER_BYTES = 8, INPUT_MAX = 4096, NAME_MAX_UNITS = 64 };

struct text {
    uint16_t data[NAME_MAX_UNITS];
    size_t len; /* units */
};

struct point {
    struct text link, device;
    uint8_t id[8];
};

/* MOUNTMGR_MOUNT_POINT: what to look for; offsets are from its own beginning, 0: anything. */
struct spec {
    uint8_t bytes[INPUT_MAX];
    size_t len;
};
enum { SPEC_LINK = 0, SPEC_ID = 8, SPEC_DEVICE = 16 };

static void set_text(struct text *out, const char *s)
{
    for (out->len = 0; s[out->len]; out->len++)
        out->data[out->len] = (uint8_t)s[out->len];
}

/* Two for each drive: `which` 0 is the volume name, 1 the drive letter. */
static void make_point(struct point *p, char letter, int which)
{
    char name[NAME_MAX_UNITS];
    nt_io_drive_link(letter, which == 0, name);
    set_text(&p->link, name);
    nt_io_drive_device(letter, name);
    set_text(&p->device, name);
    memcpy(p->id, "PGRDISK", 7);
    p->id[7] = (uint8_t)letter;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The bytes of one field; false when it is outside of the input. */
static bool field(const struct spec *s, size_t at, uint32_t *offset, uint16_t *len)
{
    *offset = get32(s->bytes + at);
    *len = get16(s->bytes + at + 4);
    return *offset <= s->len && *len <= s->len - *offset;
}

static bool text_is(const struct spec *s, size_t at, const struct text *t)
{
    uint32_t offset;
    uint16_t len, name[NAME_MAX_UNITS];
    field(s, at, &offset, &len);
    if (!offset)
        return true;
    if (len != t->len * 2)
        return false;
    memcpy(name, s->bytes + offset, len);
    return utf16_equal_nocase(name, t->len, t->data, t->len);
}

static bool matches(const struct spec *s, const struct point *p)
{
    uint32_t offset;
    uint16_t len;
    field(s, SPEC_ID, &offset, &len);
    if (offset && (len != sizeof p->id || memcmp(s->bytes + offset, p->id, len)))
        return false;
    return text_is(s, SPEC_LINK, &p->link) && text_is(s, SPEC_DEVICE, &p->device);
}

static void put(uint8_t *out, size_t row, size_t at, size_t *pos, const void *data, size_t len)
{
    uint32_t offset = (uint32_t)*pos;
    uint16_t bytes = (uint16_t)len;
    memcpy(out + row + at, &offset, sizeof offset);
    memcpy(out + row + at + 4, &bytes, sizeof bytes);
    memcpy(out + *pos, data, len);
    *pos += len;
}

static ntstatus read_spec(struct nt_control *k, struct spec *s)
{
    uint32_t offset;
    uint16_t len;
    if (k->in_len < SPEC_BYTES || k->in_len > INPUT_MAX || k->out_len < HEADER_BYTES + SPEC_BYTES)
        return STATUS_INVALID_PARAMETER;
    s->len = k->in_len;
    ntstatus st = nt_read(k->c, k->in, s->bytes, s->len);
    if (st)
        return st;
    if (!field(s, SPEC_LINK, &offset, &len) || !field(s, SPEC_ID, &offset, &len) ||
        !field(s, SPEC_DEVICE, &offset, &len))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static ntstatus query_points(struct nt_control *k)
{
    enum { POINT_MAX = SPEC_BYTES + 2 * NAME_MAX_UNITS * 2 + 8, ALL = 2 * 26 };
    struct point *found = xcalloc(ALL, sizeof *found);
    struct spec s;
    uint32_t n = 0;
    ntstatus st = read_spec(k, &s);
    for (char letter = 'A'; letter <= 'Z' && !st; letter++) {
        for (int which = 0; which < 2 && nt_drive_exists(k->c->k->io, (uint8_t)letter); which++) {
            make_point(&found[n], letter, which);
            n += matches(&s, &found[n]);
        }
    }
    uint8_t *out = xcalloc(1, HEADER_BYTES + (size_t)ALL * POINT_MAX);
    size_t pos = HEADER_BYTES + (size_t)n * SPEC_BYTES;
    for (size_t i = 0; i < n; i++) {
        size_t row = HEADER_BYTES + i * SPEC_BYTES;
        put(out, row, SPEC_DEVICE, &pos, found[i].device.data, found[i].device.len * 2);
        put(out, row, SPEC_LINK, &pos, found[i].link.data, found[i].link.len * 2);
        put(out, row, SPEC_ID, &pos, found[i].id, sizeof found[i].id);
    }
    uint32_t size = (uint32_t)pos;
    memcpy(out, &size, sizeof size);
    memcpy(out + 4, &n, sizeof n);
    if (!st && pos <= k->out_len) {
        st = nt_control_reply(k, out, pos);
    } else if (!st) {
        st = nt_control_reply(k, &size, sizeof size); /* the size that would do */
        st = st ? st : STATUS_BUFFER_OVERFLOW;
    }
    free(out);
    free(found);
    return st;
}

ntstatus nt_mount_manager(struct nt_control *k, uint32_t code)
{
    if (code == IOCTL_MOUNTMGR_QUERY_POINTS)
        return query_points(k);
    return nt_wine_mount_manager(k, code);
}

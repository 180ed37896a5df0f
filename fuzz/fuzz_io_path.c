// SPDX-License-Identifier: GPL-2.0-or-later
/* NT names and wildcards as a guest could write them: nothing that comes out may lead anywhere but
 * down. The first byte says where the name is cut from the pattern. */
#include "nt/io/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_components(const struct nt_path *p)
{
    BUG_ON(p->len < 2 || p->text[1] != ':' || p->text[p->len]);
    for (size_t at = 2; at < p->len;) {
        size_t end = at + 1;
        while (end < p->len && p->text[end] != '\\')
            end++;
        BUG_ON(p->text[at] != '\\' || !nt_name_valid(p->text + at + 1, end - at - 1));
        at = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint16_t guest[] = u"C:\\work", d[] = u"D:";
    struct nt_mount work = {.guest = guest, .guest_len = 7}, drive = {.guest = d, .guest_len = 2};
    struct nt_mount *mounts[] = {&work, &drive};
    struct nt_io io = {.mounts = mounts, .mount_len = 2};
    struct nt_path p;
    if (size < 2)
        return 0;
    size_t len = (size - 1) / 2, cut = data[0] % (len + 1);
    uint16_t *text = xmalloc(len * 2 + 2);
    memcpy(text, data + 1, len * 2);
    for (int based = 0; based < 2; based++) {
        if (nt_path_parse(&io, based ? guest : NULL, 7, text, len, &p))
            continue;
        if (p.kind == NT_PATH_DISK || p.kind == NT_PATH_VOLUME)
            check_components(&p);
        BUG_ON(based && !nt_path_begins(p.text, p.len, guest, 7));
        nt_path_free(&p);
    }
    nt_wildcard_match(text, cut, text + cut, len - cut);
    free(text);
    return 0;
}

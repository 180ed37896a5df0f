// SPDX-License-Identifier: GPL-2.0-or-later
/* The window station and the desktop: there are no windows behind them, but programs ask which ones
 * they have. */
#include "base/utf.h"
#include "nt/call.h"

#include <stdlib.h>
#include <string.h>

enum { ACCESS_ALL_STATION = 0xf037f, ACCESS_ALL_DESKTOP = 0xf01ff };

/* The process's own handle, opened when it is first asked for: what the caller gets as a status. */
static ntstatus own_handle(struct nt_call *c, const char *path, uint32_t access, uint32_t *handle)
{
    if (*handle && nt_handle_row(c->p, *handle))
        return *handle;
    size_t len;
    uint16_t *wide = utf8_to_utf16(path, strlen(path), &len);
    struct nt_object *o = nt_name_lookup(c->k, wide, len, NULL);
    free(wide);
    *handle = o && nt_handle_room(c->p) ? (uint32_t)nt_handle_add(c->p, o, access, 0) : 0;
    return *handle;
}

ntstatus nt_user_get_process_window_station(struct nt_call *c)
{
    return own_handle(c, "\\Sessions\\1\\Windows\\WindowStations\\WinSta0", ACCESS_ALL_STATION,
                      &c->p->window_station);
}

ntstatus nt_user_get_thread_desktop(struct nt_call *c)
{
    const struct NtUserGetThreadDesktop_args *a = nt_args(c);
    const struct nt_thread *t = nt_thread_by_tid(c->k, (uint32_t)a->ThreadId);
    if (!t || t->process != c->p->o.id)
        return 0;
    return own_handle(c, "\\Default", ACCESS_ALL_DESKTOP, &c->p->desktop);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* win.ini and system.ini, which every Windows has and the profile functions read. A root with files
 * of its own keeps them; a program's changes go to the overlay. */
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "nt/io/io.h"
#include "win/internal.h"

#include <string.h>

#define WINDOWS "C:\\windows"

static const struct {
    const char *name, *text;
} files[] = {
    {"win.ini", "; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n[mci extensions]\r\n"
                "[files]\r\n[Mail]\r\nMAPI=1\r\n"},
    {"system.ini", "; for 16-bit app support\r\n[386Enh]\r\nwoafont=dosapp.fon\r\n[drivers]\r\n"
                   "wave=mmdrv.dll\r\ntimer=timer.drv\r\n[mci]\r\n"},
};

static bool install(const char *dir, const char *name, const char *text)
{
    struct host_map m;
    size_t size = strlen(text);
    char *path = xasprintf("%s/%s", dir, name);
    bool same = false;
    if (!host_map_open(&m, path, NULL)) {
        same = m.size == size && !memcmp(m.data, text, size);
        host_map_close(&m);
    }
    if (!same)
        same = !host_write_file(path, (const uint8_t *)text, size, NULL);
    free(path);
    return same;
}

void win_ini_install(struct nt_kernel *k)
{
    char *dir = host_cache_dir("synthetic/windows");
    bool ok = dir && host_make_dirs(dir);
    for (size_t i = 0; i < ARRAY_LEN(files) && ok; i++)
        ok = install(dir, files[i].name, files[i].text);
    if (ok)
        nt_io_supply(k, WINDOWS, dir, NULL);
    free(dir);
}

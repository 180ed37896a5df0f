// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs a fuzz target once over each file of the given directories, without libFuzzer. */
#include "base/hostio.h"
#include "base/vec.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* On a heap block of exactly its size, so that a sanitizer sees a read past the end. */
static void replay(const char *path)
{
    struct host_map m;
    if (host_map_open(&m, path, NULL) != PGR_OK)
        return;
    uint8_t *copy = xmemdup(m.data, m.size);
    LLVMFuzzerTestOneInput(copy, m.size);
    free(copy);
    host_map_close(&m);
}

int main(int argc, char **argv)
{
    int count = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        for (struct dirent *entry; d && (entry = readdir(d));) {
            char *path = xasprintf("%s/%s", argv[i], entry->d_name);
            if (entry->d_name[0] != '.')
                replay(path);
            count += entry->d_name[0] != '.';
            free(path);
        }
        if (d)
            closedir(d);
    }
    printf("%d inputs\n", count);
    return 0;
}

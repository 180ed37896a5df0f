// SPDX-License-Identifier: GPL-2.0-or-later
// A plugin for another version of the interface.
#include <peregrine/plugin.h>

const uint32_t pgr_plugin_version = PGR_PLUGIN_VERSION + 1;

int pgr_plugin_start(struct pgr_machine *m, const struct pgr_plugin_host *host)
{
    return 0;
}

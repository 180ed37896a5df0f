// SPDX-License-Identifier: GPL-2.0-or-later
/* What of event.h plugins have. */
#include <peregrine/plugin.h>
#include <stdio.h>

enum { PLACE = 0x23000000, SIZE = 0x2000, SERVICES = 3 };

PGR_PLUGIN_DECLARE

static const struct pgr_plugin_host *host;
static uint32_t service_hook;
static unsigned services, modules;

static bool service(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    if (++services == SERVICES && host->unhook(m, service_hook, NULL))
        fprintf(stderr, "plugin: cannot unhook\n");
    return false;
}

static bool module(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    modules++;
    return false;
}

static bool begins(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    struct pgr_error err = {0};
    uint32_t v = 5;
    bool ok = !host->machine_map(m, PLACE, SIZE, PGR_RW, &err) &&
              !host->machine_write(m, PLACE, &v, sizeof v, &err) &&
              !host->machine_protect(m, PLACE, SIZE, PGR_R, &err) &&
              !host->machine_unmap(m, PLACE, SIZE, &err) &&
              host->machine_read(m, PLACE, &v, sizeof v, NULL) == PGR_E_ARGUMENT;
    fprintf(stderr, "plugin: %s %s%s\n", host->hook_kind_name(e->kind),
            ok ? "mapped" : "failed: ", err.text);
    return false;
}

int pgr_plugin_start(struct pgr_machine *m, const struct pgr_plugin_host *h)
{
    host = h;
    if (h->size < offsetof(struct pgr_plugin_host, machine_unmap) + sizeof h->machine_unmap)
        return 1;
    return h->hook(m, &(struct pgr_hook){.kind = PGR_HOOK_SERVICE, .handler = service},
                   &service_hook, NULL) ||
           h->hook(m, &(struct pgr_hook){.kind = PGR_HOOK_MODULE_LOAD, .handler = module}, NULL,
                   NULL) ||
           h->hook(m, &(struct pgr_hook){.kind = PGR_HOOK_PROCESS_START, .handler = begins}, NULL,
                   NULL);
}

void pgr_plugin_end(struct pgr_machine *m, const struct pgr_exit *why)
{
    fprintf(stderr, "plugin: %u services, %s modules\n", services, modules > 4 ? "some" : "few");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PEREGRINE_PLUGIN_H
#define PEREGRINE_PLUGIN_H
/*
 * Plugins of `peregrine run --plugin FILE.so`: shared libraries that hook what programs do. They
 * are not linked with the library; what they may call comes in a table.
 *
 *     PGR_PLUGIN_DECLARE
 *
 *     int pgr_plugin_start(struct pgr_machine *m, const struct pgr_plugin_host *host)
 *     {
 *         return host->hook_call(m, &(struct pgr_call_hook){...}, NULL, NULL);
 *     }
 *
 * Unlike scripts they run with all rights of the process.
 */
#include <peregrine/event.h>
#include <peregrine/hook.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a plugin of before would not work any more. What is added goes to the table's end.
 */
#define PGR_PLUGIN_VERSION 1

struct pgr_plugin_host {
    uint32_t version; /* PGR_PLUGIN_VERSION of the program */
    uint32_t size;    /* of this structure there: what lies beyond is not there */
    /* The functions of the same names in hook.h, event.h and machine.h. */
    pgr_status (*hook_call)(struct pgr_machine *m, const struct pgr_call_hook *hook, uint32_t *id,
                            struct pgr_error *err);
    pgr_status (*unhook_call)(struct pgr_machine *m, uint32_t id, struct pgr_error *err);
    struct pgr_machine *(*call_machine)(struct pgr_call *c);
    const char *(*call_function)(const struct pgr_call *c);
    const char *(*call_module)(const struct pgr_call *c);
    uint32_t (*call_thread)(const struct pgr_call *c);
    uint64_t (*call_caller)(const struct pgr_call *c);
    uint64_t (*call_address)(const struct pgr_call *c);
    unsigned (*call_depth)(const struct pgr_call *c);
    unsigned (*call_arg_count)(const struct pgr_call *c);
    const char *(*call_arg_name)(const struct pgr_call *c, unsigned i);
    int (*call_arg_index)(const struct pgr_call *c, const char *name);
    uint64_t (*call_arg)(struct pgr_call *c, unsigned i);
    void (*call_set_arg)(struct pgr_call *c, unsigned i, uint64_t value);
    uint64_t (*call_result)(struct pgr_call *c);
    void (*call_set_result)(struct pgr_call *c, uint64_t value);
    uint32_t (*call_last_error)(struct pgr_call *c);
    void (*call_set_last_error)(struct pgr_call *c, uint32_t code);
    char *(*call_text)(struct pgr_call *c, uint64_t address, bool wide, size_t max);
    pgr_status (*call_guest)(struct pgr_call *c, struct pgr_guest_call *call,
                             struct pgr_error *err);
    pgr_status (*symbol_address)(struct pgr_machine *m, const char *name, uint64_t *address,
                                 struct pgr_error *err);
    bool (*symbol_name)(struct pgr_machine *m, uint64_t address, char *out, size_t size);
    pgr_status (*machine_read)(struct pgr_machine *m, uint64_t address, void *out, size_t size,
                               struct pgr_error *err);
    pgr_status (*machine_write)(struct pgr_machine *m, uint64_t address, const void *data,
                                size_t size, struct pgr_error *err);
    pgr_status (*machine_get_register)(struct pgr_machine *m, uint32_t thread, const char *name,
                                       uint64_t *value, struct pgr_error *err);
    pgr_status (*machine_set_register)(struct pgr_machine *m, uint32_t thread, const char *name,
                                       uint64_t value, struct pgr_error *err);
    unsigned (*machine_pointer_size)(const struct pgr_machine *m);
    void (*machine_stop)(struct pgr_machine *m);
    pgr_status (*module_list)(struct pgr_machine *m, struct pgr_module **list, size_t *count,
                              struct pgr_error *err);
    pgr_status (*export_list)(struct pgr_machine *m, uint64_t address, struct pgr_export **list,
                              size_t *count, struct pgr_error *err);
    pgr_status (*thread_list)(struct pgr_machine *m, struct pgr_thread **list, size_t *count,
                              struct pgr_error *err);
    pgr_status (*hook)(struct pgr_machine *m, const struct pgr_hook *hook, uint32_t *id,
                       struct pgr_error *err);
    pgr_status (*unhook)(struct pgr_machine *m, uint32_t id, struct pgr_error *err);
    const char *(*hook_kind_name)(enum pgr_hook_kind kind);
    pgr_status (*machine_map)(struct pgr_machine *m, uint64_t address, uint64_t size,
                              unsigned access, struct pgr_error *err);
    pgr_status (*machine_protect)(struct pgr_machine *m, uint64_t address, uint64_t size,
                                  unsigned access, struct pgr_error *err);
    pgr_status (*machine_unmap)(struct pgr_machine *m, uint64_t address, uint64_t size,
                                struct pgr_error *err);
};

/* Once in each plugin: by this the program knows that it fits. */
#define PGR_PLUGIN_DECLARE const uint32_t pgr_plugin_version = PGR_PLUGIN_VERSION;

extern const uint32_t pgr_plugin_version;
/* Before the program is loaded; the table lives as long as the machine. Not 0: there is no run. */
int pgr_plugin_start(struct pgr_machine *m, const struct pgr_plugin_host *host);
/* May be missing. After the run, while the machine is still there. */
void pgr_plugin_end(struct pgr_machine *m, const struct pgr_exit *why);

#ifdef __cplusplus
}
#endif
#endif

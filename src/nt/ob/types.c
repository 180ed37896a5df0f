// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ob/object.h"

extern const struct nt_type nt_type_process, nt_type_thread, nt_type_event, nt_type_mutant,
    nt_type_semaphore, nt_type_timer, nt_type_keyed_event, nt_type_io_completion, nt_type_section,
    nt_type_file, nt_type_key, nt_type_token, nt_type_job, nt_type_debug;

static void inert_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void inert_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
}

static const struct nt_type nt_type_device = {
    .name = "Device",
    .size = sizeof(struct nt_object),
    .generic = {0x120089, 0x120116, 0x1200a0, 0x1f01ff},
    .valid_access = 0x1f01ff,
    .destroy = inert_destroy,
    .transfer = inert_transfer,
};

static const struct nt_type nt_type_window_station = {
    .name = "WindowStation",
    .size = sizeof(struct nt_object),
    .generic = {0x20303, 0x2001c, 0x20060, 0xf037f},
    .valid_access = 0xf037f,
    .destroy = inert_destroy,
    .transfer = inert_transfer,
};

static const struct nt_type nt_type_desktop = {
    .name = "Desktop",
    .size = sizeof(struct nt_object),
    .generic = {0x20041, 0x200be, 0x20100, 0xf01ff},
    .valid_access = 0xf01ff,
    .destroy = inert_destroy,
    .transfer = inert_transfer,
};

static const struct nt_type nt_type_type = {
    .name = "Type",
    .size = sizeof(struct nt_object),
    .generic = {0x20000, 0x20000, 0x20000, 0xf0001},
    .valid_access = 0x1f0001,
    .destroy = inert_destroy,
    .transfer = inert_transfer,
};

const struct nt_type *const nt_types[NT_TYPE_COUNT] = {
    [NT_TYPE_DIRECTORY] = &nt_type_directory,
    [NT_TYPE_SYMLINK] = &nt_type_symlink,
    [NT_TYPE_PROCESS] = &nt_type_process,
    [NT_TYPE_THREAD] = &nt_type_thread,
    [NT_TYPE_EVENT] = &nt_type_event,
    [NT_TYPE_MUTANT] = &nt_type_mutant,
    [NT_TYPE_SEMAPHORE] = &nt_type_semaphore,
    [NT_TYPE_TIMER] = &nt_type_timer,
    [NT_TYPE_KEYED_EVENT] = &nt_type_keyed_event,
    [NT_TYPE_IO_COMPLETION] = &nt_type_io_completion,
    [NT_TYPE_SECTION] = &nt_type_section,
    [NT_TYPE_FILE] = &nt_type_file,
    [NT_TYPE_KEY] = &nt_type_key,
    [NT_TYPE_TOKEN] = &nt_type_token,
    [NT_TYPE_JOB] = &nt_type_job,
    [NT_TYPE_DEBUG] = &nt_type_debug,
    [NT_TYPE_DEVICE] = &nt_type_device,
    [NT_TYPE_WINDOW_STATION] = &nt_type_window_station,
    [NT_TYPE_DESKTOP] = &nt_type_desktop,
    [NT_TYPE_TYPE] = &nt_type_type,
};

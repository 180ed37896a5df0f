// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ob/object.h"

extern const struct nt_type nt_type_process, nt_type_thread, nt_type_event, nt_type_mutant,
    nt_type_semaphore, nt_type_timer, nt_type_keyed_event, nt_type_io_completion, nt_type_section,
    nt_type_file, nt_type_key, nt_type_token, nt_type_job, nt_type_debug;

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
};

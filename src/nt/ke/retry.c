// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/io.h"
#include "nt/ke/completion.h"

nt_wait_retry_fn *const nt_wait_retries[NT_RETRY_COUNT] = {
    [NT_RETRY_COMPLETION] = nt_completion_retry,
    [NT_RETRY_READ] = nt_io_retry_read,
    [NT_RETRY_PIPE] = nt_io_retry_pipe,
};

// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/space.h"
#include "nt/call.h"

enum { SHARED_FEATURES = 0x7ffe0274, FEATURES = 64 };

/* A BOOLEAN in EAX, not a status: what the shared user data says, without the caller's reading it.
 */
ntstatus nt_wow64_is_processor_feature_present(struct nt_call *c)
{
    const struct NtWow64IsProcessorFeaturePresent_args *a = nt_args(c);
    uint8_t present = 0;
    if (a->ProcessorFeature < FEATURES)
        mem_peek(c->mem, SHARED_FEATURES + a->ProcessorFeature, &present, 1);
    return present;
}

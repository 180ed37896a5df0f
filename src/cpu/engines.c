// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/engine.h"

const struct cpu_engine_ops *const cpu_engines[] = {
    &cpu_unicorn,
    NULL,
};

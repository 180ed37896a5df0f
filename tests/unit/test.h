/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_H
#define TEST_H
/* What each unit test begins with. A test's name says the behaviour it checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/vec.h"

/* Also says which row of a table failed. */
#define expect_row(i, condition)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("row %zu: %s", (size_t)(i), #condition);                                      \
    } while (0)
#endif

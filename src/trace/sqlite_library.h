/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_SQLITE_LIBRARY_H
#define TRACE_SQLITE_LIBRARY_H
/* SQLite, loaded when a trace is a database: a run without one does not pay for relocating it. */
#include "base/err.h"
#include <sqlite3.h>

#define DATABASE_FUNCTIONS                                                                         \
    DATABASE_FUNCTION(open_v2)                                                                     \
    DATABASE_FUNCTION(close)                                                                       \
    DATABASE_FUNCTION(exec)                                                                        \
    DATABASE_FUNCTION(errmsg)                                                                      \
    DATABASE_FUNCTION(db_config)                                                                   \
    DATABASE_FUNCTION(prepare_v3)                                                                  \
    DATABASE_FUNCTION(step)                                                                        \
    DATABASE_FUNCTION(reset)                                                                       \
    DATABASE_FUNCTION(finalize)                                                                    \
    DATABASE_FUNCTION(bind_null)                                                                   \
    DATABASE_FUNCTION(bind_int64)                                                                  \
    DATABASE_FUNCTION(bind_text)                                                                   \
    DATABASE_FUNCTION(column_text)                                                                 \
    DATABASE_FUNCTION(column_int64)

struct sqlite_library {
#define DATABASE_FUNCTION(name) __typeof__(&sqlite3_##name) name;
    DATABASE_FUNCTIONS
#undef DATABASE_FUNCTION
};
/* PGR_E_UNSUPPORTED where it cannot be loaded. It stays loaded. */
pgr_status sqlite_load_library(struct sqlite_library *lib, struct pgr_error *e);
#endif

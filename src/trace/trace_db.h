/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_TRACE_DB_H
#define TRACE_TRACE_DB_H
/* By what a database is known as a trace: for the sink and for those that read one. The tables are
 * in docs/trace-format.md. */
#define TRACE_DB_MAGIC "SQLite format 3" /* with its NUL, at the beginning of the file */
enum { TRACE_DB_ID = 0x50677274, TRACE_DB_ID_AT = 68 }; /* "Pgrt", big-endian */
#endif

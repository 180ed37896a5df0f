/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Microsoft's annotations of arguments, as far as undocumented.h uses them, in a form that libclang
 * hands on: a direction and, after a colon, whose value is the size.
 */
#undef _In_
#undef _Out_
#undef _Inout_
#undef _In_reads_bytes_
#undef _In_reads_
#undef _Out_writes_bytes_
#undef _Out_writes_
#undef _Inout_updates_bytes_
#define PGR_NOTE(text)           __attribute__((annotate(text)))
#define _In_                     PGR_NOTE("in")
#define _Out_                    PGR_NOTE("out")
#define _Inout_                  PGR_NOTE("inout")
#define _In_reads_bytes_(n)      PGR_NOTE("in:bytes=" #n)
#define _In_reads_(n)            PGR_NOTE("in:elements=" #n)
#define _Out_writes_bytes_(n)    PGR_NOTE("out:bytes=" #n)
#define _Out_writes_(n)          PGR_NOTE("out:elements=" #n)
#define _Inout_updates_bytes_(n) PGR_NOTE("inout:bytes=" #n)

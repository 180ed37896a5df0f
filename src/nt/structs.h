/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_STRUCTS_H
#define NT_STRUCTS_H
/* Guest structures that several parts of the kernel share; see base/layout.h. */
#include "base/layout.h"

#define FIELDS_UNICODE_STRING(F, S)                                                                \
    F(S, U16, Length, 1) F(S, U16, MaximumLength, 1) F(S, PTR, Buffer, 1)
LAYOUT_STRUCT(UNICODE_STRING);

#define FIELDS_OBJECT_ATTRIBUTES(F, S)                                                             \
    F(S, U32, Length, 1)                                                                           \
    F(S, PTR, RootDirectory, 1)                                                                    \
    F(S, PTR, ObjectName, 1)                                                                       \
    F(S, U32, Attributes, 1) F(S, PTR, SecurityDescriptor, 1) F(S, PTR, SecurityQualityOfService, 1)
LAYOUT_STRUCT(OBJECT_ATTRIBUTES);

#define FIELDS_IO_STATUS_BLOCK(F, S) F(S, PTR, Status, 1) F(S, PTR, Information, 1)
LAYOUT_STRUCT(IO_STATUS_BLOCK);

#define FIELDS_CLIENT_ID(F, S) F(S, PTR, UniqueProcess, 1) F(S, PTR, UniqueThread, 1)
LAYOUT_STRUCT(CLIENT_ID);

#define FIELDS_EXCEPTION_RECORD(F, S)                                                              \
    F(S, U32, ExceptionCode, 1)                                                                    \
    F(S, U32, ExceptionFlags, 1)                                                                   \
    F(S, PTR, ExceptionRecord, 1)                                                                  \
    F(S, PTR, ExceptionAddress, 1)                                                                 \
    F(S, U32, NumberParameters, 1) F(S, PTR, ExceptionInformation, 15)
LAYOUT_STRUCT(EXCEPTION_RECORD);
#endif

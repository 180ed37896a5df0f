/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_MM_STRUCTS_H
#define NT_MM_STRUCTS_H
#include "base/layout.h"

#define FIELDS_MEMORY_BASIC_INFORMATION(F, S)                                                      \
    F(S, PTR, BaseAddress, 1)                                                                      \
    F(S, PTR, AllocationBase, 1)                                                                   \
    F(S, U32, AllocationProtect, 1)                                                                \
    F(S, PTR, RegionSize, 1) F(S, U32, State, 1) F(S, U32, Protect, 1) F(S, U32, Type, 1)
LAYOUT_STRUCT(MEMORY_BASIC_INFORMATION);

#define FIELDS_MEMORY_REGION_INFORMATION(F, S)                                                     \
    F(S, PTR, AllocationBase, 1)                                                                   \
    F(S, U32, AllocationProtect, 1)                                                                \
    F(S, U32, RegionType, 1)                                                                       \
    F(S, PTR, RegionSize, 1)                                                                       \
    F(S, PTR, CommitSize, 1) F(S, PTR, PartitionId, 1) F(S, PTR, NodePreference, 1)
LAYOUT_STRUCT(MEMORY_REGION_INFORMATION);

#define FIELDS_MEMORY_IMAGE_INFORMATION(F, S)                                                      \
    F(S, PTR, ImageBase, 1) F(S, PTR, SizeOfImage, 1) F(S, U32, ImageFlags, 1)
LAYOUT_STRUCT(MEMORY_IMAGE_INFORMATION);

#define FIELDS_MEMORY_WORKING_SET_EX_INFORMATION(F, S)                                             \
    F(S, PTR, VirtualAddress, 1) F(S, PTR, VirtualAttributes, 1)
LAYOUT_STRUCT(MEMORY_WORKING_SET_EX_INFORMATION);

#define FIELDS_MEMORY_RANGE_ENTRY(F, S) F(S, PTR, VirtualAddress, 1) F(S, PTR, NumberOfBytes, 1)
LAYOUT_STRUCT(MEMORY_RANGE_ENTRY);

#define FIELDS_MEM_ADDRESS_REQUIREMENTS(F, S)                                                      \
    F(S, PTR, LowestStartingAddress, 1) F(S, PTR, HighestEndingAddress, 1) F(S, PTR, Alignment, 1)
LAYOUT_STRUCT(MEM_ADDRESS_REQUIREMENTS);

#define FIELDS_SECTION_BASIC_INFORMATION(F, S)                                                     \
    F(S, PTR, BaseAddress, 1) F(S, U32, Attributes, 1) F(S, U64, Size, 1)
LAYOUT_STRUCT(SECTION_BASIC_INFORMATION);

#define FIELDS_SECTION_IMAGE_INFORMATION(F, S)                                                     \
    F(S, PTR, TransferAddress, 1)                                                                  \
    F(S, U32, ZeroBits, 1)                                                                         \
    F(S, PTR, MaximumStackSize, 1)                                                                 \
    F(S, PTR, CommittedStackSize, 1)                                                               \
    F(S, U32, SubSystemType, 1)                                                                    \
    F(S, U16, MinorSubsystemVersion, 1)                                                            \
    F(S, U16, MajorSubsystemVersion, 1)                                                            \
    F(S, U16, MajorOperatingSystemVersion, 1)                                                      \
    F(S, U16, MinorOperatingSystemVersion, 1)                                                      \
    F(S, U16, ImageCharacteristics, 1)                                                             \
    F(S, U16, DllCharacteristics, 1)                                                               \
    F(S, U16, Machine, 1)                                                                          \
    F(S, U8, ImageContainsCode, 1)                                                                 \
    F(S, U8, ImageFlags, 1)                                                                        \
    F(S, U32, LoaderFlags, 1) F(S, U32, ImageFileSize, 1) F(S, U32, CheckSum, 1)
LAYOUT_STRUCT(SECTION_IMAGE_INFORMATION);
#endif

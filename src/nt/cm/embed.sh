#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# embed.sh SYMBOL FILE OUTPUT: an assembler file that puts FILE's bytes between SYMBOL and SYMBOL_end
file=$(realpath "$2")
cat > "$3" <<END
    .section .rodata
    .global $1, $1_end
    .hidden $1, $1_end
    .balign 16
$1:
    .incbin "$file"
$1_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
END

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `peregrine call` and `peregrine run --raw`: call.sh PEREGRINE DIR-OF-GUEST-PROGRAMS
set -u
peregrine=$1 programs=$2 failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# WHAT STATUS PATTERN COMMAND...: the exit status, and a line of the output or of the errors.
expect()
{
    local what=$1 status=$2 pattern=$3 got
    shift 3
    output=$("$@" 2>&1)
    got=$?
    if [ $got -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
        echo "not ok $what: status $got, expected $status with /$pattern/; it said:"
        sed 's/^/    /' <<<"$output"
        failed=1
    else
        echo "ok $what"
    fi
}

if ! "$peregrine" roots >/dev/null 2>&1 || ! "$peregrine" call msvcrt!abs 1 >/dev/null 2>&1; then
    echo "skipped: no guest root"
    exit 77
fi
for bits in "" --32; do
    c="$peregrine call $bits"
    expect "number $bits" 0 '^MulDiv\(6, 7, 2\) = 21 ' $c kernel32!MulDiv 6 7 2
    expect "text by prototype $bits" 0 '^strlen\(12345\) = 0x5 ' $c msvcrt.dll!strlen 12345
    expect "wide text $bits" 0 '^lstrlenW\(..\) = 2 ' $c kernel32!lstrlenW äö
    expect "narrow by A $bits" 0 '^lstrlenA\(abc\) = 3 ' $c kernel32!lstrlenA abc
    expect "floats $bits" 0 '= 1.4142135623730951' $c -s 'double pow(double, double)' msvcrt!pow 2 0.5
    expect "negative $bits" 0 '^abs\(-7\) = 7 ' $c msvcrt!abs -7
    expect "buffer $bits" 0 'argument 1, 32 bytes: "C:\\\\windows"' $c kernel32!GetWindowsDirectoryA out:32 32
    expect "last error $bits" 0 'last error: ERROR_FILE_NOT_FOUND' $c kernel32!GetFileAttributesW 'C:\none'
    expect "handle of INVALID_HANDLE_VALUE $bits" 0 'last error: ERROR_INVALID_HANDLE \(6\)' $c kernel32!CloseHandle 0x1234
    expect "json $bits" 0 '"result": 21' $c --json kernel32!MulDiv 6 7 2
    expect "wrong name $bits" 126 'did you mean MulDiv' $c kernel32!MulDib 1 2 3
    expect "wrong count $bits" 2 'MulDiv takes 3 arguments; 2 given' $c kernel32!MulDiv 1 2
    expect "wrong kind $bits" 2 "'six' is no whole number" $c kernel32!MulDiv six 7 2
    expect "data export $bits" 2 'is data, not a function' $c msvcrt!_environ
    expect "no DLL $bits" 126 'no nosuch' $c nosuch!f
    expect "no function $bits" 2 'DLL!FUNCTION expected' $c kernel32
    expect "fault $bits" 1 'did not return: .*STATUS_ACCESS_VIOLATION' $c msvcrt!memcpy 16 null 5
    expect "exit $bits" 1 'did not return: .*0x00000005' $c kernel32!ExitProcess 5
    expect "timeout $bits" 124 'did not return within' $c -t 500ms kernel32!Sleep 100000
    expect "bad signature $bits" 2 'did you mean double' $c -s 'doubel f()' kernel32!GetTickCount
done
expect "x86 counts its arguments" 0 'it wants 3 words' "$peregrine" call --32 -s 'any f(any)' kernel32!MulDiv 6
expect "text is no DLL" 126 '.' "$peregrine" call "$0!f"
if [ -e "$programs/plugin-x64.dll" ]; then
    expect "a file" 0 '^plugin_add\(40, 2\) = 0x2a ' "$peregrine" call "$programs/plugin-x64.dll!plugin_add" 40 2
    expect "a 32-bit file" 0 '^plugin_add\(40, 2\) = 0x2a ' "$peregrine" call "$programs/plugin-i386.dll!plugin_add" 40 2
    expect "by ordinal" 0 "^#41\(40, 2\) = 0x2a " "$peregrine" call "$programs/plugin-x64.dll!#41" 40 2
fi
printf '6,7,2\n"10",10,5\n\n' >"$scratch/rows.csv"
expect "rows" 0 '^MulDiv\(10, 10, 5\) = 20 ' "$peregrine" call --repeat "$scratch/rows.csv" kernel32!MulDiv
printf '6,7,2\n1,2\n' >"$scratch/rows.csv"
expect "a bad row" 2 'rows.csv, line 2: MulDiv takes 3' "$peregrine" call --repeat "$scratch/rows.csv" kernel32!MulDiv
expect "no rows" 126 'cannot open' "$peregrine" call --repeat "$scratch/none" kernel32!MulDiv

printf '\x31\xc0\xb0\x2a\xc3' >"$scratch/code" # xor eax, eax; mov al, 42; ret
expect "raw" 42 '' "$peregrine" run --raw -- "$scratch/code"
expect "raw for i386" 42 '' "$peregrine" run --raw --32 -- "$scratch/code"
printf '\xcc\xcc\x31\xc0\xb0\x07\xc3' >"$scratch/code"
expect "raw with an entry" 7 '' "$peregrine" run --raw --entry 2 -- "$scratch/code"
expect "raw entry outside" 125 'lies outside of the 7 bytes' "$peregrine" run --raw --entry 7 -- "$scratch/code"
: >"$scratch/code"
expect "raw of nothing" 126 '0 bytes' "$peregrine" run --raw -- "$scratch/code"
exit $failed

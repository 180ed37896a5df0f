#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line as a user meets it: exit status, which stream, and what it says.
#   usage.sh PEREGRINE
set -u
peregrine=$1
failed=0
export XDG_DATA_HOME=/nonexistent
unset PEREGRINE_ROOT NO_COLOR

# expect STATUS STREAM TEXT [ARGUMENT...]: STREAM (1 or 2) holds TEXT, and the other one is empty.
expect() {
    local status=$1 stream=$2 text=$3 out err got
    shift 3
    err=$(mktemp)
    out=$("$peregrine" "$@" 2>"$err")
    got=$?
    [ "$stream" = 1 ] || { local swap=$out && out=$(<"$err") && printf '%s' "$swap" >"$err"; }
    if [ "$got" != "$status" ] || [[ $out != *"$text"* ]] || [ -s "$err" ]; then
        printf 'failed: peregrine %s\n  status %s, expected %s\n  %s\n  other stream: %s\n' \
            "$*" "$got" "$status" "$out" "$(<"$err")"
        failed=1
    fi
    rm -f "$err"
}

expect 2 2 'Usage: peregrine COMMAND'
expect 0 1 'Usage: peregrine COMMAND' --help
expect 0 1 'Usage: peregrine COMMAND' -h
expect 0 1 'Usage: peregrine COMMAND' help
expect 0 1 'peregrine 0.' --version
expect 2 2 "no command 'rots'; did you mean 'roots'?" rots
expect 2 2 'to run a program: peregrine run ./a.exe' ./a.exe
expect 2 2 'a command comes first' --trace
expect 0 1 'Usage: peregrine roots' help roots
expect 0 1 'Usage: peregrine roots' roots --help
expect 0 1 '--json' --help output
expect 2 2 "neither a command nor a subject 'nonsense'" help nonsense
expect 2 2 "did you mean 'output'?" roots --help outptu
expect 2 2 'did you mean --json?' roots --jsn
expect 0 1 'Usage: peregrine doctor' help doctor
expect 2 2 'doctor' doctor
expect 2 2 'cannot open /nonexistent/a.exe' doctor /nonexistent/a.exe
expect 1 2 'no guest root is installed' doctor cmd.exe
expect 2 2 'one argument too many' roots extra
expect 1 2 'run scripts/guest-dlls' roots
expect 1 2 'No such file' roots --root /nonexistent/windows
expect 0 1 'LPCWSTR lpFileName' api CreateFileW
expect 0 1 'file_io; stdcall on i386, 28 bytes' api CreateFileW
expect 0 1 'tells of failure by: minus one, last error' api CreateFileW
expect 0 1 '"category": "file_io"' api --json CreateFileW
expect 0 1 'FILE_SHARE_READ' api --long CreateFileW
expect 0 1 '"stack": 40' api --json CreateFileW
expect 0 1 'RegSetValueExW' api 'RegSet*'
expect 0 1 'cdecl       4+ console_io' api 'print?'
expect 0 1 'but of the wide function' api CreateFile
expect 1 2 "did you mean 'CreateFileW'?" api CreateFleW
expect 1 2 "no prototype matches 'Qqq*'" api 'Qqq*'
expect 2 2 'api' api
expect 2 2 'trace' trace
expect 2 2 "did you mean 'diff'?" trace dif a b
expect 2 2 'diff wants two files' trace diff a
expect 2 2 'top wants one file' trace top
expect 2 2 'cannot open /nonexistent/a' trace top /nonexistent/a
expect 2 2 'cannot open /nonexistent/a' trace diff /nonexistent/a /nonexistent/b
expect 125 2 "did you mean 'sqlite'?" run --trace sqlit=a -- a.exe
expect 125 2 'drcov needs a file' run --trace drcov -- a.exe
expect 0 1 '.Dt PEREGRINE 1' help --man

if [ -w /dev/full ] && "$peregrine" help 2>/dev/null >/dev/full; then
    echo "failed: a full disk went unnoticed"
    failed=1
fi
exit $failed

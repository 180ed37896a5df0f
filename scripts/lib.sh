#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Helpers shared by the scripts beside this file. Source it, do not run it.
#
# Debian packages are had in two ways. What must be installed is installed with apt from the
# machine's own suite. What must only be *read* (a newer Unicorn, Wine's DLLs of two architectures)
# comes through a private apt directory: the machine's own mirror and keyring with another suite, so
# that signatures are checked as apt always does and the system's configuration stays untouched.

# shellcheck disable=SC2015,SC2034 # `a && b || die` never runs die by mistake; used by others
set -euo pipefail

PROJECT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DATA_DIR=${XDG_DATA_HOME:-$HOME/.local/share}/peregrine
UNICORN_PREFIX=$DATA_DIR/deps/unicorn
UNICORN_LEAST=2.1.4
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export DEBIAN_FRONTEND=noninteractive

say() {
    printf '%s: %s\n' "${0##*/}" "$*"
}

# die MESSAGE [REMEDY]
die() {
    printf '%s: error: %s\n' "${0##*/}" "$1" >&2
    [ $# -lt 2 ] || printf '%s: what to do: %s\n' "${0##*/}" "$2" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo DEBIAN_FRONTEND=noninteractive "$@"
    else
        die "this needs root: $*" "run it as root, or install sudo; then repeat ${0##*/}"
    fi
}

need_debian() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        die "this script uses apt, which this machine does not have" \
            "install the packages that scripts/deps lists with your own package manager"
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt_install PACKAGE...: installs what is missing; touches nothing when nothing is.
apt_install() {
    local missing=() package
    for package; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    as_root apt-get update -qq ||
        die "apt-get update failed" "mend the package sources named above, then repeat ${0##*/}"
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get could not install ${missing[*]}" \
            "run 'apt-get install ${missing[*]}' to see why, then repeat ${0##*/}"
}

# The address of the Debian archive that this machine itself uses.
debian_mirror() {
    local found
    # The origin is known from downloaded release files only: a fresh image has none yet.
    for _ in first second; do
        # shellcheck disable=SC2016 # apt expands these, not the shell
        found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
            'Created-By: Packages' 'Origin: Debian' |
            awk '$2 !~ /-(security|updates|backports)|\// && $1 !~ /^cdrom:/ { print $1; exit }')
        [ -z "$found" ] || break
        as_root apt-get update -qq >&2 || break
    done
    [ -n "$found" ] || die "no Debian mirror among this machine's package sources" \
        "add one (see sources.list(5)), run 'apt-get update', then repeat ${0##*/}"
    printf '%s\n' "$found"
}

# private_apt_open SUITE: sets PRIVATE_APT, a directory of our own with the suite's package lists
# for amd64 and i386. Below /tmp, where apt's unprivileged download user can reach it.
private_apt_open() {
    local suite=$1 mirror
    is_installed debian-archive-keyring && [ -r "$DEBIAN_KEYRING" ] ||
        die "the keys of the Debian archive are missing" "apt-get install debian-archive-keyring"
    mirror=$(debian_mirror)
    PRIVATE_APT=$(mktemp -d "${TMPDIR:-/tmp}/peregrine-apt.XXXXXX")
    chmod 755 "$PRIVATE_APT"
    mkdir -p "$PRIVATE_APT"/{etc/parts,etc/preferences,lists/partial,cache/archives/partial,debs}
    # As root, apt downloads as its own user, which must be able to write there.
    [ "$(id -u)" != 0 ] || chown _apt "$PRIVATE_APT/debs" "$PRIVATE_APT/lists/partial"
    : >"$PRIVATE_APT/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$mirror" "$suite" \
        >"$PRIVATE_APT/etc/sources.list"
    cat >"$PRIVATE_APT/apt.conf" <<CONF
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architectures { "amd64"; "i386"; };
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Dir::Etc::SourceList "$PRIVATE_APT/etc/sources.list";
Dir::Etc::SourceParts "$PRIVATE_APT/etc/parts";
Dir::Etc::Preferences "$PRIVATE_APT/etc/none";
Dir::Etc::PreferencesParts "$PRIVATE_APT/etc/preferences";
Dir::State "$PRIVATE_APT";
Dir::State::Lists "$PRIVATE_APT/lists";
Dir::State::Status "$PRIVATE_APT/status";
Dir::Cache "$PRIVATE_APT/cache";
CONF
    say "reading the package lists of Debian $suite"
    apt-get -c "$PRIVATE_APT/apt.conf" -qq update ||
        die "cannot read the package lists of Debian $suite from $mirror" \
            "check the network and that the mirror carries '$suite'; on a signature error, update debian-archive-keyring"
}

private_apt_close() {
    [ -z "${PRIVATE_APT:-}" ] || rm -rf "$PRIVATE_APT"
    PRIVATE_APT=
}

# private_apt_version PACKAGE: the version on offer.
private_apt_version() {
    local version
    version=$(apt-cache -c "$PRIVATE_APT/apt.conf" show --no-all-versions "$1" 2>/dev/null |
        sed -n 's/^Version: //p' | head -n 1)
    [ -n "$version" ] || die "the suite has no package $1" "choose another one with --suite"
    printf '%s\n' "$version"
}

# private_apt_fetch PACKAGE...: downloads into $PRIVATE_APT/debs; apt checks size and hash against
# the signed lists.
private_apt_fetch() {
    say "downloading $*"
    (cd "$PRIVATE_APT/debs" && apt-get -c "$PRIVATE_APT/apt.conf" -qq download "$@") ||
        die "cannot download $*" "check the network and the disk's free space, then repeat ${0##*/}"
}

# The version of Unicorn that pkg-config finds, with our private prefix first when it exists.
use_unicorn() {
    if ! pkg-config --atleast-version="$UNICORN_LEAST" unicorn 2>/dev/null; then
        export PKG_CONFIG_PATH=$UNICORN_PREFIX/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    fi
    pkg-config --atleast-version="$UNICORN_LEAST" unicorn 2>/dev/null
}

# What meson.build looks for and does without. It remembers what it did not find.
OPTIONAL_TOOLS=(i686-w64-mingw32-g++ x86_64-w64-mingw32-g++ mandoc)

# build DIRECTORY [MESON-OPTION...]: configures once, and again when more tools are there than at
# that time (the tests' compilers, after a build without them); then builds what changed.
build() {
    local dir=$PROJECT_DIR/$1 log found again=()
    shift
    use_unicorn || die "Unicorn $UNICORN_LEAST or later is missing" "run scripts/deps"
    found=$(type -P "${OPTIONAL_TOOLS[@]}" || true)
    [ ! -e "$dir/build.ninja" ] || again=(--reconfigure)
    if [ ${#again[@]} = 0 ] || [ "$found" != "$(cat "$dir/tools-found" 2>/dev/null)" ]; then
        say "configuring ${dir##*/}/"
        log=$(meson setup "${again[@]}" "$dir" "$PROJECT_DIR" "$@" 2>&1) || {
            printf '%s\n' "$log" >&2
            die "meson could not configure $dir" "run scripts/deps; then see the messages above"
        }
        printf '%s\n' "$found" >"$dir/tools-found"
    fi
    say "building in ${dir##*/}/"
    log=$(ninja -C "$dir" 2>&1) || {
        grep -v '^\[' <<<"$log" >&2
        die "the build in $dir failed" "see the messages above; remove $dir to start afresh"
    }
}

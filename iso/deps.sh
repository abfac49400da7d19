#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh - find what is missing and install it
#
# Idea     one line a need: what proves that it is there, and the Debian package that brings it. Silent and quick when
#          nothing is missing; installs as root or through sudo without a password; else prints the line to type.
set -eu
missing=

# command PACKAGE NAME...: one of these commands
command_() {
	package=$1
	shift
	for name; do
		command -v "$name" >/dev/null 2>&1 && return
	done
	missing="$missing $package"
}

# file PACKAGE PATH...: one of these files
file() {
	package=$1
	shift
	for path; do
		[ -e "$path" ] && return
	done
	missing="$missing $package"
}

command_ gcc              "${CROSS_COMPILE:-}gcc" x86_64-elf-gcc gcc x86_64-linux-gnu-gcc "${CC:-gcc}"
command_ binutils         nm x86_64-linux-gnu-nm x86_64-elf-nm
command_ qemu-system-x86  qemu-system-x86_64
command_ grub-common      grub-mkrescue
file     grub-pc-bin      /usr/lib/grub/i386-pc/multiboot2.mod
file     grub-efi-amd64-bin /usr/lib/grub/x86_64-efi/multiboot2.mod
command_ xorriso          xorriso
command_ mtools           mformat
command_ musl-tools       musl-gcc
file     busybox-static   /bin/busybox /usr/bin/busybox
file     libc6-dev        /usr/include/stdio.h
file     libcmocka-dev    /usr/include/cmocka.h /usr/local/include/cmocka.h
command_ python3          python3
file     python3-pytest   /usr/lib/python3/dist-packages/pytest /usr/lib/python3.*/site-packages/pytest
file     python3-pexpect  /usr/lib/python3/dist-packages/pexpect /usr/lib/python3.*/site-packages/pexpect
file     python3-pytest-xdist /usr/lib/python3/dist-packages/xdist /usr/lib/python3.*/site-packages/xdist
command_ gdb              gdb
# deps.sh report: also what draws a run as a page, and looks at it.
if [ "${1:-}" = report ]; then
	command_ npm      npm
	command_ chromium chromium chromium-browser google-chrome
fi

[ "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "missing (names of Debian's packages):$missing" >&2
	exit 1
fi
install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
	root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	root="sudo"
else
	echo "some packages are missing; type this as root:  $install" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# The package lists may be absent or old: fetch them only when the first try fails.
$root env DEBIAN_FRONTEND=noninteractive $install >/dev/null 2>&1 && exit 0
$root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive $install >/dev/null || {
	echo "the installation failed; type this as root:  apt-get update && $install" >&2
	exit 1
}

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb.sh - boot halted at the first instruction and, with GDB=1, attach gdb with the kernel's symbols
#
# Idea     QEMU waits on port 1234; its console goes to build/console.log while gdb has the terminal. Breakpoints are
#          hardware ones, because the kernel's pages are not mapped yet when the first is set.
set -eu
: "${KERNEL:=build/tidemark.elf}" "${GDB:=}"

if [ "$GDB" != 1 ]; then
	echo "waiting for gdb: gdb $KERNEL -ex 'target remote :1234'"
	exec iso/run.sh -s -S
fi
command -v gdb >/dev/null || { echo "gdb is missing: apt-get install gdb, or make deps" >&2; exit 1; }
iso/run.sh -s -S -serial file:build/console.log &
qemu=$!
trap 'kill $qemu 2>/dev/null || :' EXIT
echo "the console is in build/console.log"
gdb -q "$KERNEL" -ex 'set confirm off' -ex 'set tcp connect-timeout 10' -ex 'target remote :1234' \
	-ex 'hbreak kernel_main' -ex 'continue'

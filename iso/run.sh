#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - the one QEMU command line; everything that boots a kernel comes through here
#
# Idea     settings come from the environment, arguments are further QEMU options; QEMU replaces this shell, so that
#          whoever started it holds QEMU's own process id and exit status. Status 0: powered off. Odd numbers: the
#          kernel's verdict through isa-debug-exit (value * 2 + 1).
set -eu
# An empty INITRD means none.
: "${KERNEL:=build/tidemark.elf}" "${INITRD=build/initrd.cpio.gz}" "${CMDLINE=console=ttyS0 panic=-1}"
: "${BOOT:=iso}" "${ISO:=build/tidemark.iso}" "${MEM:=128}" "${CPUS:=2}" "${ACCEL:=tcg}" "${CPU:=max}"
: "${SWAP:=}" "${GUI:=0}" "${QEMUEXTRA:=}" "${QEMU:=qemu-system-x86_64}"

command -v "$QEMU" >/dev/null || { echo "$QEMU is missing: apt-get install qemu-system-x86, or make deps" >&2; exit 1; }

set -- -accel "$ACCEL" -cpu "$CPU" -m "$MEM" -smp "$CPUS" -no-reboot -nic none -boot d \
	-device isa-debug-exit,iobase=0xf4,iosize=0x04 "$@"
[ "$GUI" = 1 ] || set -- -display none "$@"
case " $* " in
*" -serial "*) ;;
*) set -- -serial mon:stdio "$@" ;;
esac

case $BOOT in
pvh)  [ -z "$INITRD" ] || set -- -initrd "$INITRD" "$@"
      set -- -kernel "$KERNEL" -append "$CMDLINE" "$@" ;;
iso)  set -- -cdrom "$ISO" "$@" ;;
uefi) firmware=
      for f in /usr/share/ovmf/OVMF.fd /usr/share/OVMF/OVMF.fd /usr/share/edk2/ovmf/OVMF.fd; do
	      [ -f "$f" ] && firmware=$f && break
      done
      [ "$firmware" ] || { echo "UEFI firmware is missing: apt-get install ovmf" >&2; exit 1; }
      set -- -bios "$firmware" -cdrom "$ISO" "$@" ;;
*)    echo "BOOT=$BOOT: it must be iso, pvh or uefi" >&2; exit 1 ;;
esac

if [ "$SWAP" ]; then
	command -v mkswap >/dev/null || PATH=$PATH:/sbin:/usr/sbin
	command -v mkswap >/dev/null || { echo "mkswap is missing: apt-get install util-linux, or SWAP=" >&2; exit 1; }
	rm -f build/swap.img
	truncate -s "${SWAP}M" build/swap.img
	chmod 600 build/swap.img
	mkswap build/swap.img >/dev/null 2>&1
	set -- -drive "file=build/swap.img,format=raw,if=virtio,cache=unsafe" "$@"
fi
# QEMUEXTRA is a list of words on purpose.
exec "$QEMU" "$@" $QEMUEXTRA

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make-iso.sh OUT KERNEL INITRD CMDLINE - a CD image that boots the kernel through GRUB
#
# Idea     grub-mkrescue with nothing but the modules grub.cfg needs. An OUT that ends in -uefi.iso boots through UEFI
#          firmware, any other through the BIOS: two small images boot faster than one that does both.
set -eu
out=$1 kernel=$2 initrd=$3 cmdline=$4

need() {
	command -v "$1" >/dev/null || { echo "$1 is missing: apt-get install $2, or make deps" >&2; exit 1; }
}
need grub-mkrescue grub-common
need xorriso xorriso
need mformat mtools

case $out in
*-uefi.iso) platform=x86_64-efi package=grub-efi-amd64-bin ;;
*)          platform=i386-pc    package=grub-pc-bin ;;
esac
[ -d "/usr/lib/grub/$platform" ] || { echo "GRUB for $platform is missing: apt-get install $package" >&2; exit 1; }

tree=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$tree" "$tree.grub"' EXIT
mkdir -p "$tree/boot/grub"
strip --strip-debug -o "$tree/tidemark.elf" "$kernel" 2>/dev/null || cp "$kernel" "$tree/tidemark.elf"
cp "$initrd" "$tree/initrd.cpio.gz"
words=$cmdline awk '{ i = index($0, "@CMDLINE@"); if (i) $0 = substr($0, 1, i - 1) ENVIRON["words"]; print }' \
	iso/grub.cfg >"$tree/boot/grub/grub.cfg"

# GRUB would look for a module for each kind of partition table in this list, and complain of those that are missing.
cp -rs "/usr/lib/grub/$platform" "$tree.grub"
rm "$tree.grub/partmap.lst"
: >"$tree.grub/partmap.lst"

grub-mkrescue -o "$out" -d "$tree.grub" --fonts= --locales= --themes= --compress=xz \
	--install-modules="multiboot2 normal serial terminal boot" "$tree" >"$tree.log" 2>&1 || {
	cat "$tree.log" >&2
	rm -f "$tree.log" "$out"
	exit 1
}
rm -f "$tree.log"

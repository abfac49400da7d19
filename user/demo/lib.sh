# SPDX-License-Identifier: MIT
#
# lib.sh - what all demonstrations use: numbers from /proc, and one line for each phase
#
# Idea     a demonstration starts programs, waits until /proc shows what was to come, and says it with the number that
#          proves it. Nothing is simulated, and no line is printed before its number is there.

# What is said here is enough: the kernel's own report of each kill is in dmesg.
dmesg -n 1

# Whoever tells the story is never the victim; what it starts with `culprit` may be.
echo -1000 >/proc/self/oom_score_adj
culprit() { echo 0 >/proc/self/oom_score_adj; exec "$@"; }

# A line of meminfo in KiB; a counter of vmstat, or the sum of all that begin alike; a zone's free memory, low
# and high mark in KiB.
mem() { while read -r name value _; do [ "$name" != "$1:" ] || echo "$value"; done </proc/meminfo; }
count() { awk -v n="$1" 'index($1, n) == 1 { s += $2 } END { print s + 0 }' /proc/vmstat; }
zone() {
	awk -v z="$1" '/^Node/ { here = $4 == z } here && /pages free/ { f = $3 * 4 }
		here && $1 == "low" { l = $2 * 4 }
		here && $1 == "high" && !h { h = $2 * 4 } END { print f, l, h }' /proc/zoneinfo
}

# Swap areas, all off and on again.
swaps=$(awk 'NR > 1 { print $1 }' /proc/swaps)
swap_off() { for area in $swaps; do swapoff "$area"; done; }
swap_on() { for area in $swaps; do swapon "$area"; done; }

# The last line of the kernel's log that names a victim; the last but one with 2.
verdict() { dmesg | grep -o 'Killed process [0-9]* ([a-z]*).*anon-rss:[0-9]*kB' | tail -n "${1:-1}" | head -n 1; }

# How often the log names one. The line comes after the kill: who has waited for the victim's end may be ahead of it.
verdicts() { dmesg | grep -c 'Killed process'; }

# await CONDITION: polls ten times a second, for 20 seconds at most. What follows prints the number, whatever it is.
await() {
	for _ in $(seq 200); do
		! eval "$1" || return 0
		sleep 0.1
	done
}

# say PHASE WORDS...: one line.
say() {
	phase=$1
	shift
	printf '%-16s %s\n' "$phase" "$*"
}

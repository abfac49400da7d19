# SPDX-License-Identifier: MIT
#
# Tidemark: one Makefile, read from top to bottom. `make help` lists the targets, the next section the variables.
#
#   1 settings   2 tools   3 the kernel   4 programs and initial RAM disks   5 the ISO image   6 run   7 tests
#   8 benchmarks   9 upkeep
#
# All that is built lies in build/. Names there: kernel/ and debug/ hold objects of the two kernels, user/ and guest/
# programs, *.stamp files what the outputs depend on beside files (flags, lists of sources).

# ---- 1 settings: on the command line (make run MEM=64 CPUS=4) or in the environment ----------------------------------

MEM       ?= 128# MiB of RAM
CPUS      ?= 2#   processors
SWAP      ?= 256# MiB of swap disk; none when empty (SWAP=)
BOOT      ?= iso# iso: GRUB and BIOS; uefi: GRUB and OVMF; pvh: QEMU loads the ELF file itself
ACCEL     ?= tcg# kvm where it works
APPEND    ?= #    more words for the kernel's command line: APPEND="-- hog 64"
INITRD    ?= build/initrd.cpio.gz
QEMUEXTRA ?= #    more options for QEMU
GUI       ?= 0#   1 shows the VGA screen in a window
DEBUG     ?= 0#   1: the kernel with every check compiled in
V         ?= 0#   1 shows the commands
# CROSS_COMPILE (a prefix such as x86_64-elf-), CC, MUSL_CC and PYTHON name other tools.

CMDLINE := console=ttyS0 panic=-1 $(APPEND)
# In the environment, so that no shell looks at quotes in APPEND.
export MEM CPUS SWAP BOOT ACCEL QEMUEXTRA GUI CMDLINE

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
Q := $(if $(filter 1,$V),,@)
say = $(if $(filter 1,$V),,@printf '  %-8s%s\n' '$1' '$2')

.PHONY: all help
all: build/tidemark.elf build/initrd.cpio.gz iso

help:
	@echo 'make run          boot the ISO, up to the prompt of a shell (make deps first, by itself)'
	@echo 'make demo         memory runs out, in ten lines         (DEMO=overcommit cow protect leak forkbomb thrash mlock)'
	@echo 'make test         host and guest tests                     (also: make check)'
	@echo 'make all          build/tidemark.elf, build/initrd.cpio.gz, build/tidemark.iso'
	@echo 'make iso          build/tidemark.iso                       (BOOT=uefi: for OVMF)'
	@echo 'make gdb          boot, halted, with gdb attached          (make qemu-gdb: without gdb)'
	@echo 'make pictures     the pictures of README.md, made anew'
	@echo 'make policy       eviction policies on reference strings, beside LRU and OPT'
	@echo 'make report       a run as one page for a browser          (make report COMPARE=other.trace)'
	@echo 'make bench        mmbench, counted in instructions         (make bench-linux: beside Linux)'
	@echo 'make nightly      a million system calls that are nearly right (make fuzz CALLS=n SEED=n)'
	@echo 'make soak         memory is short for MINUTES=30           (SEED=n FROM=round CPUS=n)'
	@echo 'make test-linux   the guest tests on a stock Linux kernel'
	@echo 'make torture      the guest tests while every third fault evicts some page'
	@echo 'make deps         install what is missing from the distribution'
	@echo 'make docs         docs/abi.md and docs/trace.md, from the tables of system calls and events'
	@echo 'make fmt style clean'
	@echo
	@echo 'MEM=$(strip $(MEM)) CPUS=$(strip $(CPUS)) BOOT=iso|pvh|uefi ACCEL=tcg|kvm DEBUG=0|1 GUI=0|1 V=0|1'
	@echo 'SWAP=MiB INITRD=file APPEND="words" QEMUEXTRA="options" CROSS_COMPILE=prefix-'

# ---- 2 tools: one that is missing stops the rule that needs it, with the package's name ------------------------------

need = $(or $(shell command -v $1),$(error $1 is missing: apt-get install $2, or make deps))

# $(CROSS_COMPILE)gcc or, without a prefix, the first compiler that targets x86-64; its prefix also names nm.
find_cross = for p in $(or $(CROSS_COMPILE),x86_64-elf- '' x86_64-linux-gnu-); do \
	case "$$($${p}gcc -dumpmachine 2>/dev/null)" in x86_64*) echo "found:$$p"; exit;; esac; done
ifeq ($(origin CC),default)
CROSS := $(shell $(find_cross))
CC     = $(if $(CROSS),$(CROSS:found:%=%)gcc,$(error no compiler for x86-64: apt-get install gcc, or make deps))
else
CROSS := found:$(CROSS_COMPILE)
endif
NM      := $(CROSS:found:%=%)nm
MUSL_CC  = $(call need,musl-gcc,musl-tools)
PYTHON  ?= $(firstword $(wildcard /usr/bin/python3) python3)

# A stamp changes only when its text does: $(call stamp,text)
stamp = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$1)' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$1)' >$@
.PHONY: FORCE
FORCE:

# ---- 3 the kernel ----------------------------------------------------------------------------------------------------

SOURCES := $(sort $(wildcard arch/x86_64/*.[cS] kernel/*.c kernel/*/*.c mm/*.c))

WARN   := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef -Wpointer-arith \
          -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
KFLAGS := -std=gnu17 -O2 -g -I. -Iarch/x86_64/include -MMD -MP $(WARN) -ffreestanding -fno-pie -mno-red-zone \
          -mcmodel=kernel -mgeneral-regs-only -fno-stack-protector -fno-strict-aliasing -fno-omit-frame-pointer \
          -fno-asynchronous-unwind-tables
RELEASE_FLAGS := -DCONFIG_DEBUG=0
# Undefined behaviour traps (ud2), so that the panic names the function.
DEBUG_FLAGS := -DCONFIG_DEBUG=1 -fsanitize=undefined -fsanitize-undefined-trap-on-error
KLDFLAGS := -nostdlib -static -Wl,-z,max-page-size=4096,-z,noexecstack,--build-id=none,-T,arch/x86_64/kernel.ld

build/flags.stamp: FORCE
	$(call stamp,$(CC) $(KFLAGS) $(RELEASE_FLAGS) $(DEBUG_FLAGS))
build/sources.stamp: FORCE
	$(call stamp,$(SOURCES) $(KLDFLAGS))

build/kernel/%.o: % build/flags.stamp
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KFLAGS) $(RELEASE_FLAGS) -c -o $@ $<

build/debug/%.o: % build/flags.stamp
	$(call say,CC,$< (debug))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KFLAGS) $(DEBUG_FLAGS) -c -o $@ $<

# The kernel carries its own symbol table, for backtraces. Link without it, with one of the right size, and with the
# right addresses; then prove that this last link moved nothing.
ksyms = $(NM) -n $1 | $(PYTHON) iso/ksyms.py >$2.S
link  = $(CC) $(KLDFLAGS) -o $1 $2.S $(filter %.o,$^)
define link_kernel
	$(call say,LINK,$@)
	$(Q)$(PYTHON) iso/ksyms.py </dev/null >$@.ksyms1.S && $(call link,$@.1,$@.ksyms1)
	$(Q)$(call ksyms,$@.1,$@.ksyms2) && $(call link,$@.2,$@.ksyms2)
	$(Q)$(call ksyms,$@.2,$@.ksyms3) && $(call link,$@,$@.ksyms3)
	$(Q)$(call ksyms,$@,$@.ksyms4) && cmp $@.ksyms3.S $@.ksyms4.S && rm -f $@.ksyms* $@.1 $@.2
endef

# The object that every program gets beside it (arch/x86_64/vdso), linked by itself and carried in the image.
VDSO_FLAGS := -std=gnu17 -O2 -I. -Iarch/x86_64/include -Wall -Wextra -MMD -MP -ffreestanding -fPIC -fvisibility=hidden \
              -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
VDSO_LDFLAGS := -shared -nostdlib -Wl,-soname=linux-vdso.so.1,--hash-style=both,-Bsymbolic,-s,--build-id=none \
                -Wl,-z,noexecstack,-z,max-page-size=4096,-T,arch/x86_64/vdso/vdso.ld

build/vdso/vdso.so: arch/x86_64/vdso/vdso.c arch/x86_64/vdso/vdso.ld build/flags.stamp
	$(call say,VDSO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(VDSO_FLAGS) -c -o $(@:.so=.o) $<
	$(Q)$(CC) $(VDSO_LDFLAGS) -o $@ $(@:.so=.o)
build/kernel/arch/x86_64/vdso_image.S.o build/debug/arch/x86_64/vdso_image.S.o: build/vdso/vdso.so

build/tidemark.elf: $(SOURCES:%=build/kernel/%.o) arch/x86_64/kernel.ld iso/ksyms.py build/sources.stamp
	$(link_kernel)

build/tidemark-debug.elf: $(SOURCES:%=build/debug/%.o) arch/x86_64/kernel.ld iso/ksyms.py build/sources.stamp
	$(link_kernel)

KERNEL := build/tidemark$(if $(filter 1,$(DEBUG)),-debug).elf

-include $(SOURCES:%=build/kernel/%.d) $(SOURCES:%=build/debug/%.d) build/vdso/vdso.d

# ---- 4 programs and initial RAM disks: ordinary static Linux programs on musl ----------------------------------------

UFLAGS := -std=gnu17 -D_GNU_SOURCE -O2 -static -fno-pie -Wall -Wextra -Wmissing-prototypes -MMD -MP
USER   := $(patsubst user/%.c,build/user/%,$(wildcard user/*.c))
CASES  := $(patsubst tests/guest/%.c,build/guest/%.o,$(wildcard tests/guest/*.c))
ARCHIVE := $(PYTHON) iso/initrd.py

build/user/%: user/%.c Makefile
	$(call say,MUSL,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(UFLAGS) -o $@ $(filter %.c,$^)
build/user/sysfuzz: $(wildcard user/sysfuzz/*.[ch])
build/user/soak: $(wildcard user/soak/*.[ch])
build/user/tide: $(wildcard user/tide/*.[ch])
build/user/tide build/user/trace: kernel/trace_events.def

build/guest/%.o: tests/guest/%.c Makefile
	$(call say,MUSL,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(UFLAGS) -c -o $@ $<

build/guest/guest-tests: $(CASES)
	$(call say,LINK,$@)
	$(Q)$(MUSL_CC) $(UFLAGS) -o $@ $^

# A program that runs wherever it is put: musl's self-relocating start code, which musl-gcc does not choose by itself.
build/guest/pie: tests/guest/prog/pie.c Makefile
	$(call say,MUSL,$< (static-PIE))
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) -std=gnu17 -O2 -Wall -Wextra -fPIE -static -nostartfiles -Wl,-pie,--no-dynamic-linker -o $@ \
		/usr/lib/x86_64-linux-musl/rcrt1.o $<

# /init, our programs and iso/root; busybox with its applets beside them.
BUSYBOX := $(firstword $(wildcard /bin/busybox /usr/bin/busybox))
DEMOS := $(filter-out user/demo/demo,$(wildcard user/demo/*))
build/initrd.cpio.gz: $(USER) $(DEMOS) user/demo/demo iso/initrd.py $(wildcard iso/root/*/*) $(BUSYBOX)
	$(call say,CPIO,$@)
	$(Q)$(ARCHIVE) $@ /init=build/user/init $(foreach p,$(USER),/bin/$(notdir $p)=$p) tree:iso/root \
		/bin/demo=user/demo/demo $(foreach d,$(DEMOS),/demo/$(notdir $d)=$d) \
		$(if $(BUSYBOX),busybox=$(BUSYBOX))

# Programs as compilers on Linux make them (tests/guest/programs.c), and what their loaders look for. A glibc or a C++
# compiler that is missing leaves its programs out.
LIBC_C      := tests/guest/prog/libc.c
GLIBC_CC    := $(if $(wildcard /usr/lib/x86_64-linux-gnu/libc.a),$(shell command -v x86_64-linux-gnu-gcc))
GLIBC_CXX   := $(if $(GLIBC_CC),$(shell command -v x86_64-linux-gnu-g++))
PROGRAMS    := $(addprefix build/prog/,bare libc-musl-static libc-musl \
               $(if $(GLIBC_CC),libc-glibc-static libc-glibc-static-pie libc-glibc) $(if $(GLIBC_CXX),cxx))
MUSL_LOADER := $(firstword $(wildcard /usr/lib/x86_64-linux-musl/libc.so /lib/ld-musl-x86_64.so.1))
define compile
	$(call say,PROG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$1 -O2 -Wall -Wextra -pthread -o $@ $<
endef
build/prog/bare: tests/guest/prog/bare.c Makefile
	$(call compile,$(CC) -std=gnu17 -static -nostdlib -fno-stack-protector -fno-pie -no-pie)
build/prog/libc-musl-static: $(LIBC_C) Makefile
	$(call compile,$(MUSL_CC) -std=gnu17 -D_GNU_SOURCE -static)
build/prog/libc-musl: $(LIBC_C) Makefile
	$(call compile,$(MUSL_CC) -std=gnu17 -D_GNU_SOURCE)
build/prog/libc-glibc-static: $(LIBC_C) Makefile
	$(call compile,$(GLIBC_CC) -std=gnu17 -D_GNU_SOURCE -static)
build/prog/libc-glibc-static-pie: $(LIBC_C) Makefile
	$(call compile,$(GLIBC_CC) -std=gnu17 -D_GNU_SOURCE -static-pie)
build/prog/libc-glibc: $(LIBC_C) Makefile
	$(call compile,$(GLIBC_CC) -std=gnu17 -D_GNU_SOURCE)
build/prog/cxx: tests/guest/prog/cxx.cc Makefile
	$(call compile,$(GLIBC_CXX) -std=gnu++17 -static)

# Not packed: it is booted dozens of times, and most of a boot would be the unpacking.
build/initrd-test.cpio: build/guest/guest-tests build/guest/pie $(USER) $(PROGRAMS) iso/initrd.py
	$(call say,CPIO,$@)
	$(Q)$(ARCHIVE) $@ /init=build/guest/guest-tests /bin/pie=build/guest/pie \
		$(if $(BUSYBOX),/bin/busybox=$(BUSYBOX)) $(foreach p,$(USER) $(PROGRAMS),/bin/$(notdir $p)=$p) \
		/lib/ld-musl-x86_64.so.1=$(MUSL_LOADER) $(if $(GLIBC_CC),$(foreach \
		f,/lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6,$f=$f))
build/initrd-test.cpio.gz: build/initrd-test.cpio
	$(Q)gzip -9nc $< >$@

build/initrd-bench.cpio.gz: build/user/mmbench iso/initrd.py
	$(call say,CPIO,$@)
	$(Q)$(ARCHIVE) $@ /init=build/user/mmbench

-include $(wildcard build/user/*.d build/guest/*.d)

# ---- 5 the ISO image: GRUB, the kernel, the initial RAM disk and the command line ------------------------------------

ISO := build/tidemark$(if $(filter uefi,$(BOOT)),-uefi).iso

.PHONY: iso
iso: $(ISO)

build/iso.stamp: FORCE
	$(call stamp,$(KERNEL) $(INITRD) $(CMDLINE))
build/tidemark.iso build/tidemark-uefi.iso: $(KERNEL) $(INITRD) iso/grub.cfg iso/make-iso.sh build/iso.stamp
	$(call say,ISO,$@)
	$(Q)iso/make-iso.sh $@ $(KERNEL) $(INITRD) "$$CMDLINE"

# ---- 6 run -----------------------------------------------------------------------------------------------------------

.PHONY: deps run qemu gdb qemu-gdb boot boot-halted
deps:
	@iso/deps.sh

# A second make, so that the tools which deps has just installed are found.
run qemu: deps
	@$(MAKE) --no-print-directory boot
gdb: deps
	@$(MAKE) --no-print-directory boot-halted GDB=1
qemu-gdb: deps
	@$(MAKE) --no-print-directory boot-halted

# A demonstration that runs by itself, on a machine small enough that it takes half a minute.
.PHONY: demo
DEMO ?= memory
DEMO_MACHINE := MEM=48 CPUS=2 SWAP=128
demo: deps
	@$(MAKE) --no-print-directory boot BOOT=pvh $(DEMO_MACHINE) APPEND='quiet -- demo $(DEMO)'

IMAGES := $(if $(filter pvh,$(BOOT)),$(KERNEL) $(INITRD),$(ISO))
boot: $(IMAGES)
	@KERNEL=$(KERNEL) INITRD=$(INITRD) ISO=$(ISO) iso/run.sh
boot-halted: $(IMAGES)
	@KERNEL=$(KERNEL) INITRD=$(INITRD) ISO=$(ISO) GDB=$(GDB) iso/gdb.sh

# ---- 7 tests ---------------------------------------------------------------------------------------------------------

.PHONY: test check test-images test-host test-linux torture
test check: deps
	@{ iso/deps.sh report || echo 'no browser: the report is tested without one'; } & \
		$(MAKE) --no-print-directory test-images && \
		{ $(MAKE) --no-print-directory host-tests; wait; $(PYTHON) tests/run.py; }

# Everything that the guest tests boot.
test-images: build/tidemark.elf build/tidemark-debug.elf build/initrd-test.cpio build/initrd.cpio.gz

-include tests/host/build.mk

# A million calls with arguments that are nearly right, other ones each time: some minutes.
.PHONY: fuzz nightly
CALLS ?= 1000000
SEED  ?= #
fuzz nightly: deps
	@$(MAKE) --no-print-directory build/tidemark-debug.elf build/initrd.cpio.gz
	@$(PYTHON) tests/fuzz.py $(CALLS) $(SEED)

# Memory is short for many minutes, in every way at once, and then all of it is there: tests/guest/test_soak.py.
.PHONY: soak
MINUTES ?= 30
soak: deps
	@$(MAKE) --no-print-directory test-images
	@$(PYTHON) tests/guest/test_soak.py $$(($(MINUTES) * 60)) "$(strip $(SEED))" $(CPUS) $(FROM)

# Each allocation of process 1 fails once, a boot for each; and the sweeps of tests/guest/failnth.c without gaps.
.PHONY: failnth
nightly: failnth
failnth: test-images
	@$(PYTHON) tests/guest/test_failnth.py

test-linux: deps
	@$(MAKE) --no-print-directory build/initrd-test.cpio
	@$(PYTHON) -m pytest -q --rootdir=tests -p no:cacheprovider tests/guest/linux_run.py

torture: deps
	@$(MAKE) --no-print-directory build/tidemark-debug.elf build/initrd-test.cpio
	@$(PYTHON) -m pytest -q --rootdir=tests -p no:cacheprovider tests/guest/torture_run.py

# ---- 8 benchmarks ----------------------------------------------------------------------------------------------------

.PHONY: bench bench-linux
bench: deps
	@$(MAKE) --no-print-directory build/tidemark.elf build/initrd-bench.cpio.gz build/initrd.cpio.gz
	@$(PYTHON) tests/bench/bench.py
bench-linux: deps
	@$(MAKE) --no-print-directory build/tidemark.elf build/initrd-bench.cpio.gz build/initrd.cpio.gz
	@$(PYTHON) tests/bench/bench.py --linux

# A run with the event stream, and what became of it as one page: that of `make demo`, on the same machine, with all that
# the kernel says in the log. RUN: another program and its words, on a machine of MEM, CPUS and SWAP; STREAM: what the
# stream carries (nothing: the ordinary events). COMPARE=X.trace lays another run over it. PNG=1: each picture as a file.
.PHONY: report
RUN     ?= demo
NAME    ?= run
STREAM  ?= #
COMPARE ?= #
PNG     ?= #
report:
	@iso/deps.sh report
	@$(MAKE) --no-print-directory build/tidemark.elf build/initrd.cpio.gz build/report/npm.stamp
	@$(if $(filter demo,$(firstword $(RUN))),$(DEMO_MACHINE)) $(PYTHON) tests/report/record.py build/report/$(NAME) \
		"ignore_loglevel stream$(if $(strip $(STREAM)),=$(strip $(STREAM))) -- $(RUN)"
	@$(PYTHON) tests/report/report.py build/report/$(NAME).html build/report/$(NAME) $(COMPARE)
	@$(if $(filter 1,$(PNG)),$(PYTHON) tests/report/browser.py build/report/$(NAME).html build/report)

# The pictures of README.md, from runs of now.
.PHONY: pictures
pictures:
	@iso/deps.sh report
	@$(MAKE) --no-print-directory build/tidemark.elf build/initrd.cpio.gz
	@$(PYTHON) tests/report/tide_picture.py docs/pictures/tide.png
	@$(MAKE) --no-print-directory report NAME=demo RUN=demo MEM=48 SWAP=128
	@$(PYTHON) tests/report/browser.py build/report/demo.html docs/pictures/report.png

# The plotting library: fetched, not kept; package-lock.json has its version and checksum.
build/report/npm.stamp: tests/report/package.json tests/report/package-lock.json
	$(call say,NPM,$(@D))
	$(Q)mkdir -p $(@D) && cp $^ $(@D)
	$(Q)cd $(@D) && $(call need,npm,npm) ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || { cat npm.log; exit 1; }
	$(Q)touch $@

# ---- 9 upkeep --------------------------------------------------------------------------------------------------------

C_FILES = $(shell find arch kernel mm user tests -name '*.[ch]')

.PHONY: docs fmt style clean
# docs/abi.md, from the tables of system calls; docs/trace.md, from the list of events.
docs:
	@$(PYTHON) tests/abi.py
	@$(PYTHON) tests/events.py
fmt:
	@$(call need,clang-format,clang-format) -i $(C_FILES)
style:
	@$(PYTHON) tests/style.py
clean:
	rm -rf build

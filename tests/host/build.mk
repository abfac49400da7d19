# SPDX-License-Identifier: MIT
#
# Host tests: `make test-host` builds every tests/host/*_test.c with the kernel sources that its head names, runs all,
# shows the output of those that fail, and ends with a count. SEED=n in the environment changes the random operations.
# One alone: build/host/rbtree_test

HOST_CC     ?= gcc
HOST_FLAGS  := -std=gnu17 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
               -Itests/host/stub -Itests/host -I. -Iarch/x86_64/include -MMD -MP $(WARN) -Wno-missing-prototypes
HOST_TESTS  := $(patsubst tests/host/%.c,%,$(sort $(wildcard tests/host/*_test.c)))
HOST_BINS   := $(HOST_TESTS:%=build/host/%)

# The words behind "sources:" or "flags:" in the lines below the head comment of a test: $(call host_head,test,word)
host_head    = $(shell sed -n '1,30s|^/\* $2: *\(.*[^ ]\) *\*/$$|\1|p' tests/host/$1.c)
host_objects = $(patsubst %.c,build/host/%.o,$(call host_head,$1,sources))

# The C library has functions of these names; ASan watches them, so everything but string_test uses the library's.
HOST_RENAMED := memcpy memmove memset memcmp strlen strnlen strcmp strncmp strchr strrchr
build/host/kernel/lib/string.o: HOST_RENAME := $(foreach f,$(HOST_RENAMED),-D$f=tm_$f)

build/host.stamp: FORCE
	$(call stamp,$(HOST_CC) $(HOST_FLAGS) $(HOST_RENAMED))

build/host/%.o: %.c build/host.stamp
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_FLAGS) $(HOST_RENAME) -c -o $@ $<

define host_program
build/host/$1: build/host/tests/host/$1.o $(call host_objects,$1)
	$$(call say,HOSTLD,$$@)
	$$(Q)$$(HOST_CC) -fsanitize=address,undefined -o $$@ $$^ -lcmocka $(call host_head,$1,flags)
endef
$(foreach t,$(HOST_TESTS),$(eval $(call host_program,$t)))

# The policies of mm/evict.h on strings of accesses, beside LRU and OPT (policy.c)
POLICY_OBJECTS := $(patsubst %.c,build/host/%.o,tests/host/policy.c $(call host_head,policy_test,sources))
build/host/policy: $(POLICY_OBJECTS)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -fsanitize=address,undefined -o $@ $^

.PHONY: policy
policy: build/host/policy
	@$<

# A run that fails leaves X_test.failed, so that the others go on. The log is shown at the end.
build/host/%.log: build/host/% FORCE
	@rm -f build/host/$*.failed
	@$< >$@ 2>&1 || echo "$* failed: status $$?" >build/host/$*.failed

.PHONY: test-host host-tests
host-tests: $(HOST_BINS)
test-host: $(HOST_BINS:%=%.log)
	@for t in $(HOST_TESTS); do \
		test -e build/host/$$t.failed && cat build/host/$$t.log build/host/$$t.failed; done; \
	passed=$$(cat $(HOST_BINS:%=%.log) | grep -c '^\[       OK \]'); \
	failed=$$(ls $(HOST_BINS:%=%.failed) 2>/dev/null | wc -l); \
	echo "host: $$passed cases passed in $(words $(HOST_TESTS)) programs, $$failed programs failed"; \
	test $$failed -eq 0

-include $(wildcard build/host/*/*.d build/host/*/*/*.d)

/* SPDX-License-Identifier: MIT */
/*
 * kernel/cmdline.c - the words that the boot loader passes
 *
 * Idea        see cmdline.h
 * Invariants  see cmdline.h; and
 *             I2  Every key that the kernel asks for is in kernel_words. (asserted: else init would get the word too)
 * Locks       none
 * Follow      from main.c
 * Tests       tests/host/cmdline_test.c
 * See         Linux Documentation/admin-guide/kernel-parameters.rst
 */
#include <kernel/cmdline.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>

/* What the kernel understands, or takes and ignores as Linux would where the feature is absent. */
static const char *const kernel_words[] = {
	"acpi",
	"apic",
	"console",
	"debug",
	"disk_timeout",
	"earlyprintk",
	"evict",
	"evict_every",
	"fail_io",
	"fail_nth",
	"fail_page_alloc",
	"ignore_loglevel",
	"init",
	"loglevel",
	"maxcpus",
	"mem",
	"min_free_kbytes",
	"mitigations",
	"noapic",
	"nokaslr",
	"noinitrd",
	"norandmaps",
	"nosmp",
	"nox2apic",
	"oom",
	"oops",
	"panic",
	"pci",
	"quiet",
	"rdinit",
	"ro",
	"root",
	"rootfstype",
	"rw",
	"selftest",
	"swap",
	"stream",
	"stream_ms",
	"trace",
	"transparent_hugepage",
	"tsc",
};

enum word_owner {
	WORD_KERNEL,
	WORD_ENV,    /* key=value that the kernel does not know */
	WORD_ARG,    /* bare, or behind -- */
	WORD_NOBODY, /* a module's: key with a dot */
};

struct word {
	const char *text; /* the whole word, quotes removed */
	u32 key_len;      /* bytes before = */
	bool has_value;
	enum word_owner owner;
};

static char whole[CMDLINE_MAX]; /* as given */
static char split[CMDLINE_MAX]; /* words, each with its NUL */
static struct word words[CMDLINE_WORDS_MAX];
static u32 word_count;

static char *word_cut(char **cursor);
static void word_add(const char *text, bool after_dashes);
static bool key_equal(const char *a, const char *b, u32 len);
static bool key_known(const char *key, u32 len);
static const struct word *word_find(const char *key);
static u32 env_put(const char **envp, u32 count, u32 max, const char *text, u32 key_len);

void
cmdline_init(const char *line)
{
	char *cursor = split;
	char *text;
	bool after_dashes = false;

	word_count = 0;
	if (strlcpy(whole, line, sizeof(whole)) >= sizeof(whole))
		pr_warn("The command line is longer than %u bytes: the rest is cut.", CMDLINE_MAX - 1);
	strlcpy(split, whole, sizeof(split));
	while ((text = word_cut(&cursor))) {
		if (!after_dashes && !strcmp(text, "--"))
			after_dashes = true;
		else
			word_add(text, after_dashes);
	}
}

const char *
cmdline_whole(void)
{
	return whole;
}

const char *
cmdline_get(const char *key)
{
	const struct word *w = word_find(key);

	if (!w)
		return NULL;
	return w->has_value ? w->text + w->key_len + 1 : "";
}

bool
cmdline_has(const char *key)
{
	return word_find(key) != NULL;
}

u64
cmdline_u64(const char *key, u64 fallback)
{
	const char *text = cmdline_get(key);
	u64 value;

	if (!text)
		return fallback;
	if (!parse_size(text, NULL, &value))
		return value;
	pr_warn("Command line: %s=%s is no number; taken as %lu.", key, text, fallback);
	return fallback;
}

s64
cmdline_s64(const char *key, s64 fallback)
{
	const char *text = cmdline_get(key);
	bool negative = text && *text == '-';
	u64 value;

	if (!text)
		return fallback;
	if (!parse_u64(text + negative, NULL, 10, &value) && value <= INT64_MAX)
		return negative ? -(s64)value : (s64)value;
	pr_warn("Command line: %s=%s is no number; taken as %ld.", key, text, fallback);
	return fallback;
}

u32
cmdline_init_args(const char **argv, u32 max)
{
	u32 count = 0;

	for (u32 i = 0; i < word_count && count < max; i++)
		if (words[i].owner == WORD_ARG)
			argv[count++] = words[i].text;
	return count;
}

u32
cmdline_init_env(const char **envp, u32 max)
{
	u32 count = 0;

	count = env_put(envp, count, max, "HOME=/", 4);
	count = env_put(envp, count, max, "TERM=linux", 4);
	for (u32 i = 0; i < word_count; i++)
		if (words[i].owner == WORD_ENV)
			count = env_put(envp, count, max, words[i].text, words[i].key_len);
	return count;
}

/* The next word, its double quotes removed and a NUL behind it; NULL at the end. Blanks within quotes do not end it. */
static char *
word_cut(char **cursor)
{
	char *from = *cursor;
	char *to;
	char *text;
	bool quoted = false;

	while (*from == ' ' || *from == '\t' || *from == '\n')
		from++;
	if (!*from)
		return NULL;
	for (text = to = from; *from && (quoted || (*from != ' ' && *from != '\t' && *from != '\n')); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*cursor = *from ? from + 1 : from;
	*to = '\0';
	return text;
}

/* Files the word under its owner. */
static void
word_add(const char *text, bool after_dashes)
{
	const char *equals = strchr(text, '=');
	struct word w = {.text = text, .has_value = equals != NULL};

	if (word_count == CMDLINE_WORDS_MAX) {
		pr_warn("Command line: more than %u words; \"%s\" is left out.", CMDLINE_WORDS_MAX, text);
		return;
	}
	w.key_len = (u32)(equals ? (u64)(equals - text) : strlen(text));
	if (after_dashes)
		w.owner = WORD_ARG;
	else if (key_known(text, w.key_len))
		w.owner = WORD_KERNEL;
	else if (strchr(text, '.') && strchr(text, '.') < text + w.key_len)
		w.owner = WORD_NOBODY;
	else
		w.owner = w.has_value ? WORD_ENV : WORD_ARG;
	words[word_count++] = w;
}

/* As Linux: - and _ are the same in a key. */
static bool
key_equal(const char *a, const char *b, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if ((a[i] == '-' ? '_' : a[i]) != (b[i] == '-' ? '_' : b[i]))
			return false;
	return true;
}

static bool
key_known(const char *key, u32 len)
{
	for (u32 i = 0; i < ARRAY_SIZE(kernel_words); i++)
		if (strlen(kernel_words[i]) == len && key_equal(kernel_words[i], key, len))
			return true;
	return false;
}

/* The last of the kernel's words with this key, or NULL. */
static const struct word *
word_find(const char *key)
{
	u32 len = (u32)strlen(key);

	assertf(key_known(key, len), "add \"%s\" to kernel_words", key);
	for (u32 i = word_count; i > 0; i--) {
		const struct word *w = &words[i - 1];

		if (w->owner == WORD_KERNEL && w->key_len == len && key_equal(w->text, key, len))
			return w;
	}
	return NULL;
}

/* Stores @text, in the place of an earlier one with the same key. Returns the new count. */
static u32
env_put(const char **envp, u32 count, u32 max, const char *text, u32 key_len)
{
	u32 i = 0;

	while (i < count && strncmp(envp[i], text, key_len + 1))
		i++;
	if (i == max)
		return count;
	envp[i] = text;
	return i == count ? count + 1 : count;
}

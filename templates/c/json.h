/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Just enough JSON for requests, which are machine-written and of a known shape: walk over values and look up keys, in the
 * text itself. A bigger implementation is better off with a library.
 */
#ifndef JSON_H
#define JSON_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Behind the string that begins at p. */
static inline const char *skip_string(const char *p)
{
	for (p += 1 + strcspn(p + 1, "\"\\"); *p == '\\' && p[1]; p += strcspn(p, "\"\\"))
		p += 2;
	return *p ? p + 1 : p;
}

/* Behind the value that begins at p. */
static inline const char *skip(const char *p)
{
	int depth = 0;

	if (*p == '"')
		return skip_string(p);
	if (*p != '{' && *p != '[')
		return p + strcspn(p, ",]} \t\r\n");
	do {
		if (*p == '"') {
			p = skip_string(p);
		} else {
			depth += *p == '{' || *p == '[' ? 1 : -1;
			p++;
		}
		if (depth > 0)
			p += strcspn(p, "\"{}[]");
	} while (depth > 0 && *p);
	return p;
}

static inline const char *blank(const char *p)
{
	return p + strspn(p, " \t\r,:");
}

/* The value of a key of the object at p, or NULL. */
static inline const char *member(const char *p, const char *key)
{
	size_t length = strlen(key);

	if (!p || *p != '{')
		return NULL;
	for (p = blank(p + 1); *p == '"'; p = blank(skip(p))) {
		const char *name = p + 1;

		p = blank(skip_string(p));
		if (!strncmp(name, key, length) && name[length] == '"')
			return p;
	}
	return NULL;
}

/* The first item of the list at p, or NULL. */
static inline const char *first_item(const char *p)
{
	if (!p || *p != '[')
		return NULL;
	p = blank(p + 1);
	return *p && *p != ']' ? p : NULL;
}

/* The item behind the item at p, or NULL. */
static inline const char *next_item(const char *p)
{
	p = blank(skip(p));
	return *p && *p != ']' ? p : NULL;
}

/* Whether the value at p begins with this text: a string with its first quote. */
static inline int is(const char *p, const char *text)
{
	return p && !strncmp(p, text, strlen(text));
}

static inline uint32_t number(const char *p)
{
	return p ? (uint32_t)strtoull(p, NULL, 10) : 0;
}

#endif

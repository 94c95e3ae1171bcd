/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives each line back at once, as an implementation answers: what the pipe and the flushing cost by themselves. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) > 0) {
		fwrite(line, 1, (size_t)length, stdout);
		fflush(stdout);
	}
	free(line);
	return 0;
}

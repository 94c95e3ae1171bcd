// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: ends before it has said a word to the runner. It cannot be started.

process.stderr.write('this program needs a licence key\n');
process.exitCode = 7;

// SPDX-License-Identifier: GPL-2.0-or-later

/** What was thrown, as a sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

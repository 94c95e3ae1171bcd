// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * How the host kernel writes numbers into messages. Its formatter differs from the C library's in two places: `%#lx`
 * prints the prefix for zero too, and `%p` prints eight digits without a prefix.
 */

/** `%li` and `%i`: the word as a signed decimal. */
export function signedDecimal(word: number): string {
  return String(word | 0);
}

/** `%lu` and `%u`. */
export function unsignedDecimal(word: number): string {
  return String(word >>> 0);
}

/** `%#lx`: lower-case digits without padding; zero is `0x0`. */
export function prefixedHex(word: number): string {
  return `0x${(word >>> 0).toString(16)}`;
}

/** `%p`: eight lower-case digits without a prefix; the null pointer is `(null)`. */
export function pointer(address: number): string {
  return address === 0 ? '(null)' : (address >>> 0).toString(16).padStart(8, '0');
}

/** `%s`: the bytes before the first zero, or all, one character for each. */
export function cString(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes).split('\0')[0];
}

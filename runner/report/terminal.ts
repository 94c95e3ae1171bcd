// SPDX-License-Identifier: GPL-2.0-or-later

import type { WriteStream } from 'node:tty';

/** Text in a colour, or as it is. */
export interface Paint {
  bad(text: string): string;
  good(text: string): string;
}

const RED = '31';
const GREEN = '32';

/**
 * Whether to write colours: on a terminal that has them, unless `--no-color` or the variable NO_COLOR says no. FORCE_COLOR
 * says yes where there is no terminal, as in the logs of a CI.
 */
export function usesColor(
  option: boolean | undefined,
  stream: Pick<WriteStream, 'isTTY' | 'hasColors'> = process.stdout,
): boolean {
  if (option === false || (process.env.NO_COLOR ?? '') !== '') return false;
  const forced = process.env.FORCE_COLOR ?? '';
  if (forced !== '') return forced !== '0';
  return stream.isTTY === true && stream.hasColors();
}

export function paint(color: boolean): Paint {
  const as =
    (code: string) =>
    (text: string): string =>
      color ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { bad: as(RED), good: as(GREEN) };
}

/** The columns of a terminal, or what is read comfortably. */
export function columns(most: number): number {
  return Math.min(most, process.stdout.columns ?? most);
}

const MILLISECONDS_BETWEEN = 100;
/** Until then the rate says nothing. */
const SECONDS_OF_SILENCE = 0.5;

/** One line on standard error, overwritten ten times a second; only when that is a terminal. */
export class Progress {
  private done = 0;
  private bad = 0;
  private last = 0;
  private shown = false;
  private readonly began: number;

  constructor(
    private readonly all: number,
    private readonly stream: Pick<WriteStream, 'isTTY' | 'write'> = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.began = now();
  }

  count(bad: boolean): void {
    this.done++;
    if (bad) this.bad++;
    if (this.stream.isTTY !== true) return;
    const now = this.now();
    if (now - this.last < MILLISECONDS_BETWEEN) return;
    this.last = now;
    this.shown = true;
    this.stream.write(`\r\x1b[K${progressText(this.done, this.all, this.bad, (now - this.began) / 1000)}`);
  }

  end(): void {
    if (this.shown) this.stream.write('\r\x1b[K');
    this.shown = false;
  }
}

/** `3200/13959 cases, 23 %, 1850/s, 6 s left, 2 failed`. */
export function progressText(done: number, all: number, bad: number, seconds: number): string {
  const parts = [`${done}/${all} cases`, `${Math.floor((100 * done) / all)} %`];
  if (seconds >= SECONDS_OF_SILENCE && done > 0) {
    const rate = done / seconds;
    parts.push(
      `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`,
      `${duration((all - done) / rate)} left`,
    );
  }
  if (bad > 0) parts.push(`${bad} failed`);
  return parts.join(', ');
}

/** `8 s`, `2 min 5 s`, `1 h 3 min`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

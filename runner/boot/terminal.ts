// SPDX-License-Identifier: GPL-2.0-or-later

/** Where a guest's input comes from while it runs. */

/** Ctrl-] ends a run at an interactive terminal, where Ctrl-C belongs to the guest. */
const ESCAPE_KEY = 0x1d;

export interface InputSource {
  /** What has come since it was asked last. */
  take(): Buffer[];
  /** No more will come. */
  readonly ended: boolean;
  /** The user wants the run to end. */
  readonly escaped: boolean;
  /** A user types at a terminal. */
  readonly interactive: boolean;
  /** Waits until there is something, or so many milliseconds have passed. */
  wait(milliseconds: number | null): Promise<void>;
  close(): void;
}

/** Nobody types. */
export const NO_INPUT: InputSource = {
  take: () => [],
  ended: true,
  escaped: false,
  interactive: false,
  wait: async () => {},
  close: () => {},
};

/** The longest a timer can be set. */
const LONGEST_WAIT = 2 ** 31 - 1;

/** A stream, such as standard input; when it is a terminal, key by key. */
export class StreamInput implements InputSource {
  ended = false;
  escaped = false;
  private readonly came: Buffer[] = [];
  private wake: (() => void) | undefined;
  readonly interactive: boolean;

  constructor(private readonly stream: NodeJS.ReadStream) {
    this.interactive = stream.isTTY === true;
    if (this.interactive) stream.setRawMode(true);
    stream.on('data', this.onData);
    stream.on('end', this.onEnd);
    stream.resume();
  }

  take(): Buffer[] {
    return this.came.splice(0);
  }

  async wait(milliseconds: number | null): Promise<void> {
    if (this.came.length > 0 || this.escaped) return;
    await new Promise<void>((resolve) => {
      const timer =
        milliseconds === null ? undefined : setTimeout(resolve, Math.min(milliseconds, LONGEST_WAIT));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  close(): void {
    if (this.interactive) this.stream.setRawMode(false);
    this.stream.off('data', this.onData);
    this.stream.off('end', this.onEnd);
    this.stream.pause();
    this.wake?.();
  }

  private readonly onData = (data: Buffer): void => {
    if (this.interactive && data.includes(ESCAPE_KEY)) this.escaped = true;
    else this.came.push(data);
    this.wake?.();
  };

  private readonly onEnd = (): void => {
    this.ended = true;
    this.wake?.();
  };
}

// SPDX-License-Identifier: GPL-2.0-or-later

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { Disk } from '../../reference/launcher/block-device.js';

/** A file as the disk of a guest. Its size does not change. */
export class DiskFile implements Disk {
  readonly size: number;
  private readonly file: number;

  /** Opens the file for reading and writing. */
  constructor(path: string) {
    this.file = openSync(path, 'r+');
    this.size = fstatSync(this.file).size;
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const bytes = new Uint8Array(wanted);
    let done = 0;
    while (done < wanted) {
      const count = readSync(this.file, bytes, done, wanted - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.file, bytes, done, bytes.length - done, offset + done);
    }
  }

  flush(): void {
    fsyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
  }
}

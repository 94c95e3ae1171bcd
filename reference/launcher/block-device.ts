// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 30: the block device: a file or a piece of memory as a disk of 512-byte sectors. */

import { complete, type Device, type DeviceSurroundings, DeviceType } from './device.js';
import { LauncherError } from './launcher-error.js';
import { type Chain, gather, lengthOf, scatter, type Virtqueue } from './virtqueue.js';

/** What the disk is made of. */
export interface Disk {
  /** In bytes. */
  readonly size: number;
  /** Up to `length` bytes; fewer at the end. */
  read(offset: number, length: number): Uint8Array;
  /** Never beyond the end. */
  write(offset: number, bytes: Uint8Array): void;
  /** All that was written is safe. */
  flush(): void;
}

const SECTOR_SIZE = 512;
/** The header of a request: type, priority (ignored) and a 64-bit sector number. */
const RequestHeader = { type: 0, sector: 8, size: 16, alignment: 4 };
/** Bits of the type; none: a read. */
const RequestType = { write: 1, scsi: 2, barrier: 0x80000000 } as const;
const RequestStatus = { ok: 0, unsupported: 2 } as const;

/** Feature bits: barriers are obeyed (0), and `seg_max` in the configuration counts (2). */
const FEATURES = Uint8Array.of(0x05);
/** struct virtio_blk_config: capacity in sectors, then the most segments of a request. */
const Config = { capacity: 0, segMax: 12, size: 24 };
/** A ring holds these, and the descriptors of header and status. */
const MOST_SEGMENTS = 254;

export class BlockDevice implements Device {
  readonly name: string;
  readonly type = DeviceType.block;
  readonly queueCount = 1;
  readonly features = FEATURES;
  readonly config: Uint8Array;
  private queue: Virtqueue | undefined;
  private around: DeviceSurroundings | undefined;

  constructor(private readonly disk: Disk) {
    this.name = 'block';
    this.config = new Uint8Array(Config.size);
    const view = new DataView(this.config.buffer);
    view.setBigUint64(Config.capacity, BigInt(Math.floor(disk.size / SECTOR_SIZE)), true); // VIO-40
    view.setUint32(Config.segMax, MOST_SEGMENTS, true);
  }

  attach([queue]: readonly Virtqueue[], around: DeviceSurroundings): void {
    this.queue = queue;
    this.around = around;
  }

  kicked(): void {
    const { around, queue } = this;
    if (around === undefined || queue === undefined) return;
    for (let chain = queue.take(); chain !== null; chain = queue.take()) {
      complete(around, queue, chain, this.serve(chain, around));
    }
  }

  /**
   * One request (VIO-41 to VIO-46).
   * @returns how many bytes were written into its buffers
   */
  private serve(chain: Chain, { memory }: DeviceSurroundings): number {
    const [header] = chain.readable;
    const status = chain.writable.at(-1);
    if (header === undefined || status === undefined) {
      const counts = `out=${chain.readable.length} in=${chain.writable.length}`;
      throw new LauncherError(`Bad virtblk cmd ${chain.head} ${counts}`); // VIO-41
    }
    if (header.length !== RequestHeader.size || header.address % RequestHeader.alignment !== 0) {
      throw new LauncherError('Bad virtblk header: it is 16 bytes at an address that 4 divides'); // VIO-41
    }
    if (status.length !== 1) throw new LauncherError('Bad virtblk status: it is one byte'); // VIO-41
    const type = memory.read32(header.address + RequestHeader.type);
    const sector = sectorAt(memory.bytes(header.address + RequestHeader.sector, 8));
    const data = { out: chain.readable.slice(1), in: chain.writable.slice(0, -1) };
    if ((type & RequestType.barrier) !== 0) this.disk.flush(); // VIO-45
    if ((type & RequestType.scsi) !== 0) {
      memory.write8(status.address, RequestStatus.unsupported); // VIO-44
      return 1;
    }
    let written = 1;
    if ((type & RequestType.write) !== 0) {
      this.write(sector, gather(memory, data.out)); // VIO-43
    } else {
      const bytes = this.disk.read(sector * SECTOR_SIZE, lengthOf(data.in)); // VIO-42
      written += scatter(memory, data.in, bytes);
    }
    memory.write8(status.address, RequestStatus.ok);
    return written;
  }

  private write(sector: number, bytes: Uint8Array): void {
    const offset = sector * SECTOR_SIZE;
    if (offset + bytes.length > this.disk.size) {
      throw new LauncherError(`Write past end ${offset}+${bytes.length}`); // VIO-46
    }
    this.disk.write(offset, bytes);
  }
}

function sectorAt(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

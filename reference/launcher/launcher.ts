// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapters 29 and 30: the launcher makes a guest of a kernel image, gives it devices and reads until it has ended. */

import { LAUNCHER_TASK, type Profile } from '../host/kernel.js';
import { LguestFile, Lhreq } from '../host/launcher-interface.js';
import { ENTRIES_PER_TABLE, PAGE_SIZE, Physical } from '../host/layout.js';
import type { Host, LgCpu } from '../host/state.js';
import { DEFAULT_MODEL, type ModelName } from '../processor/index.js';
import type { ProcessorObserver } from '../processor/interface.js';
import type { PhysicalMemory } from '../processor/memory.js';
import { BlockDevice, type Disk } from './block-device.js';
import { loadRamdisk, writeBootParameters } from './boot-parameters.js';
import { ConsoleDevice } from './console-device.js';
import type { DeviceSurroundings } from './device.js';
import { DevicePage } from './device-page.js';
import { DEVICE_AREA, GuestMemory } from './guest-memory.js';
import { createHost } from './host-machine.js';
import type { KernelImage } from './kernel-image.js';
import { LauncherError } from './launcher-error.js';
import type { ModelTime } from './model-time.js';
import { RandomDevice } from './random-device.js';
import { RandomSource } from './random-source.js';

/** User address of guest-physical 0. */
const GUEST_BASE = 0x10000000;
/** The host maps all physical memory; its own addresses end there. */
const MOST_MEMORY = 960 * 0x100000;
const LEAST_MEMORY = 0x100000;
const CPU_0 = 0;
/** The task that waits for input and takes the owner out of its read. */
const WAKER_TASK = LAUNCHER_TASK + 1;
const NOTIFICATION_SIZE = 4;
const REASON_SIZE = 1023;
/** What INITIALIZE returns. */
const INITIALIZED = 12;

/** What a read returns beside a notification. */
const ENOENT = -2;
const EAGAIN = -11;
const ERESTART = -85;
const ERESTARTSYS = -512;

/** Three of these, each typed alone and within a second, end the launcher (VIO-34). */
const CONTROL_C = 3;
const ENOUGH_CONTROL_C = 3;
const CONTROL_C_NANOSECONDS = 1_000_000_000;

/** What to boot, and with what. */
export interface LauncherOptions {
  profile: Profile;
  /** What CPUID says; without it the newest. */
  model?: ModelName;
  /** RAM in bytes. */
  memory: number;
  image: KernelImage;
  commandLine: string;
  initrd?: Uint8Array;
  disks: readonly Disk[];
  /** Whether the guest has a random number device. */
  random: boolean;
  seed: number;
  /** Terminal. */
  print(bytes: Uint8Array): void;
  warn(message: string): void;
  observer?: ProcessorObserver;
  /** Physical memory of a size, all zero, for a machine that comes after another one; absent: new memory. */
  memoryOf?: (size: number) => PhysicalMemory;
}

/**
 * How a guest has ended. `failed`: the launcher has given up on it, and says why; `stopped`: by the user at the
 * console.
 */
export type Ending =
  | { ended: 'dead'; reason: string }
  | { ended: 'restart' | 'limit' | 'stopped' }
  | { ended: 'failed'; reason: string };

/** What became of one read. `asleep`: the guest waits, and nothing is planned that would wake it. */
export type Turn = 'on' | 'tick' | 'asleep' | Ending;

export class Launcher implements DeviceSurroundings {
  readonly host: Host;
  readonly memory: GuestMemory;
  readonly cpu: LgCpu;
  private readonly file: LguestFile;
  private readonly page: DevicePage;
  private readonly console: ConsoleDevice;
  /** What the Waker has found at the terminal. */
  private readonly found: Uint8Array[] = [];
  private controlCs: number[] = [];
  private stopped = false;

  /** Lays out everything and makes the guest (LAUNCH-30). */
  constructor(
    private readonly options: LauncherOptions,
    private readonly time: ModelTime,
  ) {
    const { memory: ram, profile, model = DEFAULT_MODEL, observer, memoryOf } = options;
    if (ram % PAGE_SIZE !== 0 || ram < LEAST_MEMORY || ram > MOST_MEMORY) {
      throw new LauncherError('A guest has from 1 to 960 MiB of memory');
    }
    this.host = createHost(profile, ram + DEVICE_AREA, time, model, observer, memoryOf);
    this.memory = new GuestMemory(this.host.memory, GUEST_BASE, Physical.guestMemory, ram);
    this.page = new DevicePage(this);
    this.console = new ConsoleDevice(options.print);
    this.addDevices();
    loadImage(this.memory, options.image);
    if (options.initrd !== undefined) loadRamdisk(this.memory, options.initrd);
    requireRoomForTables(ram, options.image, options.initrd);
    writeBootParameters(this.memory, options.commandLine);
    this.file = new LguestFile(this.host, this.memory.launcher, Physical.virtualCpus);
    this.cpu = this.initialize(options.image.start);
    time.begin(this.host.kernel, this.cpu);
  }

  /** The user has typed something: the Waker takes the owner out of its read. */
  input(bytes: Uint8Array): void {
    this.found.push(bytes);
    this.file.write(WAKER_TASK, CPU_0, [Lhreq.break, 1]);
  }

  /** One read. */
  turn(): Turn {
    try {
      return this.read();
    } catch (error) {
      if (error instanceof LauncherError) return { ended: 'failed', reason: error.message };
      throw error;
    }
  }

  // --------------------------------------------------------------------------------------- what devices ask for

  interrupt(irq: number): void {
    this.file.write(LAUNCHER_TASK, CPU_0, [Lhreq.irq, irq]);
  }

  warn(message: string): void {
    this.options.warn(message);
  }

  // -------------------------------------------------------------------------------------------------- the guest

  /** Block devices in their order, the random number device, and the console last (VIO-3). */
  private addDevices(): void {
    const { disks, random, seed } = this.options;
    for (const disk of disks) this.page.add(new BlockDevice(disk));
    if (random) {
      const source = new RandomSource(seed);
      this.page.add(new RandomDevice(() => source.next() >>> 24));
    }
    this.page.add(this.console);
  }

  private initialize(start: number): LgCpu {
    const pfnLimit = this.memory.limit / PAGE_SIZE; // LAUNCH-31
    const words = [Lhreq.initialize, GUEST_BASE, pfnLimit, start];
    const result = this.file.write(LAUNCHER_TASK, CPU_0, words);
    const cpu = this.file.lg?.cpus[0];
    if (result !== INITIALIZED || cpu === undefined) {
      throw new LauncherError(`The guest cannot be made: error ${-result}`);
    }
    return cpu;
  }

  private read(): Turn {
    const { file, host, time } = this;
    host.kernel.signal_pending = false;
    time.asleep = false;
    const { result, bytes } = file.read(LAUNCHER_TASK, CPU_0, NOTIFICATION_SIZE);
    switch (result) {
      case NOTIFICATION_SIZE:
        this.notified(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
        return 'on';
      case EAGAIN:
        this.serveInput();
        file.write(LAUNCHER_TASK, CPU_0, [Lhreq.break, 0]);
        return this.stopped ? { ended: 'stopped' } : 'on';
      case ERESTARTSYS:
        if (time.isAtLimit) return { ended: 'limit' };
        return time.asleep ? 'asleep' : 'tick';
      case ENOENT:
        return { ended: 'dead', reason: this.readReason() };
      case ERESTART:
        return { ended: 'restart' };
      default:
        return { ended: 'failed', reason: `Running guest failed: error ${-result}` };
    }
  }

  /** A device, or a text for the console (VIO-10 VIO-15). */
  private notified(address: number): void {
    if (this.page.notified(address)) return;
    if (address >= this.memory.limit) throw new LauncherError(`Bad NOTIFY 0x${address.toString(16)}`); // VIO-16
    this.options.print(this.memory.textAt(address));
  }

  private serveInput(): void {
    for (const bytes of this.found.splice(0)) {
      this.countControlCs(bytes);
      this.console.input(bytes);
    }
  }

  private countControlCs(bytes: Uint8Array): void {
    const { now } = this.time;
    if (bytes.length !== 1 || bytes[0] !== CONTROL_C) this.controlCs = [];
    else this.controlCs.push(now);
    const recent = this.controlCs.filter((at) => now - at <= CONTROL_C_NANOSECONDS);
    if (recent.length >= ENOUGH_CONTROL_C) this.stopped = true; // VIO-34
  }

  private readReason(): string {
    const { bytes } = this.file.read(LAUNCHER_TASK, CPU_0, REASON_SIZE);
    return Buffer.from(bytes).toString('latin1').replace(/\0$/, '');
  }
}

/** The host's first page tables come between kernel and RAM disk (LAUNCH-17). */
function requireRoomForTables(ram: number, { parts }: KernelImage, initrd: Uint8Array | undefined): void {
  const kernelEnd = Math.max(0, ...parts.map(({ address, bytes }) => address + bytes.length));
  const ramdiskStart = ram - Math.ceil((initrd?.length ?? 0) / PAGE_SIZE) * PAGE_SIZE;
  const tables = Math.ceil(ram / PAGE_SIZE / ENTRIES_PER_TABLE) + 1;
  if (kernelEnd > ramdiskStart - tables * PAGE_SIZE) {
    throw new LauncherError('The kernel and the RAM disk leave no room for page tables');
  }
}

/** Copies a kernel into memory (LAUNCH-16). */
function loadImage(memory: GuestMemory, { parts, start }: KernelImage): void {
  for (const { address, bytes } of parts) {
    if (address + bytes.length > memory.ram) throw new LauncherError('The kernel does not fit into memory');
    memory.store(address, bytes);
  }
  if (start >= memory.ram) throw new LauncherError('The kernel starts outside of memory');
}

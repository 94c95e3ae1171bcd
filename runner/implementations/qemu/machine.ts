// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { ProcessorRegisters } from '../../protocol.js';
import { endingWithUs } from '../command.js';
import { OUTSIDE_SAVE_AREA, outsideSaveArea } from '../registers.js';
import {
  FOUND,
  FOUND_SAVE,
  GENERATION,
  GIVEN,
  GIVEN_SAVE,
  HANDLER,
  HANDLER_BYTES,
  PAGE_BYTES,
  PAGE_COUNT,
  PAGE_LIST,
  RAM_BYTES,
  READY,
  RESET_SAVE,
  STAGING,
} from './control-block.js';
import { firmwareImage } from './firmware.js';
import { Qmp, Stuck } from './qmp.js';
import { parseRegisterDump } from './register-dump.js';
import { readSaveArea, SAVE_AREA_BYTES, writeSaveArea } from './state-save.js';

/** One page of memory to be copied to physical address `at`, a multiple of the page size. */
export interface Page {
  at: number;
  bytes: Uint8Array;
}

/** Only the processor, its local APIC and RAM: every I/O port is open bus, except 510h to 51Bh (firmware tables). */
const MACHINE =
  'microvm,acpi=off,pic=off,pit=off,rtc=off,isa-serial=off,x-option-roms=off,auto-kernel-cmdline=off,memory-backend=ram';

/** The PAE-less processor that the suite describes: CMOV, CMPXCHG8B, SYSENTER, PSE, PGE, DE, TSC. */
const PROCESSOR = 'pentium3,-pae';

/** Bounds every wait for QEMU itself; a healthy one answers within milliseconds. */
const PATIENCE_SECONDS = 5;
const STDERR_KEPT = 4000;

const wordOf = (value: number): Buffer => {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(value);
  return word;
};

/**
 * A virtual machine whose RAM is a file that the runner shares. Between cases, and after each, its processor rests in
 * the firmware's HLT; `load` and `unload` exchange the state of the processor through system management mode.
 */
export class Machine {
  readonly #folder: string;
  readonly #ram: number;
  readonly #child: ChildProcess;
  readonly #qmp: Qmp;
  readonly #exited: Promise<void>;
  /** The state save area of the resting processor; the states of cases are written over a copy of it. */
  #rest: Buffer = Buffer.alloc(SAVE_AREA_BYTES);
  /** The bytes of the firmware's handler in RAM. */
  #handler: Buffer = Buffer.alloc(0);
  #shutDown = false;
  #resets = 0;
  #stderr = '';
  /** How QEMU ended, once it has. */
  #end: string | undefined;

  /** Starts `binary`; rejects when it does not come up. */
  static async start(binary: string): Promise<Machine> {
    const machine = new Machine(binary);
    try {
      await machine.#qmp.greeting();
      await machine.#qmp.execute('qmp_capabilities');
      await machine.#waitForFirmware();
      machine.#removeFolder();
      return machine;
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  private constructor(binary: string) {
    this.#folder = mkdtempSync(
      join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lguest-conformance-qemu-'),
    );
    const rom = join(this.#folder, 'rom');
    const ram = join(this.#folder, 'ram');
    writeFileSync(rom, firmwareImage());
    this.#ram = openSync(ram, 'w+');
    const options = [
      ...['-accel', 'tcg', '-machine', MACHINE, '-cpu', PROCESSOR],
      ...['-object', `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${ram},share=on`],
      ...['-m', `size=${RAM_BYTES}B`, '-bios', rom],
      ...['-global', 'apic.vapic=off', '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'],
      ...['-action', 'reboot=shutdown,shutdown=pause'],
    ];
    const { file, args } = endingWithUs({ file: binary, args: options });
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    if (stdin === null || stdout === null || stderr === null) throw new Error('QEMU has no pipes');
    this.#qmp = new Qmp(stdout, stdin, PATIENCE_SECONDS, (event) => this.#receiveEvent(event));
    stderr.setEncoding('utf8');
    stderr.on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        this.#end ??= how;
        this.#qmp.end(new Error(this.#end));
        resolve();
      };
      this.#child.once('error', (error) => ended(error.message));
      this.#child.once('close', (code, signal) => {
        ended(signal === null ? `QEMU exited with status ${code}` : `QEMU was ended by ${signal}`);
      });
    });
    process.once('exit', this.#killAtExit);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** A triple fault has stopped the machine: `reset` is next. */
  get shutDown(): boolean {
    return this.#shutDown;
  }

  /** Ends QEMU if it still runs and removes what it used. */
  async stop(): Promise<void> {
    process.removeListener('exit', this.#killAtExit);
    this.#child.kill('SIGKILL');
    await this.#exited;
    closeSync(this.#ram);
    this.#removeFolder();
  }

  /** Physical memory from 0 as it is now. */
  readMemory(into: Uint8Array): void {
    readSync(this.#ram, into, 0, into.length, 0);
  }

  /** Stores `pages`, loads all registers and lets the processor run. */
  async load(registers: ProcessorRegisters, pages: readonly Page[]): Promise<void> {
    const list = Buffer.alloc(pages.length * 4);
    const staged = Buffer.alloc(pages.length * PAGE_BYTES);
    pages.forEach((page, index) => {
      list.writeUInt32LE(page.at, index * 4);
      staged.set(page.bytes, index * PAGE_BYTES);
    });
    this.#write(PAGE_LIST, list);
    this.#write(STAGING, staged);
    this.#write(GIVEN, Buffer.concat(OUTSIDE_SAVE_AREA.map((name) => wordOf(registers[name]))));
    const saveArea = Buffer.from(this.#rest);
    writeSaveArea(saveArea, registers);
    await this.#exchange(saveArea, pages.length, PATIENCE_SECONDS);
  }

  /** Stops the processor wherever it is and returns its registers; `Stuck` when it cannot be stopped in time. */
  async unload(patienceSeconds = PATIENCE_SECONDS): Promise<ProcessorRegisters> {
    await this.#exchange(this.#rest, 0, patienceSeconds);
    this.#checkHandler();
    const outside = outsideSaveArea((place) => this.#word(FOUND + 4 * place));
    return readSaveArea(this.#read(FOUND_SAVE, SAVE_AREA_BYTES), outside);
  }

  /** Whether the processor has executed HLT since `load`. */
  async isHalted(): Promise<boolean> {
    return / HLT=1\b/.test(await this.#registerDump());
  }

  /**
   * The registers as the monitor shows them, for a processor that has shut down.
   *
   * @param given has the SYSENTER registers, which the monitor does not show
   */
  async dump(given: ProcessorRegisters): Promise<ProcessorRegisters> {
    return parseRegisterDump(await this.#registerDump(), given);
  }

  /** Brings the machine back to rest after a triple fault. */
  async reset(): Promise<void> {
    this.#write(READY, wordOf(0));
    this.#resets = 0;
    // While `reboot` is `shutdown`, which keeps a triple fault from resetting the machine, nothing else can either.
    await this.#qmp.execute('set-action', { reboot: 'reset' });
    await this.#qmp.execute('system_reset');
    await this.#until(() => this.#resets > 0, 'reset the machine');
    await this.#qmp.execute('set-action', { reboot: 'shutdown' });
    await this.#qmp.execute('cont');
    this.#shutDown = false;
    await this.#waitForFirmware();
  }

  async #registerDump(): Promise<string> {
    return String(await this.#qmp.execute('human-monitor-command', { 'command-line': 'info registers' }));
  }

  async #exchange(saveArea: Buffer, pages: number, patienceSeconds: number): Promise<void> {
    this.#write(GIVEN_SAVE, saveArea);
    this.#write(PAGE_COUNT, wordOf(pages));
    const before = this.#word(GENERATION);
    await this.#qmp.execute('inject-nmi');
    const done = (): boolean => this.#word(GENERATION) !== before;
    await this.#until(done, 'enter system management mode', patienceSeconds);
  }

  async #waitForFirmware(): Promise<void> {
    await this.#until(() => this.#word(READY) === 1, 'run the firmware');
    this.#rest = this.#read(RESET_SAVE, SAVE_AREA_BYTES);
    this.#handler = this.#read(HANDLER, HANDLER_BYTES);
  }

  /** A case that runs wild can reach the memory above its own; the next case must not pay for that. */
  #checkHandler(): void {
    const handler = this.#read(HANDLER, HANDLER_BYTES);
    if (!handler.equals(this.#handler)) throw new Error('the case overwrote the firmware of the machine');
  }

  /** Waits for what the processor does on its own; it takes microseconds, or milliseconds on a busy machine. */
  async #until(condition: () => boolean, what: string, seconds = PATIENCE_SECONDS): Promise<void> {
    const begun = performance.now();
    while (!condition()) {
      if (this.#end !== undefined) throw new Error(this.#end);
      const waited = performance.now() - begun;
      if (waited > seconds * 1000) throw new Stuck(what, seconds);
      await (waited < 1 ? setImmediate() : setTimeout(1));
    }
  }

  #receiveEvent(name: string): void {
    if (name === 'SHUTDOWN') this.#shutDown = true;
    if (name === 'RESET') this.#resets++;
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#ram, bytes, 0, length, at);
    return bytes;
  }

  #word(at: number): number {
    return this.#read(at, 4).readUInt32LE(0);
  }

  #write(at: number, bytes: Uint8Array): void {
    writeSync(this.#ram, bytes, 0, bytes.length, at);
  }

  readonly #killAtExit = (): void => {
    this.#child.kill('SIGKILL');
    this.#removeFolder();
  };

  /** QEMU has the files open: nothing stays behind, however this process ends. */
  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later

import type { PortAccess, PortValue } from '../../protocol.js';
import { LAYOUT } from './layout.js';

/** RAM of the machine; v86 has nothing below 1 MiB in mind. */
export const RAM_BYTES = 0x10_0000;

/** v86 looks up from its work after so many instructions; it cannot be asked to do fewer. */
const FUNCTIONS_IN_TABLE = 0x800;

type Call = (...values: number[]) => number;

interface Exports {
  memory: { readonly buffer: ArrayBuffer };
  rust_init: Call;
  set_jit_config: Call;
  allocate_memory: Call;
  reset_cpu: Call;
  full_clear_tlb: Call;
  update_state_flags: Call;
  get_eflags: Call;
  main_loop: Call;
}

/** The few members of the global object `WebAssembly` that are needed; Node's type package does not describe it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { exports: object };
  Table: new (kind: { element: 'anyfunc'; initial: number }) => object;
}

declare const WebAssembly: WebAssemblyApi;

/** Compiles v86's module once; each engine is an instance of it. */
export function compile(wasm: Uint8Array<ArrayBuffer>): object {
  return new WebAssembly.Module(wasm);
}

/** v86's processor (its interpreter; the JIT stays off) with RAM and ports that the runner keeps, and nothing else. */
export class Engine {
  /** Port accesses since the list was last emptied. */
  accesses: PortAccess[] = [];
  /** What reads other than all ones. */
  ports: readonly PortValue[] = [];
  readonly #exports: Exports;
  readonly #ram: number;
  #clock = 0;
  #said = '';

  constructor(module: object) {
    const { exports } = new WebAssembly.Instance(module, { env: this.#environment() });
    if (!isV86(exports)) throw new Error('the module does not export what v86 0.5 exports');
    this.#exports = exports;
    exports.rust_init();
    exports.set_jit_config(0, 1);
    this.state.setUint32(LAYOUT.memorySize, RAM_BYTES, true);
    this.#ram = exports.allocate_memory(RAM_BYTES) >>> 0;
  }

  /** The processor's fields; the view must be asked for anew after the module has run. */
  get state(): DataView {
    return new DataView(this.#exports.memory.buffer);
  }

  get ram(): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, this.#ram, RAM_BYTES);
  }

  /** What v86 wrote to the console, last of all the message of its panic. */
  get said(): string {
    return this.#said;
  }

  get eflags(): number {
    return this.#exports.get_eflags() >>> 0;
  }

  reset(): void {
    this.#exports.reset_cpu();
  }

  /** To be called when the fields have been set from outside: drops what was derived from them. */
  refresh(): void {
    this.state.setInt32(LAYOUT.fetchPage, -1, true);
    this.#exports.full_clear_tlb();
    this.#exports.update_state_flags();
  }

  /** Runs until HLT or, unless that comes first, for some 100,000 instructions; throws when v86 panics. */
  run(): void {
    this.#exports.main_loop();
  }

  #environment(): object {
    const none = (): number => 0;
    // Each look at the clock finds the time slice over, so that `main_loop` returns.
    const clock = (): number => {
      this.#clock += 1000;
      return this.#clock;
    };
    return {
      __indirect_function_table: new WebAssembly.Table({ element: 'anyfunc', initial: FUNCTIONS_IN_TABLE }),
      microtick: clock,
      run_hardware_timers: () => 100,
      get_rand_int: none,
      stop_idling: none,
      cpu_event_halt: none,
      cpu_exception_hook: none,
      jit_clear_func: none,
      jit_clear_all_funcs: none,
      codegen_finalize: none,
      log_from_wasm: none,
      dbg_trace_from_wasm: none,
      abort: none,
      console_log_from_wasm: (at: number, length: number) => this.#hear(at, length),
      io_port_read8: (port: number) => this.#in(port, 1),
      io_port_read16: (port: number) => this.#in(port, 2),
      io_port_read32: (port: number) => this.#in(port, 4),
      io_port_write8: (port: number, value: number) => this.#out(port, 1, value),
      io_port_write16: (port: number, value: number) => this.#out(port, 2, value),
      io_port_write32: (port: number, value: number) => this.#out(port, 4, value),
      // Beyond RAM, and where a PC has its screen, the bus is open.
      mmap_read8: () => 0xff,
      mmap_read32: () => -1,
      mmap_write8: none,
      mmap_write16: none,
      mmap_write32: none,
      mmap_write64: none,
      mmap_write128: none,
    };
  }

  #hear(at: number, length: number): void {
    this.#said += `${Buffer.from(this.#exports.memory.buffer, at >>> 0, length).toString()}\n`;
  }

  #in(port: number, size: 1 | 2 | 4): number {
    const known = this.ports.find((entry) => entry.port === port && entry.size === size);
    const value = known?.value ?? 2 ** (8 * size) - 1;
    this.accesses.push({ dir: 'in', port, size, value });
    return value;
  }

  #out(port: number, size: 1 | 2 | 4, value: number): number {
    this.accesses.push({
      dir: 'out',
      port,
      size,
      value: (value >>> 0) & (size === 4 ? -1 : 2 ** (8 * size) - 1),
    });
    return 0;
  }
}

const FUNCTIONS = [
  'rust_init',
  'set_jit_config',
  'allocate_memory',
  'reset_cpu',
  'full_clear_tlb',
  'update_state_flags',
  'get_eflags',
  'main_loop',
] as const;

function isV86(exports: object): exports is Exports {
  return (
    'memory' in exports &&
    FUNCTIONS.every((name) => name in exports && typeof Reflect.get(exports, name) === 'function')
  );
}

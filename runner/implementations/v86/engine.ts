// SPDX-License-Identifier: GPL-2.0-or-later

import type { PortAccess, PortValue } from '../../protocol.js';
import { LAYOUT } from './layout.js';

/** RAM of the machine; v86 has nothing below 1 MiB in mind. */
export const RAM_BYTES = 0x10_0000;

/** Instructions are functions of a table, which v86's own fill up to here; those that the JIT makes come after. */
const OWN_FUNCTIONS = 1024;
const FUNCTIONS_OF_JIT = 900;

/** The setting of v86's JIT that turns it off. */
const JIT_IS_OFF = 0;

type Call = (...values: number[]) => number;

interface Exports {
  memory: { readonly buffer: ArrayBuffer };
  rust_init: Call;
  set_jit_config: Call;
  allocate_memory: Call;
  reset_cpu: Call;
  full_clear_tlb: Call;
  update_state_flags: Call;
  codegen_finalize_finished: Call;
  get_eflags: Call;
  main_loop: Call;
}

/** The few members of the global object `WebAssembly` that are needed; Node's type package does not describe it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { exports: object };
  Table: new (kind: { element: 'anyfunc'; initial: number }) => Table;
}

interface Table {
  set(index: number, value: unknown): void;
}

declare const WebAssembly: WebAssemblyApi;

/** What the JIT has written: a module with one function, for the code at physical address `start`. */
interface Written {
  index: number;
  start: number;
  flags: number;
  code: Uint8Array<ArrayBuffer>;
}

/** Compiles v86's module once; each engine is an instance of it. */
export function compile(wasm: Uint8Array<ArrayBuffer>): object {
  return new WebAssembly.Module(wasm);
}

/** v86's processor with RAM and ports that the runner keeps, and nothing else. */
export class Engine {
  /** Port accesses since the list was last emptied. */
  accesses: PortAccess[] = [];
  /** What reads other than all ones. */
  ports: readonly PortValue[] = [];
  readonly #exports: Exports;
  readonly #functions = new WebAssembly.Table({
    element: 'anyfunc',
    initial: OWN_FUNCTIONS + FUNCTIONS_OF_JIT,
  });
  readonly #ram: number;
  /** By the JIT, since the module was last called. */
  readonly #written: Written[] = [];
  #clock = 0;
  #said = '';

  /** @param jit whether v86 translates what it runs often; it is as good a processor without, and easier to follow */
  constructor(module: object, jit: boolean) {
    const { exports } = new WebAssembly.Instance(module, { env: this.#environment() });
    if (!isV86(exports)) throw new Error('the module does not export what v86 0.5 exports');
    this.#exports = exports;
    exports.rust_init();
    exports.set_jit_config(JIT_IS_OFF, Number(!jit));
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
    this.#finish();
  }

  #environment(): object {
    const none = (): number => 0;
    // Each look at the clock finds the time slice over, so that `main_loop` returns.
    const clock = (): number => {
      this.#clock += 1000;
      return this.#clock;
    };
    return {
      __indirect_function_table: this.#functions,
      microtick: clock,
      run_hardware_timers: () => 100,
      get_rand_int: none,
      stop_idling: none,
      cpu_event_halt: none,
      cpu_exception_hook: none,
      jit_clear_func: (index: number) => this.#functions.set(OWN_FUNCTIONS + index, null),
      jit_clear_all_funcs: () => {
        for (let index = 0; index < FUNCTIONS_OF_JIT; index++)
          this.#functions.set(OWN_FUNCTIONS + index, null);
      },
      codegen_finalize: (index: number, start: number, flags: number, at: number, length: number) => {
        // The module is still at it: it must not be called before it has returned.
        const code = new Uint8Array(this.#exports.memory.buffer, at >>> 0, length).slice();
        this.#written.push({ index, start, flags, code });
      },
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

  /** Makes functions of the modules that the JIT has written. */
  #finish(): void {
    const { memory, ...functions } = this.#exports;
    for (const { index, start, flags, code } of this.#written.splice(0)) {
      const imports = { e: { ...functions, m: memory } };
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), imports);
      this.#functions.set(OWN_FUNCTIONS + index, Reflect.get(exports, 'f'));
      this.#exports.codegen_finalize_finished(index, start, flags);
    }
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
      value: (value & (2 ** (8 * size) - 1)) >>> 0,
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
  'codegen_finalize_finished',
  'get_eflags',
  'main_loop',
] as const;

function isV86(exports: object): exports is Exports {
  return (
    'memory' in exports &&
    FUNCTIONS.every((name) => name in exports && typeof Reflect.get(exports, name) === 'function')
  );
}

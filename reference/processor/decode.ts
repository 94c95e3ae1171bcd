// SPDX-License-Identifier: GPL-2.0-or-later

/** From bytes in the code segment to an `Instruction`: chapter 01, EX-4 to EX-8. */

import { type Cpu, CS, DS, ES, FS, GS, NO_REGISTER, SS } from './cpu.js';
import { generalProtection, invalidOpcode } from './exceptions.js';
import { Instruction, NO_OPERAND, Operand, type OperandKind } from './instruction.js';
import { ud } from './instructions/control.js';
import { oneByteOpcodes } from './opcodes/one-byte.js';
import { twoByteOpcodes } from './opcodes/two-byte.js';
import type { EscapeGroup, Opcode, OpcodeGroup, OpcodeMap, OperandCode } from './operand-codes.js';
import { translateRead } from './paging.js';
import { type OperandSize, signed, truncate } from './sizes.js';

/** An instruction with more bytes than this is a general protection fault: EX-6. */
export const LONGEST_INSTRUCTION = 15;

const SEGMENT_PREFIXES: Readonly<Record<number, number | undefined>> = {
  38: ES,
  46: CS,
  54: SS,
  62: DS,
  100: FS,
  101: GS,
};

/** The maps as arrays: the fastest to look into. */
const asArray = (map: OpcodeMap) => Array.from({ length: 256 }, (_, byte) => map[byte]);
const ONE_BYTE = asArray(oneByteOpcodes);
const TWO_BYTE = asArray(twoByteOpcodes);

const UNDEFINED: Opcode = { mnemonic: '(undefined)', operands: [], execute: ud, lockable: false, needs: 0 };

// Operands of each kind, shared by all instructions.
const registers = (kind: OperandKind, size: OperandSize) =>
  Array.from({ length: 8 }, (_, index) => new Operand(kind, size, index));
const GENERAL = { 1: registers('general', 1), 2: registers('general', 2), 4: registers('general', 4) };
const SEGMENT = registers('segment', 2);
const MEMORY = { 1: new Operand('memory', 1), 2: new Operand('memory', 2), 4: new Operand('memory', 4) };
const IMMEDIATE = {
  1: new Operand('immediate', 1),
  2: new Operand('immediate', 2),
  4: new Operand('immediate', 4),
};
const STRING = { 1: new Operand('none', 1), 2: new Operand('none', 2), 4: new Operand('none', 4) };

/** Base and index of the 16-bit addressing forms, by ModRM.rm. */
const FORMS_16: readonly (readonly [base: number, index: number])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, NO_REGISTER],
  [7, NO_REGISTER],
  [5, NO_REGISTER],
  [3, NO_REGISTER],
];

const ESP_OR_SIB = 4;
const EBP_OR_DISPLACEMENT = 5;
const BP_OR_DISPLACEMENT_16 = 6;

export function decode(cpu: Cpu): Instruction {
  return new Decoder(cpu).decode();
}

class Decoder {
  private readonly bytes: number[] = [];
  private readonly instruction = new Instruction();
  private addressSize: 2 | 4;
  private lock = false;
  private segmentPrefix: number | undefined;
  private hasModrm = false;

  constructor(private readonly cpu: Cpu) {
    const { big } = cpu.cs;
    this.instruction.code32 = big;
    this.instruction.operandSize = big ? 4 : 2;
    this.addressSize = big ? 4 : 2;
  }

  decode(): Instruction {
    const { instruction } = this;
    const { operandSize: defaultSize } = instruction;
    let byte = this.byte();
    for (let isPrefix = true; isPrefix; ) {
      isPrefix = this.prefix(byte, defaultSize);
      if (isPrefix) byte = this.byte();
    }
    instruction.addressMask = this.addressSize === 2 ? 0xffff : 0xffffffff;
    instruction.segment = this.segmentPrefix ?? DS;

    const map = byte === 0x0f ? TWO_BYTE : ONE_BYTE;
    if (byte === 0x0f) byte = this.byte();
    instruction.opcode = byte;
    const entry = this.choose(map[byte]);
    if ((entry.needs & ~this.cpu.model.features) !== 0) throw invalidOpcode(); // SYS-27
    const [first, second, third] = entry.operands;
    instruction.first = this.operand(first);
    instruction.second = this.operand(second);
    instruction.third = this.operand(third);

    // EX-8
    if (this.lock && !(entry.lockable && instruction.first.kind === 'memory')) throw invalidOpcode();
    instruction.mnemonic = entry.mnemonic;
    instruction.execute = entry.execute;
    instruction.bytes = this.bytes;
    instruction.length = this.bytes.length;
    return instruction;
  }

  /** Takes a prefix in; false when the byte is none. */
  private prefix(byte: number, defaultSize: 2 | 4): boolean {
    const other = defaultSize === 4 ? 2 : 4;
    switch (byte) {
      case 0x66:
        this.instruction.operandSize = other;
        return true;
      case 0x67:
        this.addressSize = other;
        return true;
      case 0xf0:
        this.lock = true;
        return true;
      case 0xf2:
        this.instruction.repeat = 'repne';
        return true;
      case 0xf3:
        this.instruction.repeat = 'repe';
        return true;
      default: {
        const segment = SEGMENT_PREFIXES[byte];
        if (segment === undefined) return false;
        this.segmentPrefix = segment;
        return true;
      }
    }
  }

  /** The entry of the map, through ModRM.reg where several share an opcode. */
  private choose(slot: Opcode | OpcodeGroup | EscapeGroup | undefined): Opcode {
    if (slot === undefined) return UNDEFINED;
    if ('memory' in slot) return this.chooseEscape(slot);
    if (!('group' in slot)) return slot;
    this.modrm();
    return slot.group[this.instruction.reg] ?? UNDEFINED;
  }

  /** The same for an escape: the whole of ModRM counts when it names no memory. */
  private chooseEscape({ memory, register }: EscapeGroup): Opcode {
    const modrm = this.modrm();
    const { reg } = this.instruction;
    if (modrm < 0xc0) return memory[reg] ?? UNDEFINED;
    const entry = register[reg] ?? UNDEFINED;
    return 'execute' in entry ? entry : (entry[modrm & 7] ?? UNDEFINED);
  }

  private operand(code: OperandCode | undefined): Operand {
    const { instruction } = this;
    const { operandSize } = instruction;
    switch (code) {
      case undefined:
        return NO_OPERAND;
      case 'Eb':
        return this.registerOrMemory(1, 1);
      case 'Ew':
        return this.registerOrMemory(2, 2);
      case 'Ev':
        return this.registerOrMemory(operandSize, operandSize);
      case 'Mw/Rv':
        return this.registerOrMemory(operandSize, 2);
      case 'M':
      case 'Mp':
        if (this.modrm() >= 0xc0) throw invalidOpcode(); // EX-7
        return MEMORY[operandSize];
      case 'Q':
        this.modrm();
        return NO_OPERAND;
      case 'Rd':
        return GENERAL[4][this.modrmByte() & 7];
      case 'Gb':
        return GENERAL[1][this.regField()];
      case 'Gw':
        return GENERAL[2][this.regField()];
      case 'Gv':
        return GENERAL[operandSize][this.regField()];
      case 'Zb':
        return GENERAL[1][instruction.opcode & 7];
      case 'Zv':
        return GENERAL[operandSize][instruction.opcode & 7];
      case 'Sw':
        return SEGMENT[this.regField()];
      case 'Ib':
        return this.immediate(this.byte(), 1);
      case 'Iw':
        return this.immediate(this.number(2), 2);
      case 'Iv':
        return this.immediate(this.number(operandSize), operandSize);
      case 'Is':
        return this.immediate(truncate(signed(this.byte(), 1), operandSize), operandSize);
      case 'I2':
        instruction.immediate2 = this.byte();
        return NO_OPERAND;
      case 'Jb':
        return this.immediate(signed(this.byte(), 1), operandSize);
      case 'Jv':
        return this.immediate(signed(this.number(operandSize), operandSize), operandSize);
      case 'Ob':
      case 'Ov':
        instruction.displacement = this.number(this.addressSize);
        return MEMORY[code === 'Ob' ? 1 : operandSize];
      case 'Ap':
        this.immediate(this.number(operandSize), operandSize);
        instruction.immediate2 = this.number(2);
        return NO_OPERAND;
      case 'Xb':
        return STRING[1];
      case 'Xv':
        return STRING[operandSize];
      case 'AL':
        return GENERAL[1][0];
      case 'CL':
        return GENERAL[1][1];
      case 'rAX':
        return GENERAL[operandSize][0];
      case 'DX':
        return GENERAL[2][2];
      case '1':
        return this.immediate(1, 1);
      case 'ES':
        return SEGMENT[ES];
      case 'CS':
        return SEGMENT[CS];
      case 'SS':
        return SEGMENT[SS];
      case 'DS':
        return SEGMENT[DS];
      case 'FS':
        return SEGMENT[FS];
      case 'GS':
        return SEGMENT[GS];
    }
  }

  private registerOrMemory(registerSize: OperandSize, memorySize: OperandSize): Operand {
    const modrm = this.modrm();
    return modrm >= 0xc0 ? GENERAL[registerSize][modrm & 7] : MEMORY[memorySize];
  }

  private immediate(value: number, size: OperandSize): Operand {
    this.instruction.immediate = value;
    return IMMEDIATE[size];
  }

  private regField(): number {
    this.modrm();
    return this.instruction.reg;
  }

  /** ModRM and the address that follows it, once. Returns the byte. */
  private modrm(): number {
    if (this.hasModrm) return this.instruction.modrm;
    const modrm = this.modrmByte();
    if (modrm < 0xc0) {
      if (this.addressSize === 4) this.address32(modrm >>> 6, modrm & 7);
      else this.address16(modrm >>> 6, modrm & 7);
    }
    return modrm;
  }

  /** ModRM alone: MOV with a control or debug register ignores the mod field. */
  private modrmByte(): number {
    const modrm = this.byte();
    this.hasModrm = true;
    this.instruction.modrm = modrm;
    return modrm;
  }

  private address32(mod: number, rm: number): void {
    const { instruction } = this;
    let base = rm;
    if (rm === ESP_OR_SIB) {
      const sib = this.byte();
      base = sib & 7;
      const index = (sib >>> 3) & 7;
      if (index !== ESP_OR_SIB) {
        instruction.index = index;
        instruction.scale = sib >>> 6;
      }
    }
    if (base === EBP_OR_DISPLACEMENT && mod === 0) {
      instruction.displacement = this.number(4);
      return;
    }
    instruction.base = base;
    this.defaultToStack(base === ESP_OR_SIB || base === EBP_OR_DISPLACEMENT);
    if (mod === 1) instruction.displacement = signed(this.byte(), 1);
    else if (mod === 2) instruction.displacement = this.number(4);
  }

  private address16(mod: number, rm: number): void {
    const { instruction } = this;
    if (mod === 0 && rm === BP_OR_DISPLACEMENT_16) {
      instruction.displacement = this.number(2);
      return;
    }
    const [base, index] = FORMS_16[rm];
    instruction.base = base;
    instruction.index = index;
    this.defaultToStack(base === EBP_OR_DISPLACEMENT);
    if (mod === 1) instruction.displacement = signed(this.byte(), 1);
    else if (mod === 2) instruction.displacement = this.number(2);
  }

  /** An address with EBP or ESP as base is in the stack segment, unless a prefix says otherwise: EX-5. */
  private defaultToStack(usesStack: boolean): void {
    if (usesStack && this.segmentPrefix === undefined) this.instruction.segment = SS;
  }

  private number(size: OperandSize): number {
    let value = 0;
    for (let shift = 0; shift < size * 8; shift += 8) value |= this.byte() << shift;
    return value >>> 0;
  }

  /** The next byte of the instruction: its length, the code limit (SEG-6) and its page are checked. */
  private byte(): number {
    const { cpu, bytes } = this;
    const offset = cpu.eip + bytes.length;
    if (bytes.length === LONGEST_INSTRUCTION || offset > cpu.cs.limit) throw generalProtection(0);
    const linear = (cpu.cs.base + offset) >>> 0;
    const byte = cpu.memory.read8(translateRead(cpu, linear, cpu.cpl === 3));
    bytes.push(byte);
    return byte;
  }
}

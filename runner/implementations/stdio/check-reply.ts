// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type CaseRequest,
  type CaseResult,
  CONFORMANCE_CLASSES,
  CONTROL_REGISTERS,
  type Declaration,
  GENERAL_REGISTERS,
  isObject,
  PROFILES,
  PROTOCOL_VERSION,
  SEGMENT_REGISTERS,
  SYSENTER_REGISTERS,
} from '../../protocol.js';
import { show } from './messages.js';

/**
 * The shape of answers, checked by hand: this runs for every answer of every case, and says in an adapter author's
 * words what is wrong and where. The schema `spec/schema/protocol.schema.json` is the norm.
 */
export class WrongShape extends Error {
  constructor(
    readonly path: string,
    expectation: string,
    readonly value: unknown,
  ) {
    super(`${path} must be ${expectation}, but is ${show(value)}`);
    this.name = 'WrongShape';
  }
}

const SEGMENT_FIELDS = ['selector', 'base', 'limit', 'attributes'] as const;
const WORD_REGISTERS = [
  ...GENERAL_REGISTERS,
  'eip',
  'eflags',
  ...CONTROL_REGISTERS,
  ...SYSENTER_REGISTERS,
] as const;

/** The declaration in `result`, the answer to `initialize`. Throws `WrongShape`. */
export function checkDeclaration(result: unknown): Declaration {
  const declaration = object(result, 'result');
  const version = declaration.protocol_version;
  if (version !== PROTOCOL_VERSION) {
    throw new WrongShape('result.protocol_version', `the number ${PROTOCOL_VERSION}`, version);
  }
  const implementation = object(declaration.implementation, 'result.implementation');
  string(implementation.name, 'result.implementation.name');
  string(implementation.version, 'result.implementation.version');
  const classes = array(declaration.classes, 'result.classes');
  if (classes.length === 0) throw new WrongShape('result.classes', 'a list that is not empty', classes);
  for (const [i, name] of classes.entries()) oneOf(CONFORMANCE_CLASSES, name, `result.classes[${i}]`);
  oneOf(PROFILES, declaration.profile, 'result.profile');
  for (const key of ['operations', 'observes', 'features']) {
    const list = declaration[key];
    if (list === undefined) continue;
    for (const [i, item] of array(list, `result.${key}`).entries()) string(item, `result.${key}[${i}]`);
  }
  if (declaration.choices !== undefined) {
    for (const [name, value] of Object.entries(object(declaration.choices, 'result.choices'))) {
      string(value, `result.choices.${name}`);
    }
  }
  return declaration as unknown as Declaration;
}

/** The result of `request` in `result`, the answer to `run_case`. Throws `WrongShape`. */
export function checkCaseResult(request: CaseRequest, result: unknown): CaseResult {
  const steps = array(object(result, 'result').steps, 'result.steps');
  if (steps.length !== request.steps.length) {
    throw new WrongShape(
      'result.steps',
      `a list of ${request.steps.length}, one for each step`,
      steps.length,
    );
  }
  for (const [i, item] of steps.entries()) {
    const path = `result.steps[${i}]`;
    const step = object(item, path);
    const outcome = object(step.outcome, `${path}.outcome`);
    string(outcome.stop, `${path}.outcome.stop`);
    for (const [key, value] of Object.entries(outcome)) refuseDepth(value, `${path}.outcome.${key}`);
    const state = object(step.state, `${path}.state`);
    if (request.class === 'processor') {
      processorState(state, `${path}.state`, request);
    } else {
      sameKinds(state, request.given, `${path}.state`);
    }
    for (const [j, event] of array(step.events, `${path}.events`).entries()) {
      string(object(event, `${path}.events[${j}]`).e, `${path}.events[${j}].e`);
      sameKinds(event, undefined, `${path}.events[${j}]`);
    }
  }
  return result as CaseResult;
}

function processorState(state: Record<string, unknown>, path: string, request: CaseRequest): void {
  if (request.observe.registers === true) registers(object(state.registers, `${path}.registers`), path);
  for (const [i, item] of array(state.memory, `${path}.memory`).entries()) {
    const run = object(item, `${path}.memory[${i}]`);
    unsigned(run.at, `${path}.memory[${i}].at`);
    bytes(run.hex, `${path}.memory[${i}].hex`);
  }
  for (const [i, item] of array(state.io, `${path}.io`).entries()) {
    const access = object(item, `${path}.io[${i}]`);
    oneOf(['in', 'out'], access.dir, `${path}.io[${i}].dir`);
    for (const key of ['port', 'size', 'value']) unsigned(access[key], `${path}.io[${i}].${key}`);
  }
}

function registers(given: Record<string, unknown>, path: string): void {
  for (const name of WORD_REGISTERS) unsigned(given[name], `${path}.registers.${name}`);
  for (const name of SEGMENT_REGISTERS) {
    const segment = object(given[name], `${path}.registers.${name}`);
    for (const field of SEGMENT_FIELDS) unsigned(segment[field], `${path}.registers.${name}.${field}`);
  }
  for (const name of ['gdtr', 'idtr']) {
    const table = object(given[name], `${path}.registers.${name}`);
    for (const field of ['base', 'limit']) unsigned(table[field], `${path}.registers.${name}.${field}`);
  }
}

/**
 * Every number of the kernel's state is a 32-bit integer; some are signed. Where the given state has a number or a
 * string, the answer has one too, or a null; flags may be 0 and 1 or false and true.
 */
function sameKinds(value: unknown, given: unknown, path: string): void {
  // Nearly all answers are right: where one is wrong is only asked when it is.
  if (!areSameKinds(value, given, 0)) blameKinds(value, given, path, 0);
}

function areSameKinds(value: unknown, given: unknown, depth: number): boolean {
  if (typeof value === 'number') return isWord(value);
  if (value === null || typeof value === 'boolean') return true;
  if (typeof given === 'number') return false;
  if (typeof given === 'string' || typeof value !== 'object') return typeof value === 'string';
  if (depth >= MOST_DEPTH) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!areSameKinds(value[i], memberOf(given, i), depth + 1)) return false;
    }
    return true;
  }
  if (!isObject(value)) return true;
  for (const key in value) if (!areSameKinds(value[key], memberOf(given, key), depth + 1)) return false;
  return true;
}

function isWord(value: number): boolean {
  return value >>> 0 === value || (value | 0) === value;
}

function blameKinds(value: unknown, given: unknown, path: string, depth: number): void {
  if (depth > MOST_DEPTH) throw tooDeep(path, value);
  if (areSameKinds(value, given, depth)) return;
  if (typeof value === 'number' || typeof given === 'number') {
    throw new WrongShape(path, 'an integer of 32 bits', value);
  }
  if (typeof given === 'string') throw new WrongShape(path, 'a string', value);
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) blameKinds(item, memberOf(given, i), `${path}[${i}]`, depth + 1);
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      blameKinds(item, memberOf(given, key), `${path}.${key}`, depth + 1);
    }
  }
}

/** No state is nested as deep as this; what is would exhaust the stack of whoever compares or prints it. */
const MOST_DEPTH = 32;

function refuseDepth(value: unknown, path: string, depth = 0): void {
  if (depth > MOST_DEPTH) throw tooDeep(path, value);
  if (typeof value !== 'object' || value === null) return;
  for (const item of Object.values(value)) refuseDepth(item, path, depth + 1);
}

function tooDeep(path: string, value: unknown): WrongShape {
  const start = path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}...` : path;
  return new WrongShape(start, `nested at most ${MOST_DEPTH} deep`, value);
}

const SHOWN_PATH = 80;

function memberOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) ? value[key] : undefined;
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (!isObject(value)) throw new WrongShape(path, 'an object', value);
  return value;
}

function array(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw new WrongShape(path, 'a list', value);
  return value;
}

function string(value: unknown, path: string): void {
  if (typeof value !== 'string') throw new WrongShape(path, 'a string', value);
}

function unsigned(value: unknown, path: string): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new WrongShape(path, 'an integer from 0 to 4294967295', value);
  }
}

function bytes(value: unknown, path: string): void {
  if (typeof value !== 'string' || !/^([0-9a-fA-F]{2})*$/.test(value)) {
    throw new WrongShape(path, 'a string of two hex digits a byte, without 0x or blanks', value);
  }
}

function oneOf(values: readonly string[], value: unknown, path: string): void {
  if (typeof value !== 'string' || !values.includes(value)) {
    throw new WrongShape(path, `one of ${values.map((name) => `"${name}"`).join(', ')}`, value);
  }
}

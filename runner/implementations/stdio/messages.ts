// SPDX-License-Identifier: GPL-2.0-or-later

import { isObject } from '../../protocol.js';

/** What an implementation answered to one request. */
export type Reply =
  | { kind: 'result'; result: unknown }
  | { kind: 'error'; code: number; message: string; reason?: string; stack?: string };

/** One line of an implementation's output: an answer with its id, or what is wrong with the line. */
export type Incoming = { id: number; reply: Reply } | { problem: string };

/** How much of an offending line a message shows. */
const SHOWN = 200;

/** A message as one line of ASCII; no byte of it can be taken for the end of a line by any reader. */
export function encodeMessage(message: object): string {
  return encoded(message);
}

export function encodeRequest(id: number, method: string, params?: object): string {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${encoded(method)}`;
  return params === undefined ? `${head}}` : `${head},"params":${encodedParams(params)}}`;
}

function encodedParams(params: object): string {
  return encodedObject(params, (value, key) => (key === 'given' ? encodedGiven(value) : encoded(value)));
}

/** Given states of different cases have parts in common, which are then the same objects, and never change. */
const SHARED = ['gdt', 'idt', 'host'];
const textOfShared = new WeakMap<object, string>();

function encodedGiven(given: unknown): string {
  if (!isObject(given)) return encoded(given);
  return encodedObject(given, (value, key) => {
    if (key === 'memory' && Array.isArray(value)) return `[${value.map(encodedShared).join(',')}]`;
    return SHARED.includes(key) ? encodedShared(value) : encoded(value);
  });
}

function encodedShared(value: unknown): string {
  if (typeof value !== 'object' || value === null) return encoded(value);
  const known = textOfShared.get(value);
  if (known !== undefined) return known;
  const text = encoded(value);
  textOfShared.set(value, text);
  return text;
}

/** As JSON, each value written by `write`; what has no text is left out. */
function encodedObject(object: object, write: (value: unknown, key: string) => string): string {
  let text = '';
  for (const [key, value] of Object.entries(object)) {
    const written = write(value, key);
    if (written !== '') text += `${text === '' ? '' : ','}${encodedKey(key)}:${written}`;
  }
  return `{${text}}`;
}

/** Keys are few, and the same in every request. */
const textOfKey = new Map<string, string>();

function encodedKey(key: string): string {
  const known = textOfKey.get(key);
  if (known !== undefined) return known;
  const text = encoded(key);
  textOfKey.set(key, text);
  return text;
}

/** As JSON, in ASCII; `undefined`, which has no text, is empty. */
function encoded(value: unknown): string {
  return (JSON.stringify(value) ?? '').replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Reads line `number` (counted from 1) of an implementation's output. */
export function parseReply(line: string, number: number): Incoming {
  const place = `line ${number} of your program's standard output`;
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return { problem: `${place} is not JSON: ${shorten(line)}` };
  }
  if (!isObject(message)) return { problem: `${place} is not a JSON object: ${shorten(line)}` };
  const { id } = message;
  const error = message.error;
  if (typeof id !== 'number') {
    const told = isObject(error) && typeof error.message === 'string' ? `; it says: ${error.message}` : '';
    return { problem: `${place} carries no request's id but ${show(id)}: ${shorten(line)}${told}` };
  }
  if (message.jsonrpc !== '2.0') return { problem: `${place} lacks "jsonrpc": "2.0": ${shorten(line)}` };
  if ('result' in message === 'error' in message) {
    return { problem: `${place} must have either a result or an error: ${shorten(line)}` };
  }
  if ('result' in message) return { id, reply: { kind: 'result', result: message.result } };
  if (!isObject(error) || !Number.isInteger(error.code) || typeof error.message !== 'string') {
    return { problem: `${place} has an error without an integer code and a message: ${shorten(line)}` };
  }
  const { reason, stack } = isObject(error.data) ? error.data : {};
  return {
    id,
    reply: {
      kind: 'error',
      code: Number(error.code),
      message: error.message,
      ...(typeof reason === 'string' ? { reason } : {}),
      ...(typeof stack === 'string' ? { stack } : {}),
    },
  };
}

/** A value as a message names it: `the string "7"`, `nothing`, `-1`. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = shorten(textOf(value));
  return typeof value === 'string' ? `the string ${text}` : text;
}

/** Lists within lists can be nested so deep that they cannot be written out. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return 'something nested too deep to be shown';
    throw error;
  }
}

function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}... (${text.length} characters)` : text;
}

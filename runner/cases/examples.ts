// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from './case.js';
import { CaseError } from './problem.js';

/** One row of a table: the last part of the case's id, and the columns. */
export interface Row {
  id: string;
  columns: DataMap;
  /** Index in a plain table, to find the row's line; undefined in a product. */
  index?: number;
}

/** The rows that `examples` stands for; see spec/writing-cases.md, section Tables. */
export function rowsOf(examples: Data): Row[] {
  const rows =
    isMap(examples) && examples.product !== undefined ? product(examples.product) : table(examples);
  if (rows.length === 0) throw new CaseError('the table has no rows', ['examples']);
  const seen = new Set<string>();
  for (const row of rows) {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(row.id)) {
      throw new CaseError(`"${row.id}" is not a row id: lower-case words joined by hyphens`, ['examples']);
    }
    if (seen.has(row.id)) throw new CaseError(`two rows have the id "${row.id}"`, ['examples']);
    seen.add(row.id);
  }
  return rows;
}

function table(examples: Data): Row[] {
  if (isMap(examples) && typeof examples.range === 'string') return range(examples, examples.range);
  if (!Array.isArray(examples))
    throw new CaseError('examples must be a table, a range or a product', ['examples']);
  return examples.map((entry, index) => {
    if (!isMap(entry) || entry.id === undefined) {
      throw new CaseError('a row of a table needs an id', ['examples', index]);
    }
    const { id, ...columns } = entry;
    return { id: String(id), columns: { ...columns, id: String(id) }, index };
  });
}

function range(spec: DataMap, column: string): Row[] {
  const { from, to, except = [] } = spec;
  if (typeof from !== 'number' || typeof to !== 'number' || !Array.isArray(except)) {
    throw new CaseError('a range needs the numbers from and to', ['examples']);
  }
  const width = to <= 0xff ? 2 : to <= 0xffff ? 4 : 8;
  const rows: Row[] = [];
  for (let value = from; value <= to; value++) {
    if (except.includes(value)) continue;
    rows.push({ id: value.toString(16).padStart(width, '0'), columns: { [column]: value } });
  }
  return rows;
}

function product(tables: Data): Row[] {
  if (!Array.isArray(tables))
    throw new CaseError('product must be a list of tables', ['examples', 'product']);
  let rows: Row[] = [{ id: '', columns: {} }];
  for (const factor of tables) {
    const factorRows = table(factor);
    rows = rows.flatMap((left) =>
      factorRows.map((right) => ({
        id: left.id === '' ? right.id : `${left.id}-${right.id}`,
        columns: combined(left.columns, right.columns),
      })),
    );
  }
  return rows;
}

/** The columns of two tables side by side; the column `id` belongs to each and is dropped. */
function combined(left: DataMap, right: DataMap): DataMap {
  const columns: DataMap = { ...left };
  for (const [name, value] of Object.entries(right)) {
    if (name === 'id') continue;
    if (name in columns && name !== 'id') {
      throw new CaseError(`two tables of a product have the column "${name}"`, ['examples', 'product']);
    }
    columns[name] = value;
  }
  delete columns.id;
  return columns;
}

const PLACEHOLDER = /\{([a-z_][a-z0-9_]*)(?::(0?\d*[xXd]))?\}/g;
const WHOLE = /^\{([a-z_][a-z0-9_]*)\}$/;

/** Puts the columns of a row into every string of a tree, keys included. */
export function substitute(tree: Data, columns: DataMap): Data {
  if (typeof tree === 'string') return substituteString(tree, columns);
  if (Array.isArray(tree)) return tree.map((item) => substitute(item, columns));
  if (!isMap(tree)) return tree;
  const result: DataMap = {};
  for (const [key, value] of Object.entries(tree)) {
    result[key.includes('{') ? String(substituteString(key, columns)) : key] = substitute(value, columns);
  }
  return result;
}

function substituteString(text: string, columns: DataMap): Data {
  if (!text.includes('{')) return text;
  const whole = WHOLE.exec(text)?.[1];
  if (whole !== undefined) return column(whole, columns);
  return text.replace(PLACEHOLDER, (_, name: string, format: string | undefined) =>
    formatted(column(name, columns), format, name),
  );
}

function column(name: string, columns: DataMap): Data {
  const value = columns[name];
  if (value === undefined) throw new CaseError(`the table has no column "${name}"`);
  return value;
}

/** Numbers of a list are words of a machine: in hex. */
function inList(value: Data): string {
  return typeof value === 'number' ? `0x${value.toString(16).padStart(8, '0')}` : String(value);
}

function formatted(value: Data, format: string | undefined, name: string): string {
  if (format === undefined) {
    if (isMap(value)) throw new CaseError(`column "${name}" is a map and cannot stand inside a text`);
    return Array.isArray(value) ? value.map(inList).join(' ') : String(value);
  }
  if (typeof value !== 'number') throw new CaseError(`column "${name}" is not a number: {${name}:${format}}`);
  const radix = format.endsWith('d') ? 10 : 16;
  const digits = value.toString(radix);
  const width = Number(format.slice(0, -1) || '0');
  const padded = digits.padStart(width, format.startsWith('0') ? '0' : ' ');
  return format.endsWith('X') ? padded.toUpperCase() : padded;
}

// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { packageRoot } from '../package.js';
import { didYouMean } from './nearest.js';

/** What a schema has against a value: where, and what, in words. */
export interface Complaint {
  path: (string | number)[];
  message: string;
}

export type Check = (value: unknown) => Complaint[];

interface Schema {
  $id: string;
  $defs?: Record<string, unknown>;
  [keyword: string]: unknown;
}

export function readSchema(name: string): Schema {
  return JSON.parse(
    readFileSync(join(packageRoot, 'spec', 'schema', `${name}.schema.json`), 'utf8'),
  ) as Schema;
}

export interface CaseChecks {
  /** A whole file as written: a column of a table may stand for any value. */
  file: Check;
  fixture: Check;
  /** One case after its columns have been put in: real values only. */
  expanded: Record<'processor' | 'host', Check>;
}

/** Compiles the schemas of case files; takes tens of milliseconds, so it is done only when a file must be parsed. */
export function caseChecks(): CaseChecks {
  const cases = readSchema('cases');
  const lenient = compiler();
  lenient.addSchema(cases);
  const strict = compiler();
  strict.addSchema({ ...cases, $defs: { ...cases.$defs, template: NOTHING, templateKey: NOTHING } });
  return {
    file: check(lenient.compile({ $ref: cases.$id })),
    fixture: check(lenient.compile(readSchema('fixture'))),
    expanded: {
      processor: check(strict.compile({ $ref: `${cases.$id}#/$defs/processorCase` })),
      host: check(strict.compile({ $ref: `${cases.$id}#/$defs/hostCase` })),
    },
  };
}

/** After the columns have been put in, none may be left. */
const NOTHING = { not: {} };

function compiler(): Ajv2020 {
  return new Ajv2020({ allErrors: true, strict: false, verbose: true });
}

function check(validate: ValidateFunction): Check {
  return (value) => {
    if (validate(value)) return [];
    return complaints(validate.errors ?? []);
  };
}

/** Ajv's errors as complaints, without those that only say that a sub-schema of if, anyOf or $ref failed. */
export function complaints(errors: readonly ErrorObject[]): Complaint[] {
  const leaves = errors.filter((error) => !['if', 'anyOf', 'oneOf'].includes(error.keyword));
  const worth = leaves.length > 0 ? leaves : errors;
  const seen = new Set<string>();
  const result: Complaint[] = [];
  for (const error of worth) {
    const complaint = complaintOf(error);
    const text = `${complaint.path.join('/')} ${complaint.message}`;
    if (!seen.has(text)) result.push(complaint);
    seen.add(text);
  }
  return result;
}

function complaintOf(error: ErrorObject): Complaint {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
  const params: Record<string, unknown> = error.params;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const known = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
      return { path: [...path, key], message: `unknown key "${key}"${didYouMean(key, known)}` };
    }
    case 'required':
      return { path, message: `the key "${String(params.missingProperty)}" is missing` };
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ');
      return { path, message: `${shown(error.data)} is not one of ${allowed}` };
    }
    case 'not':
      return { path, message: `${shown(error.data)} is not a column of a table` };
    default:
      return { path, message: `${shown(error.data)} ${error.message ?? 'is not valid'}` };
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

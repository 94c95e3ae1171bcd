// SPDX-License-Identifier: GPL-2.0-or-later

import { Ajv2020 } from 'ajv/dist/2020.js';
import { readSchema } from '../cases/schema.js';

/** Definitions of `spec/schema/protocol.schema.json`. */
export type MessageKind = 'declaration' | 'caseResult' | 'processorResult' | 'hostResult';

/** What the protocol's schema has against a result: the first complaints, with their places. */
export class SchemaCheck {
  readonly #protocol = readSchema('protocol');
  readonly #ajv = new Ajv2020({ allErrors: true, strict: false });

  constructor() {
    this.#ajv.addSchema(readSchema('host-state'));
    this.#ajv.addSchema(this.#protocol);
  }

  complaint(kind: MessageKind, result: unknown): string | undefined {
    const validate = this.#ajv.getSchema(`${this.#protocol.$id}#/$defs/${kind}`);
    if (validate === undefined) throw new Error(`the protocol's schema does not define ${kind}`);
    if (validate(result) === true) return undefined;
    const complaints = (validate.errors ?? []).map(
      ({ instancePath, message }) => `result${instancePath.replaceAll('/', '.')} ${message}`,
    );
    return complaints.slice(0, SHOWN).join('; ');
  }
}

const SHOWN = 3;

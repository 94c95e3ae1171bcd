// SPDX-License-Identifier: GPL-2.0-or-later

import { NoPageDirectory } from '../../../reference/host/state.js';
import { NotModelled } from '../../../reference/processor/interface.js';
import { suiteVersion } from '../../package.js';
import {
  type CaseRequest,
  type CaseResult,
  CONFORMANCE_CLASSES,
  type Declaration,
  ErrorCode,
  MODELS_FEATURE,
  PROTOCOL_VERSION,
  type Profile,
} from '../../protocol.js';
import type { Answer, Implementation } from '../implementation.js';
import { MalformedCase } from './fields.js';
import { runHostCase } from './host.js';
import { runProcessorCase } from './processor.js';
import { runSystemCase } from './system.js';
import type { Telling } from './telling.js';

/** The reference in this process: all classes, all operations. */
export class ReferenceImplementation implements Implementation {
  readonly label = 'reference';
  readonly window = 1;

  constructor(
    private readonly profile: Profile,
    private readonly telling: Telling = 'whole',
  ) {}

  async start(): Promise<Declaration> {
    return {
      protocol_version: PROTOCOL_VERSION,
      implementation: { ...suiteVersion(), language: 'TypeScript' },
      classes: [...CONFORMANCE_CLASSES],
      profile: this.profile,
      features: ['pool_and_clock_events', MODELS_FEATURE],
    };
  }

  run(request: CaseRequest): Answer {
    try {
      return { kind: 'result', result: this.runCase(request) };
    } catch (error) {
      if (error instanceof NotModelled) return { kind: 'unsupported', reason: error.message };
      if (error instanceof MalformedCase || error instanceof NoPageDirectory) {
        return { kind: 'error', code: ErrorCode.malformedCase, message: error.message, stderr: '' };
      }
      throw error;
    }
  }

  async stop(): Promise<void> {}

  private runCase(request: CaseRequest): CaseResult {
    switch (request.class) {
      case 'processor':
        return runProcessorCase(request, this.telling);
      case 'host':
        return runHostCase(request, this.profile, this.telling);
      case 'system':
        return runSystemCase(request, this.profile, this.telling);
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What an implementation in JavaScript or TypeScript needs: the types of the protocol's messages, the interface `Host`, and
 * the error by which it says that it does not do something. `lguest-conformance run --impl module:./my-host.js` runs the
 * cases on such a host, `lguest-conformance/vitest` makes vitest tests of them.
 */

export { type Host, type InitializeParams, Unsupported } from '../implementations/module.js';
export type {
  CaseRequest,
  CaseResult,
  ConformanceClass,
  Declaration,
  Given,
  HostEvent,
  MemoryRun,
  Observe,
  ProcessorGiven,
  ProcessorRegisters,
  Profile,
  RequestStep,
  StepResult,
} from '../protocol.js';

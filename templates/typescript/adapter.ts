// SPDX-License-Identifier: GPL-2.0-or-later
// Offers the host over standard input and output. Standard output is for answers only.

import { createInterface } from 'node:readline';
import host from './host.ts';

interface Request {
  id: number;
  method: string;
  params: Parameters<typeof host.runCase>[0];
}

function call({ method, params }: Request): unknown {
  switch (method) {
    case 'initialize':
      return host.initialize();
    case 'run_case':
      return host.runCase(params);
    case 'shutdown':
      return null;
    default:
      throw Object.assign(new Error(`there is no method ${method}`), { code: -32601 });
  }
}

function answer(request: Request): object {
  try {
    return { result: call(request) };
  } catch (error) {
    const { code = -32603, message } = error as Error & { code?: number };
    return { error: { code, message, data: { reason: message } } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request: Request = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: request.id, ...answer(request) })}\n`);
  if (request.method === 'shutdown') break;
}
process.stdin.destroy(); // an open input would keep the process alive

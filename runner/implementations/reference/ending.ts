// SPDX-License-Identifier: GPL-2.0-or-later

import { GuestRunsOn, TripleFault } from '../../../reference/host/host-code.js';
import { HostBug, HostHang } from '../../../reference/host/kernel.js';

/** How an operation ended that the host could not finish. */
export function stopOf(error: unknown): string {
  if (error instanceof HostBug) return 'host_bug';
  if (error instanceof HostHang) return 'host_hang';
  if (error instanceof TripleFault) return 'shutdown';
  if (error instanceof GuestRunsOn) return 'limit';
  throw error;
}

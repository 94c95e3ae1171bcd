// SPDX-License-Identifier: GPL-2.0-or-later

/** The launcher gives up: an image that it cannot load, a guest that misuses a device. Its message is for the user. */
export class LauncherError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LauncherError';
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later

import { type Command, CommanderError } from 'commander';
import { messageOf } from './message-of.js';
import { ExitCode, UsageError } from './usage.js';

/** The exit code for what the command-line library has told already: help that was asked for, or a mistake. */
export function toldCode({ exitCode }: CommanderError): number {
  return exitCode === 0 ? ExitCode.conforms : ExitCode.usage;
}

/** Runs a tool of the project's own, which sets the exit code; an error is told, and is one too. */
export async function runTool(command: Command): Promise<void> {
  try {
    await command.exitOverride().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = toldCode(error);
      return;
    }
    console.error(messageOf(error));
    process.exitCode = error instanceof UsageError ? ExitCode.usage : ExitCode.cannotStart;
  }
}

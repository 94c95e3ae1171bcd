// SPDX-License-Identifier: GPL-2.0-or-later

/** What Stryker loads of this project. */

import { declareClassPlugin, declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { CaseRunner } from './case-runner.js';
import { LiveSurvivors } from './live.js';
import { messages, names, narration, operands } from './unjudged.js';
import { WholeFiles } from './whole-files.js';

export const strykerPlugins = [
  declareClassPlugin(PluginKind.TestRunner, 'cases', CaseRunner),
  declareClassPlugin(PluginKind.Reporter, 'survivors', LiveSurvivors),
  declareClassPlugin(PluginKind.Reporter, 'whole-files', WholeFiles),
  declareValuePlugin(PluginKind.Ignore, 'messages', messages),
  declareValuePlugin(PluginKind.Ignore, 'narration', narration),
  declareValuePlugin(PluginKind.Ignore, 'names', names),
  declareValuePlugin(PluginKind.Ignore, 'operands', operands),
];

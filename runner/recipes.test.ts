// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from './package.js';

/*
 * The shell commands of action.yml and of the recipes, run as the CI systems run them: with their variables set, in a
 * checkout of somebody else's project. `npm` and `make` do nothing there; `npx` runs this package.
 */

const cli = `"${process.execPath}" --import tsx "${join(packageRoot, 'runner', 'cli.ts')}"`;
const hasPython = spawnSync('python3', ['--version']).status === 0;

let workspace = '';
beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'lguest-conformance-recipes-'));
  const bin = join(workspace, 'bin');
  mkdirSync(bin);
  // tsx is looked for from the working folder.
  symlinkSync(join(packageRoot, 'node_modules'), join(workspace, 'node_modules'));
  script(join(bin, 'npx'), `shift; exec ${cli} "$@"`);
  script(join(bin, 'npm'), 'exit 0');
  script(join(bin, 'make'), 'exit 0');
  script(
    join(workspace, 'my-host'),
    `exec python3 "${join(packageRoot, 'templates', 'python', 'adapter.py')}"`,
  );
  script(join(workspace, 'wrong-host'), 'exit 1');
  writeFileSync(join(workspace, 'known.yaml'), '[]\n');
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

function script(file: string, text: string): void {
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}

/** Runs a step as GitHub and GitLab run it. */
function shell(
  text: string,
  variables: Record<string, string> = {},
): { code: number | null; output: string } {
  const env = { ...process.env, PATH: `${join(workspace, 'bin')}:${process.env.PATH}`, ...variables };
  const words = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', text];
  const { status, stdout, stderr } = spawnSync('bash', words, { cwd: workspace, env, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

function yaml(name: string): unknown {
  return parse(readFileSync(join(packageRoot, name), 'utf8'));
}

function written(name: string): string {
  return readFileSync(join(workspace, name), 'utf8');
}

interface Step {
  uses?: string;
  run?: string;
  env?: Record<string, string>;
}

const isBuilt = spawnSync('test', ['-f', join(packageRoot, 'dist', 'runner', 'cli.js')]).status === 0;

describe.skipIf(!hasPython || !isBuilt)('action.yml (needs python3 and npm run build)', () => {
  /** The steps with these inputs; those that are not given have their defaults. */
  function act(given: Record<string, string>) {
    const { inputs, runs } = yaml('action.yml') as {
      inputs: Record<string, { default?: string }>;
      runs: { using: string; steps: Step[] };
    };
    expect(runs.using).toBe('composite');
    const valueOfInput = (_: string, name: string): string =>
      given[name] ?? inputs[name]?.default ?? `no input ${name}`;
    const github = {
      GITHUB_ACTION_PATH: packageRoot,
      GITHUB_WORKSPACE: workspace,
      GITHUB_STEP_SUMMARY: join(workspace, 'summary.md'),
    };
    return runs.steps
      .filter(({ run }) => run !== undefined)
      .map(({ run = '', env = {} }) => {
        const own = Object.entries(env).map(([name, value]) => [
          name,
          value.replaceAll(/\$\{\{ inputs\.([\w-]+) \}\}/g, valueOfInput),
        ]);
        return shell(run, { ...github, ...Object.fromEntries(own) });
      });
  }

  test('all inputs: patterns are not expanded, and results, annotations and a summary are written', () => {
    const steps = act({
      impl: './my-host',
      cases: 'initial-registers/new-cpu/*\ninitial-registers/nothing-else',
      expectations: 'known.yaml',
      shard: '1/1',
      options: '--class host --jobs 2',
      results: 'mine.json',
    });
    expect(steps.map(({ code }) => code)).toEqual([0, 0]);
    expect(steps[1]?.output).toContain('::notice title=./my-host conforms::4 pass');
    expect(JSON.parse(written('mine.json'))).toMatchObject({ shard: '1/1', counts: { pass: 4 } });
    expect(written('summary.md')).toMatch(/^### \.\/my-host: ✅ conforms/);
  });

  test('only what is required: the exit code is that of the run', () => {
    expect(act({ impl: './wrong-host', cases: 'initial-registers' }).map(({ code }) => code)).toEqual([0, 3]);
  });
});

describe.skipIf(!hasPython)('recipes (need python3)', { timeout: 240_000 }, () => {
  test('GitHub Actions: a matrix of parts, put together', () => {
    const { jobs } = yaml('recipes/github-actions.yml') as {
      jobs: Record<'part' | 'whole', { strategy?: { matrix: { part: number[] } }; steps: Step[] }>;
    };
    const commands = (steps: Step[]): string[] => steps.flatMap(({ run }) => run ?? []);
    for (const part of jobs.part.strategy?.matrix.part ?? []) {
      for (const run of commands(jobs.part.steps)) {
        const { code, output } = shell(run.replaceAll(/\$\{\{ matrix\.part \}\}/g, String(part)));
        expect(code, output).toBe(0);
      }
    }
    const outcomes = commands(jobs.whole.steps).map((run) => shell(run));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(outcomes[1]?.output).toMatch(/::notice title=.\/my-host conforms/);
    expect(written('report.html')).toContain('<html');
    shell('rm part-*.json');
  });

  test('GitLab CI: parallel jobs, put together', () => {
    const {
      conformance,
      'conformance-report': report,
      variables,
    } = yaml('recipes/gitlab-ci.yml') as {
      variables: Record<string, string>;
      conformance: { script: string[] };
      'conformance-report': { script: string[] };
    };
    for (const CI_NODE_INDEX of ['1', '2']) {
      const { code, output } = shell(conformance.script.join('\n'), {
        ...variables,
        CI_NODE_INDEX,
        CI_NODE_TOTAL: '2',
      });
      expect(code, output).toBe(0);
    }
    const { code, output } = shell(report.script.join('\n'));
    expect(code, output).toBe(0);
    expect(written('junit.xml')).toContain('<testsuite name="initial-registers"');
  });

  test('Kubernetes: a pod runs its part', () => {
    const { spec } = yaml('recipes/kubernetes.yaml') as {
      spec: { completions: number; template: { spec: { containers: { args: string[] }[] } } };
    };
    const [text = ''] = spec.template.spec.containers[0]?.args ?? [];
    const here = text
      .replace('lguest-conformance run', cli.concat(' run'))
      .replace('/usr/local/bin/my-host', './my-host')
      .replaceAll('/results/', './');
    const { code, output } = shell(here, { JOB_COMPLETION_INDEX: '7' });
    expect(code, output).toBe(0);
    expect(JSON.parse(written('part-8.json'))).toMatchObject({ shard: `8/${spec.completions}` });
  });
});

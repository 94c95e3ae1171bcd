// SPDX-License-Identifier: GPL-2.0-or-later
// Who may know whom. The picture and the reasons are in the README, section "Layout".

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'processor-knows-nothing-of-lguest',
      comment: 'reference/processor is a processor model of its own; it imports nothing from the rest.',
      severity: 'error',
      from: { path: '^reference/processor' },
      to: { path: '^(reference/(?!processor)|runner|cases|spec)' },
    },
    {
      name: 'host-sees-a-processor-only-through-its-interface',
      comment:
        'reference/host imports the interface and the physical memory of reference/processor, nothing else of it.',
      severity: 'error',
      from: { path: '^reference/host', pathNot: '\\.test\\.ts$' },
      to: { path: '^reference/processor', pathNot: '^reference/processor/(interface|memory)\\.ts$' },
    },
    {
      name: 'reference-does-not-know-the-runner',
      comment: 'Nothing in reference/ knows that cases or a runner exist.',
      severity: 'error',
      from: { path: '^reference', pathNot: '\\.test\\.ts$' },
      to: { path: '^(runner|cases|spec)' },
    },
    {
      name: 'runner-meets-the-reference-in-one-place',
      comment: 'Only the in-process implementation and the boot command import reference/.',
      severity: 'error',
      from: {
        path: '^runner',
        pathNot: '^runner/(implementations/reference/|boot/|commands/boot\\.ts$)',
      },
      to: { path: '^reference' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['\\.d\\.ts$', '\\.test\\.ts$', '^runner/examples/', '^runner/report/html/page\\.mjs$'],
      },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};

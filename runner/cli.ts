#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-or-later

import { Command, CommanderError, Option } from 'commander';
import { exitOnFaults } from './fault.js';
import { suiteVersion } from './package.js';
import { FAILURES_HELP, failuresOf, OUTPUT_HELP, REPORTER_HELP, ReporterFlags } from './report/flags.js';
import { toldCode } from './tool.js';
import { ExitCode, UsageError } from './usage.js';

const EXIT_CODES = `
Exit codes:
  0    the implementation conforms
  1    it does not, or nothing could be said: no case ran, everything was unsupported
  2    the command line is wrong, or a file cannot be read or written
  3    the implementation could not be started
  70   lguest-conformance itself is at fault; nothing is said
  130  interrupted; what was known is printed`;

const RUN_EXAMPLES = `
Examples:
  lguest-conformance run                                    everything, on the reference
  lguest-conformance run io-emulation 'fpu/told/*'          a behaviour, and the rows of a table
  lguest-conformance run --impl "python3 my_host.py" --class host
  lguest-conformance run --impl qemu --clause PF-1 --clause PF-2
${EXIT_CODES}`;

const BOOT_EXIT_CODES = `
At a terminal Ctrl-] ends the run; Ctrl-C goes to the guest.

Exit codes:
  0    the guest has switched itself off
  1    it has crashed, or misused a device; a replay was not the same
  2    the command line, the image or another file is wrong; nothing was run
  3    it did something that the reference does not model, or has harmed its host; the message names it
  4    it has used up its instructions, or sleeps for ever
  70   lguest-conformance itself is at fault
  130  interrupted`;

const collect = (value: string, list: string[]): string[] => [...list, value];

/** An option that may be given several times; `none` says what its absence stands for. */
function repeatable(flags: string, description: string, none: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(collect).default([], none);
}

const USUAL_FAILURES = 10;

/** Adds the options of the commands that write reports. */
function reporting(command: Command): Command {
  const reports = new ReporterFlags();
  return command
    .option('--reporter <name>', REPORTER_HELP, reports.reporter)
    .option('--output <file>', OUTPUT_HELP, reports.output)
    .option('--failures <number>', FAILURES_HELP, failuresOf, USUAL_FAILURES)
    .option('--no-color', 'no colours');
}

/** Adds the options of the commands that ask an implementation; without `usual` the command knows which one is meant. */
function attaching(command: Command, usual?: string): Command {
  const names = 'reference, native, bochs, qemu, v86, unicorn, module:./file.js, or a command line in quotes';
  return command
    .option('--impl <name>', usual === undefined ? `${names}; default: that of the results` : names, usual)
    .option(
      '--connect <address>',
      'in place of --impl: localhost:7777 or ./socket, where one listens that you started',
    )
    .option(
      '--timeout <seconds>',
      'time for one case, 10; the other time limits grow and shrink with it',
      Number,
    );
}

/** The command line. Each command's module is loaded only when it is called: `--help` must not wait for the others. */
function program(done: (code: number) => void): Command {
  const cli = new Command('lguest-conformance')
    .description('Checks implementations of the lguest x86 host and of the processor under it.')
    .version(suiteVersion().version)
    .exitOverride()
    .showHelpAfterError('(--help lists the commands and options)')
    .addHelpText('after', EXIT_CODES);

  const running = attaching(cli.command('run'), 'reference')
    .description('run cases against an implementation')
    .argument('[patterns...]', 'ids of cases; * matches within a component, ** across components')
    .addOption(repeatable('--class <class>', 'only this class', 'those that it claims'))
    .addOption(repeatable('--behaviour <name>', 'only this behaviour', 'all'))
    .addOption(repeatable('--clause <id>', 'only cases of this clause', 'all'))
    .option('--profile <name>', 'linux-2.6.29 or hardened; default: the one the implementation declares')
    .option('--fail-fast', 'stop at the first failure that is not known')
    .option('--expectations <file>', 'known failures: YAML list of {case, reason}')
    .option('--update-expectations', 'write what fails now into that file, and take out what passes')
    .option('--reason <text>', 'the reason of the entries that --update-expectations makes')
    .option('--jobs <number>', 'processes of the implementation at the same time', Number)
    .option('--window <number>', 'requests that a process may leave unanswered, 32', Number)
    .option('--memory <size>', 'address space of a process, such as 512M')
    .option('--shard <i/n>', 'only the i-th of n parts of the cases')
    .option('--balance <file>', 'results of a run with --timings: shards that take the same time')
    .option('--repeat <number>', 'run each case so often; one that is not the same each time fails', Number)
    .option('--verify', 'in random orders and alone too: finds state that leaks between cases')
    .option('--seed <number>', 'of the random orders', Number)
    .option('--timings', 'write times into the results; without them two runs write the same bytes')
    .addHelpText('after', RUN_EXAMPLES);
  reporting(running).action(async (patterns: string[], options) => {
    const { run } = await import('./commands/run.js');
    done(await run(patterns, options));
  });

  reporting(cli.command('report'))
    .description('write reports of runs that have ended; of several implementations, side by side')
    .argument('<files...>', 'results, as run --reporter json=FILE writes them')
    .action(async (files: string[], options) => {
      const { report } = await import('./commands/report.js');
      done(await report(files, options));
    });

  reporting(cli.command('merge'))
    .description('put the results of all parts of a run (run --shard) together')
    .argument('<files...>', 'results, as run --reporter json=FILE writes them')
    .action(async (files: string[], options) => {
      const { merge } = await import('./commands/merge.js');
      done(await merge(files, options));
    });

  attaching(cli.command('replay'))
    .description('send a request again, or the cases that failed in a run')
    .argument('<file>', 'a request (show --json) or results (run --reporter json=FILE)')
    .option('--failures <number>', FAILURES_HELP, failuresOf, USUAL_FAILURES)
    .action(async (file: string, options) => {
      const { replay } = await import('./commands/replay.js');
      done(await replay(file, options));
    });

  cli
    .command('init')
    .description('write a small adapter to begin with')
    .argument('<folder>', 'a folder that is empty or does not exist')
    .requiredOption('--lang <name>', 'c, python, rust or typescript')
    .action(async (folder: string, options: { lang: string }) => {
      const { init } = await import('./commands/init.js');
      done(init(folder, options.lang));
    });

  cli
    .command('matrix')
    .description('run class processor on several implementations and compare them')
    .argument('[patterns...]', 'ids of cases, as for run')
    .addOption(repeatable('--impl <name>', 'an implementation, as for run', 'all that come along'))
    .addOption(repeatable('--class <class>', 'a class of cases', 'processor'))
    .option('--json', 'counts and deviations as JSON')
    .option('--page <file>', 'write a page that tells where each implementation deviates')
    .action(async (patterns: string[], options) => {
      const { matrix } = await import('./commands/matrix.js');
      done(await matrix(patterns, options));
    });

  reporting(cli.command('image'))
    .description(
      'make a disk image that runs cases of class processor on any PC, or judge what it has written',
    )
    .argument('<file>', 'the image to be written; with --read the log of its serial port')
    .argument('[patterns...]', 'ids of cases, as for run')
    .option('--read', 'judge a log')
    .option('--expectations <file>', 'with --read: known failures, as for run')
    .addOption(repeatable('--without <pattern>', 'cases to leave out', 'none'))
    .addOption(repeatable('--choice <name=value>', 'with --read: how the PC uses a freedom', 'as usual'))
    .action(async (file: string, patterns: string[], options) => {
      const { image } = await import('./commands/image.js');
      done(await image(file, patterns, options));
    });

  cli
    .command('list')
    .description('list the cases')
    .argument('[patterns...]')
    .option('--json', 'one JSON object a line')
    .action(async (patterns: string[], options) => {
      const { list } = await import('./commands/list.js');
      done(await list(patterns, options));
    });

  cli
    .command('show')
    .description('show one case: clauses, request as it is sent, expectation')
    .argument('<id>')
    .option('--json', 'only the request, as it goes over the wire')
    .option('--profile <name>', 'linux-2.6.29 or hardened')
    .action(async (id: string, options) => {
      const { show } = await import('./commands/show.js');
      done(await show(id, options));
    });

  cli
    .command('explain')
    .description('tell step by step what the reference does with one case')
    .argument('<id>')
    .option('--profile <name>', 'linux-2.6.29 or hardened')
    .action(async (id: string, options) => {
      const { explain } = await import('./commands/explain.js');
      done(await explain(id, options));
    });

  cli
    .command('lint')
    .description('check the case files')
    .argument('[behaviours...]')
    .action(async (behaviours: string[]) => {
      const { lint } = await import('./commands/lint.js');
      done(await lint(behaviours));
    });

  cli
    .command('clauses')
    .description('list clauses with their cases and cases with their clauses; exit code 1 on a gap')
    .option('--json', 'as JSON')
    .option('--summary', 'only the gaps and the counts')
    .action(async (options) => {
      const { clauses } = await import('./commands/clauses.js');
      done(await clauses(options));
    });

  cli
    .command('serve')
    .description('offer the reference, or a module, over standard input and output')
    .option('--impl <name>', 'reference, or module:./file.js', 'reference')
    .option('--profile <name>', 'linux-2.6.29 or hardened; a module has its own')
    .action(async (options: { impl: string; profile?: string }) => {
      const [{ serve }, { profileOf }] = await Promise.all([
        import('./commands/serve.js'),
        import('./commands/options.js'),
      ]);
      done(await serve({ impl: options.impl, profile: profileOf(options.profile) }));
    });

  cli
    .command('check-adapter')
    .description('talk to an adapter step by step and explain its mistakes')
    .argument('<command>', 'the command line that starts it, in quotes')
    .option('--timeout <seconds>', 'time for one answer', Number)
    .action(async (command: string, options: { timeout?: number }) => {
      const { checkAdapter } = await import('./commands/check-adapter.js');
      done(await checkAdapter(command, options));
    });

  cli
    .command('fuzz')
    .description('run random cases on implementations and on the reference, and make what differs small')
    .addOption(
      repeatable(
        '--impl <name>',
        'as for run; of two or more, two must agree against the reference',
        'native; reference in the other classes',
      ),
    )
    .option('--profile <profile>', 'profile of --impl')
    .option('--against <name>', 'what is doubted', 'reference')
    .option('--against-profile <profile>', 'profile of --against')
    .option('--class <class>', 'processor, host or system', 'processor')
    .option('--seed <number>', 'of the random cases', Number, 1)
    .option('--first <number>', 'number of the first case', Number, 0)
    .option('--cases <number>', 'how many cases', Number)
    .option('--time <duration>', '90s, 5m, 1h; default 60s unless --cases is given')
    .addOption(repeatable('--family <name>', 'only this family of machines', 'all'))
    .option('--differences <number>', 'stop after so many kinds of difference', Number, 20)
    .option(
      '--corpus <folder>',
      'keep inputs that reach a new clause there, and begin with those that it has',
    )
    .option('--out <folder>', 'write each case that differs into a file there')
    .action(async (options) => {
      const { fuzzCommand } = await import('./commands/fuzz.js');
      done(await fuzzCommand(options));
    });

  cli
    .command('boot')
    .description('boot a Linux kernel for lguest, or another guest, on the reference')
    .argument('<image>', 'an ELF file (vmlinux) or a bzImage')
    .option('--initrd <file>', 'initial RAM disk')
    .addOption(repeatable('--disk <file>', 'block device, which is written to', 'none'))
    .option('--append <text>', "the kernel's command line", 'console=hvc0')
    .option('--memory <size>', 'such as 64M', '64M')
    .option('--format <name>', 'auto, elf, bzimage, or flat: the bytes go to 1 MiB and start there', 'auto')
    .option('--profile <name>', 'linux-2.6.29 or hardened')
    .option('--cpu-model <name>', 'what CPUID says: 486-like, pentium-like or p6-like', 'p6-like')
    .option('--max-instructions <number>', 'of the guest; then the run ends', Number)
    .option('--instruction-time <ns>', 'model time that an instruction takes', Number, 50)
    .option('--seed <number>', 'of all that is random', Number, 1)
    .option('--rng', 'a random number device')
    .option('--input <file>', 'what is typed: a file, or - for standard input; default: the terminal')
    .option('--realtime', 'sleep takes as long as it would; default at a terminal')
    .option('--stats', 'say at the end what the guest has made the host do')
    .option('--record <file>', 'write down the input and its times')
    .option('--replay <file>', 'the same run again')
    .addHelpText('after', BOOT_EXIT_CODES)
    .action(async (image: string, options) => {
      const { boot } = await import('./commands/boot.js');
      done(await boot(image, options));
    });

  return cli;
}

async function main(): Promise<number> {
  let code: number = ExitCode.conforms;
  try {
    await program((result) => {
      code = result;
    }).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return toldCode(error);
    if (error instanceof UsageError) {
      process.stderr.write(`lguest-conformance: ${error.message}\n`);
      return ExitCode.usage;
    }
    throw error;
  }
}

exitOnFaults();
process.exitCode = await main();

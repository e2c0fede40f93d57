import { Command, CommanderError } from 'commander';
import { addDiff } from './commands/diff.ts';
import { addExplain } from './commands/explain.ts';
import { addReplay } from './commands/replay.ts';
import { addRun } from './commands/run.ts';
import { addStory } from './commands/story.ts';
import { addStudy } from './commands/study.ts';
import { addTopology } from './commands/topology.ts';
import { addWalk } from './commands/walk.ts';
import { isForUser } from './user-error.ts';
import { version } from './version.ts';

/** Exit codes: 0 done, 1 a check found something, 2 the input or the command line can't be used. */
const USAGE_EXIT = 2;

/**
 * Runs the command line and returns the exit code.
 * @param args what follows the program's name
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = buildProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT;
    if (!isForUser(error)) throw error;
    console.error(`dmalab: ${error.message}`);
    return USAGE_EXIT;
  }
}

function buildProgram(): Command {
  const program = new Command('dmalab')
    .description('A laboratory for DMA: run, replay and study how Linux moves data between memory and devices.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('(dmalab --help lists the commands)');
  addRun(program);
  addStudy(program);
  addReplay(program);
  addExplain(program);
  addTopology(program);
  addWalk(program);
  addDiff(program);
  addStory(program);
  return program;
}

import { type DiffReport, parseSequence, recordSequence, runDiff, UNIT_NAMES, type UnitName } from '@dmalab/qemu';
import { readText } from '../input-file.ts';
import { figure, printJson } from '../output.ts';
import { UserError } from '../user-error.ts';
import type { DiffFlags } from './diff.ts';

/** Most of an answer that is printed: 64 bytes of memory in hex. */
const SHOWN = 128;

/** Runs `dmalab diff`. */
export async function runDiffCommand(file: string | undefined, { qemu, record, json }: DiffFlags): Promise<void> {
  if (record !== undefined) {
    process.stdout.write(recordSequence(unitNamed(record), qemu));
    return;
  }
  if (file === undefined) throw new UserError('dmalab diff', 'there is no FILE', 'name one, or --record UNIT');
  const report = runDiff(parseSequence(await readText(file)), qemu);
  if (json) printJson(report);
  else print(report);
  if (report.difference !== null) process.exitCode = 1;
}

function unitNamed(name: string): UnitName {
  const unit = UNIT_NAMES.find((known) => known === name);
  if (unit === undefined) throw new UserError('--record', `"${name}" is no unit`, `write ${UNIT_NAMES.join(', ')}`);
  return unit;
}

function print({ unit, version, steps, played, difference, known }: DiffReport): void {
  for (const id of new Set(known.map((met) => met.id))) {
    const lines = known.filter((met) => met.id === id).map(({ line }) => line);
    console.log(`known difference ${id}: line ${lines[0]}${lines.length > 1 ? `, and ${lines.length - 1} more` : ''}`);
  }
  if (difference === null) {
    console.log(`${figure(steps)} steps on ${unit}, no difference from QEMU ${version}`);
    return;
  }
  console.log(`line ${difference.line}, step ${figure(played)} of ${figure(steps)}: ${difference.text}`);
  const [model, theirs] = aroundDifference(difference.model, difference.qemu);
  console.log(`  model        ${model}`);
  console.log(`  QEMU ${version.padEnd(7)} ${theirs}`);
}

/** Long answers from a little before the first digit that differs. */
function aroundDifference(model: string, qemu: string): readonly [string, string] {
  let same = 0;
  while (same < model.length && model[same] === qemu[same]) same++;
  const start = model.length <= SHOWN ? 0 : Math.max(0, same - (same % 32));
  const cut = (text: string) => `${start > 0 ? `byte ${start / 2}: ` : ''}${text.slice(start, start + SHOWN)}`;
  return [cut(model), cut(qemu)];
}

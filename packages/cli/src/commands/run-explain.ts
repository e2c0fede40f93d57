import { type Explanation, explainLog, type LogExplanation, type Severity } from '@dmalab/integration';
import { readText } from '../input-file.ts';
import { bytes, figure, printJson, printWrapped } from '../output.ts';
import { UserError } from '../user-error.ts';
import type { ExplainFlags } from './explain.ts';

/** So many explanations fit a screen with a cause and a step each. */
const MOST_SHOWN = 8;
const MOST_UNKNOWN_SHOWN = 5;
const MOST_PLACES_SHOWN = 4;
const WEIGHT: Readonly<Record<Severity, number>> = { error: 2, warning: 1, info: 0 };

/** Reads the log, explains it and prints what matters most first. */
export async function runExplain(file: string, { all, json }: ExplainFlags): Promise<void> {
  const text = await readText(file);
  if (text.includes('\0')) throw new UserError(file, 'is no text', 'give it what dmesg or journalctl -k prints');
  const report = explainLog(text);
  if (report.lines === 0) throw new UserError(file, 'is empty', 'give it what dmesg or journalctl -k prints');
  if (json)
    printJson({ file, ...report, boot: { ...report.boot, controllers: Object.fromEntries(report.boot.controllers) } });
  else printReport(file, report, all === true);
}

function printReport(file: string, report: LogExplanation, all: boolean): void {
  const { lines, explainedLines, explanations, unknown } = report;
  const concern = explainedLines + unknown.length;
  console.log(`${file}: ${figure(lines)} lines, ${figure(concern)} about DMA${setUp(report)}`);
  const wanted = explanations.filter(({ severity }) => all || severity !== 'info');
  if (wanted.length === 0) console.log('\nnothing went wrong that this log tells of');
  const shown = all ? wanted : heaviest(wanted).slice(0, MOST_SHOWN);
  for (const [device, about] of byDevice(shown, report)) {
    console.log(`\n${device}`);
    for (const explanation of about) printExplanation(explanation, all);
  }
  printRest(report, wanted.length - shown.length, all);
}

/** What advice depends on, as far as the boot lines tell. */
function setUp({ boot }: LogExplanation): string {
  const { domainType, invalidation, iommuInUse, poolBytes, memoryEncrypted } = boot;
  const policy = invalidation === null ? '' : `, ${invalidation}`;
  const domain = domainType === null ? null : `IOMMU ${domainType.toLowerCase()}${policy}`;
  const iommu = iommuInUse === false ? 'IOMMU off' : domain;
  const pool = poolBytes === null ? null : `bounce buffers ${bytes(poolBytes)}`;
  const known = [iommu, pool, memoryEncrypted ? 'memory encrypted' : null].filter((part) => part !== null);
  return known.length === 0 ? '' : `; ${known.join('; ')}`;
}

function heaviest(explanations: readonly Explanation[]): Explanation[] {
  return explanations.toSorted((a, b) => WEIGHT[b.severity] - WEIGHT[a.severity] || a.line - b.line);
}

/** The worst device first; lines about no device last. A controller stands under its PCI device where that is known. */
function byDevice(shown: readonly Explanation[], { boot }: LogExplanation): [string, Explanation[]][] {
  const groups = new Map<string, Explanation[]>();
  for (const explanation of heaviest(shown)) {
    const { device } = explanation;
    const name = device === null ? 'the machine' : (boot.controllers.get(device) ?? device);
    groups.set(name, [...(groups.get(name) ?? []), explanation]);
  }
  const weight = ([name, about]: [string, Explanation[]]) => (name === 'the machine' ? -1 : WEIGHT[about[0].severity]);
  return [...groups].toSorted((a, b) => weight(b) - weight(a));
}

function printExplanation({ severity, says, causes, next, ...rest }: Explanation, all: boolean): void {
  const { count, followsFrom, text, line, basis } = rest;
  const times = count > 1 ? `${figure(count)} times, ` : '';
  printWrapped('  ', `${severity}: ${says}`);
  printWrapped('    ', `${times}${places(rest)}${suppressed(rest)}`);
  if (all) printWrapped('    ', `line ${line}: ${text}`);
  for (const relation of followsFrom.slice(0, all ? undefined : 1)) {
    printWrapped('    ', `follows line ${relation.line}: ${relation.because}`);
  }
  for (const cause of causes.slice(0, all ? undefined : 1)) printWrapped('    ', `likely: ${cause}`);
  for (const step of next.slice(0, all ? undefined : 1)) printWrapped('    ', `next: ${step}`);
  if (all) printWrapped('    ', `rules: ${basis.join(', ')}`);
}

function places({ occurrences }: Pick<Explanation, 'occurrences'>): string {
  const lines = occurrences.map(({ line }) => line);
  if (lines.length <= MOST_PLACES_SHOWN) return `line${lines.length === 1 ? '' : 's'} ${lines.join(', ')}`;
  return `lines ${lines[0]} to ${lines.at(-1)}`;
}

/** How many lines the kernel's rate limit kept out, over all its notes. */
function suppressed({ rule, occurrences }: Pick<Explanation, 'rule' | 'occurrences'>): string {
  if (rule !== 'suppressed') return '';
  const sum = occurrences.reduce((total, { fields }) => total + Number(fields['suppressed']), 0);
  return `: ${figure(sum)} lines left out`;
}

function printRest({ explanations, unknown, stackLines }: LogExplanation, left: number, all: boolean): void {
  const setUpLines = explanations
    .filter(({ severity }) => severity === 'info')
    .reduce((sum, { count }) => sum + count, 0);
  console.log('');
  if (left > 0) console.log(`and ${left} more explanations (--all)`);
  if (!all && setUpLines > 0) console.log(`set-up and notes: ${figure(setUpLines)} lines (--all)`);
  if (stackLines > 0) console.log(`stack dumps: ${figure(stackLines)} lines, part of the warnings beside them`);
  console.log(`not understood: ${unknown.length === 0 ? 'none' : figure(unknown.length)}`);
  for (const { line, text } of all ? unknown : unknown.slice(0, MOST_UNKNOWN_SHOWN))
    printWrapped('  ', `line ${line}: ${text}`);
  if (!all && unknown.length > MOST_UNKNOWN_SHOWN)
    console.log(`  and ${unknown.length - MOST_UNKNOWN_SHOWN} more (--all)`);
}

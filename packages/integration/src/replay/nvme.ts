import { Bio, REQ_OP_READ } from '@dmalab/blk-nvme';
import { EventKind, type TraceLog } from '@dmalab/trace';
import { type DiskRoute, ReplayDisk } from './nvme/replay-disk.ts';
import { bioOf, largeFolios } from './nvme/traced-bio.ts';
import { type TracedCommand, type TracedMapping, tracedCommands } from './nvme/traced-command.ts';

const PAGE = 4096;
const MIB = 2 ** 20;
/** The disk of the reference guests (spec N176). */
const LEAST_DISK_BYTES = 64 * MIB;
/** What QEMU's controller offers (spec N152). */
const LEAST_MDTS = 7;
const TAG_MASK = 0xfff;
/** Virtual time is the event's place in the trace: one step an event keeps completions in their order. */
const STEP_NANOS = 1;

/** What a command does: its words, map calls, descriptor pages (PRP list or SGL), block events, unmap calls, result. */
export type CommandField = 'command' | 'maps' | 'descriptors' | 'issue' | 'unmaps' | 'completion';

/** Which of the many alike it was: names and counters that depend on the instant of submission. */
export type IdentityField = 'tag' | 'generation' | 'sq';

/** A command in which trace and model differ. */
export interface NvmeResidual<Field extends string = CommandField> {
  readonly line: number;
  readonly field: Field;
  readonly trace: string;
  readonly model: string;
  /** Why the trace cannot decide, or null for a difference that nothing excuses. */
  readonly because: string | null;
}

/** How far commands agree in one group of fields. */
export interface FieldAgreement<Field extends string> {
  /** Commands of the trace, and those that agree in every field of the group. */
  readonly compared: number;
  readonly agree: number;
  /** Commands that agree, field by field. */
  readonly byField: Readonly<Record<Field, number>>;
  readonly residuals: readonly NvmeResidual<Field>[];
}

/**
 * Tags, generations and queue positions. They depend on when requests were submitted, between other commands'
 * completions, which a trace does not show; so they are counted beside the agreement and not in it.
 */
export interface IdentityAgreement extends FieldAgreement<IdentityField> {
  /** Commands whose every difference has an explanation. */
  readonly explained: number;
}

/** How far our driver over our controller does what the traced kernel did. */
export interface NvmeAgreement extends FieldAgreement<CommandField> {
  readonly route: DiskRoute;
  readonly identity: IdentityAgreement;
  /** Commands of other disks, those that no block request made, and those whose memory the trace does not show. */
  readonly skipped: number;
}

/**
 * Gives our driver the trace's I/O (same place, size, memory, order of submission and completion) and compares what it
 * makes of it: commands, map and unmap calls, descriptor pages, block events (spec N110 to N113). Null for a trace
 * without NVMe commands.
 */
export function replayNvme(log: TraceLog, options: { readonly cpus?: number } = {}): NvmeAgreement | null {
  const all = tracedCommands(log);
  const disk = busiestDisk(all);
  const theirs = all.filter((command) => isReplayable(command, disk));
  if (theirs.length === 0) return null;
  const route = routeOf(log);
  const ours = drive(log, theirs, route, options.cpus ?? 1);
  return compare(route, theirs, ours, all.length - theirs.length);
}

/** Commands of the block layer whose memory the trace shows, or that have none. */
function isReplayable(command: TracedCommand, disk: string): boolean {
  if (command.disk !== disk || command.issue === '') return false;
  if (/^nvme_cmd_(flush|write_zeroes) /.test(command.command)) return true;
  return /^nvme_cmd_(read|write|dsm) /.test(command.command) && command.maps.length > 0 && command.bytes > 0;
}

/** The disk with most commands: a replay has one. */
function busiestDisk(commands: readonly TracedCommand[]): string {
  const counts = new Map<string, number>();
  for (const { disk } of commands) counts.set(disk, (counts.get(disk) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
}

/** An IOMMU shows in `map` events, bouncing in `swiotlb_bounced`, and the direct way in neither. */
function routeOf(log: TraceLog): DiskRoute {
  let bounced = false;
  for (let i = 0; i < log.length; i++) {
    if (log.kind(i) === EventKind.MAP) return 'iommu';
    bounced ||= log.kind(i) === EventKind.SWIOTLB_BOUNCED;
  }
  return bounced ? 'bounce' : 'direct';
}

/** Runs the workload; what our side recorded, read the way the trace is. */
function drive(log: TraceLog, commands: readonly TracedCommand[], route: DiskRoute, cpus: number): TracedCommand[] {
  const disk = makeDisk(log, commands, route, cpus);
  disk.driver.probe();
  const queue = disk.driver.disk(1)!.queue;
  runPrelude(disk, commands);
  disk.ring.on = true;
  const folios = largeFolios(commands);
  const starts = new Map(commands.map((command) => [command.setup, command]));
  const ends = new Set(commands.map((command) => command.sq));
  for (let i = 0; i < log.length; i++) {
    disk.advance(STEP_NANOS);
    const command = starts.get(i);
    if (command !== undefined) {
      disk.controller.faults.clear();
      const nanos = (command.sq < 0 ? log.length : command.sq) - i;
      disk.controller.faults.add({ queue: 'io', action: { kind: 'delay', nanos: nanos * STEP_NANOS } });
      queue.submitBio(bioOf(command, folios), command.qid - 1);
      while (disk.controller.step());
    }
    if (ends.has(i)) disk.driver.poll();
  }
  return tracedCommands(disk.ring.toLog().log);
}

function makeDisk(log: TraceLog, commands: readonly TracedCommand[], route: DiskRoute, cpus: number): ReplayDisk {
  let [lastSector, lastPhys, largest, queues] = [0, 2 ** 32, PAGE, cpus];
  for (const { sector, bytes, maps, qid } of commands) {
    lastSector = Math.max(lastSector, sector + bytes / 512);
    queues = Math.max(queues, qid);
    if (maps.length > 0) largest = Math.max(largest, bytes);
    for (const { phys, size } of maps) lastPhys = Math.max(lastPhys, phys + size);
  }
  return new ReplayDisk({
    route,
    cpus: queues,
    diskBytes: Math.max(LEAST_DISK_BYTES, Math.ceil((lastSector * 512) / MIB) * MIB),
    mdts: Math.max(LEAST_MDTS, Math.ceil(Math.log2(largest / PAGE))),
    hasLargeBlocks: commands.some(hasLargeBlocks),
    freePhys: lastPhys,
    tagHints: Array.from({ length: queues }, (_, cpu) => firstTag(commands, cpu + 1)),
    ringEvents: 2 ** Math.ceil(Math.log2(4 * log.length)),
  });
}

/** Blocks of 4096 bytes: the command counts in eights of what the block layer does. */
function hasLargeBlocks({ command, sector }: TracedCommand): boolean {
  const slba = Number(/ slba=(\d+),/.exec(command)?.[1] ?? 0);
  return slba > 0 && sector === 8 * slba;
}

/** The tag allocator starts in a word at random; the first command tells which (spec N22). */
function firstTag(commands: readonly TracedCommand[], qid: number): number {
  const first = commands.find((command) => command.qid === qid);
  const tag = first === undefined ? 0 : first.cmdid & TAG_MASK;
  return tag - (tag % 64);
}

/** I/O that each queue had seen before the trace began: told by the first tail (spec N57, row 18). */
function runPrelude(disk: ReplayDisk, commands: readonly TracedCommand[]): void {
  const queue = disk.driver.disk(1)!.queue;
  for (const qid of new Set(commands.map((command) => command.qid))) {
    const ofQueue = commands.filter((command) => command.qid === qid);
    const first = ofQueue.filter(({ sq }) => sq >= 0).sort((a, b) => a.sq - b.sq)[0];
    if (first === undefined) continue;
    const before = first.sqTail - ofQueue.filter(({ setup }) => setup < first.sq).length;
    for (let i = 0; i < before; i++) {
      const bio = new Bio().init(REQ_OP_READ, 0);
      bio.addPhys(0, PAGE);
      queue.submitBio(bio, qid - 1);
      disk.advance(STEP_NANOS);
      disk.driver.poll();
    }
  }
}

function compare(
  route: DiskRoute,
  theirs: readonly TracedCommand[],
  ours: readonly TracedCommand[],
  skipped: number,
): NvmeAgreement {
  const isMultiQueue = theirs.some(({ qid }) => qid > 1);
  const { explained: _, ...behaviour } = compareFields(theirs, ours, COMMAND_FIELDS, () => null);
  const identity = compareFields(theirs, ours, IDENTITY_FIELDS, (their, our, field) =>
    explain(their, our, field, isMultiQueue),
  );
  return { route, ...behaviour, identity, skipped };
}

type Explain<Field> = (their: TracedCommand, our: TracedCommand, field: Field) => string | null;

function compareFields<Field extends CommandField | IdentityField>(
  theirs: readonly TracedCommand[],
  ours: readonly TracedCommand[],
  fields: readonly Field[],
  explainField: Explain<Field>,
): FieldAgreement<Field> & { readonly explained: number } {
  const byField = Object.fromEntries(fields.map((field) => [field, 0])) as Record<Field, number>;
  const residuals: NvmeResidual<Field>[] = [];
  let agree = 0;
  let explained = 0;
  for (const [i, their] of theirs.entries()) {
    const differences = compareCommand(their, ours[i], fields, explainField);
    for (const field of fields) if (!differences.some((residual) => residual.field === field)) byField[field]++;
    if (differences.length === 0) agree++;
    else if (differences.every(({ because }) => because !== null)) explained++;
    residuals.push(...differences);
  }
  return { compared: theirs.length, agree, explained, byField, residuals };
}

function compareCommand<Field extends CommandField | IdentityField>(
  their: TracedCommand,
  our: TracedCommand | undefined,
  fields: readonly Field[],
  explainField: Explain<Field>,
): NvmeResidual<Field>[] {
  const residuals: NvmeResidual<Field>[] = [];
  for (const field of fields) {
    // Where the trace ends before the command does, there is nothing to compare.
    if (AFTER_END.has(field) && their.sq < 0) continue;
    const trace = describe(their, field);
    const model = our === undefined ? 'nothing' : describe(our, field);
    if (trace === model) continue;
    const because = our === undefined ? null : explainField(their, our, field);
    residuals.push({ line: their.line, field, trace, model, because });
  }
  return residuals;
}

/**
 * What a trace of this kind leaves open. Tags are taken at submission, before the first event of a command, so that a
 * completion between the two decides which tag was free; with one queue only the generation shows it (spec N21, N52).
 */
function explain(their: TracedCommand, our: TracedCommand, field: IdentityField, isMultiQueue: boolean): string | null {
  if (field === 'generation') return 'counts uses of a tag taken at submission, which the trace does not show';
  if (field === 'tag' && their.qid === our.qid && isMultiQueue)
    return 'taken at submission, which the trace does not show';
  if (field !== 'sq') return null;
  let queued = our.sqTail - their.halfBuilt;
  if (their.sqTail === queued - 1 && their.justIssued) queued--;
  if (their.sqTail !== queued) return null;
  if (their.sqHead === queued) return 'an interrupt came while a command was being built';
  return their.sqHead < queued ? 'the device had fetched less when it completed this' : null;
}

const COMMAND_FIELDS: readonly CommandField[] = ['command', 'maps', 'descriptors', 'issue', 'unmaps', 'completion'];
const IDENTITY_FIELDS: readonly IdentityField[] = ['tag', 'generation', 'sq'];
const AFTER_END: ReadonlySet<string> = new Set<CommandField | IdentityField>(['sq', 'unmaps', 'completion']);

/** The ranges of a discard lie in a page of the driver's own, wherever that is (spec N73). */
function describeMapping({ command }: TracedCommand, { call, phys, size }: TracedMapping): string {
  return command.startsWith('nvme_cmd_dsm') ? `${call} ${size}` : `${call} ${phys.toString(16)}/${size}`;
}

function describe(command: TracedCommand, field: CommandField | IdentityField): string {
  switch (field) {
    case 'tag':
      return `qid ${command.qid} tag ${command.cmdid & TAG_MASK}`;
    case 'generation':
      return `generation ${command.cmdid >>> 12}`;
    case 'command':
      return command.command;
    case 'maps':
      return command.maps.map((mapping) => describeMapping(command, mapping)).join(', ');
    case 'descriptors':
      return `${command.poolPages} descriptor pages`;
    case 'issue':
      return command.issue;
    case 'sq':
      return `head ${command.sqHead} tail ${command.sqTail}`;
    case 'unmaps':
      return command.unmaps.map(({ call, size }) => `${call} ${size}`).join(', ');
    case 'completion':
      return `status ${command.status} ${command.complete}`;
  }
}

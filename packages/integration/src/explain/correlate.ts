import type { BootFacts } from './boot-facts.ts';
import type { Explanation, Occurrence, Relation } from './explanation.ts';
import type { ExplanationGroups } from './groups.ts';

/** The NVMe driver waits 30 s for a command, sends Abort, and waits 30 s again before it resets (spec N94). */
const NVME_PATIENCE_SECONDS = 61;
/** A failed map fails or requeues its request at once (spec N88); the rest is room for retries. */
const MAP_FAILURE_SECONDS = 10;
/** For logs without time stamps. */
const CLOSE_LINES = 200;

const FAULT_RULES: ReadonlySet<string> = new Set(['vtd-fault', 'amd-page-fault', 'smmu-event', 'virtio-fault']);
const MAP_FAILURE_RULES: ReadonlySet<string> = new Set(['swiotlb-full', 'swiotlb-no-pool', 'dma-overflow']);

/** Ties what followed to what came before it; a mere consequence that follows from nothing in the log is left out. */
export function withRelations(groups: ExplanationGroups, boot: BootFacts): Explanation[] {
  const all = [...groups.all()];
  const causes = all.map(({ explanation }) => explanation);
  const drives = new DriveNames(causes, boot);
  const related = all.map(({ explanation, consequence }) => {
    const followsFrom = relationsOf(explanation, causes, drives);
    return { explanation: { ...explanation, followsFrom }, consequence };
  });
  return related
    .filter(({ explanation, consequence }) => !consequence || explanation.followsFrom.length > 0)
    .map(({ explanation }) => explanation);
}

function relationsOf(effect: Explanation, causes: readonly Explanation[], drives: DriveNames): Relation[] {
  if (effect.family !== 'nvme' && effect.family !== 'block') return [];
  const certain = causes.flatMap((cause) => relation(effect, cause, drives) ?? []);
  if (certain.length > 0 || effect.rule !== 'block-io-error') return certain;
  return causes.flatMap((cause) => orderInTime(effect, cause, drives) ?? []);
}

function relation(effect: Explanation, cause: Explanation, drives: DriveNames): Relation | null {
  if (effect.device === null || cause.device === null) return null;
  const { line, device, rule } = cause;
  const sameDevice = drives.pciName(effect.device) === device;
  if (FAULT_RULES.has(rule) && sameDevice && follows(effect, cause, NVME_PATIENCE_SECONDS)) {
    const because = `the IOMMU refused an access of ${device} before: a command whose data or queue can't be reached never completes`;
    return { line, because };
  }
  if (MAP_FAILURE_RULES.has(rule) && sameDevice && follows(effect, cause, MAP_FAILURE_SECONDS)) {
    return { line, because: `memory could not be mapped for ${device} just before` };
  }
  const sameDrive = effect.family === 'block' && cause.family === 'nvme' && effect.device === device;
  if (sameDrive && cause.severity !== 'info' && follows(effect, cause, NVME_PATIENCE_SECONDS)) {
    return { line, because: 'the driver ended the requests that the controller did not complete' };
  }
  return null;
}

/** Nothing ties a disk of unknown place to the device: what is known is the order in time, and that is said. */
function orderInTime(effect: Explanation, cause: Explanation, drives: DriveNames): Relation | null {
  if (!MAP_FAILURE_RULES.has(cause.rule) || !follows(effect, cause, MAP_FAILURE_SECONDS)) return null;
  if (effect.device !== null && drives.pciName(effect.device) !== effect.device) return null;
  const who = cause.device ?? 'a device';
  return {
    line: cause.line,
    because: `memory could not be mapped for ${who} just before; the log does not say whether this disk is behind it`,
  };
}

/** Some line of the effect comes after some line of the cause, and soon enough. Both are in the order of the log. */
function follows(effect: Explanation, cause: Explanation, withinSeconds: number): boolean {
  let next = 0;
  return effect.occurrences.some((later) => {
    while (next < cause.occurrences.length && cause.occurrences[next].line < later.line) next++;
    return next > 0 && isSoonAfter(later, cause.occurrences[next - 1], withinSeconds);
  });
}

function isSoonAfter(later: Occurrence, earlier: Occurrence, withinSeconds: number): boolean {
  if (later.seconds === null || earlier.seconds === null) return later.line - earlier.line <= CLOSE_LINES;
  return later.seconds >= earlier.seconds && later.seconds - earlier.seconds <= withinSeconds;
}

/** Which PCI device a controller is: by the driver's own line, or because there is only one of each. */
class DriveNames {
  readonly #controllers: ReadonlyMap<string, string>;
  readonly #only: string | null;

  constructor(explanations: readonly Explanation[], { controllers }: BootFacts) {
    this.#controllers = controllers;
    const named = new Set(explanations.filter(({ family }) => family === 'nvme').map(({ device }) => device));
    const faulting = explanations.filter(({ fields }) => fields['driver'] === 'nvme').map(({ device }) => device);
    const pci = new Set(faulting.filter((name) => name?.includes(':')));
    this.#only = controllers.size === 0 && named.size === 1 && pci.size === 1 ? [...pci][0] : null;
  }

  /** The PCI device of `nvme0`, or the name itself where that isn't known. */
  pciName(name: string): string {
    return this.#controllers.get(name) ?? (/^nvme\d+$/.test(name) ? (this.#only ?? name) : name);
  }
}

import { NO_PROCESS } from './request.ts';

/** Where one stage's tables are; `levels` 0: the stage is bare. */
export interface StageRoot {
  root: number;
  levels: number;
}

/** A device context, with the process context behind it, decoded once when it is cached (spec H93, H95). */
export class TranslationContext {
  deviceId = 0;
  /** Process id of the request that it is for, or -1. */
  requestProcess = NO_PROCESS;
  /** Process id whose context it is: 0 for requests without one, with DPE; -1 without process directory. */
  processId = NO_PROCESS;
  allowsAts = false;
  /** T2GPA: ATS answers with guest physical addresses, and translated requests bring them. */
  translatedGuestAddresses = false;
  /** DTF: only faults of the directory itself and the like are recorded. */
  suppressesFaults = false;
  /** Hardware sets A and D of the first stage (SADE), of the second (GADE). */
  firstAccessedDirty = false;
  secondAccessedDirty = false;
  gscid = 0;
  pscid = 0;
  readonly first: StageRoot = { root: 0, levels: 0 };
  readonly second: StageRoot = { root: 0, levels: 0 };
  /** PC.ta.ENS and SUM: supervisor requests are allowed, and may use user pages. */
  supervisorRequests = false;
  supervisorUserAccess = false;
  /** MSI page table, -1: none. Mask and pattern of guest page numbers (spec H102). */
  msiTable = -1;
  msiMask = 0n;
  msiPattern = 0n;
  /** Number of the address space that its translations are cached in; 0: none are. */
  space = 0;

  get isPassThrough(): boolean {
    return this.first.levels === 0 && this.second.levels === 0;
  }
}

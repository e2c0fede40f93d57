import { NO_PASID, NO_SPACE } from '../../hardware/address-spaces.ts';

/** What a context (or PASID) entry makes of a request. */
export const Translation = { NONE: 0, FIRST_STAGE: 1, SECOND_STAGE: 2, NESTED: 3, PASS_THROUGH: 4 } as const;

/** A context entry, with the PASID entry behind it in scalable mode, decoded once when it is cached (spec H17, H20, H21). */
export class TranslationContext {
  sourceId = 0;
  /** PASID of the request that it is for, or -1. */
  requestPasid = NO_PASID;
  /** PASID that its entry was found under, -1 in legacy mode. */
  pasid = NO_PASID;
  /** Why its requests fault: caching mode caches what is absent too, under domain id 0 (spec H28). 0 when present. */
  absence = 0;
  /** One of {@link Translation}. */
  translation: number = Translation.NONE;
  domainId = 0;
  /** What its translations are cached under. */
  space = NO_SPACE;
  /** What second-stage translations behind a first stage are cached under. */
  secondSpace = NO_SPACE;
  /** FPD of any entry on the way: qualified faults aren't recorded. */
  suppressesFaults = false;
  /** Translation and translated requests are allowed (spec H12). */
  allowsAts = false;
  secondRoot = 0;
  secondLevels = 0;
  /** First address too wide for the second stage (spec H19). */
  secondLimit = 0;
  /** Second-stage accessed and dirty bits are written. */
  secondAccessedDirty = false;
  firstRoot = 0;
  firstLevels = 0;
  supervisorRequests = false;
  executeRequests = false;
  writeProtectsSupervisor = false;
  noExecuteEnabled = false;
  extendedAccessed = false;
}

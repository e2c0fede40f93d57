import { NO_PASID, NO_SPACE } from '../../hardware/address-spaces.ts';

/** A device table entry, decoded once when it is cached (spec H34). */
export class DeviceEntry {
  deviceId = 0;
  /** V: without it requests pass untranslated with all rights. */
  valid = false;
  /** TV: without it requests are aborted. */
  translationValid = false;
  domainId = 0;
  /** Levels of the host table; 0: addresses are what they are. */
  mode = 0;
  root = 0;
  /** IR and IW, as `ALLOWS_*`. */
  rights = 0;
  setsAccessed = false;
  setsDirty = false;
  /** GV: requests with a PASID go through its guest table. */
  guest = false;
  /** PASID of requests without one: 0 with GIOV, else none. */
  plainPasid = NO_PASID;
  gcr3 = 0;
  gcr3Levels = 0;
  guestLevels = 4;
  allowsAts = false;
  /** EX: the exclusion range is for this device. */
  excludes = false;
  /** SA, or SE after its first fault. */
  suppressesFaults = false;
  /** SE: after one fault, no more. */
  logsOnce = false;
  interruptControl = 0;
  /** IV: interrupt messages go by `interruptControl`; else they pass. */
  interruptValid = false;
  /** What its host translations are cached under. */
  hostSpace = NO_SPACE;
  /** What translations of requests without PASID are cached under; none where nothing is translated. */
  plainSpace = NO_SPACE;
}

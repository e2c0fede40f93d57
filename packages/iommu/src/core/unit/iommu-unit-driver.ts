import type { RegisterBacking } from '@dmalab/phys-memory';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';
import type { PagingDomain } from '../paging-domain.ts';

/** Where the fault event of a unit goes: a message address and its data. */
export interface FaultMessage {
  readonly address: number;
  readonly data: number;
}

/** What a driver of any kind of unit is made from; each kind may take more. */
export interface IommuUnitDriverOptions extends TablePages {
  /** Registers of the unit: a model in this process, or a real one behind a bridge. */
  readonly registers: RegisterBacking;
  /** Memory that the unit reads its tables from. */
  readonly memory: WritableTables;
  /** Takes kernel log lines, without time stamp and newline. */
  readonly log?: (line: string) => void;
  /** Message of the unit's fault event; without one the event stays masked. */
  readonly faultMessage?: FaultMessage;
}

/** What every kind of unit lets its owner choose for a domain. */
export interface UnitDomainOptions {
  /** False: pages of the smallest size only. Default true. */
  readonly superpages?: boolean;
}

/** A paging domain that gives its tables back. */
export interface UnitDomain extends PagingDomain {
  /** Frees all tables. The domain must not be attached anywhere. */
  destroy(): void;
}

/** A blocked request, as far as every kind of unit records it. */
export interface UnitFault {
  readonly sourceId: number;
  /** Address of the request; kinds that record no more round it down to the page. */
  readonly address: number | bigint;
  readonly isRead: boolean;
}

/** The driver of one unit, whatever its kind: it drives the unit through registers and memory alone. */
export interface IommuUnitDriver<Domain extends UnitDomain = UnitDomain> {
  /** Turns translation on: every device that isn't attached is blocked from here on. */
  enable(): void;
  /** Turns translation off. */
  disable(): void;
  /** The unit's fault event came: takes and logs what it recorded. */
  handleFaultEvent(nowNanos: number): readonly UnitFault[];
  createDomain(options?: UnitDomainOptions): Domain;
  /**
   * Puts a device behind a domain, away from whatever it was attached to.
   * @param options.ats the device keeps translations of its own, which invalidations have to reach (spec H12)
   */
  attachDevice(sourceId: number, domain: Domain, options?: { readonly ats?: boolean }): void;
  /** Lets a device reach memory untranslated. */
  attachPassThrough(sourceId: number): void;
  /** Blocks a device; does nothing when it isn't attached. */
  detachDevice(sourceId: number): void;
}

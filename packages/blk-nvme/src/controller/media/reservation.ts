import { Status } from '../../spec/status.ts';

/** What a reservation command names: a key as it stands in the command's data, low word first. */
export interface ReservationKey {
  readonly low: number;
  readonly high: number;
}

/** Reservation types, 1 write exclusive to 6 exclusive access of all registrants. */
const TYPE_MAX = 6;

/**
 * Registration and reservation of one namespace (NVMe Base 2.0c, Reservations). A controller with one host has one
 * registrant at most, whose reservation stands in nobody's way: what can go wrong is a key.
 */
export class Reservation {
  /** Counts changes of the registrants. */
  generation = 0;
  key: ReservationKey | null = null;
  /** Type of the reservation that the registrant holds; 0: none. */
  type = 0;

  register(key: ReservationKey): number {
    if (this.key !== null) return sameKey(this.key, key) ? Status.SUCCESS : Status.RESERVATION_CONFLICT;
    this.key = key;
    this.generation++;
    return Status.SUCCESS;
  }

  /** `current` null: the key is not checked (IEKEY), and a host that has none gets one. */
  replace(current: ReservationKey | null, key: ReservationKey): number {
    if (current !== null && !this.isRegistered(current)) return Status.RESERVATION_CONFLICT;
    this.key = key;
    this.generation++;
    return Status.SUCCESS;
  }

  unregister(current: ReservationKey | null): number {
    if (this.key === null || (current !== null && !this.isRegistered(current))) return Status.RESERVATION_CONFLICT;
    this.clear();
    return Status.SUCCESS;
  }

  acquire(type: number): number {
    if (type === 0 || type > TYPE_MAX) return Status.INVALID_FIELD;
    if (this.type !== 0 && this.type !== type) return Status.RESERVATION_CONFLICT;
    this.type = type;
    return Status.SUCCESS;
  }

  /** Takes the reservation of the registrant with that key, which can only be the host itself. */
  preempt(victim: ReservationKey, type: number): number {
    if (type === 0 || type > TYPE_MAX) return Status.INVALID_FIELD;
    if (!this.isRegistered(victim)) return Status.RESERVATION_CONFLICT;
    this.type = type;
    this.generation++;
    return Status.SUCCESS;
  }

  release(type: number): number {
    if (this.type === 0) return Status.SUCCESS;
    if (this.type !== type) return Status.INVALID_FIELD;
    this.type = 0;
    return Status.SUCCESS;
  }

  /** Nobody is registered any more. */
  clear(): void {
    if (this.key !== null) this.generation++;
    this.key = null;
    this.type = 0;
  }

  /** Power went: nothing of this persists (PTPL 0). */
  powerLost(): void {
    this.clear();
    this.generation = 0;
  }

  isRegistered(key: ReservationKey): boolean {
    return this.key !== null && sameKey(this.key, key);
  }
}

function sameKey(a: ReservationKey, b: ReservationKey): boolean {
  return a.low === b.low && a.high === b.high;
}

import { findCases } from '../cases.ts';
import { timeCase } from '../run-times.ts';
import { fioNull } from './fio-null.ts';
import { linuxGuests } from './linux-guest.ts';
import type { Peer } from './peer.ts';

const PEERS: readonly Peer[] = [fioNull, ...linuxGuests];
/** Rows of ours that do what the peers do: one 4 KiB read through driver, VT-d and controller. */
const OUR_ROWS: readonly number[] = [11, 12];
const NANOS = 1e9;

interface PeerRow {
  readonly name: string;
  readonly operation: string;
  /** Absent where the peer was skipped. */
  readonly perSecond?: number;
  readonly skipped?: string;
}

/** Our reads, then everybody else's on the same machine; returns the exit code. */
export function runPeers(wanted: string, json: boolean): number {
  const rows: PeerRow[] = [];
  const add = (row: PeerRow) => {
    rows.push(row);
    if (!json) console.log(render(row));
  };
  for (const row of ours()) add(row);
  for (const peer of PEERS.filter(({ name }) => name.includes(wanted))) add(run(peer));
  if (json) console.log(JSON.stringify(rows, null, 2));
  return 0;
}

function ours(): PeerRow[] {
  const timed = findCases('.', 'read through VT-d').map((bench) => timeCase(bench));
  const reads = timed.filter(({ goal }) => goal !== null && OUR_ROWS.includes(goal));
  return reads.map(({ name, tested }) => ({
    name: `dmalab, ${name}`,
    operation: name,
    perSecond: NANOS / tested.best,
  }));
}

function run(peer: Peer): PeerRow {
  const { name, operation } = peer;
  const skipped = peer.missing();
  return skipped === undefined ? { name, operation, perSecond: peer.measure() } : { name, operation, skipped };
}

function render({ name, perSecond, skipped, operation }: PeerRow): string {
  const figure = perSecond === undefined ? `skipped: ${skipped}` : `${Math.round(perSecond)} a second`;
  return `${name.padEnd(56)} ${figure.padStart(22)}  ${operation}`;
}

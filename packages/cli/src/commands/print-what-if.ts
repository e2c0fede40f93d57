import type { SideBySide, WhatIf } from '@dmalab/integration';
import { bytes, figure, hex, table } from '../output.ts';

/** The same requests on both machines, figure by figure. */
export function printWhatIf({ machine, figures, failures, swiotlb, untold }: WhatIf): void {
  console.log(`\nthe same requests on ${machine}:`);
  const rows = figures.map(({ what, unit, traced, other }) => [what, inUnit(traced, unit), inUnit(other, unit)]);
  console.log(table(['', 'traced', machine], rows));
  console.log(failures === 0 ? 'nothing would have failed' : `${figure(failures)} mappings would have failed`);
  for (const { line, device, wantedSlots, usedSlots } of swiotlb?.firstFailures.slice(0, MOST_FAILURES_SHOWN) ?? []) {
    console.log(`  line ${line}: ${device} wants ${wantedSlots} slots, ${figure(usedSlots)} are in use`);
  }
  for (const sentence of untold) console.log(`note: ${sentence}`);
}

const MOST_FAILURES_SHOWN = 5;

function inUnit(value: number | null, unit: SideBySide['unit']): string {
  if (value === null) return '';
  if (unit === 'bytes') return bytes(value);
  if (unit === 'address') return hex(value);
  return unit === 'micros' ? `${(value / 1000).toFixed(1)} ms` : figure(value);
}

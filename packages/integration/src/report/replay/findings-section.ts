import type { ReplayReport } from '../../replay/replay-trace.ts';
import { html } from '../html.ts';
import { dataTable, type Section } from '../page.ts';
import { figure } from '../units.ts';

const MOST_SHOWN = 100;

interface Row {
  readonly line: number;
  readonly device: string;
  readonly text: string;
}

/** What somebody should look at, by line: driver faults as dma-debug tells them, and mappings that found no slots. */
export function findingsSection({ dmaDebug, diagnosis }: ReplayReport): Section {
  const faults = dmaDebug.findings.map(({ line, device, text }) => ({ line, device, text }));
  const failures = (diagnosis.swiotlb?.firstFailures ?? []).map(
    ({ line, device, wantedSlots, usedSlots, longestFreeRun }) => ({
      line,
      device,
      text: `wanted ${wantedSlots} slots of the bounce pool; ${figure(usedSlots)} were in use, and the longest free run had ${longestFreeRun}`,
    }),
  );
  const rows: Row[] = [...faults, ...failures].sort((a, b) => a.line - b.line);
  if (rows.length === 0) {
    return { title: 'Findings', body: html`<p class="good">No driver fault, and no mapping that found no slots.</p>` };
  }
  const columns = [{ name: 'line' }, { name: 'device', isText: true }, { name: 'what', isText: true }];
  const shown = rows.slice(0, MOST_SHOWN).map(({ line, device, text }) => [figure(line), device, text]);
  const rest = rows.length > MOST_SHOWN ? html`<p>and ${figure(rows.length - MOST_SHOWN)} more</p>` : null;
  return { title: `Findings: ${figure(rows.length)}`, body: html`${dataTable(columns, shown)}${rest}` };
}

import type { Agreement } from '../../replay/replay-trace.ts';
import { type Html, html } from '../html.ts';
import { dataTable, type Section } from '../page.ts';
import { figure, percent } from '../units.ts';

const MOST_RESIDUALS = 50;

interface Part {
  readonly name: string;
  readonly compared: number;
  readonly agree: number;
  readonly residuals: readonly (readonly [line: number, text: string])[];
}

/** How far the figures can be trusted: whether the model did what the kernel did. */
export function agreementSection(agreement: Agreement): Section {
  const parts = partsOf(agreement);
  const columns = [
    { name: 'compared with the kernel', isText: true },
    { name: 'compared' },
    { name: 'agree' },
    { name: 'share' },
  ];
  const rows = parts.map(({ name, compared, agree }) => [
    name,
    figure(compared),
    figure(agree),
    percent(compared === 0 ? 1 : agree / compared),
  ]);
  return {
    title: 'Agreement with the kernel',
    body: html`<p class="soft">The model’s own allocators were given the requests of the trace; what they answered was compared with what the kernel answered.</p>${dataTable(columns, rows)}${residuals(parts)}`,
  };
}

function residuals(parts: readonly Part[]): Html | null {
  const rows = parts.flatMap(({ name, residuals }) => residuals.map(([line, text]) => [figure(line), name, text]));
  if (rows.length === 0) return null;
  const columns = [{ name: 'line' }, { name: 'part', isText: true }, { name: 'difference', isText: true }];
  const rest = rows.length > MOST_RESIDUALS ? html`<p>and ${figure(rows.length - MOST_RESIDUALS)} more</p>` : null;
  return html`<p>What differs:</p>${dataTable(columns, rows.slice(0, MOST_RESIDUALS))}${rest}`;
}

function partsOf({ direct, iova, tables, swiotlb, nvme }: Agreement): Part[] {
  const parts: Part[] = [];
  if (direct !== undefined) {
    parts.push({
      ...direct,
      name: 'direct mappings',
      residuals: direct.residuals.map(({ line, kernel, ours }) => [line, differ(kernel, ours)]),
    });
  }
  if (iova !== undefined) {
    parts.push({
      ...iova,
      name: 'IO virtual addresses',
      residuals: iova.residuals.map(({ line, traced, modelled }) => [
        line,
        differ(`page 0x${traced.toString(16)}`, modelled.map((page) => `0x${page.toString(16)}`).join(' or ')),
      ]),
    });
  }
  if (tables !== undefined) {
    parts.push({
      ...tables,
      name: 'page tables',
      residuals: tables.residuals.map(({ line, what, kernel, ours }) => [line, `${what}: ${differ(kernel, ours)}`]),
    });
  }
  if (swiotlb !== undefined) {
    parts.push({
      ...swiotlb,
      name: 'bounce buffers',
      residuals: swiotlb.residuals.map(({ line, kernel, ours }) => [
        line,
        differ(kernel ?? 'failure', ours ?? 'failure'),
      ]),
    });
  }
  if (nvme !== undefined) parts.push(...nvmeParts(nvme));
  return parts;
}

function nvmeParts(nvme: NonNullable<Agreement['nvme']>): Part[] {
  const { identity } = nvme;
  const list = (from: typeof nvme.residuals | typeof identity.residuals): Part['residuals'] =>
    from.map(({ line, field, trace, model, because }) => [
      line,
      `${field}: ${differ(trace, model)}${because === null ? '' : ` (${because})`}`,
    ]);
  return [
    { ...nvme, name: 'NVMe commands', residuals: list(nvme.residuals) },
    { ...identity, name: 'NVMe tags and queue positions', residuals: list(identity.residuals) },
  ];
}

function differ(kernel: string, ours: string): string {
  return `the kernel has ${kernel}, the model ${ours}`;
}

/** How a figure is written. */
export type Unit = 'count' | 'bytes' | 'ratio';

const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function inUnit(value: number, unit: Unit): string {
  if (unit === 'bytes') return bytes(value);
  return unit === 'ratio' ? value.toFixed(2) : figure(value);
}

/** Whole numbers with a narrow space every three digits; others with two decimals. */
export function figure(value: number): string {
  if (!Number.isInteger(value)) return value.toFixed(2);
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

export function bytes(value: number): string {
  let step = 0;
  for (; value >= 1024 && step < STEPS.length - 1; step++) value /= 1024;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${STEPS[step]}`;
}

export function millis(micros: number): string {
  return `${(micros / 1000).toFixed(1)} ms`;
}

export function percent(share: number): string {
  return `${share === 1 ? '100' : (100 * share).toFixed(2)}\u00a0%`;
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildMachine } from '../../machine/build-machine.ts';
import { readMachineDescription } from '../../machine/read-description.ts';
import { costRows } from './cost-document.ts';
import { COST_TABLE, type CostEntry, DEFAULT_COSTS, settleCosts } from './cost-table.ts';

const entries: readonly [string, CostEntry][] = Object.entries(COST_TABLE);

describe('the cost table', () => {
  it.each(entries)('%s says what it is, and where its figure comes from', (_, { value, meaning, source }) => {
    expect(value).toBeGreaterThan(0);
    expect(meaning).not.toBe('');
    expect(source).toMatch(/^estimated: \S|\d{4}|Specification|data sheet/);
  });

  it('is what docs/cost-model.md shows, row by row', () => {
    const document = readFileSync(new URL('../../../../../docs/cost-model.md', import.meta.url), 'utf8');
    expect(document.split('\n').filter((line) => line.startsWith('| `'))).toEqual(costRows());
  });

  it('gives way to what a machine says, figure by figure', () => {
    const machine = readMachineDescription({ name: 'slow', costs: { submitNanos: 2000.5, mediaUnits: 4 } }, 'test');
    expect(machine.costs).toEqual({ submitNanos: 2000.5, mediaUnits: 4 });
    expect(settleCosts(machine.costs)).toEqual({ ...DEFAULT_COSTS, submitNanos: 2000.5, mediaUnits: 4 });
    expect(buildMachine(machine).description.costs).toEqual(machine.costs);
  });

  it.each([
    ['an unknown figure', { coffeeNanos: 5 }, 'costs.coffeeNanos: unknown key "coffeeNanos"'],
    ['a negative time', { mapNanos: -1 }, 'costs.mapNanos: -1 does not fit; give a number from 0 to 1000000000000'],
    ['half a die', { mediaUnits: 1.5 }, 'costs.mediaUnits: 1.5 does not fit; give a whole number from 1 to 65536'],
  ])('refuses %s', (_, costs, says) => {
    expect(() => readMachineDescription({ name: 'odd', costs }, 'test')).toThrow(says);
  });
});

import { expect, it } from 'vitest';
import { type NvmeCtrlState, NvmeState } from './nvme-state.ts';

const STATES: readonly NvmeCtrlState[] = [
  'NEW',
  'LIVE',
  'RESETTING',
  'CONNECTING',
  'DELETING',
  'DELETING_NOIO',
  'DEAD',
];

it.each([
  ['NEW', []],
  ['LIVE', ['CONNECTING']],
  ['RESETTING', ['NEW', 'LIVE']],
  ['CONNECTING', ['NEW', 'RESETTING']],
  ['DELETING', ['LIVE', 'RESETTING', 'CONNECTING']],
  ['DELETING_NOIO', ['DELETING', 'DEAD']],
  ['DEAD', ['DELETING']],
] as const)('N68 enters %s from %j only', (to, allowed) => {
  const entered = STATES.filter((from) => {
    const state = new NvmeState();
    state.current = from;
    const changed = state.change(to);
    expect(state.current).toBe(changed ? to : from);
    return changed;
  });
  expect(entered).toEqual(allowed);
});

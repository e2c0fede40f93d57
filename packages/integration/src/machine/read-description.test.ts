import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildMachine } from './build-machine.ts';
import { MACHINES } from './presets.ts';
import { readMachineDescription } from './read-description.ts';
import { MACHINE_SCHEMA } from './schema/machine-schema.ts';

const read = (data: unknown) => readMachineDescription(data, 'test');

it('publishes the schema that it reads by', () => {
  const file = readFileSync(new URL('../../schema/machine.schema.json', import.meta.url), 'utf8');
  const { $schema, title, ...published } = JSON.parse(file);
  expect($schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(title).toBe('dmalab machine');
  expect(published).toEqual(JSON.parse(JSON.stringify(MACHINE_SCHEMA)));
});

describe('a machine from plain data', () => {
  it('is its preset but for what it says', () => {
    expect(read({ name: 'mine' })).toEqual({ ...MACHINES['x86-direct'], name: 'mine' });
    const strict = read({ name: 'mine', preset: 'x86-vtd', iommu: 'strict', cpus: 4 });
    expect(strict).toEqual({ ...MACHINES['x86-vtd'], name: 'mine', iommu: 'strict', cpus: 4 });
  });

  it('has the defaults of its devices, and can be built', () => {
    const machine = read({ name: 'mine', devices: [{ kind: 'nvme' }, { kind: 'peer-memory', attachment: 'switch' }] });
    expect(machine.devices).toEqual([
      { kind: 'nvme', attachment: 'root-bus', busAddressBits: 52 },
      { kind: 'peer-memory', attachment: 'switch', barBytes: 2 ** 24, hasPages: true },
    ]);
    expect(buildMachine(machine).peers).toHaveLength(1);
  });

  it.each([
    ['no data', null, '', 'null has no keys'],
    ['no name', {}, '', 'no "name"'],
    ['an unknown key', { name: 'a', colour: 'red' }, 'colour', 'unknown key "colour"'],
    ['a number for text', { name: 7 }, 'name', '7 is not text'],
    ['text for a number', { name: 'a', cpus: 'many' }, 'cpus', '"many" does not fit'],
    ['a number of the wrong step', { name: 'a', memoryBytes: 2 ** 30 + 1 }, 'memoryBytes', '1073741825 does not fit'],
    ['text for a truth value', { name: 'a', coherent: 'no' }, 'coherent', '"no" is not a truth value'],
    ['an unknown word', { name: 'a', iommu: 'amd' }, 'iommu', '"amd" is none of them'],
    ['an unknown preset', { name: 'a', preset: 'pdp-11' }, 'preset', '"pdp-11" is none of them'],
    ['no list', { name: 'a', devices: 'nvme' }, 'devices', '"nvme" is no list'],
    ['an empty list', { name: 'a', devices: [] }, 'devices', 'an empty list'],
    ['an unknown kind', { name: 'a', devices: [{ kind: 'fpga' }] }, 'devices.0', 'kind "fpga" is none'],
    [
      'a fault inside a device',
      { name: 'a', devices: [{ kind: 'nvme' }, { kind: 'nvme', busAddressBits: 16 }] },
      'devices.1.busAddressBits',
      '16 does not fit',
    ],
    [
      'what only the builder sees',
      { name: 'a', confidential: 'sev', iommu: 'lazy' },
      'confidential',
      'a guest of kind sev',
    ],
  ])('refuses %s and says where', (_, data, path, problem) => {
    expect(() => read(data)).toThrow(
      expect.objectContaining({ code: 'ERR_MACHINE_DESCRIPTION', path, problem: expect.stringContaining(problem) }),
    );
  });
});

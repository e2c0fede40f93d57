import { MACHINES } from '@dmalab/integration';
import { describe, expect, it } from 'vitest';
import { chooseMachines } from './machine-file.ts';
import { example, runCaptured } from './testing/run-captured.ts';
import { temporaryFile } from './testing/temporary-files.ts';

describe('--machine', () => {
  it('takes presets, all of them, and files, each machine once', async () => {
    const file = temporaryFile('mine.yaml', 'name: mine\npreset: x86-vtd\n');
    const machines = await chooseMachines(['x86-vtd', file, 'all']);
    expect(machines).toHaveLength(Object.keys(MACHINES).length + 1);
    expect(machines[1]).toEqual({ ...MACHINES['x86-vtd'], name: 'mine' });
  });

  it('runs the example', async () => {
    const job = temporaryFile('small.fio', '[a]\nrw=randrw\nsize=1m\n');
    const { exitCode, output } = await runCaptured('study', job, '--machine', example('gpu-workstation.yaml'));
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^gpu-workstation +phys +256 /m);
    expect(output).toContain('peer BAR without page descriptors: reachable on 0 of 4 machines page-based, 4 of 4');
  });

  it.each([
    ['YAML that is none', 'name: a\ncpus: [1\n', 3, /correct the YAML$/],
    ['an unknown key', 'name: a\n\ncolour: red\n', 3, /colour: unknown key "colour"; the keys are name, /],
    ['a wrong number', 'name: a\ncpus: 0\n', 2, /cpus: 0 does not fit; give a whole number from 1 to 64$/],
    [
      'a fault in a device',
      'name: a\ndevices:\n  - kind: nvme\n  - kind: nvme\n    busAddressBits: 16\n',
      5,
      /devices\.1\.busAddressBits: 16 does not fit/,
    ],
    ['an unknown kind', 'name: a\ndevices:\n  - kind: nvme\n  - kind: fpga\n', 4, /devices\.1: kind "fpga" is none/],
    ['a missing name', '# mine\ncpus: 2\n', 2, /no "name"; add it$/],
    ['an empty file', '', 1, /null has no keys/],
    [
      'what only the builder refuses',
      'name: a\nconfidential: sev\niommu: lazy\n',
      2,
      /confidential: a guest of kind sev with/,
    ],
  ])('refuses %s in one line that names the line', async (_, text, line, says) => {
    const file = temporaryFile('bad.yaml', text);
    const { exitCode, output, complaints } = await runCaptured('study', '--machine', file);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(complaints).toMatch(says);
    expect(complaints.startsWith(`dmalab: ${file}:${line}: `)).toBe(true);
    expect(complaints.split('\n')).toHaveLength(1);
  });
});

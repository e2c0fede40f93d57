import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { PhysMemory, readElfCore } from '@dmalab/phys-memory';
import { expect, it } from 'vitest';
import { parseExpectedMappings } from '../walk/check-mappings.ts';
import { SmmuV3Unit } from './hardware/smmuv3-unit.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

it('translates every page that a real kernel mapped, with the registers that it wrote', () => {
  const json = JSON.parse(fixture('smmuv3.expected.json').toString());
  const dump = readElfCore(gunzipSync(fixture('smmuv3.elf.gz')));
  const memory = new PhysMemory();
  const page = new Uint8Array(4096);
  for (let at = 0x40000000; at < 0x80000000; at += 4096) {
    if (!dump.has(at, 4096)) continue;
    dump.read(at, page);
    memory.write(at, page);
  }
  const word = (name: string): bigint => BigInt(json.registers[name]);
  const unit = new SmmuV3Unit({
    memory,
    idr0: Number(word('idr0')),
    idr1: Number(word('idr1')),
    idr3: Number(word('idr3')),
    idr5: Number(word('idr5')),
  });
  unit.writeRegister(0x80, Number(word('strtab_base') & 0xffff_ffffn));
  unit.writeRegister(0x84, Number(word('strtab_base') >> 32n));
  unit.writeRegister(0x88, Number(word('strtab_base_cfg')));
  unit.writeRegister(0x20, Number(word('cr0')));
  for (const { sourceId, iova, phys } of parseExpectedMappings(json)) {
    expect(unit.translate(sourceId, iova, 0)).toBe(phys);
  }
});

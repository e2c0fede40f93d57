import type { PciFabric } from '../fabric/pci-fabric.ts';

/** What `lspci -D -xxxx` prints of a fabric: names, and every byte of config space. */
export function renderLspciHex(fabric: PciFabric): string {
  return fabric
    .functions()
    .map(({ name, config }) => `${name} Class: Device\n${hexLines(config.bytes).join('\n')}\n`)
    .join('\n');
}

function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const cells = [...bytes.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
    lines.push(`${at.toString(16).padStart(2, '0')}: ${cells.join(' ')}`);
  }
  return lines;
}

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../cli.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

/** Two functions behind a root port that redirects. */
const LSPCI = `00:00.0 Host bridge [0600]: Intel Corporation Q35 [8086:29c0]

00:06.0 PCI bridge [0604]: Red Hat, Inc. QEMU PCIe Root port [1b36:000c] (prog-if 00 [Normal decode])
\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
\tCapabilities: [54] Express (v2) Root Port (Slot+), MSI 00
\tCapabilities: [148 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans+
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-

01:00.0 Non-Volatile memory controller [0108]: Red Hat, Inc. QEMU NVM Express Controller [1b36:0010] (rev 02)
\tRegion 0: Memory at fe000000 (64-bit, non-prefetchable) [size=16K]
\tCapabilities: [80] Express (v2) Endpoint, MSI 00

01:00.1 Non-Volatile memory controller [0108]: Red Hat, Inc. QEMU NVM Express Controller [1b36:0010] (rev 02)
\tRegion 0: Memory at fe004000 (64-bit, non-prefetchable) [size=16K]
\tCapabilities: [80] Express (v2) Endpoint, MSI 00
`;

let printed: string[];
let complaints: string[];

beforeEach(() => {
  printed = [];
  complaints = [];
  vi.spyOn(console, 'log').mockImplementation((line) => printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => complaints.push(line));
});

afterEach(() => vi.restoreAllMocks());

const lspciFile = (content: string | Uint8Array) => temporaryFile('lspci.txt', content);

async function typeOf(...args: string[]): Promise<string> {
  expect(await runCli(['topology', lspciFile(LSPCI), '--json', ...args])).toBe(0);
  const { pairs } = JSON.parse(printed.join('\n'));
  return pairs.find((pair: { provider: string; client: string }) => pair.provider < pair.client).type;
}

describe('dmalab topology', () => {
  it('draws the tree and the matrix, and says what the kernel would miss', async () => {
    expect(await runCli(['topology', lspciFile(gzipSync(LSPCI))])).toBe(0);
    const text = printed.join('\n');
    expect(text).toContain('0000:00:06.0 [01-01] root port, ACS 0x1d');
    expect(text).toMatch(/1 0000:01:00\.0 +B +-\n 2 0000:01:00\.1 +- +B/);
    expect(text).toContain('ACS redirects at 0000:00:06.0; host bridge 0000:00:00.0 (8086:29c0) is not on');
  });

  it('T61 C2, C1, C4: the answer follows the IOMMU and the command line', async () => {
    expect(await typeOf('--iommu', 'on')).toBe('NOT_SUPPORTED');
    printed.length = 0;
    expect(await typeOf('--iommu', 'off')).toBe('BUS_ADDR');
    printed.length = 0;
    expect(await typeOf('--iommu', 'on', '--acs-redir-off', '0000:00:06.0')).toBe('BUS_ADDR');
  });

  it.each([
    [['--iommu', 'maybe'], LSPCI, 'dmalab: --iommu: "maybe" is neither; write on or off'],
    [[], 'not a dump', 'dmalab: no function found: expected lines like "00:1f.2 SATA controller: ..."'],
    [[], '-[0000:00]-\n', 'dmalab: no function found below the root buses'],
  ])('exits with 2 and one line: %j', async (args, content, message) => {
    expect(await runCli(['topology', lspciFile(content), ...args])).toBe(2);
    expect(complaints).toEqual([message]);
  });
});

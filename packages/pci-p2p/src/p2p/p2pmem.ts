import { Scatterlist } from '@dmalab/dma-api';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { EINVAL, ENODEV, ENOMEM } from './errno.ts';
import { logBadMapping, logNoPeerMemory, logNoSuchDevice } from './kernel-messages.ts';
import type { P2pClient, P2pFunction } from './p2p-function.ts';
import type { P2pdma } from './p2pdma.ts';

/** Candidates at a tie: as many pointers as fit in a page (spec T51). */
const MAX_CANDIDATES = 512;

/**
 * `pci_alloc_p2pmem`: whole pages, first fit. The CPU's address of the block, or -1 for none. The kernel answers a
 * virtual address; its direct map is left out here (spec T54).
 */
export function pciAllocP2pmem(p2p: P2pdma, fn: P2pFunction, sizeBytes: number): number {
  const state = p2p.stateOf(fn);
  return state === undefined || state.dying ? -1 : (state.pool?.alloc(sizeBytes) ?? -1);
}

/** `pci_free_p2pmem`. @throws {PciFabricError} for a block that was not allocated */
export function pciFreeP2pmem(p2p: P2pdma, fn: P2pFunction, at: number, sizeBytes: number): void {
  p2p.stateOf(fn)?.pool?.free(at, sizeBytes);
}

/** `pci_p2pmem_virt_to_bus`: what the owning device itself calls the block; 0 for none (spec T54). */
export function pciP2pmemVirtToBus(p2p: P2pdma, fn: P2pFunction, at: number): number {
  const pool = p2p.stateOf(fn)?.pool ?? null;
  return at < 0 || pool === null ? 0 : at + pool.providerAt(at).busOffset;
}

/** `pci_p2pmem_alloc_sgl`: a list of one entry over one block, or null (spec T55). */
export function pciP2pmemAllocSgl(p2p: P2pdma, fn: P2pFunction, lengthBytes: number): Scatterlist | null {
  const phys = pciAllocP2pmem(p2p, fn, lengthBytes);
  return phys < 0 ? null : Scatterlist.fromRanges([{ phys, length: lengthBytes }]);
}

/** `pci_p2pmem_free_sgl` (spec T55). */
export function pciP2pmemFreeSgl(p2p: P2pdma, fn: P2pFunction, list: Scatterlist): void {
  for (const { page, offset, length } of list.entries) pciFreeP2pmem(p2p, fn, page * PAGE_SIZE + offset, length);
  list.entries.length = 0;
}

/** `pci_p2pmem_publish`: only finding looks at it; unpublished memory still maps (spec T56). */
export function pciP2pmemPublish(p2p: P2pdma, fn: P2pFunction, publish: boolean): void {
  const state = p2p.stateOf(fn);
  if (state !== undefined) state.published = publish;
}

/** Has published memory (spec T51). */
export function pciHasP2pmem(p2p: P2pdma, fn: P2pFunction): boolean {
  const state = p2p.stateOf(fn);
  return state?.published === true && state.pool !== null;
}

/**
 * `pci_p2pmem_find_many`: the nearest provider that every client can talk to; one of them, chosen by `pick`, at a tie.
 * @param functions every PCI function in discovery order
 * @param pick a whole number from 0 to below its argument: the machine's seeded generator
 */
export function pciP2pmemFindMany(
  p2p: P2pdma,
  functions: readonly P2pFunction[],
  clients: readonly P2pClient[],
  pick: (below: number) => number,
): P2pFunction | null {
  let nearest: P2pFunction[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const fn of functions) {
    if (!pciHasP2pmem(p2p, fn)) continue;
    const distance = p2p.pciP2pdmaDistanceMany(fn, clients, false);
    if (distance < 0 || distance > least) continue;
    if (distance < least) nearest = [];
    least = distance;
    if (nearest.length < MAX_CANDIDATES) nearest.push(fn);
  }
  return nearest.length === 0 ? null : nearest[pick(nearest.length)];
}

/** What an enable attribute was set to (spec T52). */
export interface P2pEnable {
  readonly enabled: boolean;
  readonly provider: P2pFunction | null;
}

/** `pci_p2pdma_enable_store`: the setting, or a negative errno after saying why (spec T52). */
export function pciP2pdmaEnableStore(p2p: P2pdma, functions: readonly P2pFunction[], text: string): P2pEnable | number {
  const line = text.split('\n')[0];
  const named = functions.find(({ name }) => name === line);
  if (named !== undefined) {
    if (pciHasP2pmem(p2p, named)) return { enabled: true, provider: named };
    logNoPeerMemory(p2p.log, named.name, line);
    return ENODEV;
  }
  const looksLikeName = /^[01][^\p{Cc}]/u.test(text); // otherwise "0000:..." would read as the boolean 0
  const value = looksLikeName ? null : booleanOf(line);
  if (value !== null) return { enabled: value, provider: null };
  logNoSuchDevice(p2p.log, text);
  return ENODEV;
}

/** `pci_p2pdma_enable_show`. */
export function pciP2pdmaEnableShow({ enabled, provider }: P2pEnable): string {
  return `${enabled ? (provider?.name ?? '1') : '0'}\n`;
}

/** `kstrtobool`: the first letter decides, the second one for on and off. */
function booleanOf(text: string): boolean | null {
  if (/^([yYtT1]|[oO][nN])/.test(text)) return true;
  if (/^([nNfF0]|[oO][fF])/.test(text)) return false;
  return null;
}

/** The `p2pmem` folder of a provider in sysfs: its numbers, or null before a pool exists (spec T57). */
export function p2pmemSysfs(
  p2p: P2pdma,
  fn: P2pFunction,
): { size: string; available: string; published: string } | null {
  const state = p2p.stateOf(fn);
  if (state === undefined || state.pool === null) return null;
  const { sizeBytes, availableBytes } = state.pool;
  return { size: `${sizeBytes}\n`, available: `${availableBytes}\n`, published: state.published ? '1\n' : '0\n' };
}

/** A user's mapping of the `allocate` attribute. */
export interface P2pmemMapping {
  readonly command: string;
  readonly isShared: boolean;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Maps `allocate`: the CPU's address of one block for the whole mapping, or a negative errno (spec T57). */
export function p2pmemMmap(p2p: P2pdma, fn: P2pFunction, mapping: P2pmemMapping): number {
  if (!mapping.isShared || mapping.offsetBytes !== 0) {
    logBadMapping(p2p.log, fn.name, mapping.command, !mapping.isShared);
    return EINVAL;
  }
  const state = p2p.stateOf(fn);
  if (state === undefined || state.dying) return ENODEV;
  const at = pciAllocP2pmem(p2p, fn, mapping.lengthBytes);
  return at < 0 ? ENOMEM : at;
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * The packages, highest first: each may import those below it and none above (docs/architecture.md).
 * The first two belong to Node; the others are the core, which runs in a browser unchanged.
 */
export const LAYERS = [
  'cli',
  'qemu',
  'integration',
  'blk-nvme',
  'pci-p2p',
  'dma-api',
  'swiotlb',
  'iommu',
  'phys-memory',
  'trace',
] as const;

export type PackageFolder = (typeof LAYERS)[number];

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  /** What the manifest says once it is published. */
  readonly publishConfig: {
    readonly bin?: Readonly<Record<string, string>>;
    readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  };
}

export function manifest(folder: PackageFolder): Manifest {
  return JSON.parse(readFileSync(`${ROOT}/packages/${folder}/package.json`, 'utf8'));
}

/** Packages that import nothing from `node:` outside their tests. */
export const isCore = (folder: PackageFolder): boolean => folder !== 'cli' && folder !== 'qemu';

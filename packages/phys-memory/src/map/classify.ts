import type { AddressMap, AddressRange } from './address-map.ts';

/**
 * The classes that a DMA model must tell apart (spec P8). Whether a page of RAM is free or allocated is the page
 * allocator's to say: see `PageAllocator.stateOf`.
 */
export type AddressClass =
  /** RAM; `kernel` and `boot-reserved` parts of it are never free. */
  | { readonly kind: 'ram' | 'kernel' | 'boot-reserved'; readonly range: AddressRange }
  /** The firmware's: reserved, ACPI, ROM. Bytes, but not RAM. */
  | { readonly kind: 'firmware'; readonly range: AddressRange }
  | { readonly kind: 'pmem'; readonly range: AddressRange }
  /** Memory of a device: `device` is its `dddd:bb:dd.f`, `offset` counts from the start of the BAR. */
  | { readonly kind: 'bar'; readonly range: AddressRange; readonly device: string; readonly offset: number }
  /** In a host bridge window, but in no BAR: nobody answers. */
  | { readonly kind: 'window'; readonly range: AddressRange }
  /** Interrupt controllers, timers, configuration space. */
  | { readonly kind: 'mmio'; readonly range: AddressRange }
  | { readonly kind: 'hole' };

/** What the map says about an address (spec P8). */
export function classify(map: AddressMap, at: number): AddressClass {
  const path = map.pathTo(at);
  const bar = path.findLast(({ kind }) => kind === 'bar');
  if (bar !== undefined) return { kind: 'bar', range: bar, device: bar.name, offset: at - bar.start };
  const outermost = path[0];
  if (outermost === undefined) return { kind: 'hole' };
  if (outermost.kind === 'ram') return classOfRam(path);
  const innermost = path[path.length - 1];
  switch (outermost.kind) {
    case 'pci-window':
      return { kind: innermost.kind === 'pci-window' ? 'window' : 'mmio', range: innermost };
    case 'reserved':
    case 'acpi':
    case 'rom':
      return { kind: 'firmware', range: innermost };
    case 'pmem':
      return { kind: 'pmem', range: innermost };
    default:
      return { kind: 'mmio', range: innermost };
  }
}

function classOfRam(path: readonly AddressRange[]): AddressClass {
  const taken = path.find(({ kind }) => kind === 'kernel' || kind === 'boot-reserved');
  if (taken === undefined) return { kind: 'ram', range: path[0] };
  return { kind: taken.kind === 'kernel' ? 'kernel' : 'boot-reserved', range: taken };
}

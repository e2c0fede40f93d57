import { findCapability } from '../config/capability-walk.ts';
import { PCI_CAP_ID_MSI, PCI_MSI_ADDRESS, PCI_MSI_FLAGS } from '../spec/capability-ids.ts';
import type { PciFunction } from './pci-function.ts';

const message = new Uint8Array(4);

/**
 * Delivers an interrupt as a 4-byte memory write of that function, through the same routing as any DMA; a masked MSI-X
 * vector waits in its pending bit (spec T8). With neither MSI-X nor MSI enabled nothing is sent: the wire is a level of its own.
 */
export function sendMessage(from: PciFunction, vector: number): void {
  const { msix } = from;
  if (!from.msixEnabled || msix === null) sendMsi(from, vector);
  else if (from.msixMasked || msix.isMasked(vector)) msix.setPending(vector);
  else post(from, msix.address(vector), msix.data(vector));
}

function sendMsi(from: PciFunction, vector: number): void {
  const { config } = from;
  const at = findCapability(config, PCI_CAP_ID_MSI);
  if (at === 0) return;
  const flags = config.read(at + PCI_MSI_FLAGS, 2);
  if ((flags & 1) === 0) return;
  const high = flags & 0x80 ? config.read(at + PCI_MSI_ADDRESS + 4, 4) : 0;
  const data = config.read(at + PCI_MSI_ADDRESS + (flags & 0x80 ? 8 : 4), 2);
  const enabled = 1 << ((flags >>> 4) & 7); // software may have given fewer vectors than were asked for
  post(from, high * 2 ** 32 + config.read(at + PCI_MSI_ADDRESS, 4), (data & ~(enabled - 1)) | (vector & (enabled - 1)));
}

function post(from: PciFunction, address: number, data: number): void {
  for (let i = 0; i < 4; i++) message[i] = data >>> (8 * i);
  from.port.write(address, message);
}

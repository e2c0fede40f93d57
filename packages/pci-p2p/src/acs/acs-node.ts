import type { ConfigWidth } from '../config/config-space.ts';
import type { PciNode } from '../p2p/pci-node.ts';

/** A function whose ACS control word software can read and write. A function of a fabric is one. */
export interface AcsNode extends PciNode {
  readonly parentBridge: AcsNode | null;
  readConfig(offset: number, width: ConfigWidth): number;
  writeConfig(offset: number, width: ConfigWidth, value: number): void;
}

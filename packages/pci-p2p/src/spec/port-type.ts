/** What a function is on PCI Express: the 4-bit port type of its PCIe capability (spec T2). */
export const PCI_EXP_TYPE_ENDPOINT = 0;
export const PCI_EXP_TYPE_LEG_END = 1;
export const PCI_EXP_TYPE_ROOT_PORT = 4;
export const PCI_EXP_TYPE_UPSTREAM = 5;
export const PCI_EXP_TYPE_DOWNSTREAM = 6;
export const PCI_EXP_TYPE_PCI_BRIDGE = 7;
export const PCI_EXP_TYPE_PCIE_BRIDGE = 8;
export const PCI_EXP_TYPE_RC_END = 9;
export const PCI_EXP_TYPE_RC_EC = 10;

/** No PCIe capability: conventional PCI. Ours; the kernel tests for the capability instead. */
export const CONVENTIONAL_PCI = -1;

/** True for the port types that have a type 1 header (spec T2). */
export function isBridgePort(portType: number): boolean {
  return portType >= PCI_EXP_TYPE_ROOT_PORT && portType <= PCI_EXP_TYPE_PCIE_BRIDGE;
}

// The fabric: what is plugged in where, and what a device model sees of it.

export type { BarDescription } from './config/bars.ts';
export { PciDescriptionError } from './config/errors.ts';
export type { FunctionDescription, MsixDescription } from './config/function-description.ts';
export { devfn, functionName, parseFunctionName, requesterId } from './fabric/address.ts';
export type { BarHandler } from './fabric/bar-handler.ts';
export { MemoryBar } from './fabric/bar-handler.ts';
export type { BusMasterPort } from './fabric/bus-master-port.ts';
export { PciFabricError } from './fabric/errors.ts';
export {
  FAULT_ACS_VIOLATION,
  FAULT_COMPLETER_ABORT,
  FAULT_NOT_BUS_MASTER,
  FAULT_REMOVED,
  FAULT_TRANSLATION,
  FAULT_UNSUPPORTED_REQUEST,
  faultName,
} from './fabric/faults.ts';
export type { DmaRemapper, HostBridgeOptions, HostWindow } from './fabric/host-bridge.ts';
export { HostBridge } from './fabric/host-bridge.ts';
export type { LinkCounters, RootCounters } from './fabric/link-counters.ts';
export { PciBus } from './fabric/pci-bus.ts';
export type { FabricMemory, PciFabricOptions } from './fabric/pci-fabric.ts';
export { PciFabric } from './fabric/pci-fabric.ts';
export { PciFunction } from './fabric/pci-function.ts';
export { requesterAliases } from './fabric/requester-alias.ts';
export {
  CONVENTIONAL_PCI,
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ENDPOINT,
  PCI_EXP_TYPE_LEG_END,
  PCI_EXP_TYPE_PCI_BRIDGE,
  PCI_EXP_TYPE_PCIE_BRIDGE,
  PCI_EXP_TYPE_RC_EC,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from './spec/port-type.ts';

// What software does with it: find, number, place and drive.

export type { ConfigAccess } from './host/config-access.ts';
export type { RootBridgeInfo } from './host/enumerate.ts';
export { enumerate, enumerateFabric } from './host/enumerate.ts';
export type { PciDeviceOptions } from './host/pci-device.ts';
export { PciDevice } from './host/pci-device.ts';
export type { MessageInterrupts, PciHost } from './host/pci-host.ts';

// ACS as the kernel sets it.

export { pciAcsEnabled } from './acs/acs-enabled.ts';
export type { AcsNode } from './acs/acs-node.ts';
export type { AcsOptions } from './acs/enable-acs.ts';
export { pciEnableAcs } from './acs/enable-acs.ts';

// Peer-to-peer memory: who provides it, and how far away it is.

export type { DistanceOptions, PeerDistance } from './p2p/distance.ts';
export { mapTypeAndDistance } from './p2p/distance.ts';
export type { KernelMessage, MessageSink } from './p2p/kernel-messages.ts';
export { mapTypeName } from './p2p/map-type.ts';
export { P2pdmaClassifier } from './p2p/p2p-classifier.ts';
export type { P2pClient, P2pFunction } from './p2p/p2p-function.ts';
export { pciClient } from './p2p/p2p-function.ts';
export type { P2pdmaOptions } from './p2p/p2pdma.ts';
export { P2pdma } from './p2p/p2pdma.ts';
export type { P2pEnable, P2pmemMapping } from './p2p/p2pmem.ts';
export {
  p2pmemMmap,
  p2pmemSysfs,
  pciAllocP2pmem,
  pciFreeP2pmem,
  pciHasP2pmem,
  pciP2pdmaEnableShow,
  pciP2pdmaEnableStore,
  pciP2pmemAllocSgl,
  pciP2pmemFindMany,
  pciP2pmemFreeSgl,
  pciP2pmemPublish,
  pciP2pmemVirtToBus,
} from './p2p/p2pmem.ts';
export type { PciNode, RootNode } from './p2p/pci-node.ts';
export { P2pdmaProvider, pciP2pdmaBusAddrMap } from './p2p/provider.ts';

// The same questions to a dump of a real machine.

export { renderTopology } from './topology/draw-topology.ts';
export { TopologyInputError } from './topology/dump-error.ts';
export type { Dump, DumpFunction } from './topology/dump-function.ts';
export type { PairReport } from './topology/pair-report.ts';
export { readTopology } from './topology/read-topology.ts';
export type { FunctionReport, TopologyOptions, TopologyReport, TopologyStudy } from './topology/topology-report.ts';
export { studyTopology } from './topology/topology-report.ts';

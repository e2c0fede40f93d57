import { type HostWindow, PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_UPSTREAM, type PciFunction } from '@dmalab/pci-p2p';
import { buildMachine } from '../../machine/build-machine.ts';
import type { Machine } from '../../machine/machine.ts';
import type { MachineDescription } from '../../machine/machine-description.ts';
import { IOMMU_MODELS } from '../../machine/parts/iommu-models.ts';
import { PEER_BAR } from '../../machine/parts/topology.ts';
import { bytes } from '../units.ts';
import type { DrawnMachine, DrawnPart } from './drawn-machine.ts';

/** A described machine as it is after its firmware and its kernel's boot: addresses and all. */
export function drawnDescription(description: MachineDescription): DrawnMachine {
  const machine = buildMachine(description);
  const { name, cpus } = description;
  const [{ number, functions, hostBridge }] = [machine.fabric.rootBus];
  return {
    title: `${name}.`,
    note: traits(description),
    cpus: cpus === 1 ? '1 CPU' : `${cpus} CPUs`,
    memory: memoryLines(machine),
    iommu: iommuLine(description),
    roots: [
      {
        name: `host bridge, bus ${number}`,
        windows: hostBridge.windows.map(windowLine),
        parts: functions.slice(1).map((fn) => partOf(fn, machine)), // function 0 is the bridge itself
      },
    ],
  };
}

function traits({ coherent, confidential, forwardsPeers, commandLine }: MachineDescription): string {
  const words = [
    coherent ? '' : 'devices don’t see CPU caches',
    confidential === 'none' ? '' : `a confidential guest (${confidential.toUpperCase()})`,
    forwardsPeers ? 'the CPU passes peer requests on' : '',
    commandLine === '' ? '' : `booted with ${commandLine}`,
  ];
  return words.filter((word) => word !== '').join('; ');
}

function memoryLines({ description, dma, swiotlb }: Machine): string[] {
  const ram = dma.ram.map(({ start, end }) => `RAM ${range(start, end)}`);
  const pool = swiotlb === null ? [] : [`bounce pool ${bytes(swiotlb.nslabs * 2048)}`];
  return [`${bytes(description.memoryBytes)} in all`, ...ram, ...pool];
}

function iommuLine({ iommu, iommuKind, iommuMode }: MachineDescription): string | null {
  if (iommu === 'off') return null;
  const { title } = IOMMU_MODELS[iommuKind][iommuMode];
  if (iommu === 'passthrough') return `IOMMU ${title}, passing everything through`;
  const modes = { legacy: ', second-stage tables', scalable: ', first-stage tables' };
  return `IOMMU ${title}, ${iommu}${iommuKind === 'vtd' ? modes[iommuMode] : ''}`;
}

function windowLine({ kind, cpuStart, lengthBytes }: HostWindow): string {
  return `${kind} ${range(cpuStart, cpuStart + lengthBytes - 1)}`;
}

function range(start: number, last: number): string {
  return `0x${start.toString(16)}-0x${last.toString(16)}`;
}

function partOf(fn: PciFunction, machine: Machine): DrawnPart {
  const parts = (fn.secondaryBus?.functions ?? []).map((below) => partOf(below, machine));
  const disk = machine.disks.findIndex(({ pciFunction }) => pciFunction === fn);
  const peer = machine.peers.find(({ pciFunction }) => pciFunction === fn);
  if (disk >= 0) {
    const bar = `BAR 0 at 0x${fn.barCpuAddress(0).toString(16)}`;
    return { kind: 'disk', name: `${fn.name} NVMe disk nvme${disk}`, note: bar, parts };
  }
  if (peer !== undefined) {
    const memory = `BAR ${PEER_BAR} ${bytes(fn.barSize(PEER_BAR))} at 0x${peer.phys.toString(16)}`;
    return { kind: 'peer', name: `${fn.name} memory for peers`, note: memory, parts };
  }
  return { kind: 'port', name: `${fn.name} ${portName(fn)}`, note: `ACS 0x${fn.acsControl.toString(16)}`, parts };
}

function portName({ portType }: PciFunction): string {
  if (portType === PCI_EXP_TYPE_UPSTREAM) return 'switch, upstream port';
  return portType === PCI_EXP_TYPE_DOWNSTREAM ? 'switch, downstream port' : 'root port';
}

import { COST_SCHEMA } from '../../time/costs/cost-schema.ts';
import { IOMMU_MODELS } from '../parts/iommu-models.ts';
import { MACHINES } from '../presets.ts';
import type { ObjectSchema, StringSchema } from './schema-types.ts';

const MIB = 2 ** 20;

const ATTACHMENT: StringSchema = {
  type: 'string',
  description: 'In the root complex, below a root port of its own, or on the one switch.',
  enum: ['root-bus', 'root-port', 'switch'],
  default: 'root-bus',
};

const NVME: ObjectSchema = {
  type: 'object',
  description: 'An NVMe disk of diskBytes.',
  properties: {
    kind: { type: 'string', const: 'nvme' },
    attachment: ATTACHMENT,
    busAddressBits: {
      type: 'integer',
      description: 'Address bits that the bus below the disk carries.',
      minimum: 32,
      maximum: 52,
      default: 52,
    },
  },
  required: ['kind'],
  additionalProperties: false,
};

const PEER_MEMORY: ObjectSchema = {
  type: 'object',
  description: 'A device that offers memory to its peers, as a GPU does.',
  properties: {
    kind: { type: 'string', const: 'peer-memory' },
    attachment: ATTACHMENT,
    barBytes: {
      type: 'integer',
      description: 'A power of two.',
      minimum: 2 * MIB,
      maximum: 64 * 1024 * MIB,
      default: 16 * MIB,
    },
    hasPages: { type: 'boolean', description: 'Its memory has page descriptors.', default: true },
  },
  required: ['kind'],
  additionalProperties: false,
};

/** A machine description as a file holds it. What it leaves out is as in its preset. */
export const MACHINE_SCHEMA: ObjectSchema = {
  type: 'object',
  description: 'A machine of dmalab. What is left out is as in the preset.',
  properties: {
    name: { type: 'string', description: 'What tables and messages call it.' },
    preset: { type: 'string', description: 'Where to start from.', enum: Object.keys(MACHINES), default: 'x86-direct' },
    platform: { type: 'string', description: 'Rules for bounce pools and caches.', enum: ['x86', 'arm64'] },
    memoryBytes: { type: 'integer', minimum: 64 * MIB, maximum: 2 ** 37, multipleOf: MIB },
    ramStart: {
      type: 'integer',
      description: 'Where RAM begins: 0 as on a q35; on a SoC a multiple of 1 GiB.',
      minimum: 0,
      maximum: 2 ** 40,
      multipleOf: 1024 * MIB,
    },
    cpus: { type: 'integer', minimum: 1, maximum: 64 },
    coherent: { type: 'boolean', description: 'Devices see what CPU caches hold.' },
    confidential: {
      type: 'string',
      description: 'Guest memory that devices cannot read.',
      enum: ['none', 'sev', 'tdx', 'cca'],
    },
    iommu: { type: 'string', enum: ['off', 'passthrough', 'strict', 'lazy'] },
    iommuKind: { type: 'string', description: 'Whose IOMMU it has.', enum: Object.keys(IOMMU_MODELS) },
    iommuMode: { type: 'string', enum: ['legacy', 'scalable'] },
    forwardsPeers: { type: 'boolean', description: 'The CPU passes peer requests on between root ports.' },
    commandLine: { type: 'string', description: "Of the kernel's command line: swiotlb= and pci=disable_acs_redir=." },
    costs: COST_SCHEMA,
    diskBytes: { type: 'integer', minimum: 512, maximum: 2 ** 44, multipleOf: 512 },
    devices: {
      type: 'array',
      description: 'What is plugged in; workloads run on the first disk.',
      minItems: 1,
      items: { oneOf: [NVME, PEER_MEMORY] },
    },
  },
  required: ['name'],
  additionalProperties: false,
};

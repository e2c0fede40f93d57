import type { Account } from '../explanation.ts';
import { deviceName, hexText, type LineContext, type Parts, present, type Rule } from '../rule.ts';
import { isFirstPage, notMapped, wrongDirection } from './access-faults.ts';
import { smmuAdvice, smmuEventId, smmuEventKind } from './smmu-events.ts';

/** Lines of the SMMUv3 driver (spec I178) and of virtio-iommu's (spec I180). */
export const SMMU_RULES: readonly Rule[] = [
  {
    id: 'smmu-event',
    family: 'smmu',
    pattern: /^arm-smmu-v3 (?<smmu>\S+): event (?<id>0x[0-9a-f]{2}) received:$/,
    details: /^arm-smmu-v3 \S+:\s+(?:0x[0-9a-f]{16}$|event: \S+ client: |(?:un)?priv )/,
    account: ({ id, smmu }, context) => event(Number(id), smmu!, context.details, context),
  },
  {
    id: 'smmu-event',
    family: 'smmu',
    pattern: /^arm-smmu-v3 (?<smmu>\S+): (?<decoded>event: (?<name>\S+) client: .*)$/,
    details: /^arm-smmu-v3 \S+: (?:un)?priv /,
    account: ({ name, smmu, decoded }, context) =>
      event(smmuEventId(name!), smmu!, [decoded!, ...context.details], context),
  },
  {
    id: 'virtio-fault',
    family: 'virtio-iommu',
    pattern:
      /^(?:virtio_iommu )?(?<iommu>\S+): (?<kind>domain|page|unknown) fault from EP (?<endpoint>\d+)(?: at (?<address>\w+) \[(?<flags>[RWX ]*)\])?/,
    account: virtioFault,
  },
];

/** What the record's words and the kernel's decoded lines say; the decoded lines know the device's name. */
interface DecodedEvent {
  readonly client?: string | undefined;
  readonly streamId?: string | undefined;
  readonly substreamId?: string | undefined;
  readonly address?: string | undefined;
  readonly access?: 'read' | 'write' | undefined;
  readonly stalled?: boolean | undefined;
  readonly stage2?: boolean | undefined;
}

function event(id: number, smmu: string, details: readonly string[], { boot }: LineContext): Account {
  const kind = smmuEventKind(id);
  const decoded = { ...fromWords(details), ...fromText(details) };
  const { client, streamId, access = null } = decoded;
  const address = kind.hasAddress ? decoded.address : undefined;
  const what = address === undefined ? '' : ` (${access ?? 'access'} at ${address})`;
  const named = client !== undefined && client !== '(unassigned sid)';
  return {
    device: named ? deviceName(client) : streamId === undefined ? null : `stream ${streamId}`,
    severity: 'error',
    says: `the SMMU refused a request: ${kind.means}${what}`,
    fields: present({
      event: `0x${id.toString(16).padStart(2, '0')}`,
      name: kind.name,
      smmu,
      ...decoded,
      address,
      ...(kind.hasAddress ? {} : { access: null, stage2: null, stalled: null }),
    }),
    ...smmuAdvice(id, address ?? '0x1000', access, boot),
    key: `${id} ${access} ${address !== undefined && isFirstPage(address)}`,
  };
}

/** The four words of the record (spec H71). */
function fromWords(details: readonly string[]): DecodedEvent {
  const words = details.flatMap((line) => /\s(0x[0-9a-f]{16})$/.exec(line)?.[1] ?? []).map(BigInt);
  if (words.length < 4) return {};
  const [first, second, input] = words;
  return {
    streamId: `0x${(first >> 32n).toString(16)}`,
    ...(((first >> 11n) & 1n) === 1n && { substreamId: `0x${((first >> 12n) & 0xfffffn).toString(16)}` }),
    address: `0x${input.toString(16)}`,
    access: ((second >> 35n) & 1n) === 1n ? 'read' : 'write',
    stalled: ((second >> 31n) & 1n) === 1n,
    stage2: ((second >> 39n) & 1n) === 1n,
  };
}

/** `event: F_x client: DEV sid: 0x.. ssid: 0x.. iova: 0x.. ipa: 0x..` and `unpriv data write s1 ...`. */
function fromText(details: readonly string[]): DecodedEvent {
  const text = details.join('\n');
  const client = /client: (\(unassigned sid\)|\S+)/.exec(text)?.[1];
  if (client === undefined) return {};
  const streamId = /\bsid: (\w+)/.exec(text)?.[1];
  const address = /iova: (\w+)/.exec(text)?.[1];
  const access = /(?:data|inst) (read|write) s([12])/.exec(text);
  return {
    client,
    ...(streamId !== undefined && { streamId: hexText(streamId) }),
    ...(address !== undefined && { address: hexText(address) }),
    ...(access !== null && { access: access[1] as 'read' | 'write', stage2: access[2] === '2' }),
    ...(access !== null && { stalled: / stall /.test(text) }),
  };
}

function virtioFault({ iommu, kind, endpoint, address, flags }: Parts, { boot }: LineContext): Account {
  const access = flags === undefined ? null : flags.includes('W') ? 'write' : 'read';
  const at = address === undefined ? '' : ` (${access} at ${hexText(address)})`;
  const base = {
    device: `endpoint ${endpoint}`,
    severity: 'error' as const,
    fields: present({ iommu, kind, endpoint: Number(endpoint), address: address && hexText(address), access }),
    key: `${kind} ${access}`,
  };
  if (kind === 'page') {
    const missing = notMapped(hexText(address ?? '1000'), access, boot);
    const causes = access === null ? missing.causes : [...missing.causes, wrongDirection(access).causes[0]];
    return {
      ...base,
      says: `the IOMMU refused a request: no mapping for it${at}`,
      ...missing,
      causes,
      basis: ['I180', ...missing.basis],
    };
  }
  return {
    ...base,
    says: kind === 'domain' ? `the device has no domain${at}` : `the IOMMU refused a request and gives no reason${at}`,
    causes:
      kind === 'domain' ? ['the device sends requests before the kernel attached it, or after it was detached'] : [],
    next: [
      'find the device of this endpoint in the topology that the hypervisor describes, and what its driver did last',
    ],
    basis: ['I180', 'I124'],
  };
}

import type { Account } from '../explanation.ts';
import { DEVICE_PREFIX, deviceName, hexText, type Parts, present, type Rule } from '../rule.ts';

/** Lines of the peer-to-peer code (spec L1 to L11). */
export const P2P_RULES: readonly Rule[] = [
  rule(
    'p2p-acs-redirect',
    'ACS redirect is set between the client and provider \\((?<provider>[^)]+)\\)',
    ({ provider }) => ({
      severity: 'warning',
      says: `a port on the way to ${provider} sends peer traffic up to the root complex (ACS redirect): a direct transfer is not possible`,
      fields: { provider: deviceName(provider!) },
      causes: ['the kernel turns ACS redirect on at the ports when an IOMMU is in use'],
      next: [
        'if the host bridge is known to pass peer traffic on, nothing needs to be done: it goes that way',
        'otherwise pci=disable_acs_redir with the names of the next line; devices behind these ports are then no longer kept apart, and on a port that does not turn requests around the transfers fault in the IOMMU',
      ],
      basis: ['L1', 'T39', 'T45', 'T46'],
    }),
  ),
  rule(
    'p2p-acs-hint',
    'to disable ACS redirect for this path, add the kernel parameter: (?<parameter>\\S+)',
    ({ parameter }) => ({
      severity: 'info',
      says: 'the boot option that takes ACS redirect off this path',
      fields: { parameter: parameter! },
      causes: [],
      next: [
        'weigh it first: the devices below these ports can then reach each other without the IOMMU, and their IOMMU groups may merge',
      ],
      basis: ['L2', 'T46', 'I121'],
    }),
  ),
  rule(
    'p2p-host-bridge',
    'Host bridge not in P2PDMA whitelist: (?<vendor>[0-9a-f]{4}):(?<id>[0-9a-f]{4})',
    ({ vendor, id }) => ({
      severity: 'warning',
      says: 'the kernel does not know this host bridge as one that passes peer traffic on',
      fields: { vendor: `0x${vendor}`, deviceId: `0x${id}` },
      causes: ['the bridge is not in the list of the kernel: it may work or not, the kernel does not try'],
      next: [
        'place both devices below one switch without ACS redirect',
        'a newer kernel may list the bridge; AMD processors since Zen need no entry',
      ],
      basis: ['L3', 'T39', 'T44'],
    }),
  ),
  rule(
    'p2p-refused',
    'cannot be used for peer-to-peer DMA as the client and provider \\((?<provider>[^)]+)\\) do not share an upstream bridge(?: or (?:whitelisted|allowlisted) host bridge)?',
    ({ provider }) => ({
      severity: 'error',
      says: `peer-to-peer transfers with ${provider} are refused: the way would go through a host bridge that is not known to pass them on`,
      fields: { provider: deviceName(provider!) },
      causes: [
        'the two devices hang below different root ports (or on the root bus), and the host bridge is not in the list',
        'they share a switch, but ACS redirect sends the traffic up to the host bridge (then an "ACS redirect" line comes before)',
      ],
      next: [
        '`lspci -tv` shows whether they share a switch; move one device if not',
        '`dmalab topology` shows which pairs of devices work, and why',
      ],
      basis: ['L4', 'T39', 'T40', 'T43'],
    }),
  ),
  rule('p2p-not-pci', 'cannot be used for peer-to-peer DMA as it is not a PCI device', () => ({
    severity: 'error',
    says: 'the client is no PCI device and has none above it',
    fields: {},
    causes: ['the block device or network port behind this client is virtual or on another bus'],
    next: ['name the PCI device that does the transfers'],
    basis: ['L6', 'T50'],
  })),
  rule('p2p-acs-set', 'Configured ACS to (?<control>0x[0-9a-f]{4})', ({ control }) => ({
    severity: 'info',
    says: `the command line sets the ACS control of this port to ${control}`,
    fields: { control: control! },
    causes: [],
    next: [
      'source validation and upstream forwarding are taken from the firmware again: a matched port loses what the kernel set',
    ],
    basis: ['L5', 'T46'],
  })),
  rule('p2p-memory', 'added peer-to-peer DMA memory (?<start>0x[0-9a-f]+)-(?<end>0x[0-9a-f]+)', ({ start, end }) => ({
    severity: 'info',
    says: 'the device offers memory of its BAR to other devices',
    fields: { start: hexText(start!), end: hexText(end!), bytes: Number(BigInt(end!) - BigInt(start!) + 1n) },
    causes: [],
    next: [],
    basis: ['L7', 'T53'],
  })),
  rule('p2p-no-memory', 'PCI device has no peer-to-peer memory: (?<text>.*)', ({ text }) => ({
    severity: 'error',
    says: 'the device that was asked for has not published any memory',
    fields: { asked: text! },
    causes: [
      'its driver registers no BAR memory: an NVMe controller without a controller memory buffer, or one whose size does not fit',
    ],
    next: ['look for "added peer-to-peer DMA memory" of that device, and read its p2pmem/published'],
    basis: ['L8', 'T52', 'T57'],
  })),
  {
    id: 'p2p-no-device',
    family: 'p2p',
    pattern: /^pci-p2pdma: No such PCI device: (?<text>.*)$/,
    account: ({ text }) => ({
      device: null,
      severity: 'error',
      says: 'the text written is neither a PCI device nor a yes or no',
      fields: { asked: text! },
      causes: ['a name without domain, or with a typing mistake: it must be like 0000:03:00.0'],
      next: [],
      basis: ['L9', 'T52'],
    }),
  },
  rule(
    'p2p-mmap',
    '(?<process>[^:]+): fail, attempted (?<what>private mapping|mapping with non-zero offset)',
    ({ process, what }) => ({
      severity: 'warning',
      says: `${process} mapped p2pmem/allocate in a way that is not allowed: ${what}`,
      fields: { process: process!, what: what! },
      causes: [
        what === 'private mapping'
          ? 'mmap was called without MAP_SHARED'
          : 'mmap was called with an offset: it must be 0',
      ],
      next: [],
      basis: [what === 'private mapping' ? 'L10' : 'L11', 'T57'],
    }),
  ),
];

function rule(id: string, words: string, account: (parts: Parts) => Omit<Account, 'device'>): Rule {
  return {
    id,
    family: 'p2p',
    pattern: new RegExp(`^${DEVICE_PREFIX}${words}`),
    account: (parts) => {
      const told = account(parts);
      return {
        device: deviceName(parts['device']!),
        ...told,
        fields: present({ driver: parts['driver'], ...told.fields }),
      };
    },
  };
}

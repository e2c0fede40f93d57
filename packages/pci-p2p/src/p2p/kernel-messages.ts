import type { PciNode } from './pci-node.ts';

/** How loud a line is, in the kernel's own words. */
export type MessageLevel = 'info' | 'warn' | 'err';

/** One line of the kernel's log; `device` is null where the line has a prefix of its own. */
export interface KernelMessage {
  /** L1 to L11 (spec T70). */
  readonly id: string;
  readonly level: MessageLevel;
  readonly device: string | null;
  readonly text: string;
}

/** Takes what the modelled kernel prints. */
export type MessageSink = (message: KernelMessage) => void;

/** L1 and L2: a redirect on the path, and the parameter that would remove it; names in list order (spec T39.4). */
export function logRedirect(log: MessageSink, client: string, provider: string, names: readonly string[]): void {
  log(warn('L1', client, `ACS redirect is set between the client and provider (${provider})`));
  const parameter = `pci=disable_acs_redir=${names.join(';')}`;
  log(warn('L2', client, `to disable ACS redirect for this path, add the kernel parameter: ${parameter}`));
}

/** L3: the root device of a host bridge that nobody vouches for (spec T44). */
export function logNotListed(log: MessageSink, root: PciNode): void {
  log(warn('L3', root.name, `Host bridge not in P2PDMA whitelist: ${hex4(root.vendor)}:${hex4(root.device)}`));
}

/** L4: the pair cannot talk (spec T39.5). */
export function logNotSupported(log: MessageSink, client: string, provider: string): void {
  const text =
    `cannot be used for peer-to-peer DMA as the client and provider (${provider}) ` +
    'do not share an upstream bridge or whitelisted host bridge';
  log(warn('L4', client, text));
}

/** L6: a client without a PCI function above it (spec T50). */
export function logNotPci(log: MessageSink, client: string): void {
  log(warn('L6', client, 'cannot be used for peer-to-peer DMA as it is not a PCI device'));
}

/** L7: page descriptors exist for that range (spec T53). */
export function logAddedMemory(log: MessageSink, provider: string, start: number, lengthBytes: number): void {
  const text = `added peer-to-peer DMA memory 0x${start.toString(16)}-0x${(start + lengthBytes - 1).toString(16)}`;
  log({ id: 'L7', level: 'info', device: provider, text });
}

/** L8: a function without published memory was named (spec T52). */
export function logNoPeerMemory(log: MessageSink, node: string, typed: string): void {
  log({ id: 'L8', level: 'err', device: node, text: `PCI device has no peer-to-peer memory: ${typed}` });
}

/** L9: what was typed names nothing (spec T52). */
export function logNoSuchDevice(log: MessageSink, typed: string): void {
  log({ id: 'L9', level: 'err', device: null, text: `pci-p2pdma: No such PCI device: ${typed.split('\n')[0]}` });
}

/** L10 and L11: a mapping of the `allocate` attribute that is private, or does not start at 0 (spec T57). */
export function logBadMapping(log: MessageSink, provider: string, command: string, isPrivate: boolean): void {
  const text = isPrivate ? 'attempted private mapping' : 'attempted mapping with non-zero offset';
  log({ id: isPrivate ? 'L10' : 'L11', level: 'info', device: provider, text: `${command}: fail, ${text}` });
}

/** L5: what the command line made of a function's ACS control word (spec T46). */
export function logConfiguredAcs(log: MessageSink, node: string, control: number): void {
  log({ id: 'L5', level: 'info', device: node, text: `Configured ACS to 0x${hex4(control)}` });
}

function warn(id: string, device: string, text: string): KernelMessage {
  return { id, level: 'warn', device, text };
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}

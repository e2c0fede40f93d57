import { describe, expect, it } from 'vitest';
import { enumerateFabric } from '../host/enumerate.ts';
import type { KernelMessage } from '../p2p/kernel-messages.ts';
import { PCI_ACS_CR, PCI_ACS_EC, PCI_ACS_RR, PCI_ACS_SV, PCI_ACS_UF } from '../spec/capability-ids.ts';
import { setAcs } from '../testing/acs.ts';
import { q35Fabric } from '../testing/machine.ts';
import { ACS_5F, addEndpoint, addRootPort, addSwitch, below } from '../testing/topology.ts';
import { pciAcsEnabled } from './acs-enabled.ts';
import { type AcsOptions, pciEnableAcs } from './enable-acs.ts';

/** A root port at 00:06.0, as QEMU has it, with a switch below: 01:00.0, 02:00.0, endpoint 03:00.0. */
function machine() {
  const fabric = q35Fabric();
  const port = addRootPort(fabric.rootBus, 6);
  const { downstream } = addSwitch(port, 1);
  const endpoint = addEndpoint(below(downstream[0]), 0, { acs: ACS_5F, subsystem: { vendor: 0x1af4, device: 0x1100 } });
  enumerateFabric(fabric);
  return { port, downstream: downstream[0], endpoint };
}

function enable(options: AcsOptions, firmware = 0) {
  const { port, endpoint } = machine();
  setAcs(firmware, port, endpoint);
  const log: KernelMessage[] = [];
  pciEnableAcs(endpoint, { ...options, log: (message) => log.push(message) });
  return { control: endpoint.acsControl, log: log.map(({ level, text }) => `${level}: ${text}`) };
}

describe('T45 pci_enable_acs', () => {
  it.each([
    { options: { requested: true }, control: 0x1d },
    { options: { requested: false }, control: 0 },
    { options: { requested: true, atsDisabled: true }, control: 0x1f },
    { options: { requested: true, isUntrusted: () => true }, control: 0x1f },
  ])('$options gives $control, never EC or DT', ({ options, control }) => {
    expect(enable(options).control).toBe(control);
  });

  it('keeps what firmware had set', () => {
    expect(enable({ requested: true }, 0x40).control).toBe(0x5d);
  });
});

describe('T46 T47 disable_acs_redir', () => {
  const applied = { control: 0, log: ['info: Configured ACS to 0x0000'] };
  const untouched = { control: 0x1d, log: [] };

  it.each([
    { list: '03:00.0', result: applied, what: 'bus and function' },
    { list: '0000:03:00.0', result: applied, what: 'domain too' },
    { list: '0001:03:00.0', result: untouched, what: 'another domain' },
    { list: '00:06.0/00.0/00.0/00.0', result: applied, what: 'a path from the root' },
    { list: '02:00.0/00.0', result: applied, what: 'a path from the middle' },
    { list: '00:07.0/00.0/00.0/00.0', result: untouched, what: 'a path from another port' },
    {
      list: '00:00.0/00:06.0',
      result: { control: 0x1d, log: ["warn: PCI: Can't parse disable_acs_redir parameter: 00:00.0/00:06.0"] },
      what: 'a bus in the middle',
    },
    { list: 'pci:1b36:0010', result: applied, what: 'vendor and device' },
    { list: 'pci:1b36:0', result: applied, what: 'any device of a vendor' },
    { list: 'pci:1b36:0010:1af4:1100', result: applied, what: 'subsystem too' },
    { list: 'pci:1b36:0010:1af4:1101', result: untouched, what: 'another subsystem' },
    { list: '00:06.0;03:00.0', result: applied, what: 'a list' },
    { list: '00:06.0,03:00.0', result: untouched, what: 'a comma, which ends the option' },
    {
      list: 'nonsense;03:00.0',
      result: { control: 0x1d, log: ["warn: PCI: Can't parse disable_acs_redir parameter: nonsense"] },
      what: 'a malformed entry, which ends the scan',
    },
  ])('$list: $what', ({ list, result }) => {
    expect(enable({ requested: true, disableAcsRedir: list })).toEqual(result);
  });

  it('T94 starts from the firmware value, so that SV and UF go too', () => {
    expect(enable({ requested: true, disableAcsRedir: '03:00.0' }, 0x4c).control).toBe(0x40);
  });
});

describe('T48 config_acs', () => {
  it.each([
    { list: '1xx1xx@03:00.0', firmware: 0x04, control: 0x04 | 0x04, what: 'forces bits the capability has' },
    { list: '10x@03:00.0', firmware: 0x03, control: 0x05, what: 'forces to 1, forces to 0, leaves' },
    { list: '0000000@pci:1b36:0010', firmware: 0x5f, control: 0, what: 'forces all off' },
    { list: '1@00:06.0;1x@03:00.0', firmware: 0, control: 0x02, what: 'takes the first entry that matches' },
  ])('$list: $what', ({ list, firmware, control }) => {
    expect(enable({ requested: false, configAcs: list }, firmware).control).toBe(control);
  });

  it.each(['10000000@03:00.0', '12@03:00.0', '03:00.0', '@03:00.0'])('%s says so and changes nothing', (list) => {
    expect(enable({ requested: true, configAcs: list })).toEqual({
      control: 0x1d,
      log: [`err: PCI: Can't parse config_acs parameter: ${list}`],
    });
  });

  it('T46 undoes a disable_acs_redir match, since each list starts from firmware again', () => {
    const { control, log } = enable({ requested: false, disableAcsRedir: '03:00.0', configAcs: '1@03:00.0' }, 0x0c);
    expect(control).toBe(0x0d);
    expect(log).toEqual(['info: Configured ACS to 0x0000', 'info: Configured ACS to 0x000d']);
  });
});

describe('T49 pci_acs_enabled', () => {
  const ISOLATION = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;

  it('asks ports for every flag, and single-function endpoints for none', () => {
    const { port, downstream, endpoint } = machine();
    expect([port, downstream, endpoint].map((node) => pciAcsEnabled(node, ISOLATION))).toEqual([false, false, true]);
    setAcs(0x1d, port);
    expect(pciAcsEnabled(port, ISOLATION)).toBe(true);
  });

  it('counts a flag that is not offered as given, except egress control', () => {
    const fabric = q35Fabric();
    const port = addRootPort(fabric.rootBus, 6);
    const function0 = addEndpoint(below(port), 0, { acs: { capability: PCI_ACS_RR } });
    addEndpoint(below(port), 1);
    enumerateFabric(fabric);
    setAcs(PCI_ACS_RR, function0);
    expect(pciAcsEnabled(function0, ISOLATION)).toBe(true);
    expect(pciAcsEnabled(function0, ISOLATION | PCI_ACS_EC)).toBe(false);
  });
});

import { AmdControl, AmdDeviceTableBase } from '../../spec/amd-registers.ts';
import { get, getAddress, halves } from '../../spec/bits.ts';
import { RegisterFields } from '../register-fields.ts';

/** What a walk has to know of an AMD-Vi unit's registers. */
export interface AmdRegisters {
  /** Physical address of the device table. */
  readonly deviceTable: number;
  readonly deviceTablePages: number;
  /** Control.IommuEn: off, devices reach memory untranslated whatever the tables say. */
  readonly translationEnabled: boolean;
}

/** What manuals, drivers and debuggers call the device table base register. */
const OTHER_NAMES = [
  ...['device_table', 'device_table_base', 'dev_table', 'dev_table_base', 'dev_tab_base', 'devtab_base', 'dev_tab'],
  ...['dtbar', 'dt_base', 'dtb', 'dte_base', '0x0000', '0x000', '0x00', '0x0'],
];

/**
 * Reads `{ "devtab": "0x...", "control": "0x..." }`, bare or under a key `registers`, values hex strings or numbers:
 * the registers at MMIO offsets 0 and 0x18 (spec H32), which also go by their offsets, `0x0000` and `0x0018`. A unit whose
 * control register isn't in the file is taken to be on.
 * @throws {WalkError} `ERR_WALK_REGISTERS`, names the field
 */
export function parseAmdRegisters(file: unknown): AmdRegisters {
  const fields = new RegisterFields(file, 'devtab (or device_table, 0x0000), and takes control (or 0x0018)');
  const base = halves(fields.required('devtab', ...OTHER_NAMES));
  const control = fields.optional('control', 'ctrl', '0x0018', '0x18');
  return {
    deviceTable: getAddress(base.low, base.high, AmdDeviceTableBase.BASE),
    deviceTablePages: get(base.low, base.high, AmdDeviceTableBase.SIZE) + 1,
    translationEnabled: control === undefined || get(halves(control).low, 0, AmdControl.IOMMU_EN) === 1,
  };
}

import { MACHINE_DEFAULTS, MACHINES, type OtherMachine, otherMachine } from '@dmalab/integration';
import { readText } from './input-file.ts';
import { UserError } from './user-error.ts';

/**
 * The machine of `--as`: a preset's name, or a JSON file with the values in which it differs from its `base`.
 * @param dmaMaskBits address bits that devices reach there; undefined: what they reached in the trace
 * @throws {UserError} naming the key that no machine has, or the name that no preset has
 */
export async function chooseOtherMachine(choice: string, dmaMaskBits: string | undefined): Promise<OtherMachine> {
  const bits = dmaMaskBits === undefined ? null : Number(dmaMaskBits);
  if (bits !== null && !(Number.isInteger(bits) && bits >= 24 && bits <= 64)) {
    throw new UserError(`--dma-mask ${dmaMaskBits}`, 'is no width of addresses', 'give 24 to 64');
  }
  const preset = MACHINES[choice];
  if (preset !== undefined) return otherMachine(preset, bits);
  if (!choice.endsWith('.json')) throw unknownPreset(`--as ${choice}`, choice);
  const { base = 'x86-direct', ...values } = parse(choice, await readText(choice));
  const template = MACHINES[base];
  if (template === undefined) throw unknownPreset(`${choice}: base`, base);
  const unknown = Object.keys(values).find((key) => key !== 'name' && !(key in MACHINE_DEFAULTS));
  if (unknown !== undefined) {
    const known = ['base', 'name', ...Object.keys(MACHINE_DEFAULTS)].join(', ');
    throw new UserError(choice, `no machine has "${unknown}"`, `the keys are ${known}`);
  }
  return otherMachine({ ...template, name: choice, ...values }, bits);
}

/** A preset, whose values hold where the file says nothing, and the file's own. */
type MachineFile = { readonly base?: string } & Record<string, unknown>;

function parse(path: string, text: string): MachineFile {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as MachineFile;
  } catch (error) {
    throw new UserError(
      path,
      `is no JSON (${(error as Error).message})`,
      'give an object such as {"base": "x86-swiotlb"}',
    );
  }
  throw new UserError(
    path,
    'is no JSON object',
    'give one such as {"base": "x86-swiotlb", "commandLine": "swiotlb=65536,force"}',
  );
}

function unknownPreset(place: string, name: string): UserError {
  return new UserError(
    place,
    `no machine is called ${name}`,
    `take ${Object.keys(MACHINES).join(', ')}, or a .json file`,
  );
}

import { MACHINES, type MachineDescription, type OtherMachine, otherMachine } from '@dmalab/integration';
import { chooseMachines } from './machine-file.ts';
import { UserError } from './user-error.ts';

/** The machine of `--as`, and what of it matters to the requests of a trace. */
export interface OtherChoice {
  readonly description: MachineDescription;
  readonly machine: OtherMachine;
}

/**
 * The machine of `--as`: a preset's name, or a file that describes one.
 * @param dmaMaskBits address bits that devices reach there; undefined: what they reached in the trace
 * @throws {UserError} for a name that is none, a file with a fault, and a width that no mask has
 */
export async function chooseOtherMachine(choice: string, dmaMaskBits: string | undefined): Promise<OtherChoice> {
  const bits = dmaMaskBits === undefined ? null : Number(dmaMaskBits);
  if (bits !== null && !(Number.isInteger(bits) && bits >= 24 && bits <= 64)) {
    throw new UserError(`--dma-mask ${dmaMaskBits}`, 'is no width of addresses', 'give 24 to 64');
  }
  if (!Object.hasOwn(MACHINES, choice) && !/\.(ya?ml|json)$/.test(choice)) {
    const remedy = `name a YAML file, or one of ${Object.keys(MACHINES).join(', ')}`;
    throw new UserError(`--as ${choice}`, 'no such machine', remedy);
  }
  const [description] = await chooseMachines([choice]);
  return { description, machine: otherMachine(description, bits) };
}

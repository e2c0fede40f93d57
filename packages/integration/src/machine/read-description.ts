import { MachineDescriptionError } from './description-error.ts';
import { checkDescription, type MachineDescription } from './machine-description.ts';
import { MACHINES } from './presets.ts';
import { MACHINE_SCHEMA } from './schema/machine-schema.ts';
import { readValue } from './schema/read-value.ts';

/**
 * A machine from plain data, as a YAML or JSON file holds it: `schema/machine.schema.json` says what may stand there.
 * @param source what messages call the data until the machine has a name
 * @throws {MachineDescriptionError} at the first value that is not as it should be; its `path` says where
 */
export function readMachineDescription(data: unknown, source: string): MachineDescription {
  const read = readValue(MACHINE_SCHEMA, data, [], (path, problem, remedy) => {
    throw new MachineDescriptionError(source, path.join('.'), problem, remedy);
  });
  const { preset, ...own } = read as Partial<MachineDescription> & { readonly name: string; readonly preset: string };
  const description = { ...MACHINES[preset], ...own };
  checkDescription(description);
  return description;
}

import {
  MACHINES,
  type MachineDescription,
  MachineDescriptionError,
  readMachineDescription,
} from '@dmalab/integration';
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { readText } from './input-file.ts';
import { UserError } from './user-error.ts';

/**
 * What `--machine` names: a preset, `all` of them, or a YAML file that describes one.
 * @throws {UserError} for a name that is none, and for a file with a fault, with its line
 */
export async function chooseMachines(names: readonly string[]): Promise<MachineDescription[]> {
  const presets = Object.keys(MACHINES);
  const chosen = [...new Set(names.flatMap((name) => (name === 'all' ? presets : [name])))];
  return Promise.all(
    chosen.map((name) => {
      if (Object.hasOwn(MACHINES, name)) return MACHINES[name];
      if (/\.(ya?ml|json)$/.test(name)) return readMachineFile(name);
      const remedy = `name a YAML file, or one of ${presets.join(', ')}, all`;
      throw new UserError(`--machine ${name}`, 'no such machine', remedy);
    }),
  );
}

async function readMachineFile(file: string): Promise<MachineDescription> {
  const lines = new LineCounter();
  const document = parseDocument(await readText(file), { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new UserError(`${file}:${line}`, error.message.split('\n')[0].replace(/ at line.*/, ''), 'correct the YAML');
  }
  try {
    return readMachineDescription(document.toJS(), file);
  } catch (fault) {
    if (!(fault instanceof MachineDescriptionError)) throw fault;
    const path = fault.path === '' ? [] : fault.path.split('.');
    const { line } = lines.linePos(offsetOf(document, path));
    throw new UserError(`${file}:${line}`, `${path.length > 0 ? `${fault.path}: ` : ''}${fault.problem}`, fault.remedy);
  }
}

/** Where a value's key stands, or the value itself in a list; of a value that is missing, where it would belong. */
function offsetOf(document: Document, path: readonly string[]): number {
  if (path.length === 0) return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const name = path.at(-1);
  const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === name) : undefined;
  if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
  const node = document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? 0) : offsetOf(document, path.slice(0, -1));
}

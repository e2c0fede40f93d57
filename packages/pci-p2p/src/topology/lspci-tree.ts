import { requesterId } from '../fabric/address.ts';
import { TopologyInputError } from './dump-error.ts';
import { type Dump, type DumpFunction, emptyFunction } from './dump-function.ts';

interface TreeBus {
  readonly domain: number;
  readonly number: number;
}

const ROOT = /^\[(?:([0-9a-f]{4,8}):)?([0-9a-f]{2})(?:-[0-9a-f]{2})?\]/i;
const FUNCTION = /^([01][0-9a-f])\.([0-7])/i;
const BELOW = /^-\[([0-9a-f]{2})(?:-([0-9a-f]{2}))?\]/i;

/** Whether a text looks like `lspci -t`. */
export function isLspciTree(text: string): boolean {
  return /^\s*(?:-(?:(?:\+-)?\[|[01][0-9a-f]\.[0-7]-\[)|[+\\]-\[)/.test(text);
}

/**
 * Reads `lspci -t`, `-tv`, `-tnn`: places and bus numbers, and names where they are printed. Siblings stand below each
 * other in one column, which is how a line finds its bus.
 * @throws {TopologyInputError} naming a line that is no tree, or when there is no function
 */
export function readLspciTree(text: string): Dump {
  const dump: Dump = { functions: [], remarks: ['a tree shows neither ACS nor BARs: both are unknown'] };
  const columns = new Map<number, TreeBus>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || new TreeLine(line, i + 1, columns, dump.functions).read()) continue;
    dump.remarks.push(`line ${i + 1} hangs on nothing and was passed over`);
  }
  if (dump.functions.length === 0) throw new TopologyInputError(0, 'no function found below the root buses');
  return dump;
}

class TreeLine {
  readonly #line: string;
  readonly #number: number;
  readonly #columns: Map<number, TreeBus>;
  readonly #functions: DumpFunction[];

  constructor(line: string, number: number, columns: Map<number, TreeBus>, functions: DumpFunction[]) {
    this.#line = line;
    this.#number = number;
    this.#columns = columns;
    this.#functions = functions;
  }

  /** False for a line that says of no bus that it is on it: wrapped text, or its beginning was cut away. */
  read(): boolean {
    const line = this.#line;
    if (line.startsWith('-[')) this.#root(1);
    else if (line[0] === '-' && FUNCTION.test(line.slice(1)))
      this.#function({ domain: 0, number: 0 }, 1); // lspci -s -t
    else if (/^[- ][+\\]-\[/.test(line)) this.#root(3);
    else {
      const at = line.search(/[^ |]/);
      const owner = this.#columns.get(at);
      if ((line[at] !== '+' && line[at] !== '\\') || owner === undefined) return false;
      this.#function(owner, at + 2);
    }
    return true;
  }

  #root(at: number): void {
    const parts = ROOT.exec(this.#line.slice(at));
    if (parts === null) throw new TopologyInputError(this.#number, 'expected a root bus like [0000:00]');
    const bus = { domain: Number.parseInt(parts[1] ?? '0', 16), number: Number.parseInt(parts[2], 16) };
    this.#children(bus, at + parts[0].length);
  }

  /** Behind a bracket: dashes, then either one child or the column of several. */
  #children(bus: TreeBus, from: number): void {
    let at = from;
    while (this.#line[at] === '-') at++;
    if (this.#line[at] === '+' || this.#line[at] === '\\') {
      this.#columns.set(at, bus);
      at += 2;
    }
    if (at < this.#line.length && this.#line[at] !== ' ') this.#function(bus, at);
  }

  #function(bus: TreeBus, at: number): void {
    const parts = FUNCTION.exec(this.#line.slice(at));
    if (parts === null) throw new TopologyInputError(this.#number, `expected a device like 1f.2 at column ${at + 1}`);
    const rid = requesterId(bus.number, (Number.parseInt(parts[1], 16) << 3) | Number(parts[2]));
    const rest = this.#line.slice(at + parts[0].length);
    const below = BELOW.exec(rest);
    const added = emptyFunction(bus.domain, rid, below === null ? rest.trim() : '');
    this.#functions.push(added);
    const ids = /(?:^|\[)([0-9a-f]{4}):([0-9a-f]{4})(?:\]|$)/i.exec(added.text);
    if (ids !== null) [added.vendor, added.device] = [Number.parseInt(ids[1], 16), Number.parseInt(ids[2], 16)];
    if (below === null) return;
    const secondary = Number.parseInt(below[1], 16);
    added.classCode = 0x0604;
    added.buses = { secondary, subordinate: below[2] === undefined ? secondary : Number.parseInt(below[2], 16) };
    this.#children({ domain: bus.domain, number: secondary }, at + parts[0].length + below[0].length);
  }
}

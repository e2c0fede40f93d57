import { hexRange } from '../memory/memory-range-error.ts';
import { AddressMap, type AddressRange } from './address-map.ts';
import { AddressMapError } from './address-map-error.ts';

const LINE = /^( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.*)$/;

/**
 * The address map that the text of `/proc/iomem` shows. Blank lines are skipped.
 * @throws {AddressMapError} when a line has another form, when a child is not inside its parent, when ranges overlap, or
 *   when all addresses are zero, which is what the kernel shows to readers other than root
 */
export function parseIomem(text: string): AddressMap {
  const map = new AddressMap();
  const parents: AddressRange[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = LINE.exec(line);
    if (match === null) throw syntax(index, line, 'is not "<start>-<end> : <name>" in hexadecimal');
    const [, indent, start, end, name] = match;
    parents.length = Math.min(parents.length, indent.length / 2);
    parents.push(addBelow(map, parents.at(-1), Number.parseInt(start, 16), Number.parseInt(end, 16), name));
  }
  const all = map.ranges;
  if (all.length > 0 && all.every(({ end }) => end === 0)) {
    throw syntax(0, text.split('\n')[0], 'shows no addresses: read /proc/iomem as root');
  }
  return map;
}

/** The lines of a longer text (a boot log) that have the form of `/proc/iomem`. */
export function extractIomem(text: string): string {
  return text
    .split('\n')
    .filter((line) => LINE.test(line))
    .join('\n');
}

/** The map as `/proc/iomem` prints it. */
export function formatIomem(map: AddressMap): string {
  return map.ranges.map((range) => lines(range, '')).join('');
}

function lines(range: AddressRange, indent: string): string {
  const own = `${indent}${hexRange(range.start, range.end)} : ${range.name}\n`;
  return own + range.children.map((child) => lines(child, `${indent}  `)).join('');
}

function addBelow(map: AddressMap, parent: AddressRange | undefined, start: number, end: number, name: string) {
  if (parent !== undefined && (start < parent.start || end > parent.end)) {
    const problem = `is indented below ${hexRange(parent.start, parent.end)} : ${parent.name} but not inside it`;
    throw new AddressMapError('ERR_RANGE_INVALID', start, end, name, problem);
  }
  return map.add({ start, end, name });
}

function syntax(index: number, line: string, problem: string): AddressMapError {
  return new AddressMapError('ERR_IOMEM_SYNTAX', -1, -1, `line ${index + 1} "${line}"`, problem);
}

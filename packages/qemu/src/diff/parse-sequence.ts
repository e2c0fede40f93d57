import { parseFunctionName } from '@dmalab/pci-p2p';
import { type Operation, type Sequence, UNIT_NAMES, type UnitName } from './operation.ts';

/** A line of a sequence that can't be used. */
export class SequenceError extends Error {
  readonly code = 'ERR_DIFF_SEQUENCE';
  readonly line: number;

  constructor(line: number, problem: string, remedy: string) {
    super(`line ${line}: ${problem}; ${remedy}`);
    this.name = 'SequenceError';
    this.line = line;
  }
}

const FORMS: Readonly<Record<Operation['kind'], string>> = {
  readl: 'readl OFFSET',
  writel: 'writel OFFSET VALUE',
  read: 'read ADDRESS LENGTH',
  write: 'write ADDRESS BYTES, in hex',
  clock: 'clock NANOSECONDS',
  dma: 'dma 00:04.0 r|w IOVA',
};
const MOST_BYTES = 65536;

/**
 * Reads a sequence: `unit NAME` first, then an operation a line; `#` begins a comment. Numbers are decimal or 0x-hex.
 * @throws {SequenceError} naming the line
 */
export function parseSequence(text: string): Sequence {
  const lines = text.split('\n').map((line, i) => ({ line: i + 1, text: line.replace(/#.*/, '').trim() }));
  const [first, ...rest] = lines.filter((line) => line.text !== '');
  if (first === undefined) throw new SequenceError(1, 'the sequence is empty', unitRemedy());
  const [word, name] = first.text.split(/\s+/);
  if (word !== 'unit' || !isUnitName(name))
    throw new SequenceError(first.line, `"${first.text}" names no unit`, unitRemedy());
  const steps = rest.map((line) => ({ ...line, operation: parseOperation(line.line, line.text.split(/\s+/)) }));
  return { unit: name, steps };
}

function unitRemedy(): string {
  return `begin with "unit NAME", where NAME is one of ${UNIT_NAMES.join(', ')}`;
}

function isUnitName(name: string | undefined): name is UnitName {
  return UNIT_NAMES.some((known) => known === name);
}

function parseOperation(line: number, [kind, ...words]: readonly string[]): Operation {
  switch (kind) {
    case 'readl':
      return { kind, offset: register(line, kind, words[0]) };
    case 'writel':
      return { kind, offset: register(line, kind, words[0]), value: number(line, kind, words[1], 2 ** 32) };
    case 'read':
      return { kind, at: address(line, kind, words[0]), lengthBytes: number(line, kind, words[1], MOST_BYTES + 1) };
    case 'write':
      return { kind, at: address(line, kind, words[0]), bytes: bytes(line, words[1]) };
    case 'clock':
      return { kind, nanoseconds: number(line, kind, words[0], 2 ** 53) };
    case 'dma':
      return parseDma(line, words);
    default:
      throw new SequenceError(line, `"${kind}" is no operation`, `write one of ${Object.values(FORMS).join('; ')}`);
  }
}

function parseDma(line: number, [device, direction, iova]: readonly string[]): Operation {
  if (direction !== 'r' && direction !== 'w')
    throw new SequenceError(line, `"${direction}" is no direction`, `write ${FORMS.dma}`);
  const at = number(line, 'dma', iova, 2 ** 53);
  if (at % 512 !== 0)
    throw new SequenceError(line, `0x${at.toString(16)} is no multiple of 512`, 'the device moves 512 bytes');
  try {
    return { kind: 'dma', rid: parseFunctionName(device ?? '').rid, isWrite: direction === 'w', iova: at };
  } catch {
    throw new SequenceError(line, `"${device}" is no PCI address`, `write ${FORMS.dma}`);
  }
}

function register(line: number, kind: Operation['kind'], word: string | undefined): number {
  const offset = number(line, kind, word, 2 ** 20);
  if (offset % 4 !== 0)
    throw new SequenceError(line, `register 0x${offset.toString(16)}`, 'registers have 32 bits: give a multiple of 4');
  return offset;
}

function address(line: number, kind: Operation['kind'], word: string | undefined): number {
  return number(line, kind, word, 2 ** 52);
}

function number(line: number, kind: Operation['kind'], word: string | undefined, limit: number): number {
  const value = word === undefined || word === '' ? Number.NaN : Number(word);
  if (Number.isInteger(value) && value >= 0 && value < limit) return value;
  throw new SequenceError(line, `"${word ?? ''}" is no number below 0x${limit.toString(16)}`, `write ${FORMS[kind]}`);
}

function bytes(line: number, word: string | undefined): Uint8Array {
  if (word === undefined || !/^(?:[0-9a-f]{2})+$/i.test(word) || word.length > 2 * MOST_BYTES)
    throw new SequenceError(line, `"${word ?? ''}" are no bytes`, `write ${FORMS.write}, two digits each`);
  return Uint8Array.from(Buffer.from(word, 'hex'));
}

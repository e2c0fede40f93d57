import { text, type Value } from './value.ts';

const DIRECTIVE = /%([-0+ #]*)(\*|\d+)?(?:\.(\*|\d+))?(hh|h|ll|l|L|z|t|q|j)?([a-zA-Z%])/g;

/** `vsnprintf` of the kernel, for what print formats use. A missing argument prints as nothing. */
export function printValues(format: string, args: readonly Value[]): string {
  let next = 0;
  const take = (): Value => args[next++] ?? '';
  return format.replace(DIRECTIVE, (_, flags: string, width, precision, length, conversion: string) => {
    if (conversion === '%') return '%';
    const wide = width === '*' ? Number(take()) : Number(width ?? 0);
    const digits = precision === '*' ? Number(take()) : precision === undefined ? -1 : Number(precision);
    return padded(converted(take(), conversion, flags, digits, bitsOf(length)), flags, wide, conversion);
  });
}

function bitsOf(length: string | undefined): number {
  return length === undefined ? 32 : length === 'hh' ? 8 : length === 'h' ? 16 : 64;
}

function converted(value: Value, conversion: string, flags: string, digits: number, bits: number): string {
  if (conversion === 's') return cut(stringOf(value), digits);
  const number = typeof value === 'bigint' ? value : 0n;
  switch (conversion) {
    case 'd':
    case 'i':
      return signed(BigInt.asIntN(bits, number), flags, digits);
    case 'u':
      return BigInt.asUintN(bits, number).toString().padStart(digits, '0');
    case 'x':
    case 'X':
      return hex(BigInt.asUintN(bits, number), conversion, flags, digits);
    case 'o':
      return BigInt.asUintN(bits, number).toString(8);
    case 'c':
      return String.fromCharCode(Number(number & 0xffn));
    default:
      return BigInt.asUintN(64, number).toString(16).padStart(16, '0'); // %p
  }
}

function signed(number: bigint, flags: string, digits: number): string {
  const magnitude = (number < 0n ? -number : number).toString().padStart(digits, '0');
  return (number < 0n ? '-' : flags.includes('+') ? '+' : '') + magnitude;
}

function hex(number: bigint, conversion: string, flags: string, digits: number): string {
  const prefix = flags.includes('#') ? '0x' : '';
  const text = prefix + number.toString(16).padStart(digits, '0');
  return conversion === 'X' ? text.toUpperCase() : text;
}

function stringOf(value: Value): string {
  return value instanceof Uint8Array ? text(value) : String(value);
}

function cut(string: string, length: number): string {
  return length < 0 ? string : string.slice(0, length);
}

/** Pads with zeros behind sign and prefix, or with spaces on either side. */
function padded(string: string, flags: string, width: number, conversion: string): string {
  if (flags.includes('-')) return string.padEnd(width);
  if (!flags.includes('0') || conversion === 's') return string.padStart(width);
  const head = /^(?:0x|[-+])?/i.exec(string)![0];
  return head + string.slice(head.length).padStart(width - head.length, '0');
}

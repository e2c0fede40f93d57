import type { EventFormat } from './event-format.ts';
import type { Expression } from './print-format.ts';
import { printValues } from './printf.ts';
import type { RecordBytes } from './record-bytes.ts';
import { text, type Value } from './value.ts';

/** Functions, names or types that a print format uses and that exist in the kernel only. */
class NotPrintableError extends Error {}

/** The body of an event as its own print format prints it; undefined when that needs more than the record holds. */
export function printEvent(format: EventFormat, record: RecordBytes): string | undefined {
  if (format.print === undefined) return undefined;
  try {
    const [text, ...args] = format.print.map((expression) => evaluate(expression, record));
    return printValues(text as string, args);
  } catch (error) {
    if (error instanceof NotPrintableError) return undefined;
    throw error;
  }
}

function evaluate(expression: Expression, record: RecordBytes): Value {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression.value;
    case 'field':
      return record.field(expression.name) ?? fail(`REC->${expression.name}`);
    case 'call':
      return call(expression.name, expression.args, record);
    case 'cast':
      return cast(expression.type, evaluate(expression.operand, record));
    case 'unary':
      return unary(expression.sign, integer(expression.operand, record));
    case 'binary':
      return binary(expression.sign, integer(expression.left, record), integer(expression.right, record));
    case 'choice':
      return evaluate(isTrue(evaluate(expression.test, record)) ? expression.yes : expression.no, record);
    case 'index':
      return BigInt(bytesOf(evaluate(expression.array, record))[Number(integer(expression.at, record))] ?? 0);
    default:
      return fail(expression.kind);
  }
}

function call(name: string, args: readonly Expression[], record: RecordBytes): Value {
  switch (name) {
    case '__get_str':
    case '__get_rel_str':
      return text(bytesOf(dynamic(args, record)));
    case '__get_dynamic_array':
    case '__get_rel_dynamic_array':
      return dynamic(args, record);
    case '__get_dynamic_array_len':
    case '__get_rel_dynamic_array_len':
      return BigInt(bytesOf(dynamic(args, record)).length);
    case '__print_symbolic':
      return symbolic(args, record);
    case '__print_flags':
      return flags(args, record);
    case '__print_array':
      return array(args, record);
    case '__print_hex':
    case '__print_hex_str':
      return hexBytes(args, record, name === '__print_hex' ? ' ' : '');
    default:
      return fail(name);
  }
}

function dynamic([argument]: readonly Expression[], record: RecordBytes): Value {
  const name = argument?.kind === 'name' || argument?.kind === 'field' ? argument.name : '';
  return record.field(name) ?? fail(name);
}

/** `__print_symbolic(value, { number, "name" }, ...)`; a number without name prints as 0xN. */
function symbolic([argument, ...pairs]: readonly Expression[], record: RecordBytes): string {
  const value = BigInt.asUintN(64, integer(argument!, record));
  for (const pair of pairs) {
    const [number, name] = pairOf(pair, record);
    if (BigInt.asUintN(64, number) === value) return name;
  }
  return `0x${value.toString(16)}`;
}

/** `__print_flags(value, delimiter, { mask, "name" }, ...)`; bits without name print last as 0xN. */
function flags([argument, delimiter, ...pairs]: readonly Expression[], record: RecordBytes): string {
  let left = BigInt.asUintN(64, integer(argument!, record));
  const words: string[] = [];
  for (const pair of pairs) {
    const [mask, name] = pairOf(pair, record);
    if ((left & mask) !== mask || mask === 0n) continue;
    words.push(name);
    left &= ~mask;
  }
  if (left !== 0n) words.push(`0x${left.toString(16)}`);
  return words.join(String(evaluate(delimiter!, record)));
}

function pairOf(pair: Expression, record: RecordBytes): [number: bigint, name: string] {
  if (pair.kind !== 'pair' || pair.items.length !== 2) return fail('a table of symbols');
  return [integer(pair.items[0]!, record), String(evaluate(pair.items[1]!, record))];
}

/** `__print_array(bytes, elements, bytesPerElement)`. */
function array([bytes, elements, width]: readonly Expression[], record: RecordBytes): string {
  const elementBytes = Number(integer(width!, record));
  const count = Number(integer(elements!, record));
  const words = record.elements(bytesOf(evaluate(bytes!, record)), elementBytes, count);
  return `{${words.map((word) => `0x${word.toString(16)}`).join(',')}}`;
}

function hexBytes([bytes, length]: readonly Expression[], record: RecordBytes, separator: string): string {
  const shown = bytesOf(evaluate(bytes!, record)).subarray(0, Number(integer(length!, record)));
  return Array.from(shown, (byte) => byte.toString(16).padStart(2, '0')).join(separator);
}

/** A cast to an integer type cuts to its width; other casts change nothing that prints. */
function cast(type: string, value: Value): Value {
  if (typeof value !== 'bigint' || type.includes('*')) return value;
  const bits = /8|char/.test(type)
    ? 8
    : /16|short/.test(type)
      ? 16
      : /32|\bint\b/.test(type) && !/long/.test(type)
        ? 32
        : 64;
  return /^(?:u|__u|unsigned)/.test(type) ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
}

function unary(sign: string, value: bigint): bigint {
  switch (sign) {
    case '-':
      return -value;
    case '~':
      return ~value;
    case '!':
      return value === 0n ? 1n : 0n;
    case '+':
      return value;
    default:
      return fail(sign);
  }
}

function binary(sign: string, left: bigint, right: bigint): bigint {
  switch (sign) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0n ? 0n : left / right;
    case '%':
      return right === 0n ? 0n : left % right;
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    case '<<':
      return left << (right & 63n);
    case '>>':
      return left >> (right & 63n);
    default:
      return comparison(sign, left, right) ? 1n : 0n;
  }
}

function comparison(sign: string, left: bigint, right: bigint): boolean {
  switch (sign) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
    case '&&':
      return left !== 0n && right !== 0n;
    default:
      return left !== 0n || right !== 0n;
  }
}

function integer(expression: Expression, record: RecordBytes): bigint {
  const value = evaluate(expression, record);
  return typeof value === 'bigint' ? value : fail('a number');
}

function bytesOf(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : fail('an array');
}

function isTrue(value: Value): boolean {
  return typeof value !== 'bigint' || value !== 0n;
}

function fail(what: string): never {
  throw new NotPrintableError(what);
}

import { WalkError } from './walk-error.ts';

/** The registers in a file: an object of hex strings or numbers, bare or under a key `registers`. */
export class RegisterFields {
  /** By name, as {@link plainName} writes it. */
  readonly #fields: ReadonlyMap<string, unknown>;
  /** What the file may hold, for messages. */
  readonly #accepted: string;

  /** @throws {WalkError} `ERR_WALK_REGISTERS` when the file is no object */
  constructor(file: unknown, accepted: string) {
    this.#accepted = accepted;
    const outer = this.#asObject(file, 'the register file');
    const fields = 'registers' in outer ? this.#asObject(outer['registers'], '"registers"') : outer;
    this.#fields = new Map(Object.entries(fields).map(([name, value]) => [plainName(name), value]));
  }

  /**
   * 64 bits of the first of these names that the file has.
   * @throws {WalkError} `ERR_WALK_REGISTERS`, names the field
   */
  required(name: string, ...aliases: readonly string[]): bigint {
    const value = this.optional(name, ...aliases);
    if (value !== undefined) return value;
    throw new WalkError('ERR_WALK_REGISTERS', `the register file lacks "${name}": it needs ${this.#accepted}`);
  }

  /** Like {@link required}; undefined when the file has none of them. */
  optional(...names: readonly string[]): bigint | undefined {
    const name = names.find((candidate) => this.#fields.get(plainName(candidate)) !== undefined);
    return name === undefined ? undefined : registerValue(name, this.#fields.get(plainName(name)));
  }

  #asObject(value: unknown, what: string): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new WalkError('ERR_WALK_REGISTERS', `${what} must be an object with ${this.#accepted} as hex strings`);
  }
}

/** `DEV_TAB_BASE`, `devTabBase` and `dev-tab-base` are one name: dumps come from many tools. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^0-9a-z]/g, '');
}

function registerValue(name: string, value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^(0x)?[0-9a-f]{1,16}$/i.test(value))
    return BigInt(`0x${value.replace(/^0x/i, '')}`);
  throw new WalkError(
    'ERR_WALK_REGISTERS',
    `"${name}" is ${JSON.stringify(value)}: write 64 bits in hex, as in "0xf42"`,
  );
}

import type { BootFacts } from './boot-facts.ts';
import type { Account, Family } from './explanation.ts';

/** Named groups of a rule's pattern; a group that matched nothing is undefined. */
export type Parts = Readonly<Record<string, string | undefined>>;

/** How to know a line, and what to say of it. */
export interface Rule {
  readonly id: string;
  readonly family: Family;
  /** Matched against the line without prefixes; parts by named groups. */
  readonly pattern: RegExp;
  /** Lines right after it that belong to it. */
  readonly details?: RegExp;
  account(parts: Parts, about: LineContext): Account;
}

/** What a rule may look at beside the line. */
export interface LineContext {
  readonly details: readonly string[];
  /** How the machine was set up, as far as the log shows its boot. */
  readonly boot: BootFacts;
}

/** Driver and device as `dev_err` prints them: `nvme 0000:00:03.0: `. */
export const DEVICE_PREFIX = String.raw`(?:(?<driver>[^\s:]+) )?(?<device>[^\s\[]+): `;

/** A PCI address in one form: `00:02.0`, `0x00:0x02.0` and `0000:00:02.0` are `0000:00:02.0`. Other names stay. */
export function deviceName(printed: string): string {
  const name = printed.replace(/^\[|\]$/g, '').replaceAll('0x', '');
  return /^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(name) ? `0000:${name}` : name;
}

/** Hexadecimal digits with or without 0x, as 0x and the digits without leading zeros. */
export function hexText(digits: string): string {
  const bare = digits.replace(/^0x/i, '').replace(/^0+(?=.)/, '');
  return `0x${bare.toLowerCase()}`;
}

/** The fields whose value is there. */
export function present(fields: Readonly<Record<string, string | number | boolean | undefined | null>>) {
  const entries = Object.entries(fields).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] != null,
  );
  return Object.fromEntries(entries);
}

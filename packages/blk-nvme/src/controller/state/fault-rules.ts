import { get, join64 } from '../../spec/bits.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { Cdw0, RwCdw12, SqeWord } from '../../spec/sqe.ts';

/** What happens to a command that a rule picks (spec N175: what a deliberately faulty device should be able to do). */
export type FaultAction =
  /** Completes with this status and does nothing. */
  | { readonly kind: 'status'; readonly status: number }
  /** Is executed that much later. */
  | { readonly kind: 'delay'; readonly nanos: number }
  /** Is executed, and its completion is lost. */
  | { readonly kind: 'drop' }
  /** Is neither executed nor answered; Abort finds it. */
  | { readonly kind: 'hang' }
  /** Completes twice. */
  | { readonly kind: 'duplicate' }
  /** Completes under another command id. */
  | { readonly kind: 'commandId'; readonly cid: number }
  /** The first byte of the data that a read returns is inverted. */
  | { readonly kind: 'corruptData' }
  /** Sets CSTS.CFS and stops. */
  | { readonly kind: 'fatal' };

/** Which commands; a field left out matches all. */
export interface FaultRule {
  readonly queue?: 'admin' | 'io';
  readonly opcode?: number;
  readonly nsid?: number;
  /** Matches reads, writes and the like that touch this block. */
  readonly lba?: number;
  /** From the nth match on, counted from 1. Default 1. */
  readonly nth?: number;
  /** How often it strikes. Default: for ever. */
  readonly times?: number;
  readonly action: FaultAction;
}

interface ArmedRule {
  readonly rule: FaultRule;
  matches: number;
  strikes: number;
}

/** Faults on demand, in the order in which they were added; the first that matches strikes. */
export class FaultRules {
  /** Guards the search: no rule is the ordinary case. */
  armed = false;
  readonly #rules: ArmedRule[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, matches: 0, strikes: 0 });
    this.armed = true;
  }

  clear(): void {
    this.#rules.length = 0;
    this.armed = false;
  }

  strike(sqid: number, sqe: Uint32Array): FaultAction | undefined {
    for (const armed of this.#rules) {
      if (!matches(armed.rule, sqid, sqe)) continue;
      armed.matches++;
      if (armed.matches < (armed.rule.nth ?? 1) || armed.strikes >= (armed.rule.times ?? Infinity)) continue;
      armed.strikes++;
      return armed.rule.action;
    }
    return undefined;
  }
}

function matches(rule: FaultRule, sqid: number, sqe: Uint32Array): boolean {
  if (rule.queue !== undefined && (rule.queue === 'admin') !== (sqid === 0)) return false;
  if (rule.opcode !== undefined && rule.opcode !== get(sqe[SqeWord.CDW0], Cdw0.OPC)) return false;
  if (rule.nsid !== undefined && rule.nsid !== sqe[SqeWord.NSID]) return false;
  return rule.lba === undefined || (sqid !== 0 && touches(rule.lba, sqe));
}

function touches(lba: number, sqe: Uint32Array): boolean {
  const opcode = get(sqe[SqeWord.CDW0], Cdw0.OPC);
  if (opcode === NvmOpcode.FLUSH || opcode === NvmOpcode.DSM) return false;
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  return lba >= slba && lba <= slba + get(sqe[SqeWord.CDW12], RwCdw12.NLB);
}

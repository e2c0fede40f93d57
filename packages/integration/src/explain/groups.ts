import type { Account, Explanation, Occurrence } from './explanation.ts';
import type { LogLine } from './log-line.ts';
import type { Rule } from './rule.ts';

/** Explanations while the log is read: a line like an earlier one of the same device adds to its count. */
export class ExplanationGroups {
  readonly #groups = new Map<string, { explanation: Explanation; occurrences: Occurrence[]; consequence: boolean }>();

  add({ line, text, seconds }: LogLine, rule: Rule, account: Account, details: readonly string[]): void {
    const { key, consequence, ...told } = account;
    const id = [rule.id, account.device, key ?? account.says].join('\0');
    const occurrence = { line, seconds, fields: account.fields };
    const group = this.#groups.get(id);
    if (group !== undefined) {
      group.occurrences.push(occurrence);
      return;
    }
    const occurrences = [occurrence];
    const { id: ruleId, family } = rule;
    const explanation = { rule: ruleId, family, line, text, ...told, count: 1, occurrences, details, followsFrom: [] };
    this.#groups.set(id, { explanation, occurrences, consequence: consequence === true });
  }

  /** In the order of first lines. `consequence`: to be dropped unless something caused it. */
  *all(): Generator<{ explanation: Explanation; consequence: boolean }> {
    for (const { explanation, occurrences, consequence } of this.#groups.values()) {
      yield { explanation: { ...explanation, count: occurrences.length }, consequence };
    }
  }
}

import { COST_TABLE, type CostEntry } from './cost-table.ts';

/** The cost table as rows of a Markdown table: what docs/cost-model.md holds. */
export function costRows(): string[] {
  const entries: [string, CostEntry][] = Object.entries(COST_TABLE);
  return entries.map(
    ([key, { value, unit, meaning, source }]) => `| \`${key}\` | ${value} ${unit} | ${meaning} | ${source} |`,
  );
}

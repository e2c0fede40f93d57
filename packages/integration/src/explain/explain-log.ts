import { type BootFacts, readBootFacts } from './boot-facts.ts';
import { withRelations } from './correlate.ts';
import type { Explanation } from './explanation.ts';
import { ExplanationGroups } from './groups.ts';
import { type LogLine, readLogLines } from './log-line.ts';
import type { Rule } from './rule.ts';
import { RULES } from './rules/index.ts';

/** A line that seems to concern DMA and that no rule knows. */
export interface UnknownLine {
  readonly line: number;
  readonly text: string;
}

/** What a kernel log says of DMA. */
export interface LogExplanation {
  /** Lines of the log that hold something. */
  readonly lines: number;
  /** Lines that an explanation covers, their details among them. */
  readonly explainedLines: number;
  readonly boot: BootFacts;
  /** In the order of their first lines. */
  readonly explanations: readonly Explanation[];
  readonly unknown: readonly UnknownLine[];
  /** Lines of stack dumps and symbol tables that name a function about DMA: they belong to a warning near them. */
  readonly stackLines: number;
}

/** Words by which a line that no rule knows is listed rather than passed over. */
const ABOUT_DMA =
  /DMAR|AMD-Vi|\bIVRS\b|swiotlb|software IO TLB|SW-IOMMU|arm-smmu|virtio[-_]iommu|DMA-API|dma[-_]debug|p2pdma|peer-to-peer DMA|\biommu\b|PCI-DMA|\bDMA\b.*(?:mask|overflow|fault)/i;

/** A frame of a stack dump (`dma_map_page+0x1f/0x60`), or a row of a symbol table. */
const STACK = /\b[\w.]+\+0x[0-9a-f]+\/0x[0-9a-f]+|^[0-9a-f]{16} [a-zA-Z] \S+$|^Modules linked in:|^Workqueue:/;

/**
 * Explains every line of a kernel log that concerns DMA: faults of the three IOMMU families, bounce buffers, dma-debug's
 * findings, refusals of peer-to-peer transfers, and what follows from them in the NVMe driver.
 *
 * @param text a log as `dmesg`, a journal, syslog, or a mail shows it
 */
export function explainLog(text: string): LogExplanation {
  const lines = readLogLines(text);
  const boot = readBootFacts(lines);
  const groups = new ExplanationGroups();
  const unknown: UnknownLine[] = [];
  let explainedLines = 0;
  let stackLines = 0;
  for (let i = 0; i < lines.length; i++) {
    const known = recognise(lines[i]);
    if (known === null) {
      if (STACK.test(lines[i].text)) stackLines += Number(ABOUT_DMA.test(lines[i].text));
      else if (ABOUT_DMA.test(lines[i].text)) unknown.push({ line: lines[i].line, text: lines[i].text });
      continue;
    }
    const details = detailsAfter(lines, i, known.rule);
    groups.add(lines[i], known.rule, known.rule.account(known.parts, { details, boot }), details);
    explainedLines += lines[i].rows + details.length;
    i += details.length;
  }
  const explanations = withRelations(groups, boot);
  return {
    lines: lines.reduce((sum, { text: words, rows }) => sum + (words === '' ? 0 : rows), 0),
    explainedLines,
    boot,
    explanations,
    unknown,
    stackLines,
  };
}

function recognise({ text }: LogLine): { rule: Rule; parts: Readonly<Record<string, string | undefined>> } | null {
  if (text === '') return null;
  for (const rule of RULES) {
    const match = rule.pattern.exec(text);
    if (match !== null) return { rule, parts: match.groups ?? {} };
  }
  return null;
}

function detailsAfter(lines: readonly LogLine[], at: number, { details }: Rule): string[] {
  if (details === undefined) return [];
  const found: string[] = [];
  while (at + 1 + found.length < lines.length && details.test(lines[at + 1 + found.length].text)) {
    found.push(lines[at + 1 + found.length].text);
  }
  return found;
}

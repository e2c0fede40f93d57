/** A dump that cannot be read: which line, and what was expected there. */
export class TopologyInputError extends Error {
  readonly code = 'ERR_TOPOLOGY_INPUT';
  /** From 1; 0 where the whole input is meant. */
  readonly line: number;

  constructor(line: number, problem: string) {
    super(line === 0 ? problem : `line ${line}: ${problem}`);
    this.name = 'TopologyInputError';
    this.line = line;
  }
}

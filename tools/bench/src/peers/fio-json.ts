/** A JSON object as fio prints it: its braces stand alone at the start of their lines. */
const RESULT = /^\{$[\s\S]*^\}$/m;

/** Reads per second of the only job in fio's JSON output, which may stand among other lines. @throws {Error} without one */
export function readIops(output: string): number {
  const json = RESULT.exec(output)?.[0];
  if (json === undefined) throw new Error(`fio printed no result: ${output.slice(-300)}`);
  const result: { jobs: readonly { read: { iops: number } }[] } = JSON.parse(json);
  return result.jobs[0].read.iops;
}

import { readTopologyDescription } from './description.ts';
import { TopologyInputError } from './dump-error.ts';
import type { Dump } from './dump-function.ts';
import { readLspciText } from './lspci-text.ts';
import { isLspciTree, readLspciTree } from './lspci-tree.ts';

/**
 * Reads any of `lspci -vvv`, `lspci -xxxx`, `lspci -t` and a description in JSON, telling them apart by how they begin.
 * @throws {TopologyInputError} when it is none of them
 */
export function readTopology(text: string): Dump {
  if (text.trim() === '') throw new TopologyInputError(0, 'the input is empty: give lspci output or a description');
  if (text.trimStart().startsWith('{')) return readTopologyDescription(text);
  return isLspciTree(text) ? readLspciTree(text) : readLspciText(text);
}

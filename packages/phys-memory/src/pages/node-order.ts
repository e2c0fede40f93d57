/**
 * The order in which each node looks for memory: itself, then by distance; where distances are equal, the node that
 * fewer others have preferred so far (spec P33).
 * @param distances `distances[from][to]`; the smallest of a row is the node itself
 */
export function nodeFallbackOrders(distances: readonly (readonly number[])[]): number[][] {
  const load = distances.map(() => 0);
  return distances.map((row, node) => {
    const order = [node];
    const left = row.map((_, other) => other).filter((other) => other !== node);
    while (left.length > 0) {
      left.sort((a, b) => row[a] - row[b] || load[a] - load[b] || a - b);
      const next = left.shift() as number;
      load[next] += left.length + 1; // an early place costs a node more than a late one
      order.push(next);
    }
    return order;
  });
}

/** 10 to itself and 20 to every other: what firmware that says nothing means. */
export function uniformDistances(nodes: number): number[][] {
  return Array.from({ length: nodes }, (_, from) => Array.from({ length: nodes }, (_, to) => (from === to ? 10 : 20)));
}

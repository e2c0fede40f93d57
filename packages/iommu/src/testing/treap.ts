/**
 * A set of numbers in a treap over typed arrays: the plain binary tree that searches in a large ordered set are measured
 * against. Priorities come from the node number, so it is deterministic.
 */
export class Treap {
  readonly #keys: Float64Array;
  readonly #priorities: Int32Array;
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  #root = 0;
  #used = 0;
  #free: number[] = [];

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity + 1);
    this.#priorities = new Int32Array(capacity + 1);
    this.#left = new Int32Array(capacity + 1);
    this.#right = new Int32Array(capacity + 1);
  }

  insert(key: number): void {
    const node = this.#free.pop() ?? ++this.#used;
    this.#keys[node] = key;
    this.#priorities[node] = Math.imul(node ^ (node >>> 15), 0x2c1b3c6d);
    this.#left[node] = 0;
    this.#right[node] = 0;
    this.#root = this.#insertInto(this.#root, node);
  }

  remove(key: number): void {
    this.#root = this.#removeFrom(this.#root, key);
  }

  #insertInto(root: number, node: number): number {
    if (root === 0) return node;
    const child = this.#keys[node] < this.#keys[root] ? this.#left : this.#right;
    child[root] = this.#insertInto(child[root], node);
    const under = child[root];
    if (this.#priorities[under] <= this.#priorities[root]) return root;
    const other = child === this.#left ? this.#right : this.#left;
    child[root] = other[under];
    other[under] = root;
    return under;
  }

  #removeFrom(root: number, key: number): number {
    if (root === 0) throw new Error(`${key} is not in the treap`);
    if (this.#keys[root] === key) {
      this.#free.push(root);
      return this.#join(this.#left[root], this.#right[root]);
    }
    const child = key < this.#keys[root] ? this.#left : this.#right;
    child[root] = this.#removeFrom(child[root], key);
    return root;
  }

  #join(low: number, high: number): number {
    if (low === 0) return high;
    if (high === 0) return low;
    if (this.#priorities[low] > this.#priorities[high]) {
      this.#right[low] = this.#join(this.#right[low], high);
      return low;
    }
    this.#left[high] = this.#join(low, this.#left[high]);
    return high;
  }
}

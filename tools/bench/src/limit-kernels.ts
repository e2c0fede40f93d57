import type { Kernel } from './bench-case.ts';

/**
 * Limit kernels: the least work that an operation of that kind could do on this machine, a handful of lines each.
 * Ratios to them stay comparable between machines, which absolute times do not.
 */

const MAGAZINE = 127;

/** L_pair: pop from a magazine, two u32 stores into a table, two clears, push. */
export function pairKernel(operations: number): Kernel {
  const magazine = new Int32Array(MAGAZINE + 1).map((_, i) => i * 2);
  const table = new Int32Array(2 * (MAGAZINE + 1) * 2);
  let top = MAGAZINE;
  return () => {
    let sum = 0;
    for (let i = 0; i < operations; i++) {
      const at = magazine[--top] | 0;
      table[at] = i;
      table[at + 1] = top;
      sum = (sum + table[at]) | 0;
      table[at] = 0;
      table[at + 1] = 0;
      magazine[top++] = at;
    }
    return sum;
  };
}

/** L_pte128K: 32 entries of two u32 written, then cleared. */
export function pteKernel(operations: number): Kernel {
  const table = new Int32Array(1024);
  return () => {
    let sum = 0;
    for (let i = 0; i < operations; i++) {
      const base = (i & 15) << 6;
      for (let e = 0; e < 64; e += 2) {
        table[base + e] = i + e;
        table[base + e + 1] = e;
      }
      sum = (sum + table[base + 62]) | 0;
      for (let e = 0; e < 64; e++) table[base + e] = 0;
    }
    return sum;
  };
}

/** L_hit: one tag compare and a frame load. */
export function hitKernel(operations: number): Kernel {
  const tags = new Int32Array(1024).map((_, i) => i);
  const frames = new Int32Array(1024).map((_, i) => i ^ 0x155);
  return () => {
    let sum = 0;
    for (let i = 0; i < operations; i++) {
      const page = (i * 7) & 1023;
      if (tags[page & 1023] === page) sum = (sum + frames[page]) | 0;
    }
    return sum;
  };
}

/** L_sqe: a 64-byte store and load, then a 16-byte completion. */
export function sqeKernel(operations: number): Kernel {
  const queue = new Int32Array(16 * 1024);
  return () => {
    let sum = 0;
    for (let i = 0; i < operations; i++) {
      const at = (i & 511) << 4;
      for (let w = 0; w < 16; w++) queue[at + w] = i + w;
      for (let w = 0; w < 16; w++) sum = (sum + queue[at + w]) | 0;
      const cqe = 8192 + ((i & 511) << 2);
      for (let w = 0; w < 4; w++) queue[cqe + w] = sum;
    }
    return sum;
  };
}

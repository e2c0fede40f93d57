import { expect, it } from 'vitest';
import { stripGuards } from './strip-guards.ts';

it.each([
  ['a statement', '  if (ring.on) ring.mapped(a, b);', ''],
  ['a private guard', '    if (this.#trace.on) this.#trace.iommuMap(f(x), 0);', ''],
  ['one of two', '  if (dev.ring.on || dev.observers !== 0) observe(dev);', ''],
  ['one among conditions', '  if (error === 0 && this.#trace.on) this.#trace.attached(1);', ''],
  ['a block', '  if (ring.on) {\n    ring.a();\n    ring.b();\n  }', ''],
  ['a statement on the next line', '  if (dev.debug !== null)\n    dev.debug.mappingError(dev, address);', ''],
  ['what runs while nobody looks', '  if (!ring.on) return memory;', '  return memory;'],
])('takes out %s', (_, guarded, left) => {
  const { source, guards } = stripGuards(`before();\n${guarded}\nafter();`);
  expect(source.split('\n').filter((line) => line !== '')).toEqual(['before();', left, 'after();'].filter(Boolean));
  expect(guards).toBe(1);
});

it.each(['  if (once(a) || b) ring.mapped(a);', '  ring.on = true;', '  if (a.only) b();'])('leaves %s', (line) => {
  expect(stripGuards(line)).toEqual({ source: line, guards: 0 });
});

it('refuses a guard that something else may open', () => {
  expect(() => stripGuards('  if (ring.on || isLast) finish();')).toThrow('ring.on || isLast');
  expect(() => stripGuards('if (ring.on) {\n  never ends')).toThrow('no end');
});

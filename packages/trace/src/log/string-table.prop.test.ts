import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { StringTable } from './string-table.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

test.prop([fc.array(fc.string({ unit: 'binary', maxLength: 6 }), { maxLength: 400 })])(
  'a string table numbers strings in order of first appearance, with a right guess, a wrong one or none',
  (texts) => {
    const table = new StringTable();
    const model = [...new Set(texts)];
    for (const [n, text] of texts.entries()) {
      const bytes = encodeUtf8(text);
      expect(table.internBytes(bytes, 0, bytes.length, n % 3 === 0 ? -1 : n % table.length || -1)).toBe(
        model.indexOf(text),
      );
    }
    expect(model.map((_, number) => table.get(number))).toEqual(model);
    expect(table.length).toBe(model.length);
  },
);

test.prop([fc.uint8Array({ maxLength: 40 })], { numRuns: 500 })('any bytes survive as text', (bytes) => {
  expect(encodeUtf8(decodeUtf8(bytes, 0, bytes.length))).toEqual(bytes);
});

test.prop([fc.string({ unit: 'binary' })])('text is encoded as UTF-8', (text) => {
  expect(encodeUtf8(text)).toEqual(new Uint8Array(new TextEncoder().encode(text)));
});

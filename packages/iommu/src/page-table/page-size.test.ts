import { expect, it } from 'vitest';
import { largestPageShift } from './page-size.ts';

const VTD = 2 ** 12 + 2 ** 21 + 2 ** 30;
const ALL = 2 ** 52 - 2 ** 12;

it.each([
  ['one page', VTD, 0x5000, 0x9000, 0x1000, 12],
  ['addresses that a large page divides', VTD, 2 ** 21, 2 ** 33, 2 ** 21, 21],
  ['one of them not', VTD, 2 ** 21, 2 ** 33 + 4096, 2 ** 21, 12],
  ['too little left', VTD, 2 ** 30, 2 ** 30, 2 ** 30 - 4096, 21],
  ['no size between', VTD, 2 ** 20, 2 ** 20, 2 ** 20, 12],
  ['both addresses 0', VTD, 0, 0, 2 ** 40, 30],
  ['bit 31', ALL, 2 ** 31, 0, 2 ** 32 - 4096, 31],
  ['above 32 bits', ALL, 2 ** 45, 2 ** 47, 2 ** 44, 44],
  ['above 32 bits, length between powers', ALL, 0, 2 ** 47, 2 ** 44 + 2 ** 33, 44],
  ['a size above 32 bits that is left out', ALL - 2 ** 39, 0, 0, 2 ** 39, 38],
  ['nothing that small', VTD, 0x800, 0, 4096, -1],
])('I151 takes the largest page that divides and fits: %s', (_, sizes, iova, phys, length, shift) => {
  expect(largestPageShift(sizes, iova, phys, length)).toBe(shift);
});

import { bits } from './bits.ts';

/** Bytes in an SGL descriptor (spec N143). */
export const SGL_DESCRIPTOR_BYTES = 16;

/** Last word of a descriptor; words 0 and 1 are the address, word 2 the length. */
export const SglWord3 = { RSVD: bits(23, 0), SUBTYPE: bits(27, 24), TYPE: bits(31, 28) } as const;

/** Descriptor types (spec N143). */
export const SglType = { DATA: 0, BIT_BUCKET: 1, SEGMENT: 2, LAST_SEGMENT: 3, KEYED: 4, TRANSPORT: 5 } as const;

/** SGLS of Identify Controller (spec N60, N152). */
export const Sgls = { SUPPORT: bits(1, 0), KEYED: bits(2, 2), EXCESS: bits(18, 18), METADATA: bits(19, 19) } as const;

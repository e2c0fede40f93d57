import { PAGE_SIZE } from '../address.ts';

/** The part of a range that lies in one page. */
export interface PagePiece {
  readonly at: number;
  readonly lengthBytes: number;
}

/** A range cut at page borders, ascending. */
export function* pagePieces(at: number, lengthBytes: number): Generator<PagePiece> {
  for (const end = at + lengthBytes; at < end; ) {
    const piece = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
    yield { at, lengthBytes: piece };
    at += piece;
  }
}

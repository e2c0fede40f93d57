/** What may happen to the pages of a 2 MiB block (spec P37). */
export const MigrateType = { UNMOVABLE: 0, MOVABLE: 1, RECLAIMABLE: 2, HIGHATOMIC: 3, CMA: 4, ISOLATE: 5 } as const;
export const MIGRATE_TYPES = 6;

/**
 * What all blocks are after boot. spec gap: P41 names no type. Nearly all requests of a DMA model are unmovable, and
 * starting there keeps an unflagged request in NORMAL: P39 would send it to lower zones before it mixes types.
 */
export const INITIAL_TYPE = MigrateType.UNMOVABLE;

const { UNMOVABLE, MOVABLE, RECLAIMABLE } = MigrateType;

/** Where to look when the own type has nothing, best first (spec P39). */
export const CLAIM_FROM: readonly (readonly number[])[] = [
  [RECLAIMABLE, MOVABLE], // unmovable
  [RECLAIMABLE, UNMOVABLE], // movable
  [UNMOVABLE, MOVABLE], // reclaimable
  [],
  [],
  [],
];

/** Unmovable, movable and reclaimable blocks may merge into one whatever their types (spec P40). */
export function isOrdinary(type: number): boolean {
  return type <= RECLAIMABLE;
}

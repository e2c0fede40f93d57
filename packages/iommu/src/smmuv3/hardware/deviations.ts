/**
 * Whose ways a unit has: the architecture's, or QEMU's where they differ (spec H60, H64, H71, H111, H122). QEMU takes every
 * request as privileged, reports a stream past its table's span as C_BAD_STE and a descriptor fetch in the third word,
 * raises an error instead of the overflow flag, ignores EL2 commands, and keeps two-level lookup until reset.
 */
export type SmmuDeviations = 'spec' | 'qemu';

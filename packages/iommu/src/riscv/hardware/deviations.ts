/**
 * Whose behaviour the model shows where they differ: the specification's, or QEMU 11.1's. QEMU fills `iotval2` of
 * first-stage faults, takes table entries with U, A, D or G set, and calls a first-stage mode that it lacks "not valid"
 * (spec H96, H107, H123).
 */
export type RiscvDeviations = 'spec' | 'qemu';

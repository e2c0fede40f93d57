/**
 * Whose behaviour where they differ: the specification's, or that of QEMU 11.1 (spec H39 to H41, H121). QEMU takes rights
 * from leaves alone, checks neither the size of the device table nor skipped levels, reads the device table at each miss,
 * starts every device in pass-through until its entry is invalidated, logs records of its own making, goes on after a bad
 * command, and drops what a domain has cached whole.
 */
export type AmdDeviations = 'spec' | 'qemu';

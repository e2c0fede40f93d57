/** The command gets no completion now: its completion comes later, or never. */
export const NO_COMPLETION = -1;

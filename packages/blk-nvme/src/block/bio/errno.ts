/** Negative errno values that the block layer returns (spec N10 to N13, N29). */
export const EINVAL = -22;
export const EAGAIN = -11;
export const EIO = -5;
export const ENODEV = -19;
export const ENOMEM = -12;
export const EBUSY = -16;

/** Negative errno values that the DMA API returns. */
export const EPERM = -1;
export const EIO = -5;
export const ENXIO = -6;
export const ENOMEM = -12;
export const EBUSY = -16;
export const ENODEV = -19;
export const EINVAL = -22;
export const EOPNOTSUPP = -95;
export const EREMOTEIO = -121;

/** Negative errno values that the peer-to-peer code returns. */
export const ENOMEM = -12;
export const ENODEV = -19;
export const EINVAL = -22;
export const EOPNOTSUPP = -95;

/** Negative errno values of the page-table calls (spec I153). */
export const ENXIO = -6;
export const ENOMEM = -12;
export const EINVAL = -22;
export const ERANGE = -34;
export const EOVERFLOW = -75;
export const EADDRINUSE = -98;

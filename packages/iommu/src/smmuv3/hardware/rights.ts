/** What a cached translation allows, and to whom; eight bits, so that rights fit beside it. */
export const USER_READ = 1;
export const USER_WRITE = 2;
export const PRIVILEGED_READ = 4;
export const PRIVILEGED_WRITE = 8;
export const USER_EXECUTE = 16;
export const PRIVILEGED_EXECUTE = 32;
/** The first write has to mark the page as dirty, so it comes back to the tables (spec H13b). */
export const CLEAN = 64;
/** Device memory: what no table may lie in when STE.S2PTW is set (spec H61). */
export const DEVICE_MEMORY = 128;

export const ANY_READ = USER_READ | PRIVILEGED_READ;
export const ANY_WRITE = USER_WRITE | PRIVILEGED_WRITE;
export const ANY_EXECUTE = USER_EXECUTE | PRIVILEGED_EXECUTE;
export const ALL_RIGHTS = ANY_READ | ANY_WRITE | ANY_EXECUTE;

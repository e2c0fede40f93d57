/** The bytes that the grammar of a trace line knows by name (spec D95, D96). */
export const NEWLINE = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const HASH = 35;
export const OPEN_PARENTHESIS = 40;
export const CLOSE_PARENTHESIS = 41;
export const COMMA = 44;
export const DASH = 45;
export const DOT = 46;
export const ZERO = 48;
export const COLON = 58;
export const OPEN_BRACKET = 91;
export const CLOSE_BRACKET = 93;
export const LOWER_X = 120;
export const OPEN_BRACE = 123;
export const CLOSE_BRACE = 125;

/** Value of each byte as a lower-case hex digit, -1 where it is none. */
export const HEX_DIGIT: Int8Array = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) HEX_DIGIT[digit < 10 ? ZERO + digit : 87 + digit] = digit;

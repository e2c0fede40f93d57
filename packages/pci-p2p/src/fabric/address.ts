import { PciFabricError } from './errors.ts';

/** device << 3 | function. */
export function devfn(device: number, fn = 0): number {
  return (device << 3) | fn;
}

/** bus << 8 | devfn: 16 bits, what goes on the wire as requester id (spec notation). */
export function requesterId(bus: number, functionNumber: number): number {
  return (bus << 8) | functionNumber;
}

/** `dddd:bb:dd.f`, as the kernel names a function. */
export function functionName(domain: number, rid: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  return `${hex(domain, 4)}:${hex(rid >>> 8, 2)}:${hex((rid >>> 3) & 31, 2)}.${rid & 7}`;
}

const FUNCTION_NAME = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{1,2}):([01]?[0-9a-f])\.([0-7])$/i;

/** Whether {@link parseFunctionName} takes it. */
export function isFunctionName(name: string): boolean {
  return FUNCTION_NAME.test(name);
}

/** Reads `dddd:bb:dd.f` or `bb:dd.f`; the domain is 0 where absent, and may have more digits (VMD). */
export function parseFunctionName(name: string): { readonly domain: number; readonly rid: number } {
  const parts = FUNCTION_NAME.exec(name);
  if (parts === null) throw new PciFabricError(`"${name}" is not a PCI address: write [dddd:]bb:dd.f in hex`);
  const [, domain = '0', bus, device, fn] = parts;
  const rid = requesterId(Number.parseInt(bus, 16), devfn(Number.parseInt(device, 16), Number(fn)));
  return { domain: Number.parseInt(domain, 16), rid };
}

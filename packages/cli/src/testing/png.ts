import { inflateSync } from 'node:zlib';

/** Pixels of a PNG with 8 bits a channel, as browsers write screenshots. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 3 or 4 bytes a pixel. */
  readonly channels: number;
  readonly pixels: Uint8Array;
}

/** Reads what Chromium writes: colour type 2 or 6, not interlaced (PNG, third edition, sections 5 and 9). */
export function readPng(file: Buffer): Picture {
  const data: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const length = file.readUInt32BE(at);
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(file.subarray(at + 8, at + 8 + length));
  }
  const [width, height, channels] = [file.readUInt32BE(16), file.readUInt32BE(20), file[25] === 6 ? 4 : 3];
  return { width, height, channels, pixels: unfilter(inflateSync(Buffer.concat(data)), width * channels, channels) };
}

/** Each row begins with the number of the filter that it went through. */
function unfilter(rows: Uint8Array, stride: number, channels: number): Uint8Array {
  const pixels = new Uint8Array((rows.length / (stride + 1)) * stride);
  for (let row = 0; row * stride < pixels.length; row++) {
    const filter = rows[row * (stride + 1)];
    for (let i = 0; i < stride; i++) {
      const at = row * stride + i;
      const left = i < channels ? 0 : pixels[at - channels];
      const up = row === 0 ? 0 : pixels[at - stride];
      const upLeft = row === 0 || i < channels ? 0 : pixels[at - stride - channels];
      pixels[at] = rows[row * (stride + 1) + 1 + i] + predict(filter, left, up, upLeft);
    }
  }
  return pixels;
}

function predict(filter: number, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, upLeft);
    default:
      return 0;
  }
}

function paeth(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const [toLeft, toUp, toUpLeft] = [left, up, upLeft].map((value) => Math.abs(estimate - value));
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}

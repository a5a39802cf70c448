/** Headers of formats that are nothing but frames, one after the other. */

/** A frame as its first bytes tell: its length, and what all frames of a stream have in common. */
export interface FrameHeader {
  readonly bytes: number;
  readonly kind: number;
}

export type ReadHeader = (bytes: Buffer, at: number) => FrameHeader | undefined;

/** Bytes that every header fits into. */
export const HEADER_BYTES = 10;

/** Kilobits a second by version (MPEG-1, then 2 and 2.5) and layer (I, II, III). */
const BIT_RATES = [
  [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ],
  [
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ],
];
const RATES = [44_100, 48_000, 32_000];

/** MPEG audio, layers I to III (ISO 11172-3, 13818-3). Frames of a free bit rate don't tell their length. */
const mpeg: ReadHeader = (b, at) => {
  if (b[at] !== 0xff || (b[at + 1] & 0xe0) !== 0xe0) return undefined;
  const version = (b[at + 1] >> 3) & 3;
  const layer = 4 - ((b[at + 1] >> 1) & 3);
  const [bitRate, rate] = [b[at + 2] >> 4, (b[at + 2] >> 2) & 3];
  if (version === 1 || layer === 4 || bitRate === 0 || bitRate === 15 || rate === 3) return undefined;
  const isFirst = version === 3;
  const hertz = RATES[rate] >> (isFirst ? 0 : version === 2 ? 1 : 2);
  const bits = 1000 * BIT_RATES[isFirst ? 0 : 1][layer - 1][bitRate];
  const padding = (b[at + 2] >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && !isFirst ? 576 : 1152;
  const bytes =
    layer === 1
      ? 4 * (Math.floor((12 * bits) / hertz) + padding)
      : Math.floor((samples * bits) / 8 / hertz) + padding;
  return { bytes, kind: hertz * 4 + layer };
};

/** AAC in ADTS frames (ISO 13818-7). */
const adts: ReadHeader = (b, at) => {
  if (b[at] !== 0xff || (b[at + 1] & 0xf6) !== 0xf0) return undefined;
  const rate = (b[at + 2] >> 2) & 15;
  const bytes = ((b[at + 3] & 3) << 11) | (b[at + 4] << 3) | (b[at + 5] >> 5);
  return rate < 13 && bytes > 7 ? { bytes, kind: rate } : undefined;
};

/** Kilobits a second of AC-3 (ATSC A/52). */
const AC3_BIT_RATES = [
  32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
const AC3_RATES = [48_000, 44_100, 32_000];
/** Greatest `bsid` of AC-3; from there on it is E-AC-3. */
const AC3_BSID = 10;

const ac3: ReadHeader = (b, at) => {
  if (b[at] !== 0x0b || b[at + 1] !== 0x77) return undefined;
  if (b[at + 5] >> 3 > AC3_BSID) return { bytes: 2 * ((((b[at + 2] & 7) << 8) | b[at + 3]) + 1), kind: 3 };
  const [rate, size] = [b[at + 4] >> 6, b[at + 4] & 63];
  if (rate === 3 || size >= 2 * AC3_BIT_RATES.length) return undefined;
  const words = Math.floor((1000 * AC3_BIT_RATES[size >> 1] * 1536) / 16 / AC3_RATES[rate]);
  return { bytes: 2 * (words + (rate === 1 ? size & 1 : 0)), kind: rate };
};

/** By ffmpeg's name of the format. */
export const FRAME_HEADERS: Readonly<Record<string, ReadHeader>> = { mp3: mpeg, aac: adts, ac3, eac3: ac3 };

/** Whether an MPEG header begins here whose frames don't tell their length: of a free bit rate. */
export function isFreeFormat(b: Buffer, at: number): boolean {
  const isHeader =
    b[at] === 0xff && (b[at + 1] & 0xe0) === 0xe0 && (b[at + 1] & 6) !== 0 && (b[at + 1] & 0x18) !== 8;
  return isHeader && b[at + 2] >> 4 === 0 && (b[at + 2] & 0x0c) !== 0x0c;
}

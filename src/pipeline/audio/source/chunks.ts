/** Files of samples that stand in a chunk with a length: WAV and its 64-bit kinds, Sony Wave64, AIFF, AU, CAF. */
import type { FileWindow } from './file-window.ts';

/** Where the samples stand, and what tells their length. */
export interface SampleChunk {
  readonly start: number;
  /** Where they end by the file's own word; `undefined` where it leaves that open in a way that decoders understand. */
  readonly end: number | undefined;
  /** Writes of `bytes` at `at` that make the file tell `length` bytes of samples. */
  readonly correct: (length: number) => readonly { readonly at: number; readonly bytes: Buffer }[];
}

/** Programs that write to a pipe put a length near the greatest one, which promises nothing. */
const NO_LENGTH = 0x7fff_0000;
/** More chunks than any file has before its sound. */
const MAX_CHUNKS = 1000;
const OPEN_64 = 0xffff_ffff_ffff_ffffn;
/** First half of Wave64's names of chunks, behind the four letters. */
const W64_NAME = 'f3acd3118cd100c04f8edb8a';

/** The samples of a file; `undefined` for other files, and where there are none. */
export async function sampleChunk(file: FileWindow): Promise<SampleChunk | undefined> {
  switch (await file.text(0, 4)) {
    case 'RIFF':
    case 'RF64':
    case 'BW64':
      return await waveChunk(file);
    case 'riff':
      return await w64Chunk(file);
    case 'FORM':
      return await aiffChunk(file);
    case '.snd':
      return await auChunk(file);
    case 'caff':
      return await cafChunk(file);
    default:
      return undefined;
  }
}

/** A length of 64 bits, which is 0 where it is open: decoders take that, or the greatest number, at its word. */
const knownLength = (length: bigint): number => (length > 1n << 62n ? 0 : Number(length));

const u32le = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  // Lengths that four bytes can't tell are left open.
  bytes.writeUInt32LE(value < NO_LENGTH ? value : 0xffff_ffff);
  return bytes;
};
const u32be = (value: number): Buffer => u32le(value).reverse() as Buffer;
const u64le = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

async function waveChunk(file: FileWindow): Promise<SampleChunk | undefined> {
  if ((await file.text(8, 4)) !== 'WAVE') return undefined;
  let long: { at: number; length: bigint } | undefined;
  for await (const { name, at, length } of riffChunks(file, 12)) {
    if (name === 'ds64') long = { at, length: (await file.bytes(at + 16, 8)).readBigUInt64LE() };
    if (name !== 'data') continue;
    const start = at + 8;
    const { length: told, at: longAt } = long ?? {};
    const isLong = told !== undefined && length >= NO_LENGTH;
    const bytes = isLong ? knownLength(told) : length;
    return {
      start,
      end: !isLong && length >= NO_LENGTH ? undefined : start + bytes,
      correct: (actual) =>
        longAt === undefined || length < NO_LENGTH
          ? [{ at: at + 4, bytes: u32le(actual) }]
          : [{ at: longAt + 16, bytes: u64le(actual) }],
    };
  }
  return undefined;
}

async function* riffChunks(file: FileWindow, from: number, bigEndian = false) {
  for (let at = from, i = 0; i < MAX_CHUNKS && at + 8 <= file.size; i++) {
    const head = await file.bytes(at, 8);
    const length = bigEndian ? head.readUInt32BE(4) : head.readUInt32LE(4);
    yield { name: head.toString('latin1', 0, 4), at, length };
    // Chunks begin at even places.
    at += 8 + length + (length % 2);
  }
}

async function w64Chunk(file: FileWindow): Promise<SampleChunk | undefined> {
  for (let at = 40, i = 0; i < MAX_CHUNKS && at + 24 <= file.size; i++) {
    const head = await file.bytes(at, 24);
    const length = head.readBigUInt64LE(16);
    const start = at + 24;
    if (head.toString('latin1', 0, 4) === 'data' && head.toString('hex', 4, 16) === W64_NAME) {
      const lengthAt = at + 16;
      return {
        start,
        end: at + Math.max(24, knownLength(length)),
        correct: (actual) => [{ at: lengthAt, bytes: u64le(actual + 24) }],
      };
    }
    if (length < 24n || length > BigInt(file.size)) return undefined;
    at += Math.ceil(Number(length) / 8) * 8;
  }
  return undefined;
}

async function aiffChunk(file: FileWindow): Promise<SampleChunk | undefined> {
  if (!/^AIF[FC]$/.test(await file.text(8, 4))) return undefined;
  let common: { at: number; frames: number; frameBytes: number } | undefined;
  for await (const { name, at, length } of riffChunks(file, 12, true)) {
    if (name === 'COMM') {
      const head = await file.bytes(at + 8, 8);
      const frames = head.readUInt32BE(2);
      common = {
        at: at + 10,
        frames,
        frameBytes: head.readUInt16BE(0) * Math.ceil(head.readUInt16BE(6) / 8) || 1,
      };
    }
    if (name !== 'SSND') continue;
    const start = at + 16;
    const end = length >= NO_LENGTH ? undefined : at + 8 + Math.max(8, length);
    // Decoders refuse so many frames, which tell nothing.
    const isOpen = (common?.frames ?? 0) >= NO_LENGTH && (end ?? 0) <= file.size;
    return {
      start,
      end: isOpen ? start : end,
      correct: (actual) => [
        { at: at + 4, bytes: u32be(actual + 8) },
        ...(common ? [{ at: common.at, bytes: u32be(Math.floor(actual / common.frameBytes)) }] : []),
      ],
    };
  }
  return undefined;
}

async function auChunk(file: FileWindow): Promise<SampleChunk | undefined> {
  const head = await file.bytes(0, 12);
  if (head.length < 12) return undefined;
  const [start, length] = [head.readUInt32BE(4), head.readUInt32BE(8)];
  return {
    start,
    end: length >= NO_LENGTH ? undefined : start + length,
    correct: (actual) => [{ at: 8, bytes: u32be(actual) }],
  };
}

async function cafChunk(file: FileWindow): Promise<SampleChunk | undefined> {
  for (let at = 8, i = 0; i < MAX_CHUNKS && at + 12 <= file.size; i++) {
    const head = await file.bytes(at, 12);
    const length = head.readBigUInt64BE(4);
    const lengthAt = at + 4;
    if (head.toString('latin1', 0, 4) === 'data') {
      return {
        // Four bytes count the edits.
        start: at + 16,
        end: length === OPEN_64 ? undefined : at + 12 + Number(length),
        correct: (actual) => [{ at: lengthAt, bytes: u64le(actual + 4).reverse() as Buffer }],
      };
    }
    if (length > BigInt(file.size)) return undefined;
    at += 12 + Number(length);
  }
  return undefined;
}

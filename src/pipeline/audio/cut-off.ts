import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of the longest Ogg page: its header, 255 lacing values, and as many segments of 255 bytes. */
const LONGEST_PAGE = 27 + 255 + 255 * 255;
const PAGE_HEADER = 27;
const LAST_PAGE = 0x04;
/** Programs that write to a pipe put a length near the greatest one, which promises nothing. */
const NO_LENGTH = 0x7fff_0000;
/** More chunks than any WAV file has before its sound. */
const MOST_CHUNKS = 1000;

/**
 * Whether a file of a format that ffmpeg reads up to wherever it ends lacks its end: a WAV file shorter than its `data`
 * chunk (RIFF), an Ogg file without the page that ends its last stream (RFC 3533).
 */
export async function isCutOff(path: string): Promise<boolean> {
  await using file = await open(path);
  const { size } = await file.stat();
  switch (await textAt(file, 0)) {
    case 'RIFF':
      return await isWaveCutOff(file, size);
    case 'OggS':
      return await isOggCutOff(file, size);
    default:
      return false;
  }
}

async function isWaveCutOff(file: FileHandle, size: number): Promise<boolean> {
  let at = 12;
  for (let chunk = 0; chunk < MOST_CHUNKS && at + 8 <= size; chunk++) {
    const length = (await bytesAt(file, at + 4, 4)).readUInt32LE();
    if ((await textAt(file, at)) === 'data') return length < NO_LENGTH && at + 8 + length > size;
    // Chunks begin at even places.
    at += 8 + length + (length % 2);
  }
  return false;
}

async function isOggCutOff(file: FileHandle, size: number): Promise<boolean> {
  const from = Math.max(0, size - LONGEST_PAGE);
  const tail = await bytesAt(file, from, size - from);
  let flags = 0;
  for (let at = tail.indexOf('OggS'); at >= 0 && tail.toString('latin1', at, at + 4) === 'OggS'; ) {
    if (at + PAGE_HEADER > tail.length) return true;
    const body = at + PAGE_HEADER + tail[at + 26];
    const end = tail.subarray(at + PAGE_HEADER, body).reduce((sum, length) => sum + length, body);
    if (end > tail.length) return true;
    flags = tail[at + 5];
    at = end;
  }
  return (flags & LAST_PAGE) === 0;
}

const textAt = async (file: FileHandle, at: number) => (await bytesAt(file, at, 4)).toString('latin1');

/** Zeros stand for what lies behind the file's end. */
async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, at);
  return bytes;
}

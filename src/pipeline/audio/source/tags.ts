/** Tags that stand beside the frames of mp3, aac and ac3 files. */
import type { FileWindow } from './file-window.ts';

const ID3V1_BYTES = 128;
const APE_BYTES = 32;
/** Lyrics3 v2 ends with the length of what is before it, in six digits, and `LYRICS200`. */
const LYRICS_END = 15;
/** Lyrics3 v1 tells no length, and is no longer than this. */
const MAX_LYRICS_BYTES = 5200;
const ZERO_BLOCK = 4096;

/** ID3v2.2 to v2.4. */
const isId3Version = (major = 0): boolean => major >= 2 && major <= 4;

/** Bytes of the tag that begins at `at`; 0 where there is none. */
export async function tagAt(file: FileWindow, at: number): Promise<number> {
  const head = await file.bytes(at, APE_BYTES);
  const text = head.toString('latin1');
  if (text.startsWith('ID3') && isId3Version(head[3]) && head.length >= 10) {
    // Seven bits a byte; a footer repeats the ten bytes of the header.
    const body = head.subarray(6, 10).reduce((sum, byte) => sum * 128 + (byte & 127), 0);
    return 10 + body + (head[5] & 0x10 ? 10 : 0);
  }
  if (text.startsWith('APETAGEX') && head.length === APE_BYTES) return APE_BYTES + head.readUInt32LE(12);
  if (text.startsWith('LYRICSBEGIN')) {
    const rest = await file.text(at, 1 << 18);
    const end = /LYRICS200|LYRICSEND/.exec(rest);
    return end ? end.index + 9 : 0;
  }
  // An ID3v1 tag in the middle: of a file that was joined from several.
  return text.startsWith('TAG') ? ID3V1_BYTES : 0;
}

/** Where the sound ends and tags or zeros begin that reach to the file's end. */
export async function endOfSound(file: FileWindow): Promise<number> {
  let end = file.size;
  for (;;) {
    const before = await withoutTag(file, await withoutZeros(file, end));
    if (before === end) return end;
    end = before;
  }
}

async function withoutTag(file: FileWindow, end: number): Promise<number> {
  if (end >= ID3V1_BYTES && (await file.text(end - ID3V1_BYTES, 3)) === 'TAG') return end - ID3V1_BYTES;
  if (end < APE_BYTES) return end;
  const footer = await file.bytes(end - APE_BYTES, APE_BYTES);
  const text = footer.toString('latin1');
  if (text.startsWith('APETAGEX')) {
    // The length counts the footer, and not the header that the highest bit tells of.
    const hasHeader = (footer.readUInt32LE(20) & 0x8000_0000) !== 0;
    return Math.max(0, end - footer.readUInt32LE(12) - (hasHeader ? APE_BYTES : 0));
  }
  if (text.endsWith('LYRICS200')) return Math.max(0, end - LYRICS_END - Number(text.slice(-LYRICS_END, -9)));
  if (text.endsWith('LYRICSEND')) {
    const from = Math.max(0, end - MAX_LYRICS_BYTES);
    const begin = (await file.text(from, end - from)).lastIndexOf('LYRICSBEGIN');
    return begin < 0 ? end : from + begin;
  }
  if (text.slice(-10).startsWith('3DI') && isId3Version(footer.at(-7))) {
    const body = footer.subarray(-4).reduce((sum, byte) => sum * 128 + (byte & 127), 0);
    return Math.max(0, end - body - 20);
  }
  return end;
}

async function withoutZeros(file: FileWindow, end: number): Promise<number> {
  for (let at = end; at > 0; ) {
    const from = Math.max(0, at - ZERO_BLOCK);
    const last = (await file.bytes(from, at - from)).findLastIndex((byte) => byte !== 0);
    if (last >= 0) return from + last + 1;
    at = from;
  }
  return 0;
}

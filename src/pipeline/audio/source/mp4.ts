import type { FileWindow } from './file-window.ts';

/** Boxes that are looked into. */
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'edts']);
const MAX_BOXES = 10_000;

/** A box of an MP4 file: where its content begins and ends. */
interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Time at which the first track of sound ends by its edit list, in seconds from the movie's beginning; `undefined` where
 * there is no such list (ISO 14496-12).
 */
export async function editEnd(file: FileWindow): Promise<number | undefined> {
  if ((await file.text(4, 4)) !== 'ftyp') return undefined;
  let timescale = 0;
  let edits: number | undefined;
  for await (const { type, start, end } of boxes(file, 0, file.size)) {
    if (type === 'trak') edits = undefined;
    if (type === 'mvhd') {
      const isLong = (await file.bytes(start, 1))[0] === 1;
      timescale = (await file.bytes(start + (isLong ? 20 : 12), 4)).readUInt32BE();
    }
    if (type === 'elst') edits = await durationOf(file, start, end);
    if (type === 'hdlr' && edits !== undefined && timescale > 0) {
      if ((await file.text(start + 8, 4)) === 'soun') return edits / timescale;
    }
  }
  return undefined;
}

async function* boxes(file: FileWindow, from: number, to: number, depth = 0): AsyncGenerator<Box> {
  for (let at = from, i = 0; i < MAX_BOXES && at + 8 <= to; i++) {
    const head = await file.bytes(at, 16);
    const short = head.readUInt32BE(0);
    const type = head.toString('latin1', 4, 8);
    const isLong = short === 1 && head.length === 16;
    const length = short === 0 ? to - at : isLong ? Number(head.readBigUInt64BE(8)) : short;
    const start = at + (isLong ? 16 : 8);
    const end = at + length;
    if (end < start || end > to) return;
    yield { type, start, end };
    if (CONTAINERS.has(type) && depth < CONTAINERS.size) yield* boxes(file, start, end, depth + 1);
    at = end;
  }
}

/** Sum of the edits, empty ones included, in the movie's units; `undefined` where one has no end of its own. */
async function durationOf(file: FileWindow, start: number, end: number): Promise<number | undefined> {
  const bytes = Buffer.from(await file.bytes(start, Math.min(end - start, 1 << 16)));
  if (bytes.length < 8) return undefined;
  const isLong = bytes[0] === 1;
  const [count, size] = [bytes.readUInt32BE(4), isLong ? 20 : 12];
  let sum = 0;
  for (let i = 0, at = 8; i < count; i++, at += size) {
    if (at + size > bytes.length) return undefined;
    const duration = isLong ? Number(bytes.readBigUInt64BE(at)) : bytes.readUInt32BE(at);
    if (duration === 0) return undefined;
    sum += duration;
  }
  return sum > 0 ? sum : undefined;
}

import type { FileWindow } from './file-window.ts';
import { HEADER_BYTES, type ReadHeader } from './frame-headers.ts';
import { endOfSound, tagAt } from './tags.ts';

/** What a file of frames consists of. */
export interface FrameScan {
  /** Most frames that follow one another without anything between. */
  readonly longestRun: number;
  /** Share of the file's bytes, without tags and zeros, that are frames. */
  readonly share: number;
  /** Whether it is frames, tags and padding from beginning to end. */
  readonly isWhole: boolean;
  /** Whether the file ends within a frame. */
  readonly isCut: boolean;
  /** Where the last frame ends. */
  readonly end: number;
}

/** Looks through a file of frames. */
export async function scanFrames(file: FileWindow, readHeader: ReadHeader): Promise<FrameScan> {
  const end = await endOfSound(file);
  let [frames, junk, run, longestRun] = [0, 0, 0, 0];
  let isCut = false;
  let last = 0;
  /** What every frame begins with. */
  let sync = -1;
  let at = 0;
  while (at < end) {
    const tag = await tagAt(file, at);
    if (tag > 0) {
      at += tag;
      continue;
    }
    const header = await frameAt(file, readHeader, at, end, run > 0);
    if (header) {
      frames += Math.min(header, end - at);
      // Zeros at the end may belong to the last frame.
      isCut = at + header > file.size;
      sync = (await file.bytes(at, 1))[0];
      at += header;
      last = at;
      longestRun = Math.max(longestRun, ++run);
      continue;
    }
    // Too short for a header: the file ends within one.
    if (run > 0 && end - at < HEADER_BYTES && (await file.bytes(at, 1))[0] === sync) isCut = true;
    run = 0;
    const [skipped, values] = await toNextFrame(file, readHeader, at, end);
    junk += values;
    at += skipped;
  }
  return {
    longestRun,
    share: frames / Math.max(1, frames + junk),
    isWhole: junk === 0 && !isCut,
    isCut,
    end: Math.min(last, file.size),
  };
}

/**
 * Bytes of the frame at `at`; 0 where there is none. Headers are short, and other data looks like them: one that doesn't
 * continue a run counts only where another of its kind follows, or the end.
 */
async function frameAt(
  file: FileWindow,
  readHeader: ReadHeader,
  at: number,
  end: number,
  continues: boolean,
): Promise<number> {
  const header = readHeader(await file.bytes(at, HEADER_BYTES), 0);
  if (!header) return 0;
  const next = at + header.bytes;
  if (continues || next >= end) return header.bytes;
  const follower = readHeader(await file.bytes(next, HEADER_BYTES), 0);
  return follower?.kind === header.kind ? header.bytes : 0;
}

const STEP = 65_536;

/** Bytes to the next frame or tag, or to the end, and how many of them are not zero. */
async function toNextFrame(
  file: FileWindow,
  readHeader: ReadHeader,
  from: number,
  end: number,
): Promise<readonly [skipped: number, values: number]> {
  let values = 0;
  for (let at = from; at < end; at += STEP) {
    // The next lines read elsewhere, which moves the window.
    const bytes = Buffer.from(await file.bytes(at, STEP + HEADER_BYTES));
    for (let i = 0; i < Math.min(STEP, end - at); i++) {
      const here = at + i;
      const isNew = here > from;
      if (isNew && readHeader(bytes, i) && (await frameAt(file, readHeader, here, end, false)))
        return [here - from, values];
      if (isNew && bytes[i] === 0x49 && (await tagAt(file, here)) > 0) return [here - from, values];
      if (bytes[i] !== 0) values++;
    }
  }
  return [end - from, values];
}

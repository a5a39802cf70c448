import type { TimeRules } from './formats.ts';
import { FRAME_BYTES, SAMPLE_RATE } from './song.ts';

/** A stretch of decoded sound: the time that the file gives its beginning, in seconds, and its length in frames. */
export interface Stretch {
  readonly time?: number;
  readonly frames: number;
}

/** Times differ by so many seconds without a hole: some containers round them, and encoders estimate them. */
const TOLERANCE = 0.1;
const SILENCE = Buffer.alloc(8192 * FRAME_BYTES);

/** Where the stretches of a file go: on its own time line, as far as that makes sense. */
export class Timeline {
  /** Whether times were met that make none: they went back, or on beyond all bounds. */
  isIrregular = false;

  readonly #rules: TimeRules | undefined;
  readonly #end: number;
  /** What is added to the file's times, in seconds. */
  #shift = 0;

  /** `rules`: absent for a file without times; `end`: the greatest time that makes sense in the song, in seconds. */
  constructor(rules: TimeRules | undefined, end: number) {
    this.#rules = rules;
    this.#end = end;
    this.#shift = -(rules?.origin ?? 0);
  }

  /** Frames of silence that belong between the first `position` frames and a stretch that begins at `time`. */
  silenceBefore(time: number | undefined, position: number): number {
    if (!this.#rules || time === undefined) return 0;
    const begin = time + this.#shift;
    const hole = begin - position / SAMPLE_RATE;
    const isExact = position === 0 && hole > 0;
    if (!isExact && Math.abs(hole) <= TOLERANCE) return 0;
    if (hole > 0 && hole <= this.#rules.longestHole && begin <= this.#end)
      return Math.round(hole * SAMPLE_RATE);
    // Nothing is lost, and nothing added: the sound goes on, and the times from here on count anew.
    this.#shift -= hole;
    this.isIrregular ||= position > 0;
    return 0;
  }
}

/**
 * Decoded sound on its time line: silence where the file has none.
 *
 * @param pcm Samples of all stretches, one after the other.
 * @param stretches What they are; what comes behind the last of them is passed on.
 */
export async function* onTimeline(
  pcm: AsyncIterable<Buffer>,
  stretches: AsyncIterable<Stretch>,
  timeline: Timeline,
): AsyncGenerator<Buffer> {
  const pieces = pcm[Symbol.asyncIterator]();
  let piece: Buffer = Buffer.alloc(0);
  let position = 0;
  for await (const { time, frames } of stretches) {
    const silence = timeline.silenceBefore(time, position);
    for (let left = silence * FRAME_BYTES; left > 0; left -= SILENCE.length)
      yield left < SILENCE.length ? SILENCE.subarray(0, left) : SILENCE;
    for (let left = frames * FRAME_BYTES; left > 0; ) {
      if (piece.length === 0) {
        const next = await pieces.next();
        if (next.done) return;
        piece = next.value;
      }
      const taken = piece.subarray(0, left);
      piece = piece.subarray(taken.length);
      left -= taken.length;
      yield taken;
    }
    position += silence + frames;
  }
  if (piece.length > 0) yield piece;
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
}

/** The stretches that ffmpeg's `framecrc` format tells: `stream, dts, pts, frames, bytes, checksum` in each line. */
export async function* stretchesIn(lines: AsyncIterable<Buffer>): AsyncGenerator<Stretch> {
  let rest = '';
  for await (const text of lines) {
    const whole = (rest + text.toString('latin1')).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) {
      if (line.startsWith('#') || !line) continue;
      const [, , pts, frames] = line.split(',').map(Number);
      // The least integer stands for no time at all.
      const time = Number.isFinite(pts) && pts > -(2 ** 62) ? pts / SAMPLE_RATE : undefined;
      if (frames > 0) yield { time, frames };
    }
  }
}

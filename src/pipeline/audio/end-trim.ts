import { FRAME_BYTES, SAMPLE_RATE } from './song.ts';

/** Seconds that an encoder puts behind the sound at most; a container that would cut more is wrong about its end. */
const MAX_PADDING = 0.25;

/**
 * Cuts sound at `endTime` seconds, where the container says that it ends: the padding behind that is the encoder's. What
 * goes on far beyond is passed whole.
 */
export async function* trimEnd(
  pieces: AsyncIterable<Buffer>,
  endTime: number | undefined,
): AsyncGenerator<Buffer> {
  if (endTime === undefined) return yield* pieces;
  const end = Math.round(endTime * SAMPLE_RATE) * FRAME_BYTES;
  let at = 0;
  let held: Buffer[] | undefined = [];
  for await (const piece of pieces) {
    const inside = Math.max(0, Math.min(piece.length, end - at));
    at += piece.length;
    if (inside > 0) yield piece.subarray(0, inside);
    if (inside === piece.length) continue;
    if (!held) {
      yield piece;
      continue;
    }
    held.push(piece.subarray(inside));
    if (at - end <= MAX_PADDING * SAMPLE_RATE * FRAME_BYTES) continue;
    yield* held;
    held = undefined;
  }
}

import { describe, expect, it } from 'vitest';
import { trimEnd } from '../../../src/pipeline/audio/end-trim.ts';
import { timeRules } from '../../../src/pipeline/audio/formats.ts';
import { FRAME_BYTES, SAMPLE_RATE } from '../../../src/pipeline/audio/song.ts';
import { onTimeline, type Stretch, stretchesIn, Timeline } from '../../../src/pipeline/audio/timeline.ts';

const FRAMES = 4410;
const SECONDS = FRAMES / SAMPLE_RATE;
/** Stretches of a tenth of a second that begin at `times`. */
const stretches = (times: readonly (number | undefined)[]): Stretch[] =>
  times.map((time) => ({ time, frames: FRAMES }));

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

/** Which tenths of a second sound. */
async function heard(format: string, times: readonly (number | undefined)[], start = 0, end = 3600) {
  const pieces: Buffer[] = [];
  const pcm = Buffer.from(new Float32Array(2 * FRAMES * times.length).fill(1).buffer);
  const parts = Array.from({ length: 7 }, (_, i) =>
    pcm.subarray(Math.ceil((i * pcm.length) / 7), Math.ceil(((i + 1) * pcm.length) / 7)),
  );
  const timeline = new Timeline(timeRules(format, start), end);
  for await (const piece of onTimeline(each(parts), each(stretches(times)), timeline)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return Array.from({ length: bytes.length / FRAME_BYTES / FRAMES }, (_, i) =>
    bytes.readFloatLE((i + 0.5) * FRAMES * FRAME_BYTES) === 1 ? '#' : '.',
  ).join('');
}

describe("a song's time line", () => {
  it.each<[string, string, (number | undefined)[], number, string]>([
    ['sound that begins at once', 'mov,mp4', [0, 0.1, 0.2], 0, '###'],
    ['sound that begins late', 'mov,mp4', [0.3, 0.4], 0.3, '...##'],
    ['the same in a container whose times have a beginning of their own', 'mpegts', [1.7, 1.8], 1.7, '##'],
    ['sound behind the picture there', 'mpegts', [1.7, 1.8], 1.4, '...##'],
    ['a hole', 'ogg', [0, 0.1, 0.6, 0.7], 0, '##....##'],
    ['several holes', 'matroska,webm', [0, 0.4, 0.5, 1], 0, '#...##....#'],
    ['times that are rounded', 'flv', [0.001, 0.099, 0.202, 0.299], 0, '####'],
    ['times that go back', 'mpegts', [5, 5.1, 5, 5.1, 5.2], 5, '#####'],
    ['a hole behind times that went back', 'mpegts', [5, 5.1, 5, 5.1, 5.5], 5, '####...#'],
    ['a joint of two transport streams', 'mpegts', [5, 5.1, 90, 90.1], 5, '####'],
    ['times far beyond the song', 'ogg', [0, 9999, 9999.1], 0, '###'],
    ['a beginning before zero', 'mov,mp4', [-0.3, -0.2, -0.1], -0.3, '###'],
    ["a recording with a clock's times", 'matroska,webm', [50_000, 50_000.1], 50_000, '##'],
    ['unknown times', 'ogg', [undefined, undefined, 0.2], 0, '###'],
    ['a format without times of its own', 'mp3', [7, 9], 7, '##'],
  ])('%s', async (_, format, times, start, picture) => {
    expect(await heard(format, times, start)).toBe(picture);
  });

  it('begins to the sample', () => {
    const timeline = new Timeline(timeRules('mov', 0.01), 60);
    expect(timeline.silenceBefore(0.01, 0)).toBe(441);
  });

  it('passes on what comes behind the last stretch', async () => {
    const pieces: Buffer[] = [];
    const timeline = new Timeline(undefined, 60);
    for await (const piece of onTimeline(
      each([Buffer.alloc(80), Buffer.alloc(16)]),
      each([{ frames: 2 }]),
      timeline,
    ))
      pieces.push(piece);
    expect(Buffer.concat(pieces)).toHaveLength(96);
  });

  it("reads ffmpeg's lines, however they are cut", async () => {
    const text =
      '#tb 0: 1/44100\n0, 0, 0, 4410, 8820, 0x1\n0,4410,4410,10,20,0x2\n0, -9223372036854775808, -9223372036854775808, 5, 10, 0x0\n';
    const pieces = [text.slice(0, 20), text.slice(20, 37), text.slice(37)].map((part) => Buffer.from(part));
    const found: Stretch[] = [];
    for await (const stretch of stretchesIn(each(pieces))) found.push(stretch);
    expect(found).toEqual([
      { time: 0, frames: FRAMES },
      { time: SECONDS, frames: 10 },
      { time: undefined, frames: 5 },
    ]);
  });
});

describe('what a container cuts from the end', () => {
  const trimmed = async (seconds: number, endTime?: number) => {
    const pieces = Array.from({ length: 50 }, () =>
      Buffer.alloc(Math.round((seconds * SAMPLE_RATE) / 50) * FRAME_BYTES),
    );
    let bytes = 0;
    for await (const piece of trimEnd(each(pieces), endTime)) bytes += piece.length;
    return bytes / FRAME_BYTES / SAMPLE_RATE;
  };

  it('is cut, to the sample', async () => {
    expect(await trimmed(2, 1.9)).toBeCloseTo(1.9, 5);
    expect(await trimmed(2, 2.5)).toBe(2);
    expect(await trimmed(2)).toBe(2);
  });

  it('is not believed where much more sound follows', async () => {
    expect(await trimmed(2, 1)).toBe(2);
  });
});

import { expect, it } from 'vitest';
import { SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { ComplementSeparator } from '../../../src/pipeline/separation/complement.ts';
import type { Separator } from '../../../src/pipeline/separation/separator.ts';

const STRIDE = 100;
const song = new SongBuffer(
  Float32Array.from({ length: 250 }, (_, i) => i / 250),
  Float32Array.from({ length: 250 }, (_, i) => -i / 250),
);

/** Half of the song is one stem, a quarter the other; notes what it was asked for. */
function standIn(asked: string[][]): Separator {
  const shares: Record<string, number> = { vocals: 0.5, drums: 0.25 };
  return {
    stems: Object.keys(shares),
    strideFrames: STRIDE,
    async *separate(song, { stems, first, end }) {
      asked.push([...stems]);
      for (let index = first; index < end && index * STRIDE < song.frames; index++) {
        const start = index * STRIDE;
        const [left, right] = song.read(start, Math.min(STRIDE, song.frames - start));
        const part = (share: number) => [left.map((x) => x * share), right.map((x) => x * share)] as const;
        const given = Object.fromEntries(stems.map((stem) => [stem, part(shares[stem])]));
        yield { index, start, length: left.length, stems: given };
      }
    },
    close: async () => {},
  };
}

it('a complement is the song without its stem, and asks the separator for no other stem', async () => {
  const asked: string[][] = [];
  const separator = new ComplementSeparator(standIn(asked));
  expect(separator.stems).toEqual(['vocals', 'drums', 'no_vocals', 'no_drums']);
  const range = { stems: ['no_vocals', 'vocals'], first: 1, end: 9 };
  let frames = 0;
  for await (const { start, length, stems } of separator.separate(song, range)) {
    expect(Object.keys(stems)).toEqual(range.stems);
    const mix = song.read(start, length);
    for (const channel of [0, 1])
      for (let i = 0; i < length; i++) {
        expect(stems.vocals[channel][i]).toBeCloseTo(mix[channel][i] / 2, 6);
        expect(stems.no_vocals[channel][i] + stems.vocals[channel][i]).toBeCloseTo(mix[channel][i], 6);
      }
    frames += length;
  }
  expect(frames).toBe(150);
  expect(asked).toEqual([['vocals']]);
});

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { SAMPLE_RATE } from '../../src/pipeline/audio/song.ts';
import { AudioFolder, samplesOf } from '../support/audio.ts';

const LIMITS = { maxDurationSeconds: 60, timeoutMs: 30_000 };
/** Two clicks of a tenth of a second, at 0.2 s and 1.2 s, in two seconds. */
const CLICKS = "aevalsrc='0.5*sin(2*PI*440*t)*between(mod(t,1),0.2,0.3)':s=44100:d=2";
const LATE = ['-af', 'asetpts=PTS+0.7/TB'];
const HOLE = ['-af', "asetpts='PTS+gte(T,1)*3/TB'"];
const PICTURES = ['-filter_complex', 'testsrc=s=64x48:r=10:d=4[v]', '-map', '[v]', '-map', '0:a'];

const folder = new AudioFolder();
afterAll(() => folder.remove());

/** When the clicks of a file begin, and its length, in seconds. */
async function clicks(source: string) {
  const { frames, damaged } = await decode(source, folder.at('song.f32'), LIMITS);
  const samples = samplesOf(folder.at('song.f32'));
  const starts: number[] = [];
  let silent = SAMPLE_RATE;
  for (let i = 0; i < samples.length; i += 2) {
    if (Math.abs(samples[i]) < 0.1) silent++;
    else {
      if (silent > SAMPLE_RATE / 4) starts.push(i / 2 / SAMPLE_RATE);
      silent = 0;
    }
  }
  return { starts, seconds: frames / SAMPLE_RATE, damaged };
}

/** What encoders put before and behind the sound without a word, and what containers round. */
const near = (seconds: number) => expect.closeTo(seconds, 1);

describe("time in the result is the file's own", () => {
  it.each<[string, readonly string[]]>([
    ['late.m4a', [...LATE, '-c:a', 'aac']],
    ['late.mka', [...LATE, '-c:a', 'flac']],
    ['late.webm', [...LATE, '-c:a', 'libopus']],
    ['late-picture.mp4', [...PICTURES, ...LATE, '-c:v', 'mpeg4', '-c:a', 'aac']],
    ['late-picture.ts', [...PICTURES, ...LATE, '-c:v', 'mpeg2video', '-c:a', 'mp2']],
    ['late-picture.flv', [...PICTURES, ...LATE, '-c:v', 'flv', '-c:a', 'aac']],
  ])('%s begins late', async (name, output) => {
    const { starts, seconds } = await clicks(folder.make(name, CLICKS, output));
    expect(starts).toEqual([near(0.9), near(1.9)]);
    expect(seconds).toBeCloseTo(2.7, 1);
  });

  it.each<[string, readonly string[]]>([
    ['hole.ogg', [...HOLE, '-c:a', 'libopus']],
    ['hole.m4a', [...HOLE, '-c:a', 'aac']],
    ['hole.mka', [...HOLE, '-c:a', 'flac']],
    ['hole.flv', [...HOLE, '-c:a', 'aac']],
    ['hole.ts', [...HOLE, '-c:a', 'mp2']],
  ])('%s has silence in its hole', async (name, output) => {
    const { starts, seconds, damaged } = await clicks(folder.make(name, CLICKS, output));
    expect({ starts, damaged }).toEqual({ starts: [near(0.2), near(4.2)], damaged: false });
    expect(seconds).toBeCloseTo(5, 1);
  });

  it.each<[string, readonly string[]]>([
    ['plain.m4a', ['-c:a', 'aac']],
    ['plain.mka', ['-c:a', 'aac']],
    ['plain.flv', ['-c:a', 'mp3']],
    ['plain.avi', ['-c:a', 'pcm_s16le']],
    ['plain.ts', ['-c:a', 'aac']],
    ['from-100.ogg', ['-c:a', 'libopus', '-output_ts_offset', '100']],
    ['from-5000.ts', ['-c:a', 'aac', '-output_ts_offset', '5000']],
  ])('%s has neither, however it counts', async (name, output) => {
    const { starts, seconds, damaged } = await clicks(folder.make(name, CLICKS, output));
    expect({ starts, damaged }).toEqual({ starts: [near(0.2), near(1.2)], damaged: false });
    expect(seconds).toBeCloseTo(2, 1);
  });

  it('joined transport streams follow one another, though their times go back', async () => {
    const bytes = readFileSync(folder.make('one.ts', CLICKS, ['-c:a', 'mp2']));
    const { starts } = await clicks(folder.write('joined.ts', Buffer.concat([bytes, bytes])));
    expect(starts).toEqual([near(0.2), near(1.2), near(2.2), near(3.2)]);
  });

  it('an edit list ends the sound to the sample', async () => {
    const source = folder.make('edit.m4a', CLICKS, ['-t', '1.234', '-c:a', 'aac']);
    expect((await decode(source, folder.at('song.f32'), LIMITS)).frames).toBe(
      Math.round(1.234 * SAMPLE_RATE),
    );
  });
});

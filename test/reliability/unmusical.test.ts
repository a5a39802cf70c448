import { describe, expect, it } from 'vitest';
import { noise } from '../../scripts/synth/instruments.ts';
import { SAMPLE_RATE, SongBuffer } from '../../src/pipeline/audio/song.ts';
import { assembleJams } from '../../src/pipeline/jams/assemble.ts';
import { validateJams } from '../../src/pipeline/jams/validate.ts';
import { analyse } from '../../src/pipeline/mir/analyse.ts';

const SECONDS = 20;
const mono = (at: (index: number) => number) =>
  Float32Array.from({ length: SECONDS * SAMPLE_RATE }, (_, i) => at(i));
const fullScaleNoise = (seed: number) => mono(noise(seed));
const square = noise(5);

describe('13. Silence, a constant, full-scale noise, a single click -> valid JAMS, low or null confidence, no NaN, no invented tempo', () => {
  it.each([
    ['silence', new SongBuffer(mono(() => 0))],
    ['numbers too small to tell from silence', new SongBuffer(mono(() => 1e-40))],
    ['a constant', new SongBuffer(mono(() => 1))],
    ['full-scale noise', new SongBuffer(fullScaleNoise(1))],
    ['full-scale noise, each side its own', new SongBuffer(fullScaleNoise(2), fullScaleNoise(3))],
    ['full-scale noise of two values', new SongBuffer(mono(() => Math.sign(square())))],
    ['a single click', new SongBuffer(mono((i) => (i === 7 * SAMPLE_RATE ? 1 : 0)))],
    ['a click at the very beginning', new SongBuffer(mono((i) => (i === 0 ? 1 : 0)))],
    ['a click at the very end', new SongBuffer(mono((i) => (i === SECONDS * SAMPLE_RATE - 1 ? 1 : 0)))],
    [
      'a click as loud as a decoded song can have',
      new SongBuffer(mono((i) => (i === 7 * SAMPLE_RATE ? 16 : 0))),
    ],
  ])('%s', (_, song) => {
    const analysis = analyse(song);
    const jams = assembleJams({
      analysis,
      chordSource: 'mix',
      title: '',
      identifiers: {},
      tool: { name: 't', version: '1' },
      separation: {},
    });
    validateJams(jams);
    // JSON would turn NaN and infinity into null.
    JSON.stringify({ analysis, jams }, (key, value) => {
      if (typeof value === 'number') expect(value, key).toSatisfy(Number.isFinite);
      return value;
    });
    const observations = (namespace: string) =>
      jams.annotations.find((annotation) => annotation.namespace === namespace)!.data;
    for (const namespace of ['tempo', 'beat', 'beat_position']) expect(observations(namespace)).toEqual([]);
    expect(observations('key_mode')).toMatchObject([{ value: 'N', confidence: null }]);
    expect(observations('chord')).toMatchObject([{ time: 0, duration: SECONDS, value: 'N' }]);
    expect(jams.sandbox).toMatchObject({ tuning_frequency: null, tuning_confidence: null });
  });
});

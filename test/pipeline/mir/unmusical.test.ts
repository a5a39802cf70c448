import { describe, expect, it } from 'vitest';
import { noise } from '../../../scripts/synth/instruments.ts';
import { SAMPLE_RATE, SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';

const signal = (seconds: number, at: (time: number, index: number) => number) =>
  new SongBuffer(
    Float32Array.from({ length: Math.round(seconds * SAMPLE_RATE) }, (_, i) => at(i / SAMPLE_RATE, i)),
  );
const random = noise(1);
const sine = (hz: number, t: number) => 0.5 * Math.sin(2 * Math.PI * hz * t);

describe('what is not music', () => {
  it.each([
    ['silence', signal(12, () => 0)],
    ['noise', signal(12, () => 0.3 * random())],
    ['a constant', signal(12, () => 0.5)],
    ['a single tone', signal(12, (t) => sine(440, t))],
    ['a mains hum', signal(12, (t) => 0.4 * sine(50, t) + 0.001 * random())],
    ['a single click', signal(12, (_, i) => (i === SAMPLE_RATE ? 1 : 0))],
    ['a sweep', signal(12, (t) => sine(100 + 50 * t, t))],
    ['a blink of a sound', signal(0.05, (t) => sine(330, t))],
    ['one sample', signal(1 / SAMPLE_RATE, () => 0.3)],
    ['no sample', signal(0, () => 0)],
  ])('%s has neither tempo nor key, and numbers all through', async (_, audio) => {
    const analysis = analyse(audio);
    expect(analysis).toMatchObject({ tempo: null, key: null, beats: [], meter: null });
    for (const { label } of analysis.chords) expect(label).toBe('N');
    for (const { label, confidence } of analysis.sections) {
      expect(label).toBe('A');
      expect(confidence).toBeLessThan(0.1);
    }
    // JSON would turn NaN and infinity into null.
    const numbers = JSON.stringify(analysis, (_key, value) =>
      typeof value === 'number' && !Number.isFinite(value) ? 'not finite' : value,
    );
    expect(numbers).not.toContain('not finite');
  });

  it('a metronome has a tempo and no key', async () => {
    const analysis = analyse(
      signal(20, (t, i) => (i % 22_050 < 300 ? 0.5 * Math.exp(-400 * (t % 0.5)) * random() : 0)),
    );
    expect(analysis.tempo?.bpm).toBeCloseTo(120, 0);
    expect(analysis.key).toBeNull();
    expect(analysis.sections).toHaveLength(1);
    // Beats all alike tell no bars.
    expect(analysis.beats[10].confidence).toBeGreaterThan(analysis.meter?.confidence ?? 1);
  });

  it('one chord for a second is hardly a key, and for a while it may be one', () => {
    const chord = (seconds: number) =>
      analyse(signal(seconds, (t) => [261.63, 329.63, 392].reduce((sum, hz) => sum + sine(hz, t) / 3, 0))).key
        ?.confidence ?? 0;
    expect(chord(1)).toBeLessThan(0.75);
    expect(chord(12)).toBeGreaterThan(chord(1));
  });
});

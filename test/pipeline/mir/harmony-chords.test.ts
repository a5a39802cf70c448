import { describe, expect, it } from 'vitest';
import { noise } from '../../../scripts/synth/instruments.ts';
import { SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { PITCH_NAMES } from '../../../src/pipeline/mir/harmony/chord-vocabulary.ts';
import { mean } from '../../../src/pipeline/mir/vectors.ts';
import { timeAgreement } from '../../support/agreement.ts';
import { playChords, QUALITY_NAMES, transposed } from '../../support/chords.ts';
import { harmonyOf } from '../../support/harmony.ts';

const LOOP = ['C:maj', 'A:min', 'D:min7', 'G:7', 'E:min', 'F:maj', 'G:maj/3', 'C:maj'];
const rounded = (seconds: number) => Math.round(100 * seconds) / 100;

describe('the chords of a song', () => {
  it.each(QUALITY_NAMES)('of quality %s on every root', (quality) => {
    // Fourths upwards: no two neighbours are alike.
    const labels = PITCH_NAMES.map((_, i) => `${PITCH_NAMES[(5 * i) % 12]}:${quality}`);
    const { song, truth } = playChords(labels);
    expect(timeAgreement(truth, harmonyOf(song).chords)).toBeGreaterThan(0.8);
  });

  it.each(['maj/3', 'maj/5', 'min/5', '7/3', '7/b7', 'min7/b7'])(
    'with %s in the bass on every root',
    (inversion) => {
      const labels = PITCH_NAMES.map((_, i) => `${PITCH_NAMES[(5 * i) % 12]}:${inversion}`);
      const { song, truth } = playChords(labels);
      expect(timeAgreement(truth, harmonyOf(song).chords)).toBeGreaterThan(0.8);
    },
  );

  it('change their bass with the bar while they last', () => {
    const line = ['C:maj', 'C:maj/3', 'F:maj', 'F:maj/3', 'D:min', 'D:min/5', 'G:maj', 'C:maj'];
    const { song, truth } = playChords(line, { seconds: 2 });
    const { chords } = harmonyOf(song);
    expect(chords.map(({ label }) => label)).toEqual(line);
    expect(timeAgreement(truth, chords)).toBeGreaterThan(0.95);
  });

  it('pause where the song is silent', () => {
    const { song, truth } = playChords(['C:maj', 'N', 'F:maj', 'N', 'N', 'G:maj'], { seconds: 2 });
    expect(timeAgreement(truth, harmonyOf(song).chords)).toBeGreaterThan(0.9);
  });

  it('change on beats, cover the song without gaps, and do not flicker', () => {
    const { song } = playChords([...LOOP, ...LOOP], { seconds: 2 });
    const { chords } = harmonyOf(song);
    expect(chords.map(({ label }) => label)).toEqual([...LOOP.slice(0, -1), ...LOOP]);
    for (const [i, { start, end }] of chords.entries()) {
      expect(start).toBe(i === 0 ? 0 : chords[i - 1].end);
      expect(rounded(start % 0.5)).toBeCloseTo(0, 5);
      expect(end).toBeGreaterThan(start);
    }
    expect(chords.at(-1)?.end).toBe(32);
  });

  it.each([1, 6, 11])('transpose with the audio, as the key does: %s semitones', (semitones) => {
    const original = harmonyOf(playChords(LOOP).song);
    const { song } = playChords(LOOP.map((label) => transposed(label, semitones)));
    const moved = harmonyOf(song);
    expect(moved.chords.map(({ label }) => label)).toEqual(
      original.chords.map(({ label }) => transposed(label, semitones)),
    );
    expect(`${moved.key?.tonic}:${moved.key?.mode}`).toBe(transposed('C:major', semitones));
  });

  it('do not change with the gain', () => {
    const labels = (gain: number) =>
      harmonyOf(playChords(LOOP, { gain }).song).chords.map(({ label }) => label);
    expect(labels(0.003)).toEqual(labels(1));
  });

  it('are surer when clean than under noise', () => {
    const { song } = playChords([...LOOP, ...LOOP]);
    const random = noise(3);
    const [clean] = song.read(0, song.frames);
    const noisy = clean.map((v) => v + 1.5 * random());
    const confidence = (samples: Float32Array) =>
      mean(harmonyOf(new SongBuffer(samples)).chords.map((chord) => chord.confidence));
    expect(confidence(clean)).toBeGreaterThan(0.9);
    expect(confidence(noisy)).toBeLessThan(confidence(clean) - 0.05);
  });
});

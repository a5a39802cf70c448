import { describe, expect, it } from 'vitest';
import { PITCH_NAMES } from '../../../src/pipeline/mir/harmony/chord-vocabulary.ts';
import { mainKey, scaleOf } from '../../../src/pipeline/mir/harmony/key.ts';
import { playChords, transposed } from '../../support/chords.ts';
import { harmonyOf } from '../../support/harmony.ts';

const MAJOR = ['C:maj', 'F:maj', 'G:7', 'C:maj', 'A:min', 'D:min', 'G:7', 'C:maj'];
const MINOR = ['C:min', 'F:min', 'G:7', 'C:min', 'Ab:maj', 'F:min', 'G:7', 'C:min'];
const moved = (labels: readonly string[], semitones: number) =>
  labels.map((label) => transposed(label, semitones));
const times = (labels: readonly string[], n: number) => Array.from({ length: n }, () => labels).flat();

describe('the key of a song', () => {
  it.each([...PITCH_NAMES.entries()].filter(([semitones]) => semitones % 3 === 0))(
    'on the tonic at %s semitones, %s, major and minor',
    (semitones, tonic) => {
      const major = harmonyOf(playChords(moved(MAJOR, semitones)).song);
      expect(major.key).toMatchObject({ tonic, mode: 'major' });
      const minor = harmonyOf(playChords(moved(MINOR, semitones)).song);
      expect(minor.key).toMatchObject({ tonic, mode: 'minor' });
    },
  );

  it.each([
    ['A minor', ['A:min', 'F:maj', 'D:min', 'E:7', 'A:min', 'G:maj', 'E:maj', 'A:min']],
    ['C major', ['C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj', 'E:min', 'F:maj', 'C:maj']],
    ['G major', ['G:maj', 'C:maj', 'D:maj', 'G:maj', 'E:min', 'C:maj', 'D:maj', 'G:maj']],
  ])('is told from its relative and its neighbours: %s', (key, labels) => {
    const { key: found, keys } = harmonyOf(playChords(labels).song);
    expect(`${found?.tonic} ${found?.mode}`).toBe(key);
    expect(keys).toHaveLength(1);
  });

  it.each([2, 3])('modulates by %s semitones, at its time, and back', (semitones) => {
    const labels = [...times(MAJOR, 6), ...times(moved(MAJOR, semitones), 4), ...times(MAJOR, 3)];
    const { song } = playChords(labels);
    const { key, keys } = harmonyOf(song);
    expect(keys.map(({ tonic, mode }) => `${tonic}:${mode}`)).toEqual(
      ['C:maj', transposed('C:maj', semitones), 'C:maj'].map((label) => `${label}or`),
    );
    expect(keys[0].start).toBe(0);
    expect(Math.abs(keys[1].start - 48)).toBeLessThan(4);
    expect(keys[1].start).toBe(keys[0].end);
    expect(Math.abs(keys[2].start - 80)).toBeLessThan(4);
    expect(keys[2].end).toBe(104);
    expect(key).toMatchObject({ tonic: 'C', mode: 'major' });
  });

  it('is, of two with the same chords, the one that the parts open and the song ends on', () => {
    const loop = ['C:maj', 'G:maj', 'A:min', 'F:maj'];
    const keyOf = (labels: readonly string[]) => {
      const partStarts = [0, labels.length / 2];
      const { key } = harmonyOf(playChords(labels).song, { partStarts });
      return `${key?.tonic} ${key?.mode}`;
    };
    expect(keyOf([...times(loop, 4), 'C:maj', 'C:maj'])).toBe('C major');
    expect(keyOf([...times([...loop.slice(2), ...loop.slice(0, 2)], 4), 'A:min', 'A:min'])).toBe('A minor');
  });

  it('does not modulate for a borrowed chord or a secondary dominant', () => {
    const { song } = playChords([...MAJOR, 'D:7', 'G:7', 'F:min', 'C:maj', 'E:7', 'A:min', ...MAJOR]);
    expect(harmonyOf(song).keys).toHaveLength(1);
  });

  it('is surer of itself the clearer the song is', () => {
    const clear = harmonyOf(playChords(MAJOR).song).key?.confidence ?? 0;
    const open =
      harmonyOf(playChords(['C:maj', 'A:min', 'C:maj', 'A:min', 'E:min']).song).key?.confidence ?? 0;
    expect(clear).toBeGreaterThan(0.7);
    expect(clear).toBeLessThanOrEqual(1);
    expect(open).toBeLessThan(clear);
  });

  it('is the one that lasts longest in all, not at a stretch', () => {
    const span = (start: number, end: number, tonic: string, confidence: number) =>
      ({ start, end, tonic, mode: 'major', confidence }) as const;
    const spans = [span(0, 30, 'C', 0.5), span(30, 70, 'E', 0.9), span(70, 100, 'C', 0.7)];
    expect(mainKey(spans)).toEqual({ tonic: 'C', mode: 'major', confidence: 0.6 });
    expect(mainKey([])).toBeNull();
  });

  it('has the notes of its scale', () => {
    const sorted = (notes: number[]) => notes.toSorted((a, b) => a - b);
    expect(sorted(scaleOf({ tonic: 'D', mode: 'major' }))).toEqual([1, 2, 4, 6, 7, 9, 11]);
    expect(sorted(scaleOf({ tonic: 'A', mode: 'minor' }))).toEqual([0, 2, 4, 5, 7, 8, 9, 11]);
  });
});

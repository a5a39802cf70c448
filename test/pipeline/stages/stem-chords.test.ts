import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RenderedSong } from '../../../scripts/synth/song.ts';
import { toPcm16, wavHeader } from '../../../src/pipeline/audio/wav.ts';
import { readConfig } from '../../../src/pipeline/config.ts';
import type { Jams } from '../../../src/pipeline/jams/assemble.ts';
import { analyze } from '../../../src/pipeline/stages/analyze.ts';
import { assemble, readAnalysis } from '../../../src/pipeline/stages/assemble.ts';
import { cleanup } from '../../../src/pipeline/stages/cleanup.ts';
import type { StageContext } from '../../../src/pipeline/stages/context.ts';
import { type DownloadResult, download } from '../../../src/pipeline/stages/download.ts';
import { readJson } from '../../../src/pipeline/storage/container.ts';
import { MonoCopy } from '../../../src/pipeline/storage/mono-copy.ts';
import { jamsWorkBlob, workPrefix } from '../../../src/pipeline/storage/names.ts';
import { sameTriad, timeAgreement } from '../../support/agreement.ts';
import { song as rendered, section } from '../../support/songs.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';

const MIX = rendered({
  sections: [section(['C:maj', 'F:maj', 'G:maj', 'C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj'])],
});
/** What the stems are made to hold: as long as the mix, and other chords, so that it shows where they were read. */
const STEMS = rendered({
  sections: [section(['F:maj', 'A:min', 'D:min', 'G:maj', 'C:maj', 'E:min', 'A:min', 'F:maj'])],
});

let storage: TestStorage;
let folder: string;
let context: StageContext;
beforeAll(async () => {
  storage = await newStorage();
  folder = mkdtempSync(join(tmpdir(), 'stem-chords-'));
  const config = { ...readConfig({ DEMUCS_MODEL: 'spectral' }), workDir: join(folder, 'work') };
  context = { container: storage.container, config };
  const { left, right } = MIX.mix;
  const samples = toPcm16([left, right]);
  const wav = Buffer.concat([wavHeader(left.length), Buffer.from(samples.buffer)]);
  await storage.container.getBlockBlobClient('a/song.wav').uploadData(wav);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
});

const job = { audio_file_id: 'a', blob_name: 'a/song.wav' };

/** Stages the copies of bass and other as a separation would, but for the segments that are left out. */
async function stageCopies({ plan }: DownloadResult, { without = [] as number[] } = {}): Promise<void> {
  for (const stem of ['bass', 'other'] as const) {
    const { left, right } = STEMS.stems[stem];
    const copy = new MonoCopy(storage.container, 'a', stem, plan.run);
    for (let i = 0; i < plan.segments; i++) {
      const span = [i * plan.stride_frames, (i + 1) * plan.stride_frames] as const;
      if (!without.includes(i))
        await copy.stage(i, toPcm16([left.subarray(...span), right.subarray(...span)]));
    }
  }
}

/** The annotation's chords, and what they were read from. */
async function annotated({ plan }: DownloadResult) {
  const jams = await readJson<Jams>(storage.container, jamsWorkBlob('a', plan.run));
  const { data, sandbox } = jams!.annotations.find(({ namespace }) => namespace === 'chord')!;
  const chords = data.map(({ time, duration, value }) => ({
    start: time,
    end: time + duration,
    label: String(value),
  }));
  return { chords, source: sandbox.source };
}

const agreement = ({ truth }: RenderedSong, chords: Awaited<ReturnType<typeof annotated>>['chords']) =>
  timeAgreement(truth.chords, chords, sameTriad);

async function workBlobs(): Promise<string[]> {
  const names = [];
  const options = { prefix: workPrefix('a'), includeUncommitedBlobs: true };
  for await (const { name } of storage.container.listBlobsFlat(options)) names.push(name);
  return names;
}

describe('the chords of a run', { timeout: 60_000 }, () => {
  let song: DownloadResult;

  it('wait for the stems that carry them: without a segment of these the work is lost', async () => {
    song = await download(job, context);
    expect(song.plan.chord_stems).toEqual(['bass', 'other']);
    expect(song.plan.segments).toBeGreaterThan(1);
    await analyze(song, context);
    await stageCopies(song, { without: [1] });
    await expect(assemble(song, context)).rejects.toMatchObject({ code: 'work_lost' });
  });

  it('are read from those stems, in annotation and result alike, and from then on stay the same', async () => {
    await stageCopies(song);
    await assemble(song, context);
    const first = await annotated(song);
    expect(first.source).toBe('bass, other by spectral');
    expect(agreement(STEMS, first.chords)).toBeGreaterThan(0.85);
    expect(agreement(MIX, first.chords)).toBeLessThan(0.5);
    const analysis = await readAnalysis(storage.container, song.source, song.plan);
    expect(analysis.chords.map(({ label }) => label)).toEqual(first.chords.map(({ label }) => label));

    await assemble(song, context);
    expect(await annotated(song)).toEqual(first);
    expect(await readAnalysis(storage.container, song.source, song.plan)).toEqual(analysis);
  });

  it('leave no file behind, and cleanup no blob, be they staged or committed', async () => {
    const [own] = readdirSync(context.config.workDir);
    expect(readdirSync(join(context.config.workDir, own)).sort()).toEqual(['song.f32', 'song.json']);
    await new MonoCopy(storage.container, 'a', 'bass', song.plan.run).stage(0, new Int16Array(4));
    await cleanup({ audio_file_id: 'a', source: song.source }, context);
    expect(await workBlobs()).toEqual([]);
    expect(readdirSync(context.config.workDir)).toEqual([]);

    await stageCopies(song);
    expect(await workBlobs()).not.toEqual([]);
    await cleanup({ audio_file_id: 'a', discard: song.plan }, context);
    expect(await workBlobs()).toEqual([]);
  });

  it('are read from the mix where the stems that carry them are not wanted', async () => {
    const vocals = await download({ ...job, stems: ['vocals'] }, context);
    await analyze(vocals, context);
    await assemble(vocals, context);
    const { chords, source } = await annotated(vocals);
    expect(source).toBe('mix');
    expect(agreement(MIX, chords)).toBeGreaterThan(0.85);
  });
});

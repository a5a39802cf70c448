import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localSong } from '../../../src/pipeline/audio/local-song.ts';
import { SongFile } from '../../../src/pipeline/audio/song.ts';
import { endIdleProcesses } from '../../../src/pipeline/compute/pool.ts';
import { readConfig } from '../../../src/pipeline/config.ts';
import { serviceHealth } from '../../../src/pipeline/health.ts';
import type { Jams } from '../../../src/pipeline/jams/assemble.ts';
import { analyze } from '../../../src/pipeline/stages/analyze.ts';
import { assemble } from '../../../src/pipeline/stages/assemble.ts';
import type { StageContext } from '../../../src/pipeline/stages/context.ts';
import { type DownloadResult, download } from '../../../src/pipeline/stages/download.ts';
import { currentProgress } from '../../../src/pipeline/stages/progress.ts';
import { separate, separationParts } from '../../../src/pipeline/stages/separate.ts';
import { upload } from '../../../src/pipeline/stages/upload.ts';
import { readJson } from '../../../src/pipeline/storage/container.ts';
import { StagedStem } from '../../../src/pipeline/storage/staged-stem.ts';
import { installSmall } from '../../support/models.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';
import { writeTone } from '../../support/tone.ts';

const PCM_STEP = 1 / 32_767;
const WAV_HEADER = 44;

let storage: TestStorage;
let folder: string;
let context: StageContext;
const environment = { ...process.env };

beforeAll(async () => {
  storage = await newStorage();
  folder = mkdtempSync(join(tmpdir(), 'demucs-'));
  // The computing process reads its settings from the environment.
  Object.assign(process.env, { MODELS_DIR: join(folder, 'models'), WORK_DIR: join(folder, 'work') });
  const config = { ...readConfig(), partSegments: 4 };
  context = { container: storage.container, config };
  await installSmall(config.modelsDir, 'htdemucs_ft');
  const song = join(folder, 'song.wav');
  writeTone(song, { seconds: 8, output: ['-ac', '2', '-af', 'volume=2,tremolo=f=3:d=0.9'] });
  await storage.container.getBlockBlobClient('a/song.wav').uploadFile(song);
});
afterAll(async () => {
  endIdleProcesses();
  process.env = environment;
  rmSync(folder, { recursive: true });
});

const job = { audio_file_id: 'a', blob_name: 'a/song.wav', model: 'htdemucs_ft' };

/** Samples of a published stem, 16 bits, both channels by turns. */
async function published(stem: string): Promise<Int16Array> {
  const bytes = await storage.container.getBlobClient(`a/stems/${stem}.wav`).downloadToBuffer();
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset + WAV_HEADER, bytes.byteOffset + bytes.length));
}

it('a network that cannot be loaded fails the run, and the health tells', async () => {
  const { modelsDir, model } = context.config;
  const graph = join((await installSmall(modelsDir, model)).networks[0].folder, 'graph.onnx');
  const whole = readFileSync(graph);
  writeFileSync(graph, Buffer.alloc(whole.length));
  const song = await download({ ...job, model }, context);
  const part = { ...song, ...separationParts(song.plan)[0] };
  await expect(separate(part, context)).rejects.toMatchObject({
    code: 'model_unavailable',
    message: expect.stringContaining('graph.onnx is not what was installed'),
  });
  expect(await serviceHealth()).toMatchObject({
    services: { demucs: 'broken' },
    reasons: { demucs: expect.stringContaining('graph.onnx is not what was installed') },
  });
  writeFileSync(graph, whole);
  await separate(part, context);
  expect((await serviceHealth()).services.demucs).toBe('available');
});

describe('a run with HTDemucs', { timeout: 60_000 }, () => {
  let song: DownloadResult;

  it('has a run of its own for each choice of stems', async () => {
    song = await download({ ...job, stems: ['vocals'] }, context);
    const all = await download(job, context);
    expect(all.plan.passes).toHaveLength(4);
    expect(separationParts(all.plan)).toHaveLength(4 * separationParts(song.plan).length);
    expect(all.plan.run).not.toBe(song.plan.run);
    expect(await download({ ...job, stems: ['vocals'] }, context)).toEqual(song);
  });

  it('stages the stems of a pass part by part, and tells how far it is', async () => {
    const { plan } = song;
    const parts = separationParts(plan);
    expect(parts.length).toBeGreaterThan(1);
    const at = { stage: 'separate', progress: 0.1, plan } as const;
    expect((await currentProgress('a', at, context))?.progress).toBe(0.1);
    await separate({ ...song, ...parts[0] }, context);
    expect((await currentProgress('a', at, context))?.progress).toBeCloseTo(
      0.1 + (0.8 * parts[0].end) / plan.segments,
      3,
    );
    for (const part of parts) await separate({ ...song, ...part }, context);
    expect((await currentProgress('a', at, context))?.progress).toBeCloseTo(0.9, 3);
    for (const stem of ['vocals', 'no_vocals']) {
      const staged = new StagedStem(storage.container, 'a', stem, plan.run);
      expect((await staged.stagedSegments()).size).toBe(plan.segments);
    }
  });

  it('goes on after another machine: what only some of the stems have is made anew for all of them', async () => {
    const { plan, source } = song;
    const [first, ...others] = separationParts(plan);
    const [vocals, rest] = ['vocals', 'no_vocals'].map(
      (stem) => new StagedStem(storage.container, 'a', stem, plan.run),
    );
    await rest.discard();
    // What it made stays nowhere: the next test finds that both stems together are the song.
    await vocals.stage(0, new Int16Array(2 * plan.stride_frames).fill(12_345));
    await separate({ ...song, ...first }, context);

    const longer = { plan, source: { ...source, frames: source.frames + 1 } };
    await expect(separate({ ...longer, ...others[0] }, context)).rejects.toMatchObject({
      code: 'decoders_differ',
      message: expect.stringContaining(
        `ffmpeg makes ${source.frames} frames of 'a/song.wav' here and made ${longer.source.frames} where the run began`,
      ),
    });
    for (const part of others) await separate({ ...song, ...part }, context);
    for (const stem of [vocals, rest]) expect((await stem.stagedSegments()).size).toBe(plan.segments);
  });

  it('publishes the stem and what it leaves of the song, and tells what made them', async () => {
    await analyze(song, context);
    await assemble(song, context);
    await upload({ ...song, elapsedSeconds: 1, stageSeconds: {} }, context);
    const { plan, source } = song;
    const separator = {
      model: 'htdemucs_ft',
      requested: 'htdemucs_ft',
      precision: 'fp32',
      overlap: 0.25,
      weights: plan.weights,
    };
    const result = await readJson<{ stems: { stem_type: string }[] }>(
      storage.container,
      'a/analysis/result.json',
    );
    expect(result).toMatchObject({ separator });
    expect(result!.stems.map(({ stem_type }) => stem_type)).toEqual(['vocals', 'no_vocals']);
    const jams = await readJson<Jams>(storage.container, 'a/analysis/annotation.jams');
    expect(jams!.sandbox.separation).toEqual({ ...separator, stems: plan.stems });

    const [vocals, rest] = [await published('vocals'), await published('no_vocals')];
    await using copy = await localSong(storage.container, source, context.config);
    using mix = new SongFile(copy.path);
    const [left] = mix.read(0, mix.frames);
    expect(vocals.some((sample) => Math.abs(sample) > 100)).toBe(true);
    let worst = 0;
    for (let i = 0; i < left.length; i++)
      worst = Math.max(worst, Math.abs((vocals[2 * i] + rest[2 * i]) * PCM_STEP - left[i]));
    expect(worst).toBeLessThan(2 * PCM_STEP);
  });
});

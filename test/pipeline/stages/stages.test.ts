import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localSong } from '../../../src/pipeline/audio/local-song.ts';
import { SAMPLE_RATE, SongFile } from '../../../src/pipeline/audio/song.ts';
import { readConfig } from '../../../src/pipeline/config.ts';
import { validateJams } from '../../../src/pipeline/jams/validate.ts';
import { analyze } from '../../../src/pipeline/stages/analyze.ts';
import { assemble } from '../../../src/pipeline/stages/assemble.ts';
import { callback, requestCallback } from '../../../src/pipeline/stages/callback.ts';
import { cleanup } from '../../../src/pipeline/stages/cleanup.ts';
import type { StageContext } from '../../../src/pipeline/stages/context.ts';
import { type DownloadResult, download } from '../../../src/pipeline/stages/download.ts';
import { separate } from '../../../src/pipeline/stages/separate.ts';
import { upload } from '../../../src/pipeline/stages/upload.ts';
import { readJson } from '../../../src/pipeline/storage/container.ts';
import { MonoCopy } from '../../../src/pipeline/storage/mono-copy.ts';
import { StagedStem } from '../../../src/pipeline/storage/staged-stem.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';
import { writeTone } from '../../support/tone.ts';

const SECONDS = 12;
const PCM_STEP = 1 / 32_767;
const WAV_HEADER = 44;

let storage: TestStorage;
let folder: string;
let context: StageContext;
beforeAll(async () => {
  storage = await newStorage();
  folder = mkdtempSync(join(tmpdir(), 'stages-'));
  const config = {
    ...readConfig({ DEMUCS_MODEL: 'spectral', CALLBACK_ALLOWED_HOSTS: '127.0.0.1' }),
    workDir: join(folder, 'work'),
  };
  context = { container: storage.container, config };
  const song = join(folder, 'song.wav');
  writeTone(song, { seconds: SECONDS, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
  await storage.container.getBlockBlobClient('a/song.wav').uploadFile(song);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
});

const job = { audio_file_id: 'a', blob_name: 'a/song.wav' };

describe('the stages of a run', { timeout: 120_000 }, () => {
  let song: DownloadResult;

  it('download tells the song and settles how it is separated', async () => {
    song = await download(job, context);
    expect(song.source.frames).toBe(SECONDS * SAMPLE_RATE);
    expect(song.source.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(song.plan).toMatchObject({ model: 'spectral', requested: 'spectral' });
    expect(await download(job, context)).toEqual(song);
  });

  it('separate stages the segments of its part, and does not make them again', async () => {
    const { plan } = song;
    expect(plan.segments).toBeGreaterThan(1);
    await separate({ ...song, pass: 0, first: 0, end: 1 }, context);
    const vocals = new StagedStem(storage.container, 'a', 'vocals', plan.run);
    expect(await vocals.stagedSegments()).toEqual(new Set([0]));
    const log: string[] = [];
    await separate({ ...song, pass: 0, first: 0, end: 1 }, { ...context, log: (line) => log.push(line) });
    expect(log).toEqual([expect.stringContaining(': 0 of the segments 0 to 0 are to be separated, 1 were.')]);
    const bass = new MonoCopy(storage.container, 'a', 'bass', plan.run);
    expect(await bass.stagedSegments()).toEqual(new Set([0]));
    await bass.discard();
    await separate({ ...song, pass: 0, first: 0, end: plan.segments }, context);
    expect((await bass.stagedSegments()).size).toBe(plan.segments);
    expect((await vocals.stagedSegments()).size).toBe(plan.segments);
  });

  it('analyze, assemble and upload publish annotation, stems and result, whole or not at all', async () => {
    await analyze(song, context);
    await assemble(song, context);
    expect(await readJson(storage.container, 'a/analysis/result.json')).toBeUndefined();
    const publication = { ...song, elapsedSeconds: 1, stageSeconds: { download: 1 } };
    await upload(publication, context);
    const result = await readJson(storage.container, 'a/analysis/result.json');
    await upload(publication, context);
    expect(await readJson(storage.container, 'a/analysis/result.json')).toEqual(result);
    expect(result).toMatchObject({
      audio_file_id: 'a',
      status: 'completed',
      analysis: { sections: expect.any(Array), chords: expect.any(Array), beats: expect.any(Array) },
      separator: { model: 'spectral' },
    });
    validateJams(await readJson(storage.container, 'a/analysis/annotation.jams'));
  });

  it('the stems add up to the song', async () => {
    const stems = await Promise.all(
      song.plan.stems.map(async (stem) => {
        const bytes = await storage.container.getBlobClient(`a/stems/${stem}.wav`).downloadToBuffer();
        return new Int16Array(
          bytes.buffer.slice(bytes.byteOffset + WAV_HEADER, bytes.byteOffset + bytes.length),
        );
      }),
    );
    await using copy = await localSong(storage.container, song.source, context.config);
    using mix = new SongFile(copy.path);
    const [left] = mix.read(0, mix.frames);
    let worst = 0;
    for (let i = 0; i < left.length; i++) {
      const sum = stems.reduce((total, stem) => total + stem[2 * i] * PCM_STEP, 0);
      worst = Math.max(worst, Math.abs(sum - left[i]));
    }
    expect(worst).toBeLessThan(4 * PCM_STEP);
  });

  it('callback tells the one who asked, if anybody did', async () => {
    const input = { audio_file_id: 'a', messageId: 'msg_1' };
    expect(await callback(input, context)).toBe(false);
    const bodies: string[] = [];
    const server = createServer(async (request, answer) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      answer.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await requestCallback('a', `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`, context);
    expect(await callback(input, context)).toBe(true);
    server.close();
    expect(JSON.parse(bodies[0])).toEqual(await readJson(storage.container, 'a/analysis/result.json'));
  });

  it('cleanup leaves the results alone and nothing else', async () => {
    await cleanup({ audio_file_id: 'a', source: song.source }, context);
    const names = [];
    for await (const { name } of storage.container.listBlobsFlat()) names.push(name);
    expect(names.sort()).toEqual([
      'a/analysis/annotation.jams',
      'a/analysis/result.json',
      'a/song.wav',
      'a/stems/bass.wav',
      'a/stems/drums.wav',
      'a/stems/other.wav',
      'a/stems/vocals.wav',
    ]);
    expect(readdirSync(context.config.workDir)).toEqual([]);
  });
});

describe('download refuses', () => {
  const config = (settings: Partial<StageContext['config']>) => ({
    ...context,
    config: { ...context.config, ...settings },
  });

  it.each([
    ['a song that is not there', { ...job, blob_name: 'none.mp3' }, {}, 'blob_not_found'],
    ['a song over the size limit', job, { maxFileBytes: 10 }, 'too_large'],
    ['a song over the duration limit', { ...job, audio_file_id: 'b' }, { maxDurationSeconds: 2 }, 'too_long'],
    ['stems that the model lacks', { ...job, stems: ['oboe'] }, {}, 'invalid_request'],
    ['a model that nobody knows', { ...job, model: 'nonesuch' }, {}, 'invalid_request'],
  ])('%s', async (_, input, settings, code) => {
    await expect(download(input, config(settings))).rejects.toMatchObject({ code });
  });

  it('an empty blob and one without audio', async () => {
    for (const [name, content] of [
      ['e/empty.mp3', ''],
      ['e/text.mp3', 'words '.repeat(99)],
    ]) {
      await storage.container.getBlockBlobClient(name).uploadData(Buffer.from(content));
      const input = { audio_file_id: 'e', blob_name: name };
      await expect(download(input, context)).rejects.toMatchObject({ code: 'unsupported_media' });
    }
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runSong } from '../../src/cli/song-run.ts';

/** A worker that has every song's stems ready: blobs in a map, and the two routes that the command calls. */
class FakeWorker {
  readonly blobs = new Map<string, string>();
  readonly uploads: { name: string; metadata: Record<string, string> }[] = [];
  stems: string[] = ['drums', 'vocals'];
  failure: object | undefined;
  url = '';
  readonly #server: Server = createServer(async (request, response) => {
    const body = (await Readable.from(request).toArray()).join('');
    const id = body ? JSON.parse(body).audio_file_id : request.url?.split('/').at(-1);
    if (request.method === 'POST') response.writeHead(202, { location: `${this.url}/analyze/${id}` }).end();
    else response.end(JSON.stringify(this.failure ?? { status: 'completed', result: this.#publish(id) }));
  });
  readonly container = {
    getBlockBlobClient: (name: string) => ({
      url: `http://127.0.0.1:1/account/audio-files/${name}`,
      uploadFile: async (_: string, { metadata }: { metadata: Record<string, string> }) => {
        this.uploads.push({ name, metadata });
      },
    }),
    getBlobClient: (name: string) => ({
      download: async () => {
        const content = this.blobs.get(name);
        if (content === undefined) throw new Error(`no blob ${name}`);
        return { readableStreamBody: Readable.from([Buffer.from(content)]) };
      },
    }),
  } as unknown as ContainerClient;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  #publish(id: string) {
    const blob = (path: string) => `http://127.0.0.1:1/account/audio-files/${id}/${path}`;
    this.blobs.set(`${id}/analysis/annotation.jams`, '{}');
    for (const stem of this.stems) this.blobs.set(`${id}/stems/${stem}.wav`, `sound of ${stem}`);
    return {
      audio_file_id: id,
      stems: this.stems.map((stem_type) => ({
        stem_type,
        blob_url: blob(`stems/${stem_type}.wav`),
        file_size_bytes: `sound of ${stem_type}`.length,
      })),
      jams_url: blob('analysis/annotation.jams'),
      source: { blob_name: `${id}/song.wav` },
      stage_seconds: {},
    };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let worker: FakeWorker;
let folder: string;
let song: string;
const out = () => join(folder, 'out');
const inOut = (path: string) => join(out(), 'tune', path);
const tree = () =>
  readdirSync(join(out(), 'tune'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(inOut('').length + 1))
    .sort();
const run = (stems?: string[], file = song, name = 'tune') =>
  runSong(worker, file, { out: out(), name, stems, onStatus: () => {} });

beforeEach(async () => {
  worker = await new FakeWorker().start();
  folder = mkdtempSync(join(tmpdir(), 'command-'));
  song = join(folder, 'tune.wav');
  writeFileSync(song, 'sound');
});
afterEach(() => {
  worker.stop();
  rmSync(folder, { recursive: true });
});

describe('the results of a song on this disk', () => {
  it('name files that are there, and the song', async () => {
    const { result } = await run();
    expect(tree()).toEqual(['annotation.jams', 'result.json', 'stems/drums.wav', 'stems/vocals.wav']);
    const written = JSON.parse(readFileSync(inOut('result.json'), 'utf8'));
    expect(written).toMatchObject({
      audio_file_id: result.audio_file_id,
      jams_url: 'annotation.jams',
      stems: [{ stem_type: 'drums', blob_url: 'stems/drums.wav' }, { blob_url: 'stems/vocals.wav' }],
      source: { file: song },
    });
    for (const path of [
      written.jams_url,
      ...written.stems.map((stem: { blob_url: string }) => stem.blob_url),
    ])
      expect(readFileSync(inOut(path)).length).toBeGreaterThan(0);
  });

  it('take the place of earlier ones, and leave what is not theirs', async () => {
    await run();
    writeFileSync(inOut('notes.txt'), 'my own');
    writeFileSync(inOut('stems/bass.wav'), 'my own bass');
    worker.stems = ['vocals', 'no_vocals'];
    await run(['vocals']);
    expect(tree()).toEqual([
      'annotation.jams',
      'notes.txt',
      'result.json',
      'stems/bass.wav',
      'stems/no_vocals.wav',
      'stems/vocals.wav',
    ]);
  });

  it('are as they were when a run fails, or breaks off half-way', async () => {
    await run();
    const before = readFileSync(inOut('result.json'), 'utf8');
    worker.failure = { status: 'failed', error: { code: 'too_long', message: 'It is too long.' } };
    await expect(run()).rejects.toThrowError('It is too long. [too_long]');
    worker.failure = undefined;
    worker.stems = ['vocals', 'no_vocals'];
    const { getBlobClient } = worker.container;
    worker.container.getBlobClient = (name) =>
      getBlobClient.call(worker.container, name.replace('no_vocals', 'gone'));
    await expect(run()).rejects.toThrowError('gone');
    expect(readFileSync(inOut('result.json'), 'utf8')).toBe(before);
    expect(tree()).toEqual(['annotation.jams', 'result.json', 'stems/drums.wav', 'stems/vocals.wav']);
  });

  it('leave no folder where there are none', async () => {
    worker.failure = { status: 'canceled' };
    await expect(run()).rejects.toThrowError('canceled');
    expect(readdirSync(folder)).toEqual(['tune.wav']);
  });

  it('are whole again after an interruption in the middle of replacing them', async () => {
    await run();
    mkdirSync(inOut('.partial'));
    writeFileSync(inOut('.partial/earlier.json'), readFileSync(inOut('result.json')));
    rmSync(inOut('result.json'));
    worker.stems = ['vocals', 'no_vocals'];
    await run();
    expect(tree()).toEqual(['annotation.jams', 'result.json', 'stems/no_vocals.wav', 'stems/vocals.wav']);
  });

  it('never reach out of their folder, whatever an earlier result names', async () => {
    await run();
    writeFileSync(join(folder, 'mine.wav'), 'my own');
    writeFileSync(inOut('result.json'), JSON.stringify({ stems: [{ stem_type: '../../../mine' }] }));
    await run();
    expect(readFileSync(join(folder, 'mine.wav'), 'utf8')).toBe('my own');
  });

  it('are refused where a stem is not as long as the result tells', async () => {
    const { getBlobClient } = worker.container;
    worker.container.getBlobClient = (name) => {
      if (name.endsWith('drums.wav')) worker.blobs.set(name, 'cut');
      return getBlobClient.call(worker.container, name);
    };
    await expect(run()).rejects.toThrowError('has 3 bytes, and the result tells of 14');
  });
});

describe('the id of a song on this disk', () => {
  it('is readable, the same in every run, and another one for every other file', async () => {
    const other = join(folder, 'other', 'tune.wav');
    mkdirSync(join(folder, 'other'));
    writeFileSync(other, 'sound');
    const ids = [];
    for (const [file, name] of [
      [song, 'tune'],
      [song, 'tune-2'],
      [other, 'tune'],
      [song, 'Früh am Tag ..'],
      [song, 'x'.repeat(200)],
    ])
      ids.push((await run(undefined, file, name)).result.audio_file_id);
    expect(ids[0]).toMatch(/^tune-[0-9a-f]{12}$/);
    expect(ids[2]).not.toBe(ids[0]);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/);
    expect(worker.uploads[0]).toEqual({ name: `${ids[0]}/song.wav`, metadata: { audio_file_id: ids[0] } });
  });

  it('goes with the model and stems that were asked for', async () => {
    await runSong(worker, song, {
      out: out(),
      name: 'tune',
      model: 'm',
      stems: ['a', 'b'],
      onStatus: () => {},
    });
    expect(worker.uploads[0].metadata).toMatchObject({ model: 'm', stems: 'a,b' });
  });
});

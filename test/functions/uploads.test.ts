import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrchestrationRuntimeStatus } from 'durable-functions';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestRun } from '../../src/functions/request.ts';
import { songUploaded } from '../../src/functions/upload.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import type { BlobVersion, JobInput } from '../../src/pipeline/contracts.ts';
import { cancelRequest } from '../../src/pipeline/stages/cancel.ts';
import { cleanup } from '../../src/pipeline/stages/cleanup.ts';
import type { StageContext } from '../../src/pipeline/stages/context.ts';
import { nextRun, takeFromQueue } from '../../src/pipeline/stages/queue.ts';
import { earlierAfter, noteVersion } from '../../src/pipeline/stages/song-version.ts';
import { currentVersion } from '../../src/pipeline/storage/blob-version.ts';
import { readJson } from '../../src/pipeline/storage/container.ts';
import { idOfBlob } from '../../src/pipeline/storage/upload-id.ts';
import { FakeDurable } from '../support/durable-client.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';

let storage: TestStorage;
let workDir: string;
let worker: StageContext;
let durable: FakeDurable;
let log: string[];
let names = 0;
let song: string;

beforeAll(async () => {
  storage = await newStorage();
  workDir = mkdtempSync(join(tmpdir(), 'uploads-'));
  worker = {
    container: storage.container,
    config: { ...readConfig({ DEMUCS_MODEL: 'spectral', CALLBACK_ALLOWED_HOSTS: 'localhost' }), workDir },
  };
});
afterAll(async () => {
  rmSync(workDir, { recursive: true });
});
beforeEach(() => {
  durable = new FakeDurable();
  log = [];
  song = `song-${++names}.mp3`;
});

const blobOf = (name: string) => storage.container.getBlockBlobClient(name);

/** Puts a blob, with the MD5 that the storage makes of it or, uploaded in blocks, without. */
async function put(
  name: string,
  content: string,
  metadata: Record<string, string> = {},
  { blocks = false } = {},
): Promise<void> {
  const bytes = Buffer.from(content);
  if (!blocks) await blobOf(name).upload(bytes, bytes.length, { metadata });
  else {
    const id = randomBytes(8).toString('base64');
    await blobOf(name).stageBlock(id, bytes, bytes.length);
    await blobOf(name).commitBlockList([id], { metadata });
  }
}

const news = (name = song) => songUploaded(name, durable.client, worker, (text) => log.push(text));
const request = (audio_file_id: string, name = song, more = {}) =>
  requestRun({ audio_file_id, blob_uri: blobOf(name).url, ...more }, durable.client, worker);
const started = () => durable.started.map(({ audio_file_id, blob_name }) => `${audio_file_id} ${blob_name}`);

/** What `download` of the run of `id` does about the version. */
async function download(id: string): Promise<BlobVersion> {
  const { input } = durable.instances.get(id)!;
  await takeFromQueue(input, worker);
  const version = await currentVersion(storage.container, input.blob_name);
  const content = await blobOf(input.blob_name).downloadToBuffer();
  const sha256 = createHash('sha256').update(content).digest('hex');
  await noteVersion(id, { ...version, sha256 }, worker);
  return { ...version, sha256 };
}

/** Ends the run of `id` as the orchestrator does: what waits follows it. */
async function finish(id: string, status = OrchestrationRuntimeStatus.Completed): Promise<void> {
  const { input } = durable.instances.get(id)!;
  const { next, version } = await cleanup({ audio_file_id: id, queued: input.queued }, worker);
  if (next) durable.run(id, { ...next, earlier: earlierAfter(input, version, next) });
  else durable.end(id, { stage: 'cleanup', progress: 1, version }, status);
}

/** A run from its start to its end. */
async function complete(id: string, status = OrchestrationRuntimeStatus.Completed): Promise<void> {
  await download(id);
  await finish(id, status);
}

describe('a version is its content: new metadata', () => {
  describe.each([
    ['with an MD5', false],
    ['uploaded in blocks, without an MD5', true],
  ])('of a song %s', (_, blocks) => {
    const id = () => idOfBlob(song);
    const upload = (content: string, metadata = {}) => put(song, content, metadata, { blocks });

    it('starts nothing before, during and after a run, however it ended', async () => {
      await upload('one');
      await news();
      expect(started()).toEqual([`${id()} ${song}`]);
      const notes = async () => {
        for (const note of ['1', '2']) {
          await blobOf(song).setMetadata({ note });
          await news();
        }
      };
      await notes();
      await download(id());
      await notes();
      expect(await cancelRequest(id(), worker)).toBeUndefined();
      expect(await nextRun(id(), worker)).toBeUndefined();
      await finish(id());
      await notes();
      await request(id());
      await complete(id(), OrchestrationRuntimeStatus.Failed);
      await notes();
      expect(started()).toHaveLength(2);
      expect(log.at(-1)).toMatch(/had|has its run already/);
    });

    it('starts nothing where the run failed or was called off before it had read the song', async () => {
      await upload('one');
      await news();
      await finish(id(), OrchestrationRuntimeStatus.Failed);
      await blobOf(song).setMetadata({ note: 'failed' });
      await news();
      expect(started()).toHaveLength(1);
    });

    it('but another content does: after the end, and during a run, which leaves off', async () => {
      await upload('one');
      await news();
      await complete(id());
      await upload('two');
      await news();
      expect(started()).toHaveLength(2);
      await download(id());
      await upload('six');
      await news();
      expect(await cancelRequest(id(), worker)).toMatchObject({ code: 'blob_changed' });
      expect(started()).toHaveLength(2);
      await finish(id(), OrchestrationRuntimeStatus.Failed);
      expect(started()).toHaveLength(3);
      await complete(id());
      await upload('two'); // As it was before: the last version counts.
      await news();
      expect(started()).toHaveLength(4);
    });

    it('and so does the same content with another model or other stems', async () => {
      await upload('one', { model: 'spectral' });
      await news();
      await complete(id());
      await upload('one', { model: 'spectral', stems: 'vocals' });
      await news();
      expect(durable.started.at(-1)).toMatchObject({ stems: ['vocals'] });
      await download(id());
      await upload('one', { model: 'htdemucs' });
      await news();
      await finish(id());
      expect(durable.started.map(({ model }) => model)).toEqual(['spectral', 'spectral', 'htdemucs']);
      await complete(id());
      await upload('one', { analysed: 'yes' });
      await news();
      expect(started()).toHaveLength(3);
    });
  });

  it('starts nothing where it drops the id that earlier metadata asked for', async () => {
    await put(song, 'one', { audio_file_id: `mine-${names}` });
    await news();
    expect(started()).toEqual([`mine-${names} ${song}`]);
    await download(`mine-${names}`);
    await blobOf(song).setMetadata({ analysed: 'no' });
    await news();
    await finish(`mine-${names}`);
    await blobOf(song).setMetadata({ analysed: 'yes' });
    await news();
    expect(started()).toHaveLength(1);
  });

  it('makes no loop where two songs share an id', async () => {
    const id = `shared-${names}`;
    const other = `other-${song}`;
    for (const name of [song, other]) await put(name, name, { audio_file_id: id });
    await news(song);
    await news(other);
    for (let notes = 0; notes < 4; notes++) {
      await complete(id);
      for (const name of [song, other]) {
        await blobOf(name).setMetadata({ audio_file_id: id, analysed: `${notes}` });
        await news(name);
      }
      if (!durable.isUnderWay(id)) break;
    }
    expect(durable.isUnderWay(id)).toBe(false);
    expect(started()).toEqual([`${id} ${song}`, `${id} ${other}`]);
  });
});

describe('two songs that ask for one id', () => {
  it('are both analysed where they were uploaded, one after the other, each in its newest version', async () => {
    const id = `queue-${names}`;
    const [a, b, c] = ['a', 'b', 'c'].map((part) => `${part}-${song}`);
    for (const name of [a, b, c]) {
      await put(name, name, { audio_file_id: id });
      await news(name);
    }
    await put(b, 'newer', { audio_file_id: id });
    await news(b);
    expect(started()).toEqual([`${id} ${a}`]);
    for (let run = 0; run < 3; run++) await complete(id);
    expect(started()).toEqual([a, b, c].map((name) => `${id} ${name}`));
    expect(durable.started[1].etag).toBe((await blobOf(b).getProperties()).etag);
    expect(durable.isUnderWay(id)).toBe(false);
    expect(await nextRun(id, worker)).toBeUndefined();
  });

  it('are not lost where the end of the first is killed in any place', async () => {
    const id = `killed-${names}`;
    const other = `other-${song}`;
    for (const name of [song, other]) {
      await put(name, name, { audio_file_id: id });
      await news(name);
    }
    const { input } = durable.instances.get(id)!;
    const twice = [1, 2].map(() => cleanup({ audio_file_id: id, queued: input.queued }, worker));
    for (const { next } of await Promise.all(twice)) expect(next).toMatchObject({ blob_name: other });
  });

  it('are not run again where the second is called off before it has begun, or becomes another meanwhile', async () => {
    const id = `called-off-${names}`;
    const other = `other-${song}`;
    for (const name of [song, other]) {
      await put(name, name, { audio_file_id: id });
      await news(name);
    }
    await complete(id);
    expect(durable.instances.get(id)?.input.blob_name).toBe(other);
    await finish(id); // It never came to its download.
    expect(durable.isUnderWay(id)).toBe(false);
    expect(await nextRun(id, worker)).toBeUndefined();
    // Of one that waits for a newer version, the newer one stays.
    for (const content of ['1', '22', '333']) {
      await put(song, content, { audio_file_id: id });
      await news();
    }
    const waiting = await nextRun(id, worker);
    await put(song, '4444', { audio_file_id: id });
    await news();
    await takeFromQueue(waiting!, worker);
    expect((await nextRun(id, worker))?.size_bytes).toBe(4);
  });

  it('are refused in a request while the other is analysed, and its callback stays its own', async () => {
    const other = `other-${song}`;
    for (const name of [song, other]) await put(name, name);
    const id = `used-${names}`;
    await request(id, song, { callback_url: 'http://localhost/first' });
    await download(id);
    await expect(request(id, other, { callback_url: 'http://localhost/second' })).rejects.toMatchObject({
      code: 'id_in_use',
      message: expect.stringContaining(song),
    });
    expect(await nextRun(id, worker)).toBeUndefined();
    expect(await readJson(storage.container, `${id}/work/callback.json`)).toEqual({
      callback_url: 'http://localhost/first',
    });
    await finish(id);
    expect(await request(id, other)).toBe('started');
  });

  it('where two requests come at the same time, one is refused', async () => {
    const other = `other-${song}`;
    for (const name of [song, other]) await put(name, name);
    const id = `race-${names}`;
    durable.onStart = () => {
      durable.onStart = () => {};
      durable.run(id, {
        audio_file_id: id,
        blob_name: other,
        attempts: 1,
        retry_ms: 5_000,
        origin: 'request',
      });
    };
    await expect(request(id, song, { callback_url: 'http://localhost/x' })).rejects.toMatchObject({
      code: 'id_in_use',
    });
    expect(await nextRun(id, worker)).toBeUndefined();
  });
});

describe('a request', () => {
  it('joins its own run, and one for a called-off run follows with its own callback', async () => {
    const id = `again-${names}`;
    const name = `${id}/song.mp3`;
    await put(name, 'one');
    await request(id, name, { callback_url: 'http://localhost/first' });
    expect(await request(id, name)).toBe('joined');
    await download(id);
    await put(name, 'another');
    expect(await request(id, name, { callback_url: 'http://localhost/second' })).toBe('queued');
    await news(name); // The upload's own news doesn't take the callback's place.
    expect(await readJson(storage.container, `${id}/work/callback.json`)).toEqual({
      callback_url: 'http://localhost/first',
    });
    await finish(id, OrchestrationRuntimeStatus.Failed);
    await download(id);
    expect(await readJson(storage.container, `${id}/work/callback.json`)).toEqual({
      callback_url: 'http://localhost/second',
    });
    await finish(id);
    expect(started()).toEqual([`${id} ${name}`, `${id} ${name}`]);
  });

  it('for a run whose results are there already begins once more', async () => {
    await put(song, 'one');
    const id = `late-${names}`;
    await request(id);
    await download(id);
    durable.at(id, { stage: 'callback', progress: 0.97 });
    expect(await request(id, song, { callback_url: 'http://localhost/late' })).toBe('queued');
    await finish(id);
    expect(started()).toHaveLength(2);
  });

  it('that finds the run ending follows it', async () => {
    await put(song, 'one');
    const id = `ending-${names}`;
    await request(id);
    await download(id);
    const { input } = durable.instances.get(id)!;
    const { version } = await cleanup({ audio_file_id: id, queued: input.queued }, worker);
    durable.at(id, { stage: 'cleanup', progress: 0.99, ending: true });
    const answer = request(id);
    setTimeout(() => durable.end(id, { stage: 'cleanup', progress: 1, version }), 300);
    expect(await answer).toBe('queued');
    expect(started()).toHaveLength(2);
    await complete(id);
    expect(durable.isUnderWay(id)).toBe(false);
  });

  it.each(['work', 'stems', 'analysis'])('for a blob below %s of any run is refused', async (folder) => {
    const message = expect.stringMatching(/^blob_uri: an output is never an input/);
    for (const name of [`a/${folder}/song.wav`, `nobody knows/${folder}/deep/song.wav`])
      await expect(request('a', name)).rejects.toMatchObject({ code: 'invalid_request', message });
    expect(durable.started).toEqual([]);
  });
});

describe('an upload', () => {
  it('joins the run of a request that its folder names, whichever comes first', async () => {
    const id = `folder-${names}`;
    const name = `${id}/${song}`;
    await put(name, 'one');
    await request(id, name);
    await news(name);
    await complete(id);
    await news(name);
    await blobOf(name).setMetadata({ analysed: 'yes' });
    await news(name);
    expect(started()).toEqual([`${id} ${name}`]);
    await put(name, 'another');
    await news(name);
    expect(started()).toEqual([`${id} ${name}`, `${id} ${name}`]);
  });

  it('that was faster than the request for it leaves off', async () => {
    const id = `faster-${names}`;
    const name = `${id}/${song}`;
    await put(name, 'one');
    await news(name);
    await request(id, name);
    expect(started()).toEqual([`${idOfBlob(name)} ${name}`, `${id} ${name}`]);
    expect(await cancelRequest(idOfBlob(name), worker)).toMatchObject({ code: 'canceled' });
    expect(await cancelRequest(id, worker)).toBeUndefined();
    await finish(idOfBlob(name));
    await news(name);
    expect(started()).toHaveLength(2);
  });

  it('of another song in that folder has a run of its own', async () => {
    const id = `album-${names}`;
    const [first, second] = [`${id}/01.mp3`, `${id}/02.mp3`];
    for (const name of [first, second]) await put(name, name);
    await request(id, first);
    await news(first);
    await news(second);
    expect(started()).toEqual([`${id} ${first}`, `${idOfBlob(second)} ${second}`]);
  });

  it('with a wrong audio_file_id says so, and has the id of its path', async () => {
    await put(song, 'one', { audio_file_id: '../x' });
    await news();
    expect(started()).toEqual([`${idOfBlob(song)} ${song}`]);
    expect(log[0]).toMatch(/audio_file_id is passed over; expected 1 to 100 letters.*got "\.\.\/x"/);
  });

  it('among outputs says that it is not analysed, unless the worker made it', async () => {
    await put('a/stems/vocals.wav', 'made', { run: '0123456789abcdef' });
    await put('a/work/song.wav', 'somebody put it there');
    await news('a/stems/vocals.wav');
    expect(log).toEqual([]);
    await news('a/work/song.wav');
    expect(log).toEqual([
      expect.stringMatching(/"a\/work\/song\.wav" is not analysed: runs keep their outputs/),
    ]);
    expect(durable.started).toEqual([]);
  });

  it('with a name that would be taken for another says so, as does one that is gone', async () => {
    await news('a/../other/song.mp3');
    await news('line\nbreak.mp3');
    await news('gone.mp3');
    expect(log).toEqual([
      expect.stringMatching(/'\.\.' between slashes/),
      expect.stringMatching(/^"line\\nbreak\.mp3" is not analysed/),
      expect.stringMatching(/was removed/),
    ]);
    await news('notes.txt');
    expect(log).toHaveLength(3);
    expect(durable.started).toEqual([]);
  });

  it('named by its ending alone is analysed', async () => {
    await put('.wav', 'a song');
    await news('.wav');
    expect(started()).toEqual([`${idOfBlob('.wav')} .wav`]);
  });
});

it('cleanup leaves what others put beside the work files', async () => {
  const id = `kept-${names}`;
  const own = [`${id}/work/song.wav`, `${id}/work/notes.json`];
  for (const name of own) await put(name, 'mine');
  await noteVersion(id, { blob_name: song }, worker);
  await cleanup({ audio_file_id: id }, worker);
  const left = [];
  for await (const { name } of storage.container.listBlobsFlat({ prefix: `${id}/` })) left.push(name);
  expect(left.sort()).toEqual(own.toSorted());
});

/** The jobs of Durable are JSON, and small. */
it('what a run remembers of older songs is bounded', () => {
  let job: JobInput = {
    audio_file_id: 'a',
    blob_name: '0.mp3',
    attempts: 1,
    retry_ms: 5_000,
    origin: 'upload',
  };
  for (let i = 1; i < 100; i++) {
    const next: JobInput = { ...job, blob_name: `${i}.mp3` };
    job = { ...next, earlier: earlierAfter(job, undefined, next) };
  }
  expect(job.earlier?.map(({ blob_name }) => blob_name).slice(0, 2)).toEqual(['98.mp3', '97.mp3']);
  expect(job.earlier?.length).toBeLessThanOrEqual(20);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOfBlob } from '../../src/pipeline/storage/upload-id.ts';
import { aPlace, end, type Place, run, startWorker } from '../support/commands.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, until } from '../support/runs.ts';
import { writeTone } from '../support/tone.ts';

const SECRET = `whsec_${Buffer.from('a secret of this very test').toString('base64')}`;
const DEMO = readFileSync('demo/demo-song.ogg');

let place: Place;
let worker: Awaited<ReturnType<typeof startWorker>>;
let receiver: Receiver;
let toneId = '';

beforeAll(async () => {
  place = await aPlace({ CALLBACK_SECRET: SECRET });
  receiver = await startReceiver();
  worker = await startWorker(place);
});
afterAll(async () => {
  await end(worker.child, 'SIGKILL');
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

describe('npm start', () => {
  it('tells its addresses and its health', async () => {
    expect(worker.log()).toContain('[POST]');
    expect(worker.log()).toContain('blobs of audio-files');
    const health = await (await fetch(`${worker.url}/health`)).json();
    expect(health).toMatchObject({
      status: 'healthy',
      services: { demucs: 'missing', essentia: 'available', storage: 'available', ffmpeg: 'available' },
    });
  });

  it('answers POST /analyze as the contract says, and what is wrong with a request', async () => {
    await place.container.getBlockBlobClient('req/song.ogg').uploadData(DEMO);
    const post = (body: unknown) =>
      fetch(`${worker.url}/analyze`, { method: 'POST', body: JSON.stringify(body) });
    const answer = await post({
      audio_file_id: 'req',
      blob_uri: `${place.container.url}/req/song.ogg`,
      callback_url: receiver.url,
    });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`${worker.url}/analyze/req`);
    expect(answer.headers.get('operation-location')).toBe(`${worker.url}/analyze/req`);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.json()).toMatchObject({ audio_file_id: 'req', status: 'processing' });

    const wrong = await post({ audio_file_id: '../x', blob_uri: 'nowhere' });
    expect(wrong.status).toBe(400);
    expect(wrong.headers.get('content-type')).toContain('application/problem+json');
    expect(await wrong.json()).toMatchObject({ code: 'invalid_request' });
    const model = await post({
      audio_file_id: 'm',
      blob_uri: `${place.container.url}/req/song.ogg`,
      model: 'magic',
    });
    expect(await model.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining("'magic'"),
    });
    const empty = await post({
      audio_file_id: 'm',
      blob_uri: `${place.container.url}/req/song.ogg`,
      model: '',
    });
    expect(empty.status).toBe(400);
    for (const [more, detail] of [
      [{ blob_uri: `${place.container.url}/..%2fother%2fx.ogg` }, /'\.\.' between slashes/],
      [{ blob_uri: `${place.container.url}/%zz.ogg` }, /a % in it/],
      [{ blob_uri: `${place.container.url}/req/work/song.wav` }, /an output is never an input/],
      [{ stem: ['vocals'] }, /did you mean stems\?/],
      [{ model: 'spectral', stems: ['oboe'] }, /got 'oboe'/],
    ] as const) {
      const refused = await post({
        audio_file_id: 'm',
        blob_uri: `${place.container.url}/req/song.ogg`,
        ...more,
      });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(detail) });
    }
    expect((await fetch(`${worker.url}/analyze/unknown`)).status).toBe(404);
  });

  it('publishes the results and posts a signed callback', async () => {
    const { result, callback } = await until(worker.url, 'req', completed);
    expect(callback).toBe('delivered');
    expect(result?.analysis.key).toBe('D major');
    for (const url of [result?.jams_url, ...(result?.stems ?? []).map(({ blob_url }) => blob_url)]) {
      const name = decodeURIComponent(String(url)).slice(place.container.url.length + 1);
      expect(await place.container.getBlobClient(name).exists()).toBe(true);
    }
    expect(receiver.received).toHaveLength(1);
    const [{ headers, body }] = receiver.received;
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({
      audio_file_id: 'req',
      status: 'completed',
    });
  });

  it('serves npm run analyze, which starts no worker of its own then', async () => {
    const tone = join(place.folder, 'tone.wav');
    writeTone(tone);
    const { code, stdout, stderr } = await run('analyze', [tone, '--json', '--out', place.folder], place);
    expect(code, stderr).toBe(0);
    const { audio_file_id, status } = JSON.parse(stdout);
    expect([audio_file_id, status]).toEqual([expect.stringMatching(/^tone-[0-9a-f]{12}$/), 'completed']);
    expect(worker.log()).toContain(`'${audio_file_id}': Completed`);
    toneId = audio_file_id;
  });

  it('23. Output blobs do not start new runs, also after a kill -9 of a run that an upload started', async () => {
    const dropped = join(place.folder, 'dropped.ogg');
    writeTone(dropped, { seconds: 25, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
    await place.container.getBlockBlobClient('dropped.ogg').uploadFile(dropped);
    const id = idOfBlob('dropped.ogg');
    await until(worker.url, id, ({ stage, progress }) => stage === 'separate' && progress > 0.2);
    await end(worker.child, 'SIGKILL');
    worker = await startWorker(place);
    const { result } = await until(worker.url, id, completed);
    expect(result?.stems).toHaveLength(4);
    await pause(3000); // longer than the trigger's polling: an output that started a run would show
    const names = [];
    for await (const { name } of place.container.listBlobsFlat()) names.push(name);
    expect(names.filter((name) => name.includes('/work/'))).toEqual([]);
    expect(new Set(names.map((name) => name.split('/')[0]))).toEqual(
      new Set(['req', toneId, id, 'dropped.ogg']),
    );
    const starts = [...worker.log().matchAll(/analysis started, as '([^']*)'/g)].map(
      ([, started]) => started,
    );
    const own = new Set([id, toneId]);
    expect(starts.filter((started) => !own.has(started))).toEqual([]);
  });

  it('tells of a wrong setting in a line, before anything starts', async () => {
    const env = { ...place.env, DEMUCS_PRECISION: 'int4' };
    const { code, stdout, stderr } = await run('start', [], { ...place, env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^The setting DEMUCS_PRECISION is 'int4': .*\n$/);
  });

  it('stops cleanly on Ctrl-C', async () => {
    expect(await end(worker.child, 'SIGINT')).toBe(0);
    await expect(fetch(`${worker.url}/health`)).rejects.toThrow();
  });
});

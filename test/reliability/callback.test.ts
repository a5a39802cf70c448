import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { end, type Place, startWorker } from '../support/commands.ts';
import { type Answer, type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, leftoversOf, until } from '../support/runs.ts';
import { aPlaceWithStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

const SECRETS = [32, 48].map((bytes) => `whsec_${Buffer.alloc(bytes, bytes).toString('base64')}`);
const ATTEMPTS = 4;

/** How the receiver answers the deliveries of each song, one after the other; then it takes them. */
const ANSWERS: Record<string, readonly Answer[]> = {
  busy: [{ status: 500 }, { status: 429, headers: { 'retry-after': '2' } }],
  forgetful: ['cut'],
  slow: ['silence'],
  unwilling: [{ status: 500 }, { status: 410 }],
  down: Array.from({ length: ATTEMPTS }, () => ({ status: 503 })),
  moved: [{ status: 307, headers: { location: '/elsewhere' } }],
  twice: [{ status: 503, headers: { 'retry-after': '4' } }],
  unreadable: [{ status: 500 }],
  killed: [{ status: 503, headers: { 'retry-after': '3' } }],
};

let place: Place;
let receiver: Receiver;
let worker: Awaited<ReturnType<typeof startWorker>>;
let tone: string;

beforeAll(async () => {
  place = await aPlaceWithStorage({
    CALLBACK_SECRET: SECRETS.join(','),
    CALLBACK_ATTEMPTS: `${ATTEMPTS}`,
    CALLBACK_RETRY_SECONDS: '0.2',
    CALLBACK_TIMEOUT_SECONDS: '1',
    DEMUCS_MODEL: 'spectral',
  });
  receiver = await startReceiver(
    (path, delivery) => ANSWERS[path.slice(1)]?.[delivery - 1] ?? { status: 204 },
  );
  worker = await startWorker(place);
  tone = join(place.folder, 'tone.wav');
  writeTone(tone);
});
afterAll(async () => {
  await end(worker.child, 'SIGKILL');
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

async function request(id: string, content?: Buffer, path = id): Promise<void> {
  const blob = place.container.getBlockBlobClient(`${id}/song.wav`);
  await (content ? blob.uploadData(content) : blob.uploadFile(tone));
  const callback_url = new URL(`/${path}`, receiver.url).href;
  const body = JSON.stringify({ audio_file_id: id, blob_uri: blob.url, callback_url });
  expect((await fetch(`${worker.url}/analyze`, { method: 'POST', body })).status).toBe(202);
}

const finalCallback = (id: string) =>
  until(worker.url, id, (status) => completed(status) && status.callback !== 'pending');

function expectOneMessage(path: string): void {
  const deliveries = receiver.receivedAt(path);
  expect(new Set(deliveries.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(new Set(deliveries.map(({ body }) => body)).size).toBe(1);
  for (const { headers, body, at } of deliveries) {
    for (const secret of SECRETS) expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
    expect(Math.abs(Number(headers['webhook-timestamp']) * 1000 - at)).toBeLessThan(5000);
  }
}

describe('a callback', { timeout: 60_000 }, () => {
  it('25. 500, 429 (with Retry-After) -> tried again when the receiver asks for it, while the run is completed', async () => {
    await request('busy');
    const pending = await until(worker.url, 'busy', completed);
    expect(pending).toMatchObject({
      callback: 'pending',
      callback_delivery: {
        error: { code: 'callback_failed', message: expect.stringMatching(/status (500|429)/) },
      },
      result: { audio_file_id: 'busy', status: 'completed' },
    });
    const { callback_delivery } = await finalCallback('busy');
    const [first, second, third] = receiver.receivedAt('/busy');
    expect(second.at - first.at).toBeGreaterThanOrEqual(200);
    expect(third.at - second.at).toBeGreaterThanOrEqual(2000);
    expect(callback_delivery).toEqual({ message_id: first.headers['webhook-id'], attempts: 3 });
    expectOneMessage('/busy');
  });

  it.each(['forgetful', 'slow', 'moved'])(
    '26. Receiver (%s) stores it and drops the reply -> redelivered with the same webhook-id, fresh timestamp, valid signature',
    async (id) => {
      await request(id);
      expect(await finalCallback(id)).toMatchObject({
        callback: 'delivered',
        callback_delivery: { attempts: 2 },
      });
      expect(receiver.receivedAt(`/${id}`)).toHaveLength(2);
      expect(receiver.receivedAt('/elsewhere')).toEqual([]);
      expectOneMessage(`/${id}`);
    },
  );

  it('ends with 410, and that is told', async () => {
    await request('unwilling');
    expect(await finalCallback('unwilling')).toMatchObject({
      callback: 'gone',
      callback_delivery: { attempts: 2, error: { code: 'callback_gone' } },
      result: { status: 'completed' },
    });
    expect(receiver.receivedAt('/unwilling')).toHaveLength(2);
  });

  it('is given up after CALLBACK_ATTEMPTS, and the result stays readable', async () => {
    await request('down');
    expect(await finalCallback('down')).toMatchObject({
      callback: 'failed',
      callback_delivery: { attempts: ATTEMPTS, error: { code: 'callback_failed' } },
      result: { status: 'completed' },
    });
    expect(receiver.receivedAt('/down')).toHaveLength(ATTEMPTS);
  });

  it('of a failed run is tried again too', async () => {
    await request('unreadable', Buffer.from('no music'));
    const status = () => fetch(`${worker.url}/analyze/unreadable`).then((answer) => answer.json());
    await expect.poll(status, { timeout: 20_000 }).toMatchObject({ status: 'failed', callback: 'delivered' });
    expectOneMessage('/unreadable');
    expect(JSON.parse(receiver.receivedAt('/unreadable')[1].body)).toMatchObject({
      status: 'failed',
      error: { code: 'unsupported_media', stage: 'download' },
    });
  });

  it('that waits does not keep the next run of its song, and tells what its own run found', async () => {
    await request('twice');
    await until(worker.url, 'twice', completed);
    const other = join(place.folder, 'other.wav');
    writeTone(other, { seconds: 3 });
    const blob = place.container.getBlockBlobClient('twice/song.wav');
    await blob.uploadFile(other);
    const callback_url = new URL('/second', receiver.url).href;
    const body = JSON.stringify({ audio_file_id: 'twice', blob_uri: blob.url, callback_url });
    expect((await fetch(`${worker.url}/analyze`, { method: 'POST', body })).status).toBe(202);
    await expect.poll(() => receiver.receivedAt('/second').length, { timeout: 20_000 }).toBe(1);
    await expect.poll(() => receiver.receivedAt('/twice').length, { timeout: 20_000 }).toBe(2);
    expectOneMessage('/twice');
    const [first, second] = ['/twice', '/second'].map((path) =>
      JSON.parse(receiver.receivedAt(path)[0].body),
    );
    expect(first.source.sha256).not.toBe(second.source.sha256);
  });

  it('that waits survives a kill -9 of the worker', async () => {
    await request('killed');
    await until(worker.url, 'killed', completed);
    await end(worker.child, 'SIGKILL');
    worker = await startWorker(place);
    expect(await finalCallback('killed')).toMatchObject({
      callback: 'delivered',
      callback_delivery: { attempts: 2 },
    });
    expectOneMessage('/killed');
  });

  it('leaves nothing behind', async () => {
    for (const id of Object.keys(ANSWERS)) {
      // A message goes right after its delivery has been told.
      await expect.poll(() => leftoversOf(place, id), { timeout: 5000 }).toEqual([]);
    }
  });
});

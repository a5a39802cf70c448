import dns from 'node:dns';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { type Front, startFront } from '../support/front.ts';

const BODY = { audio_file_id: 'a', blob_uri: 'http://127.0.0.1:1/devstoreaccount1/audio-files/a.mp3' };
const environment = { ...process.env };

let front: Front;
beforeAll(async () => {
  process.env.AZURE_STORAGE_CONNECTION_STRING = emulatorAt(1, 1).connectionString;
  process.env.STORAGE_TRIES = '1';
  process.env.DEMUCS_MODEL = 'spectral';
  front = await startFront();
});
afterAll(async () => {
  process.env = environment;
  await front[Symbol.asyncDispose]();
});
afterEach(() => vi.restoreAllMocks());

const post = async (callback_url: string) => {
  const answer = await fetch(`${front.url}/analyze`, {
    method: 'POST',
    body: JSON.stringify({ ...BODY, callback_url }),
  });
  return { status: answer.status, ...((await answer.json()) as { code: string; detail: string }) };
};

/** Answers the worker's lookups, and nobody else's. */
function stubLookup(answers: Record<string, string[]>) {
  vi.spyOn(dns, 'lookup').mockImplementation(((
    host: string,
    _: object,
    callback: (error: Error | null, addresses: object[]) => void,
  ) => {
    const found = answers[host]?.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    callback(found ? null : new Error('ENOTFOUND'), found ?? []);
  }) as never);
}

describe('the callback_url of a request', () => {
  it.each([
    ['ftp://hooks.example/', 'http(s)'],
    ['https://me:marked@hooks.example/x?marked#marked', 'without user and password'],
    ['https://marked@hooks.example/', 'without user and password'],
    ['https://hooks.example:6000/?marked', 'the port 6000'],
    ['http://127.0.0.1:8080/?marked', "'127.0.0.1"],
    ['http://0x7f.1/marked', "'127.0.0.1"],
    ['http://[::ffff:10.0.0.1]/marked', "'[::ffff:a00:1]'"],
    ['http://169.254.169.254/metadata/identity?marked', "'169.254.169.254'"],
    ['http://mixed.example/?marked', 'leads to an address that is not public'],
    ['http://internal.example./?marked', 'leads to an address that is not public'],
  ])('%s is refused by name, before anything begins', async (url, words) => {
    stubLookup({ 'mixed.example': ['8.8.8.8', '10.0.0.1'], 'internal.example.': ['fd00::1'] });
    const answer = await post(url);
    expect(answer).toMatchObject({
      status: 400,
      code: 'invalid_request',
      detail: expect.stringMatching(/^callback_url: /),
    });
    expect(answer.detail).toContain(words);
    expect(JSON.stringify(answer) + front.log()).not.toMatch(/marked/);
  });

  it('passes where it is public, allowed, or can not be looked up: then comes the storage', async () => {
    stubLookup({ 'public.example': ['8.8.8.8'], 'api.internal': ['10.0.0.1'] });
    process.env.CALLBACK_ALLOWED_HOSTS = 'api.internal,10.9.0.0/16';
    for (const url of [
      'https://public.example/done',
      'http://api.internal:8080/done',
      'http://10.9.1.1/done',
      'https://nowhere.example/done',
    ])
      expect(await post(url)).toMatchObject({ status: 503, code: 'storage_unavailable' });
    delete process.env.CALLBACK_ALLOWED_HOSTS;
  });
});

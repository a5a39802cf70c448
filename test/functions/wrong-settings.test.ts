import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { type Front, startFront } from '../support/front.ts';

const { connectionString } = emulatorAt(1, 1);
const BODY = { audio_file_id: 'a', blob_uri: 'http://127.0.0.1:1/devstoreaccount1/audio-files/a.mp3' };
const WHSEC = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const environment = { ...process.env };
const set = (settings: Record<string, string>) => {
  process.env = { ...environment, AZURE_STORAGE_CONNECTION_STRING: connectionString, ...settings };
};

let front: Front;
/** What is told when the functions are loaded. */
let toldAtStart: string;
/** The settings are wrong when the functions are loaded, which is when Azure would lose them all. */
beforeAll(async () => {
  set({ DEMUCS_PRECISION: 'int4', DEMUCS_OVERLAP: '2', CALLBACK_SECRET: 'secret!!' });
  const written = ['error', 'warn', 'log'].map((level) => vi.spyOn(console, level as 'log'));
  front = await startFront();
  toldAtStart = written.flatMap(({ mock }) => mock.calls.flat()).join('\n');
});
afterAll(async () => {
  process.env = environment;
  await front[Symbol.asyncDispose]();
});

const health = async () => (await fetch(`${front.url}/health`)).json();
const post = async (body: object = BODY) => {
  const answer = await fetch(`${front.url}/analyze`, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, ...((await answer.json()) as object) };
};

describe('a wrong setting', () => {
  it('leaves every function there but for the one that would take uploads', () => {
    const names = [...front.app.functions.keys()];
    expect(names).toEqual(
      expect.arrayContaining(['health', 'analyzeRequest', 'analyzeStatus', 'analyzeSong']),
    );
    expect(names).not.toContain('songUploaded');
  });

  it('is told when the worker starts, once, and no secret with it', () => {
    expect(
      toldAtStart.match(/The setting CALLBACK_SECRET is wrong: expected whsec_ and Base64/g),
    ).toHaveLength(1);
    expect(toldAtStart.match(/The setting DEMUCS_OVERLAP is '2'/g)).toHaveLength(1);
    expect(toldAtStart).not.toMatch(/secret!!|\n\s+at /);
  });

  it('is told by health, with all others', async () => {
    expect(await health()).toMatchObject({
      status: 'degraded',
      reasons: { settings: expect.stringMatching(/DEMUCS_OVERLAP is '2'.*DEMUCS_PRECISION is 'int4'/) },
    });
  });

  it("is not the caller's fault", async () => {
    expect(await post()).toMatchObject({
      status: 500,
      code: 'misconfigured',
      detail: expect.stringContaining("The setting DEMUCS_OVERLAP is '2'"),
    });
    expect(front.log()).toContain('[misconfigured]');
    expect(front.log()).not.toMatch(/\n\s+at /);
  });

  it.each<[Record<string, string>, string]>([
    [{ DEMUCS_MODEL: 'magic' }, "The setting DEMUCS_MODEL is 'magic'"],
    [{ BLOB_CONTAINER_NAME: 'Audio_Files' }, "The setting BLOB_CONTAINER_NAME is 'Audio_Files'"],
    [{ WORK_DIR: `${import.meta.filename}/x` }, 'The setting WORK_DIR is'],
    [{ MODEL_FALLBACK: 'magic' }, "The setting MODEL_FALLBACK is 'magic'"],
    [{ FFMPEG_PATH: import.meta.dirname }, 'The setting FFMPEG_PATH is'],
    [{ FFMPEG_PATH: import.meta.filename }, 'that file may not be run'],
    [{ FFMPEG_PATH: '/bin/true' }, "does not say 'ffmpeg version'"],
    [{ STAGE_TIMEOUT_SECONDS: '9999999' }, "The setting STAGE_TIMEOUT_SECONDS is '9999999'"],
    [{ STORAGE_TRY_TIMEOUT_SECONDS: '1e99' }, "The setting STORAGE_TRY_TIMEOUT_SECONDS is '1e99'"],
    [{ LOCAL_COPY_MINUTES: '9999999' }, "The setting LOCAL_COPY_MINUTES is '9999999'"],
    [{ WORKERS: '1e9' }, "The setting WORKERS is '1e9'"],
    [{ AZURE_STORAGE_CONNECTION_STRING: '' }, 'No storage is configured'],
    [
      { AZURE_STORAGE_CONNECTION_STRING: 'AccountName=a;AccountKey=secret!!' },
      'The setting AZURE_STORAGE_CONNECTION_STRING is no storage connection string',
    ],
    ...['account', 'ftp://account', 'http://account.blob.core.windows.net'].map(
      (url): [Record<string, string>, string] => [
        { AZURE_STORAGE_CONNECTION_STRING: '', AZURE_STORAGE_ACCOUNT_URL: url },
        'The setting AZURE_STORAGE_ACCOUNT_URL is no address',
      ],
    ),
    [{ CALLBACK_SECRET: 'secret!!' }, 'The setting CALLBACK_SECRET is wrong: expected whsec_ and Base64'],
    [{ CALLBACK_SECRET: `${WHSEC} whsec_secret!!` }, 'expected whsec_ and Base64, as secret 2 of 2'],
    [{ CALLBACK_SECRET: ' , ' }, 'expected whsec_ and Base64, got separators alone'],
    [{ CALLBACK_SECRET: 'whsec_' }, 'The setting CALLBACK_SECRET is wrong'],
    [{ CALLBACK_SECRET: WHSEC.slice(6) }, 'The setting CALLBACK_SECRET is wrong'],
    [
      { CALLBACK_URL: 'https://user:secret!!@example.com/' },
      'CALLBACK_URL is wrong: expected an address without user',
    ],
    [{ CALLBACK_URL: 'http://10.0.0.1/?secret!!' }, "CALLBACK_URL is wrong: '10.0.0.1' is not public"],
    [{ CALLBACK_ALLOWED_HOSTS: 'api.internal,http://x' }, 'expected names of hosts, patterns such as'],
  ])('%o is named', async (settings, words) => {
    set(settings);
    const answer = await post();
    expect(answer).toMatchObject({
      status: 500,
      code: 'misconfigured',
      detail: expect.stringContaining(words),
    });
    expect(JSON.stringify(answer) + front.log()).not.toContain('secret!!');
    const { status, reasons } = (await health()) as { status: string; reasons: object };
    expect(status).toBe('degraded');
    expect(Object.values(reasons).join()).toContain(words);
  });

  it("of the model doesn't matter where the request names one, and an unknown one there is the caller's fault", async () => {
    set({ DEMUCS_MODEL: 'magic' });
    expect(await post({ ...BODY, model: 'wizard' })).toMatchObject({
      status: 400,
      code: 'invalid_request',
      detail: expect.stringContaining("got 'wizard'"),
    });
  });

  it('that works is told by health too: a secret of a length that the standard does not have', async () => {
    set({ CALLBACK_SECRET: `whsec_${Buffer.from('short').toString('base64')}` });
    expect(await health()).toMatchObject({
      reasons: { settings: expect.stringContaining('the Base64 of 24 to 64 bytes, got 5 bytes') },
    });
    expect(await post()).not.toMatchObject({ code: 'misconfigured' });
    set({ CALLBACK_SECRET: WHSEC });
    expect(await health()).not.toMatchObject({ reasons: { settings: expect.anything() } });
  });

  it('of ffmpeg is told by health', async () => {
    set({ FFMPEG_PATH: '/nowhere/ffmpeg' });
    expect(await health()).toMatchObject({
      status: 'degraded',
      services: { ffmpeg: 'missing' },
      reasons: { settings: expect.stringContaining("FFMPEG_PATH is '/nowhere/ffmpeg'") },
    });
  });
});

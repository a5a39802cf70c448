import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { aPlace, end, type Place, run, startWorker } from '../support/commands.ts';
import { freePort } from '../support/ports.ts';
import { startFaultyStorage } from '../support/storage-proxy.ts';
import { writeTone } from '../support/tone.ts';
import { foundIn, type Written, writtenBlobs, writtenFiles } from '../support/written.ts';

const WEBHOOK_SECRET = `whsec_${Buffer.from('a marked secret of 24 by').toString('base64')}`;
const PASSWORD = 'pa55w0rd-mark';
const TOKEN = 'T0ken-mark';
/** Names that would break a log's line, forge one, colour a terminal or turn its text around. */
const BREAK = 'br\n2026-01-01T00:00:00.000Z error [forged] eak.wav';
const TURN = 'gpj.\u202e\u2028.wav';
const ESCAPE = '\u001b[31m';

/** Answers by the first part of the path; a hanging one never does. */
async function startReceiver() {
  const received: { path: string; text: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const path = new URL(request.url!, 'http://x').pathname;
    received.push({ path, text: JSON.stringify(request.headers) + body });
    const status = Number(path.slice(1));
    if (status) response.writeHead(status, { 'x-reason': 'no' }).end('no');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, server };
}

describe('a worker with marked secrets', () => {
  const written: Written = {};
  let marks: Record<string, string>;
  let place: Place;
  let child: ChildProcess;
  let log = '';

  beforeAll(async () => {
    place = await aPlace({
      DEMUCS_MODEL: 'spectral',
      STORAGE_TRIES: '2',
      STAGE_ATTEMPTS: '1',
      CALLBACK_TIMEOUT_SECONDS: '1',
      CALLBACK_SECRET: WEBHOOK_SECRET,
    });
    const { env, folder } = place;
    const { connectionString } = emulatorAt(Number(env.AZURITE_BLOB_PORT), Number(env.AZURITE_QUEUE_PORT));
    const [, account, key] = /AccountName=([^;]*);AccountKey=([^;]*)/.exec(connectionString)!;
    const sas = generateAccountSASQueryParameters(
      {
        services: AccountSASServices.parse('b').toString(),
        resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
        permissions: AccountSASPermissions.parse('rwdlacu'),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      new StorageSharedKeyCredential(account, key),
    ).toString();
    marks = {
      'the account key': key,
      'the SAS': new URLSearchParams(sas).get('sig')!,
      'the webhook secret': WEBHOOK_SECRET.slice('whsec_'.length),
      'a password': PASSWORD,
      'a token': TOKEN,
    };

    const storage = await startFaultyStorage(Number(env.AZURITE_BLOB_PORT), {
      seed: 1,
      kinds: ['unavailable', 'reset'],
      meets: ({ method, url = '' }) => /unseen/.test(url) || (method === 'GET' && /faulty\/song/.test(url)),
    });
    storage.rate = 1;
    const receiver = await startReceiver();
    const worker = await startWorker({
      ...place,
      env: {
        ...env,
        AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=http://127.0.0.1:${storage.port}/${account};SharedAccessSignature=${sas}`,
        CALLBACK_URL: `${receiver.url}/200?token=${TOKEN}`,
      },
    });
    child = worker.child;
    const upload = async (name: string, file: string) => {
      await place.container.getBlockBlobClient(name).uploadFile(file);
    };
    let asked = 0;
    const ask = async (path: string, init?: RequestInit) => {
      const answer = await fetch(`${worker.url}${path}`, init);
      const text = `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
      written[`answer ${++asked} to ${path}`] = text;
      return text;
    };
    const blobs = `http://127.0.0.1:${storage.port}/${account}/audio-files`;
    const analyze = (audio_file_id: string, name: string, callback_url?: string) => {
      const body = JSON.stringify({ audio_file_id, blob_uri: `${blobs}/${name}?${sas}`, callback_url });
      return ask('/analyze', { method: 'POST', body });
    };

    const song = join(folder, 'song.wav');
    const noise = join(folder, 'noise.wav');
    writeTone(song, { seconds: 2 });
    writeFileSync(noise, `${ESCAPE}\nnothing that sounds`);
    await upload(TURN, song);
    await upload(BREAK, song);
    await upload('noise/song.wav', noise);
    await upload('faulty/song.wav', noise);

    // What goes well and what doesn't; receivers that take it, have gone, refuse or hang, and one that is not there.
    await analyze('well', encodeURIComponent(TURN), `${receiver.url}/200?token=${TOKEN}#${TOKEN}`);
    await analyze('noise', 'noise/song.wav', `${receiver.url}/200?token=${TOKEN}`);
    await analyze('faulty', 'faulty/song.wav', `${receiver.url}/200?token=${TOKEN}`);
    await analyze('gone', 'missing.wav', `${receiver.url}/410?token=${TOKEN}`);
    await analyze('refused', 'missing.wav', `${receiver.url}/500?token=${TOKEN}`);
    await analyze('hanging', 'missing.wav', `${receiver.url}/hang?token=${TOKEN}`);
    await analyze('nobody', 'missing.wav', `http://127.0.0.1:${await freePort()}/?token=${TOKEN}`);
    // Wrong requests.
    const refusal = await analyze(
      'user',
      'missing.wav',
      `http://me:${PASSWORD}@127.0.0.1:81/?token=${TOKEN}`,
    );
    expect(refusal).toContain('callback_url: expected an address without user and password');
    await analyze('user', 'missing.wav', `${ESCAPE}ftp://me:${PASSWORD}@127.0.0.1:1/?token=${TOKEN}`);
    await analyze('user', `a%1b%0a.wav`);
    await analyze('unseen', 'unseen.wav', `${receiver.url}/200?token=${TOKEN}`);
    const wrong = [
      { blob_uri: `http://me:${PASSWORD}@127.0.0.1:1/song.wav?${sas}` },
      { blob_uri: `https://other.example/song.wav?${sas}` },
      { blob_uri: `${blobs}/song.wav?${sas}#${TOKEN}`, model: `${ESCAPE}https://x/?token=${TOKEN}` },
      { blob_uri: `${blobs}/song.wav`, [`https://me:${PASSWORD}@x/`]: TOKEN },
    ];
    for (const fields of wrong)
      await ask('/analyze', { method: 'POST', body: JSON.stringify({ audio_file_id: 'wrong', ...fields }) });
    await ask('/analyze', { method: 'POST', body: `{"callback_url": "http://x/?token=${TOKEN}",,}` });
    await ask(`/analyze/%1b%0aa?token=${TOKEN}`);
    await ask(`/analyze/unknown?code=${TOKEN}`, { method: 'DELETE' });

    const lines = [
      /'well': Completed/,
      /'gpj.*': Completed/,
      /'noise': Failed/,
      /'faulty': Failed/,
      /callback of 'gone' failed/,
      /callback of 'refused' failed/,
      /callback of 'hanging' failed/,
      /callback of 'nobody' failed/,
      /forged.* is not analysed/,
    ];
    await vi.waitFor(() => expect(lines.filter((line) => !line.test(worker.log()))).toEqual([]), {
      timeout: 50_000,
      interval: 100,
    });

    for (const id of ['well', 'noise', 'faulty', 'gone', 'refused', 'hanging', 'nobody', 'user']) {
      await ask(`/analyze/${id}`);
      await ask(`/runtime/webhooks/durabletask/instances/${id}?showHistory=true`);
    }
    await ask('/runtime/webhooks/durabletask/instances');
    await ask('/health');
    Object.assign(written, await writtenBlobs(connectionString));
    await end(child, 'SIGTERM');
    log = worker.log();
    Object.assign(written, writtenFiles(folder), { 'the log': log });
    for (const [i, { path, text }] of receiver.received.entries()) written[`callback ${i} ${path}`] = text;
    receiver.server.closeAllConnections();
    receiver.server.close();
    storage.stop();
  });
  afterAll(async () => {
    await end(child, 'SIGKILL');
    place.remove();
  });

  it('writes none of them anywhere', () => {
    const places = Object.keys(written).join('\n');
    for (const expected of ['result.json', 'annotation.jams', 'durable.sqlite', 'callback 0', 'azurite.log'])
      expect(places).toContain(expected);
    const answers = Object.values(written).join('\n');
    for (const code of ['invalid_request', 'storage_unavailable', 'unsupported_media', 'blob_not_found'])
      expect(answers).toContain(code);
    expect(foundIn(written, marks)).toEqual([]);
  });

  it('has one line in its log for each entry, whatever names hold', () => {
    expect(log).toContain('br\\n2026-01-01T00:00:00.000Z error [forged] eak.wav');
    expect(log).toContain('\\u202e');
    expect(log).not.toMatch(/[^\P{Cc}\n]|[\u202e\u2028]/u);
    const entries =
      /^(\d{4}-[\d-]+T[\d:.]+Z \w+ \[\w+\] | {4}(at|caused by) |Listening on | {2}\w+: |stopp|$)/;
    expect(log.split('\n').filter((line) => !entries.test(line))).toEqual([]);
  });
});

it('settings that may hold a secret are named and not shown', async () => {
  const place = await aPlace({ DEMUCS_MODEL: 'spectral' });
  const marks = { secret: 'S3cr3t' };
  const settings: Record<string, string>[] = [
    { AZURE_STORAGE_CONNECTION_STRING: 'AccountName=a;AccountKey S3cr3t' },
    { AZURE_STORAGE_CONNECTION_STRING: '', AZURE_STORAGE_ACCOUNT_URL: 'blob.example?sig=S3cr3t' },
    { MODELS_URL: 'ftp://me:S3cr3t@models.example/' },
    { CALLBACK_SECRET: 'whsec_S3cr3t' },
    { CALLBACK_URL: 'https://me:S3cr3t@api.example/' },
    { CALLBACK_ALLOWED_HOSTS: 'https://me:S3cr3t@api.example/' },
  ];
  for (const setting of settings) {
    const { stdout, stderr, code } = await run('start', [], { ...place, env: { ...place.env, ...setting } });
    expect(code).toBe(2);
    expect(stderr).toContain(Object.keys(setting).at(-1));
    expect(foundIn({ stdout, stderr }, marks)).toEqual([]);
  }
  place.remove();
});

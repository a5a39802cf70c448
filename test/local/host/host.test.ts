import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Azurite, startAzurite } from '../../../src/local/azurite/azurite.ts';
import { freePort } from '../../support/ports.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const localDir = mkdtempSync(join(tmpdir(), 'host-'));
let azurite: Azurite;
let host: { child: ChildProcess; url: string };

function launch(port: number) {
  const options = { root: here('../fixtures/host-app'), port, localDir };
  return spawn(process.execPath, [here('serve.ts'), JSON.stringify(options)], {
    env: {
      ...process.env,
      WATCHED: 'watched',
      AzureWebJobsStorage: azurite.connectionString,
      AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
    },
  });
}

async function start() {
  const child = launch(0);
  let text = '';
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const found = /Listening on (\S+)/.exec(text);
    if (found) return { child: child as ChildProcess, url: found[1] };
  }
  throw new Error(`the host did not start: ${log}`);
}

async function stop(): Promise<number | null> {
  const gone = once(host.child, 'exit');
  host.child.kill('SIGTERM');
  return (await gone)[0];
}

beforeAll(async () => {
  azurite = await startAzurite({
    directory: join(localDir, 'azurite'),
    blobPort: await freePort(),
    queuePort: await freePort(),
    log: () => {},
  });
  host = await start();
});

afterAll(async () => {
  if (host.child.exitCode === null) await stop();
  await azurite.stop();
  rmSync(localDir, { recursive: true, force: true });
});

test('a busy port is named, with the way out', async () => {
  const child = launch(Number(new URL(host.url).port));
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  expect((await once(child, 'close'))[0]).toBe(1);
  expect(log).toMatch(/port \d+ is in use.*PORT=/);
});

describe('blob triggers', () => {
  const seen = async () =>
    (await (await fetch(`${host.url}/v1/seen`)).json()) as { name: string; text: string }[];
  const names = async () =>
    (await seen()).filter(({ text }) => text !== undefined).map(({ name, text }) => `${name}:${text}`);
  const soon = { timeout: 10_000, interval: 100 };
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 1500));

  test('24. A blob that always fails -> five tries, then the poison queue; others go on, each version once, also after a restart', async () => {
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'watched',
    );
    const put = (name: string, text: string) => container.getBlockBlobClient(name).upload(text, text.length);
    await container.create();
    await put('in/bad.txt', 'x');
    await put('in/one.txt', 'first');
    await put('in/other.wav', 'not watched');
    await vi.waitFor(async () => expect(await names()).toContain('one:first'), soon);
    expect((await seen()).find(({ name }) => name === 'one')).toEqual({
      folder: 'in',
      name: 'one',
      blobTrigger: 'watched/in/one.txt',
      text: 'first',
    });
    await put('in/large.ref', 'content that is not read');
    await vi.waitFor(
      async () => expect(await seen()).toContainEqual(expect.objectContaining({ name: 'large' })),
      soon,
    );
    expect((await seen()).find(({ name }) => name === 'large')).toEqual({
      folder: 'in',
      name: 'large',
      reference: { Connection: 'AzureWebJobsStorage', ContainerName: 'watched', BlobName: 'in/large.ref' },
    });
    await put('in/one.txt', 'second');
    await vi.waitFor(async () => expect(await names()).toContain('one:second'), soon);

    const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient(
      'webjobs-blobtrigger-poison',
    );
    const message = await vi.waitFor(async () => {
      const [first] = (await queue.receiveMessages()).receivedMessageItems;
      expect(first).toBeDefined(); // the queue is there a moment before its message
      return first;
    }, soon);
    expect(JSON.parse(Buffer.from(message.messageText, 'base64').toString())).toMatchObject({
      Type: 'BlobTrigger',
      FunctionId: 'Host.Functions.onBlob',
      BlobType: 'BlockBlob',
      ContainerName: 'watched',
      BlobName: 'in/bad.txt',
      ETag: expect.stringMatching(/^".+"$/),
    });
    await quiet();
    expect((await names()).sort()).toEqual([...Array(5).fill('bad:x'), 'one:first', 'one:second']);

    let said = '';
    host.child.stdout?.on('data', (text) => {
      said += text;
    });
    expect(await stop()).toBe(0);
    expect(said).toContain('app terminated');
    host = await start();
    await put('in/two.txt', 'new');
    await vi.waitFor(async () => expect(await names()).toContain('two:new'), soon);
    await quiet();
    expect(await names()).toEqual(['two:new']);
  });
});

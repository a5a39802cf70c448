import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../../src/local/azurite/azurite.ts';
import { portTaken, servicesAt } from '../../../src/local/azurite/services.ts';
import { freePort } from '../../support/ports.ts';

let folder: string;
let other: Azurite;
let ports: { blobPort: number; queuePort: number };
const servers: (Server | TcpServer)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'azurite-'));
  ports = { blobPort: await freePort(), queuePort: await freePort() };
  other = await startAzurite({ directory: join(folder, 'other'), ...ports, log: () => {} });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(async () => {
  await other.stop();
  rmSync(folder, { recursive: true });
});

/** Starts one, and says how long it took to refuse. */
async function refusal(blobPort: number, queuePort: number) {
  const start = performance.now();
  const error = await startAzurite({
    directory: join(folder, 'mine'),
    blobPort,
    queuePort,
    log: () => {},
  }).then(
    async (azurite) => {
      await azurite.stop();
      throw new Error('it started');
    },
    (error: Error) => error,
  );
  return { message: error.message, name: error.name, seconds: (performance.now() - start) / 1000 };
}

async function occupy(server: Server | TcpServer): Promise<number> {
  const port = await freePort();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return port;
}

describe('a port that is taken is told at once, with the setting that changes it', () => {
  it('by a web server', async () => {
    const taken = await occupy(createServer((_, response) => response.end('hello')));
    const blobs = await refusal(taken, await freePort());
    expect(blobs).toMatchObject({
      name: 'HostSetupError',
      message: `port ${taken}, Azurite's for blobs, is in use by another program. Stop it, or set AZURITE_BLOB_PORT to a free one.`,
    });
    const queues = await refusal(await freePort(), taken);
    expect(queues.message).toMatch(/for queues, is in use by another program.*AZURITE_QUEUE_PORT/);
  });

  it('by something that never answers, within two seconds', async () => {
    const { message, seconds } = await refusal(await freePort(), await occupy(createTcpServer(() => {})));
    expect(message).toContain('AZURITE_QUEUE_PORT');
    expect(seconds).toBeLessThan(2);
  });

  it('by a half of another Azurite', async () => {
    const queues = await refusal(await freePort(), ports.queuePort);
    expect(queues.message).toMatch(/for queues, is in use by an Azurite .*AZURITE_QUEUE_PORT/);
    const blobs = await refusal(ports.blobPort, await freePort());
    expect(blobs.message).toMatch(/for blobs, is in use by an Azurite .*AZURITE_BLOB_PORT/);
    // Blobs asked for where queues are: an Azurite, and yet not that.
    const crossed = await refusal(ports.queuePort, ports.blobPort);
    expect(crossed.message).toContain('is in use by another program');
  });

  it('by what may be the Azurite of an earlier worker', () => {
    const [blobs] = servicesAt('account', 1, 2);
    expect(portTaken(blobs, 'another program', 123).message).toContain(
      '(it may be process 123, the Azurite of an earlier worker)',
    );
  });
});

it('a whole Azurite that runs already is used, and left running', async () => {
  const lines: string[] = [];
  const found = await startAzurite({
    directory: join(folder, 'mine'),
    ...ports,
    log: (_, __, line) => void lines.push(line),
  });
  expect(lines.join()).toContain('using the Azurite that runs');
  await found.stop();
  expect((await fetch(`${other.blobUrl}?comp=list`)).headers.get('server')).toContain('Azurite-Blob');
  expect(existsSync(join(folder, 'mine', 'azurite.pid'))).toBe(false);
});

it('what it has acknowledged outlives a kill -9', async () => {
  const directory = join(folder, 'killed');
  const azurite = await startAzurite({
    directory,
    blobPort: await freePort(),
    queuePort: await freePort(),
    log: () => {},
  });
  // One try: what is asked while it starts again is asked once more.
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString, {
    retryOptions: { maxTries: 1 },
  });
  const container = service.getContainerClient('songs');
  await container.create();
  const [uploaded, committed, removed] = ['uploaded', 'committed', 'removed'].map((name) =>
    container.getBlockBlobClient(name),
  );
  await removed.upload('', 0);
  const block = Buffer.from('block').toString('base64');
  await committed.stageBlock(block, 'blocks', 6);
  await Promise.all([uploaded.upload('whole', 5), committed.commitBlockList([block]), removed.delete()]);
  process.kill(Number(readFileSync(join(directory, 'azurite.pid'), 'utf8')), 'SIGKILL');
  const contents = async () =>
    Promise.all([uploaded, committed].map(async (blob) => String(await blob.downloadToBuffer())));
  await expect.poll(contents, { timeout: 20_000 }).toEqual(['whole', 'blocks']);
  expect(await removed.exists()).toBe(false);
  await azurite.stop();
});

it.runIf(process.platform === 'linux')(
  'the Azurite of a killed worker is not waited for once it has ended, though it is listed as a zombie',
  async () => {
    // What takes the shell's place knows nothing of its child.
    const keeper = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pid = String((await once(keeper.stdout, 'data'))[0]).trim();
    const directory = join(folder, 'orphaned');
    mkdirSync(directory);
    writeFileSync(join(directory, 'azurite.pid'), pid);
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
    const started = performance.now();
    const azurite = await startAzurite({
      directory,
      blobPort: await freePort(),
      queuePort: await freePort(),
      log: () => {},
    });
    expect(performance.now() - started).toBeLessThan(5000);
    await azurite.stop();
    keeper.kill();
  },
);

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Of } from '../../src/pipeline/models/checksum.ts';
import { end, type Place, startWorker } from '../support/commands.ts';
import { installSmall } from '../support/models.ts';
import { killChildOf } from '../support/processes.ts';
import { completed, outputsOf, statusOf, until } from '../support/runs.ts';
import { aPlaceWithStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

let place: Place;
let worker: Awaited<ReturnType<typeof startWorker>>;

beforeAll(async () => {
  place = await aPlaceWithStorage({ DEMUCS_MODEL: 'spectral', STAGE_ATTEMPTS: '2' });
  await installNotNumbers(place.env.MODELS_DIR, 'not-numbers');
  writeTone(join(place.folder, 'song.wav'), { seconds: 5 });
  worker = await startWorker(place);
});
afterAll(async () => {
  await end(worker.child, 'SIGKILL');
  place.remove();
});

/** Installs a network whose weights are what they should be by their checksum, and NaN. */
async function installNotNumbers(modelsDir: string, name: string): Promise<void> {
  const { folder, networks } = await installSmall(modelsDir, name);
  const weights = join(networks[0].folder, 'weights.bin');
  const before = await sha256Of(weights);
  writeFileSync(weights, Buffer.alloc(readFileSync(weights).length, 0xff)); // Every float of these bits is NaN.
  const description = join(folder, 'model.json');
  writeFileSync(description, readFileSync(description, 'utf8').replace(before, await sha256Of(weights)));
}

async function restart(settings: Record<string, string>): Promise<void> {
  await end(worker.child, 'SIGKILL');
  worker = await startWorker({ ...place, env: { ...place.env, ...settings } });
}

async function analyze(id: string, file: string, model: string): Promise<void> {
  const blob = place.container.getBlockBlobClient(`${id}/song.wav`);
  await blob.uploadFile(file, { metadata: { model } });
  const body = JSON.stringify({ audio_file_id: id, blob_uri: blob.url, model });
  expect((await fetch(`${worker.url}/analyze`, { method: 'POST', body })).status).toBe(202);
}

const failed = ({ status }: { status: string }) => status === 'failed';

describe('a run that cannot be mended', { timeout: 90_000 }, () => {
  it('17. Child process crashes -> host lives, attempts are limited, then failed with the stage named', async () => {
    await analyze('crashing', join(place.folder, 'song.wav'), 'spectral');
    const ended = until(worker.url, 'crashing', failed);
    let over = false;
    void ended.finally(() => {
      over = true;
    });
    while (!over) {
      killChildOf(worker.child.pid!, /compute.child/);
      await pause(20);
    }
    const { error } = await ended;
    expect(error).toMatchObject({
      code: 'compute_crashed',
      attempt: 2,
      stage: expect.stringMatching(/analyze|separate/),
    });
    expect((await fetch(`${worker.url}/health`)).status).toBe(200);
    expect(worker.log()).not.toContain('failed in attempt 3');
  });

  it('17. Child process runs out of memory -> host lives, attempts are limited, then failed with the stage named', async () => {
    await restart({ WORKER_MEMORY_MB: '60' }); // Less than a process has that does nothing yet.
    await analyze('hungry', join(place.folder, 'song.wav'), 'spectral');
    const { error } = await until(worker.url, 'hungry', failed);
    expect(error).toMatchObject({
      code: 'out_of_memory',
      attempt: 2,
      stage: expect.stringMatching(/analyze|separate/),
    });
    expect(error?.message).toMatch(/WORKER_MEMORY_MB allows 60/);
    expect((await fetch(`${worker.url}/health`)).status).toBe(200);
    expect(worker.log()).toMatch(/failed in attempt 1 .*\[out_of_memory\]/);
    expect(worker.log()).not.toContain('failed in attempt 3');
    await restart({});
  });

  it('18. NaN or infinity from a model -> failed, nothing published', async () => {
    await analyze('nan', join(place.folder, 'song.wav'), 'not-numbers');
    const { error } = await until(worker.url, 'nan', failed);
    expect(error).toMatchObject({ code: 'model_output_invalid', stage: 'separate', attempt: 1 });
    expect(Object.keys(await outputsOf(place, 'nan'))).toEqual([]);
  });

  it('takes nothing from the next one', async () => {
    await analyze('fine', join(place.folder, 'song.wav'), 'spectral');
    await until(worker.url, 'fine', completed);
    expect((await statusOf(worker.url, 'fine'))?.result?.stems).toHaveLength(4);
  });
});

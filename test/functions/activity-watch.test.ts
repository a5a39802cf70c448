import { once } from 'node:events';
import { beforeAll, expect, it } from 'vitest';
import { ActivityWatch } from '../../src/functions/activity-watch.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import { requestCancel } from '../../src/pipeline/stages/cancel.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';

let storage: TestStorage;
beforeAll(async () => {
  storage = await newStorage();
});

it('a song that is being decoded is left off within a second of being called off', async () => {
  const context = { container: storage.container, config: readConfig({ DEMUCS_MODEL: 'spectral' }) };
  using watch = new ActivityWatch('download', 'a', context);
  const aborted = once(watch.signal, 'abort');
  const started = performance.now();
  await requestCancel('a', { code: 'canceled', message: 'The run was canceled.' }, context);
  await aborted;
  expect(performance.now() - started).toBeLessThan(1000);
  expect(watch.signal.reason).toMatchObject({ code: 'canceled' });
});

import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import { canSeparate, serviceHealth } from '../../src/pipeline/health.ts';
import { noteTry } from '../../src/pipeline/models/faults.ts';
import { installSmall } from '../support/models.ts';

let folder: string;
const environment = { ...process.env };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'health-'));
  process.env.MODELS_DIR = folder;
  process.env.AZURE_STORAGE_CONNECTION_STRING = emulatorAt(1, 1).connectionString;
});
afterAll(() => {
  process.env = environment;
  rmSync(folder, { recursive: true });
});

it('tells whether the model is there, and if not, why and what to do', async () => {
  expect(await serviceHealth()).toMatchObject({
    healthy: false,
    services: { demucs: 'missing', spectral: 'available', essentia: 'available', ffmpeg: 'available' },
    reasons: { demucs: expect.stringMatching(/'htdemucs' is not in .*npm run models -- fetch htdemucs/) },
  });
  await installSmall(folder, 'htdemucs');
  const { services, reasons } = await serviceHealth();
  expect(services.demucs).toBe('available');
  expect(reasons).toEqual({});
  rmSync(join(folder, 'htdemucs', '1', 'graph.onnx'));
  expect(await serviceHealth()).toMatchObject({
    services: { demucs: 'broken' },
    reasons: { demucs: expect.stringContaining('graph.onnx is missing') },
  });
});

it('counts a fall-back where a run would take it, and not where a run would fail', async () => {
  const can = (model: string, modelFallback?: string) =>
    canSeparate({ ...readConfig(), modelsDir: folder, model, modelFallback });
  rmSync(join(folder, 'htdemucs'), { recursive: true });
  expect(can('htdemucs')).toBe(false);
  expect(can('htdemucs', 'spectral')).toBe(true);
  expect(can('htdemucs', 'nobodys')).toBe(false);
  expect(can('htdemucs', 'htdemucs_6s')).toBe(false);
  expect(can('nobodys', 'spectral')).toBe(false);
  expect(can('spectral')).toBe(true);

  await installSmall(folder, 'htdemucs');
  expect(can('htdemucs')).toBe(true);
  noteTry(folder, 'htdemucs', 'its values are no numbers');
  expect(can('htdemucs', 'spectral')).toBe(false);
  expect((await serviceHealth()).reasons.demucs).toBe('its values are no numbers');
});

it('takes a model that was installed anew for whole until it fails again', async () => {
  noteTry(folder, 'htdemucs', 'weights.bin is not what was installed');
  expect((await serviceHealth()).services.demucs).toBe('broken');
  utimesSync(join(folder, 'htdemucs', '1', 'weights.bin'), new Date(), new Date(Date.now() + 5000));
  expect((await serviceHealth()).services.demucs).toBe('available');
});

it('names a model that nobody knows', async () => {
  process.env.DEMUCS_MODEL = 'nobodys';
  expect((await serviceHealth()).reasons.demucs).toMatch(
    /DEMUCS_MODEL is 'nobodys': expected one of htdemucs, /,
  );
  delete process.env.DEMUCS_MODEL;
});

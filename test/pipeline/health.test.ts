import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serviceHealth } from '../../src/pipeline/health.ts';
import { installSmall } from '../support/models.ts';

let folder: string;
const environment = { ...process.env };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'health-'));
  process.env.MODELS_DIR = folder;
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

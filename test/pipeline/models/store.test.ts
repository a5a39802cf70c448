import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildModel } from '../../../src/pipeline/models/build.ts';
import { modelEntry } from '../../../src/pipeline/models/manifest.ts';
import {
  installedModel,
  listInstalled,
  modelState,
  removeModel,
  verifyModel,
} from '../../../src/pipeline/models/store.ts';
import { aCheckpoint, convertText } from './checkpoints.ts';

let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'models-'));
  await install('own');
});
afterEach(() => rmSync(dir, { recursive: true }));

const path = (...names: string[]) => join(dir, 'own', ...names);

async function install(name: string): Promise<void> {
  const { networks = [] } = modelEntry(name) ?? {};
  const checkpoint = await aCheckpoint(dir, 'own.th', 'drums bass');
  await buildModel(dir, name, [checkpoint], networks, convertText);
}

describe('an installed model', () => {
  it('is available, with its stems, its networks and where they lie', () => {
    expect(modelState(dir, 'own')).toEqual({ state: 'available' });
    expect(installedModel(dir, 'own')).toMatchObject({
      name: 'own',
      folder: path(),
      stems: ['drums', 'bass'],
      networks: [
        {
          folder: path('1'),
          released: false,
          sources: ['drums', 'bass'],
          segment_frames: 343_980,
          nfft: 4096,
        },
      ],
    });
  });

  it('is listed, and nothing else is', () => {
    mkdirSync(join(dir, '.own.1.partial'));
    mkdirSync(join(dir, '.downloads'));
    expect(listInstalled(dir)).toEqual(['own']);
    expect(listInstalled(join(dir, 'nowhere'))).toEqual([]);
  });

  it('is verified by the content of its files', async () => {
    expect((await verifyModel(dir, 'own')).name).toBe('own');
    const content = readFileSync(path('1', 'weights.bin'));
    content[0] ^= 1;
    writeFileSync(path('1', 'weights.bin'), content);
    expect(modelState(dir, 'own').state).toBe('available');
    await expect(verifyModel(dir, 'own')).rejects.toThrow(path('1', 'weights.bin'));
  });

  it('can be removed, even broken', async () => {
    rmSync(path('model.json'));
    await removeModel(dir, 'own');
    expect(listInstalled(dir)).toEqual([]);
    await expect(removeModel(dir, 'own')).rejects.toMatchObject({ code: 'model_unavailable' });
  });
});

describe('a model that is not there', () => {
  it.each([
    ['htdemucs', 'npm run models -- fetch htdemucs'],
    ['mine', 'npm run models -- import FILE.th --as mine'],
    ['../own', 'not in'],
  ])('%s is missing, with what to do', async (name, advice) => {
    expect(installedModel(dir, name)).toBeUndefined();
    expect(modelState(dir, name)).toMatchObject({
      state: 'missing',
      reason: expect.stringContaining(advice),
    });
    await expect(verifyModel(dir, name)).rejects.toThrow(advice);
  });

  it('is no matter for the one that needs no files', () => {
    expect(modelState(dir, 'spectral')).toEqual({ state: 'available' });
  });
});

describe('a model is broken, with what is wrong', () => {
  it.each<[string, string, () => void]>([
    ['without its description', 'model.json', () => rmSync(path('model.json'))],
    ['with a description that is no JSON', 'cannot be read', () => writeFileSync(path('model.json'), '{')],
    ['of an earlier version', "'format' (expected 2: another version", () => describeWith({ format: 1 })],
    ['under the name of another', "holds the model 'other'", () => describeWith({ name: 'other' })],
    ['without networks', "wrong at 'networks'", () => describeWith({ networks: [] })],
    ['without a file', 'weights.bin is missing', () => rmSync(path('1', 'weights.bin'))],
    [
      'with a file of another size',
      'graph.onnx has 1 bytes instead of',
      () => writeFileSync(path('1', 'graph.onnx'), 'x'),
    ],
  ])('%s', (_, reason, spoil) => {
    spoil();
    const { state, reason: said } = modelState(dir, 'own');
    expect(state).toBe('broken');
    expect(said).toContain(reason);
    expect(said).toContain('npm run models -- import FILE.th --as own');
    expect(() => installedModel(dir, 'own')).toThrow(said);
    expect(listInstalled(dir)).toEqual(['own']);
  });

  function describeWith(change: object): void {
    const content = JSON.parse(readFileSync(path('model.json'), 'utf8'));
    writeFileSync(path('model.json'), JSON.stringify({ ...content, ...change }));
  }
});

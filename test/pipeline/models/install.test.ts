import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildModel } from '../../../src/pipeline/models/build.ts';
import { inPlace } from '../../../src/pipeline/models/checkpoint-file.ts';
import { fetchModel, importModel } from '../../../src/pipeline/models/install.ts';
import { lockModels } from '../../../src/pipeline/models/lock.ts';
import { modelEntry } from '../../../src/pipeline/models/manifest.ts';
import { installedModel } from '../../../src/pipeline/models/store.ts';
import { freePort } from '../../support/ports.ts';
import { aCheckpoint, convertText } from './checkpoints.ts';

const FOUR = 'drums bass other vocals';
const BAG = modelEntry('htdemucs_ft')!.networks;
const options = { convert: convertText };

let folder: string;
let config: { modelsDir: string };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
  config = { modelsDir: join(folder, 'models') };
});
afterEach(() => rmSync(folder, { recursive: true }));

const checkpoints = (...sources: string[]) =>
  Promise.all(sources.map((names, i) => aCheckpoint(folder, `${i}.th`, names)));
const pathsOf = async (...sources: string[]) => (await checkpoints(...sources)).map(({ path }) => path);

describe('importing', () => {
  it('installs own weights with the sources that they give', async () => {
    const model = await importModel(await pathsOf('drums hum'), 'mine', config, options);
    expect(model).toMatchObject({ name: 'mine', stems: ['drums', 'hum'], networks: [{ released: false }] });
    expect(installedModel(config.modelsDir, 'mine')).toEqual(model);
    expect(readdirSync(config.modelsDir)).toEqual(['mine']);
  });

  it('takes other weights under a released name, each network giving its stem', async () => {
    const files = await pathsOf(FOUR, FOUR, FOUR, FOUR);
    const { stems, networks } = await importModel(files, 'htdemucs_ft', config, options);
    expect(stems).toEqual(['drums', 'bass', 'other', 'vocals']);
    expect(networks.map((network) => network.stems)).toEqual([['drums'], ['bass'], ['other'], ['vocals']]);
    expect(networks.map(({ released }) => released)).toEqual([false, false, false, false]);
  });

  it('puts released files where they belong, whatever their order', async () => {
    const [own, ...rest] = await checkpoints(FOUR, FOUR, FOUR, FOUR);
    const released = rest.map((file, i) => ({ ...file, sha256: BAG[3 - i].sha256 }));
    expect(inPlace([own, ...released], BAG)).toEqual([own, released[2], released[1], released[0]]);
  });

  it('replaces an older model, and keeps it where the new one cannot be made', async () => {
    await importModel(await pathsOf('old'), 'mine', config, options);
    await importModel(await pathsOf('new'), 'mine', config, options);
    expect(installedModel(config.modelsDir, 'mine')?.stems).toEqual(['new']);
    const convert = () => Promise.reject(new Error('no checkpoint'));
    await expect(importModel(await pathsOf('bad'), 'mine', config, { convert })).rejects.toThrow(
      'no checkpoint',
    );
    expect(installedModel(config.modelsDir, 'mine')?.stems).toEqual(['new']);
    expect(readdirSync(config.modelsDir)).toEqual(['mine']);
  });

  it('clears away what a killed process left', async () => {
    mkdirSync(join(config.modelsDir, '.mine.1.partial', '1'), { recursive: true });
    await importModel(await pathsOf('drums'), 'mine', config, options);
    expect(readdirSync(config.modelsDir)).toEqual(['mine']);
  });

  it.each([
    ['spectral', 1, 'it needs no files'],
    ['Mine', 1, "'Mine' cannot be a model's name"],
    ['mine', 2, "'mine' is made of 1 file; 2 came"],
    ['htdemucs_ft', 1, `is made of 4 files, in this order: ${BAG.map(({ file }) => file).join(' ')}; 1 came`],
  ])('refuses %s with %d files', async (name, count, message) => {
    const files = await pathsOf(...Array<string>(count).fill(FOUR));
    await expect(importModel(files, name, config, options)).rejects.toThrow(message);
  });

  it('refuses a file that is not there, or is not what its name promises', async () => {
    const missing = join(folder, 'nothing.th');
    await expect(importModel([missing], 'mine', config, options)).rejects.toThrow(`no file ${missing}`);
    const damaged = join(folder, BAG[0].file);
    writeFileSync(damaged, 'half a file');
    await expect(importModel([damaged], 'mine', config, options)).rejects.toThrow(`${damaged} is damaged`);
  });

  it('refuses networks that do not go together or lack their stem', async () => {
    const mixed = await pathsOf(FOUR, FOUR, FOUR, `${FOUR} piano`);
    await expect(importModel(mixed, 'htdemucs_ft', config, options)).rejects.toThrow('do not go together');
    const drums = await pathsOf('drums', 'drums', 'drums', 'drums');
    await expect(importModel(drums, 'htdemucs_ft', config, options)).rejects.toThrow("give the stem 'bass'");
    expect(existsSync(join(config.modelsDir, 'htdemucs_ft'))).toBe(false);
  });

  it('marks released weights', async () => {
    const checkpoint = await aCheckpoint(folder, 'x.th', FOUR);
    const sha256 = createHash('sha256').update(FOUR).digest('hex');
    const networks = [{ ...modelEntry('htdemucs')!.networks[0], sha256 }];
    mkdirSync(config.modelsDir);
    await buildModel(config.modelsDir, 'htdemucs', [checkpoint], networks, convertText);
    expect(installedModel(config.modelsDir, 'htdemucs')?.networks[0].released).toBe(true);
  });
});

describe('fetching', () => {
  it('says how to bring the files by hand where they cannot be fetched', async () => {
    const modelsUrl = `http://127.0.0.1:${await freePort()}`;
    const failure = fetchModel('htdemucs_ft', { ...config, modelsUrl }, options);
    await expect(failure).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(
        /connection refused.*MODELS_URL.*import f7e0c4bc.*\.th --as htdemucs_ft$/,
      ),
    });
    expect(existsSync(join(config.modelsDir, '.lock'))).toBe(false);
  });

  it.each([
    ['magic', "There is no released model 'magic'. Known: htdemucs, "],
    ['spectral', 'it needs no files'],
  ])('refuses %s', async (name, message) => {
    await expect(fetchModel(name, config, options)).rejects.toThrow(message);
  });
});

describe('the lock', () => {
  it('keeps a second process out until it is given up', () => {
    const path = join(folder, '.lock');
    {
      using _first = lockModels(path);
      expect(() => lockModels(path)).toThrow(`Another process (${process.pid})`);
    }
    lockModels(path)[Symbol.dispose]();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is taken over from a process that is no more', () => {
    const path = join(folder, '.lock');
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(path, String(pid));
    using _lock = lockModels(path);
    expect(() => lockModels(path)).toThrow(`Another process (${process.pid})`);
    expect(readdirSync(folder)).toEqual(['.lock']);
  });
});

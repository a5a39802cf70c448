import { existsSync, globSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { localHost } from '../../src/cli/local-host.ts';
import { readConfig, settings } from '../../src/pipeline/config.ts';
import { analyzeRequest, STAGES } from '../../src/pipeline/contracts.ts';
import { CODES } from '../../src/pipeline/errors.ts';
import { serviceHealth } from '../../src/pipeline/health.ts';
import { anchorsIn, linksIn, tableRows } from '../support/markdown.ts';

const README = readFileSync('README.md', 'utf8');
const EXAMPLE = 'local.settings.example.json';
/** Settings of the host and of the local commands, which the worker's own table doesn't hold. */
const OTHERS = {
  worker: ['AzureWebJobsStorage', 'FFMPEG_PATH'],
  commands: ['PORT', 'HOST', 'ALLOWED_HOSTS', 'LOCAL_DIR', 'AZURITE_BLOB_PORT', 'AZURITE_QUEUE_PORT'],
};
/** Defaults that depend on the machine or the place: the README tells them in words. */
const IN_WORDS = ['MODELS_DIR', 'WORKERS', 'WORK_DIR', 'CALLBACK_ALLOWED_HOSTS'];

const plain = (cell: string) => cell.replaceAll('`', '');
const names = Object.keys(settings.shape).sort();
const defaults: Record<string, unknown> = settings.parse({});

afterEach(() => vi.unstubAllEnvs());

describe('the settings', () => {
  const table = tableRows('README.md', 'name').map(([name, value]) => ({
    name: plain(name),
    value: plain(value),
  }));
  const told = new Map(table.map(({ name, value }) => [name, value]));

  it('are all in the README, and no others', () => {
    expect([...told.keys()].sort()).toEqual([...names, ...OTHERS.worker, ...OTHERS.commands].sort());
    expect(table).toHaveLength(told.size);
  });

  it.each(names)('%s has the default that the README tells', (name) => {
    if (IN_WORDS.includes(name)) expect(told.get(name)).not.toBe('');
    else if (defaults[name] !== undefined) expect(told.get(name)).toBe(`${defaults[name]}`);
    // One that is unset has none, or what it means in words: never a bare value.
    else expect(told.get(name)).toMatch(/^$|[ ,;]/);
  });

  it('of paths and of the local commands have theirs', () => {
    for (const name of OTHERS.commands) vi.stubEnv(name, '');
    const { port, storage, localDir } = localHost();
    expect(told.get('PORT')).toBe(`${port}`);
    expect(told.get('AZURITE_BLOB_PORT')).toBe(`${storage?.blobPort}`);
    expect(told.get('AZURITE_QUEUE_PORT')).toBe(`${storage?.queuePort}`);
    expect(told.get('LOCAL_DIR')).toBe(relative('.', localDir));
    expect(told.get('MODELS_DIR')).toBe(relative('.', `${defaults.MODELS_DIR}`));
  });

  it(`are all in ${EXAMPLE}, which changes nothing where it is copied as it is`, () => {
    const example = JSON.parse(readFileSync(EXAMPLE, 'utf8')).Values as Record<string, string>;
    expect(Object.keys(example).sort()).toEqual(
      [...names, ...OTHERS.worker, 'FUNCTIONS_WORKER_RUNTIME'].sort(),
    );
    const { defaults: local = {} } = localHost();
    const storage = 'UseDevelopmentStorage=true';
    expect(readConfig(example)).toEqual(readConfig({ ...local, AZURE_STORAGE_CONNECTION_STRING: storage }));
    expect(example.AzureWebJobsStorage).toBe(storage);
  });
});

it('the error codes are those of the README, with what is tried again', () => {
  const table = tableRows('README.md', 'code').map(([code, again]) => [plain(code), again] as const);
  expect(table.map(([code]) => code).sort()).toEqual(Object.keys(CODES).sort());
  for (const [code, again] of table)
    expect(again === 'yes', code).toBe(CODES[code as keyof typeof CODES].retryable);
});

it('the fields of a request are those of the README', () => {
  const fields = tableRows('README.md', 'field').map(([field]) => plain(field));
  expect(fields).toEqual(Object.keys(analyzeRequest.shape));
});

it('the answers shown in the README have the services and the stages that there are', async () => {
  const shown = [...README.matchAll(/^```json\n([^`]+)^```/gm)].map(([, json]) => JSON.parse(json));
  const health = shown.find((answer) => 'services' in answer);
  const status = shown.find((answer) => 'stage_seconds' in answer);
  expect(Object.keys(health.services)).toEqual(Object.keys((await serviceHealth()).services));
  expect(STAGES).toEqual(expect.arrayContaining(Object.keys(status.stage_seconds)));
  expect(STAGES).toEqual(expect.arrayContaining(Object.keys(status.result.stage_seconds)));
});

it('the commands in the documents are there', () => {
  const commands = globSync('{README.md,docs/*.md}')
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/npm run (?:--silent )?([a-z:-]+)/g)])
    .map(([, name]) => name);
  expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining([...new Set(commands)]));
});

describe('links lead somewhere', () => {
  it.each(globSync('{*.md,docs/*.md}'))('of %s', (file) => {
    for (const { text, file: target, anchor } of linksIn(readFileSync(file, 'utf8'), file)) {
      expect(existsSync(target || file), text).toBe(true);
      if (anchor) expect(anchorsIn(readFileSync(target || file, 'utf8')), text).toContain(anchor);
    }
  });
});

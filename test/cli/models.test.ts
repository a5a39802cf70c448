import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aPlace, command, type Place, run } from '../support/commands.ts';

let place: Place;
let modelsDir: string;

beforeAll(async () => {
  place = await aPlace();
  modelsDir = place.env.MODELS_DIR;
});
afterAll(() => place.remove());

const models = (...args: string[]) => run('models', args, place);

describe('npm run models', () => {
  it('shows how it is used, and refuses what it does not understand', async () => {
    expect(await models('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage') });
    for (const args of [[], ['dance'], ['fetch'], ['list', 'x'], ['import', 'x.th'], ['--loud']])
      expect(await models(...args), args.join(' ')).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('Usage'),
      });
  });

  it('lists the released models and what is broken, and removes it', async () => {
    mkdirSync(join(modelsDir, 'mine'), { recursive: true });
    const { code, stdout } = await models('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^htdemucs +missing +drums bass other vocals +84 +npm run models -- fetch htdemucs$/m,
    );
    expect(stdout).toMatch(/^htdemucs_ft +missing .* 337 /m);
    expect(stdout).toMatch(/^spectral +available .* part of this program$/m);
    expect(stdout).toMatch(/^mine +broken /m);
    expect(stdout).toContain(`Models lie in ${modelsDir}.`);

    expect(await models('verify')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("'mine' is damaged"),
    });
    expect(await models('remove', 'mine')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('mine'),
    });
    expect(existsSync(join(modelsDir, 'mine'))).toBe(false);
    expect((await models('remove', 'mine')).code).toBe(1);
    expect(await models('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('no models') });
  });

  it('says what keeps it from fetching, after licence and citation', async () => {
    const { code, stdout, stderr } = await models('fetch', 'htdemucs');
    expect(code).toBe(1);
    expect(stdout).toContain('scientific use only');
    expect(stdout).toContain('ICASSP 2023');
    expect(stderr).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/955717e8-8726e21a\.th could not be fetched: connection refused/,
    );
    expect(stderr).toContain('npm run models -- import 955717e8-8726e21a.th --as htdemucs');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(await models('fetch', 'spectral')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('needs no files'),
    });
    expect((await models('fetch', 'magic')).code).toBe(1);
  });

  it('ends on Ctrl-C, which comes twice through npm, and keeps what was downloaded', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 84_141_911 }).write(Buffer.alloc(1_000_000));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const env = { ...place.env, MODELS_URL: `http://127.0.0.1:${port}` };
    const child = command('models', ['fetch', 'htdemucs'], { ...place, env });
    await once(child.stderr!, 'data');
    child.kill('SIGINT');
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    server.closeAllConnections();
    server.close();
    expect(code).toBe(130);
    expect(readdirSync(modelsDir)).toEqual(['.downloads']);
    expect(readdirSync(join(modelsDir, '.downloads'))).toContain('955717e8-8726e21a.th.partial');
  });

  it('refuses to import what is no checkpoint', async () => {
    const file = join(place.folder, 'words.th');
    writeFileSync(file, 'these are words');
    const { code, stderr } = await models('import', file, '--as', 'mine');
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(readdirSync(modelsDir).filter((name) => name !== '.downloads')).toEqual([]);
    expect((await models('import', file, '--as', 'spectral')).stderr).toContain('needs no files');
  });
});

import { chmodSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { chooseDecoder } from '../../../src/pipeline/audio/decoder/choose.ts';
import { logDecoder } from '../../../src/pipeline/audio/decoder/report.ts';
import { compareVersions, versionIn, warningOf } from '../../../src/pipeline/audio/decoder/version.ts';
import { AudioFolder } from '../../support/audio.ts';

const folder = new AudioFolder();
afterEach(() => vi.unstubAllEnvs());
afterAll(() => folder.remove());

/** A program that says of itself that it is an ffmpeg. */
function program(name: string, version: string): { path: string; folder: string } {
  const at = folder.folder(name);
  const path = folder.write(
    `${name}/ffmpeg`,
    `#!/bin/sh\necho 'ffmpeg version ${version} Copyright (c) 2000-2026'\n`,
  );
  chmodSync(path, 0o755);
  return { path, folder: at };
}

describe("the decoder's version", () => {
  it.each([
    ['ffmpeg version 7.1.1 Copyright (c) 2000-2025', '7.1.1'],
    ['ffmpeg version n7.0-7-gd38bf5e08e-20240407 Copyright', '7.0-7-gd38bf5e08e-20240407'],
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', '5.1.9-0+deb12u1'],
    ['ffmpeg version N-47683-g0e8eb07980-static https://', 'N-47683-g0e8eb07980-static'],
    ['nothing of the kind', undefined],
  ])('is found in "%s"', (words, version) => {
    expect(versionIn(words)).toBe(version);
  });

  it('is compared number by number', () => {
    expect(compareVersions('10.0', '9.1')).toBeGreaterThan(0);
    expect(compareVersions('7.1.2', '7.1.10')).toBeLessThan(0);
    expect(compareVersions('5.1.9-0+deb12u1', '5.1')).toBeGreaterThan(0);
    expect(compareVersions('N-47683-g0e8eb07980', '2.0')).toBeLessThan(0);
    expect(compareVersions('8.1-Jellyfin', '8.1')).toBe(0);
  });

  it('is warned of below the oldest branch that gets security fixes', () => {
    for (const version of ['5.1', '5.1.9-0+deb12u1', '7.0.2', '8.1-Jellyfin'])
      expect(warningOf(version)).toBeUndefined();
    for (const version of ['5.0.3', '4.4.6', 'N-47683-g0e8eb07980', undefined])
      expect(warningOf(version)).toMatch(/below 5\.1 get no security fixes.*FFMPEG_PATH/);
  });
});

describe('the decoder', () => {
  it.skipIf(process.platform === 'win32')('is the newest that is there', async () => {
    const env = { PATH: program('new', '99.1').folder };
    expect(await chooseDecoder(env)).toMatchObject({ kind: 'ffmpeg', version: '99.1' });
    const old = await chooseDecoder({ PATH: program('old', '3.4').folder });
    expect(old.version).not.toBe('3.4');
    expect(warningOf(old.version)).toBeUndefined();
  });

  it.skipIf(process.platform === 'win32')('is the one that FFMPEG_PATH names, however old', async () => {
    const { path } = program('named', '4.0');
    expect(await chooseDecoder({ PATH: process.env.PATH, FFMPEG_PATH: path })).toEqual({
      kind: 'ffmpeg',
      path,
      version: '4.0',
    });
  });

  it.skipIf(process.platform === 'win32')(
    'is not passed over where it was killed when it was asked',
    async () => {
      const { path, folder: at } = program('killed', '99.2');
      const once = folder.at('killed/once');
      folder.write(
        'killed/ffmpeg',
        `#!/bin/sh\n[ -e ${once} ] || { touch ${once}; kill -9 $$; }\necho 'ffmpeg version 99.2'\n`,
      );
      await expect(chooseDecoder({ PATH: at })).rejects.toMatchObject({
        code: 'compute_crashed',
        retryable: true,
      });
      expect(await chooseDecoder({ PATH: at })).toEqual({ kind: 'ffmpeg', path, version: '99.2' });
    },
  );

  it('is told to be missing where FFMPEG_PATH names no file', async () => {
    await expect(chooseDecoder({ FFMPEG_PATH: folder.at('none') })).rejects.toThrow(/FFMPEG_PATH is .*none/);
  });
  it.skipIf(process.platform === 'win32')(
    'is told in the log once, with a warning where it is old',
    async () => {
      const told: string[] = [];
      const current = program('current', '99.1').path;
      const aged = program('aged', '4.0').path;
      for (const path of [current, current, aged, aged]) {
        vi.stubEnv('FFMPEG_PATH', path);
        await logDecoder((text) => told.push(text));
      }
      expect(told).toEqual([
        `Songs are decoded by ffmpeg 99.1 (${current}).`,
        `Songs are decoded by ffmpeg 4.0 (${aged}).`,
        expect.stringMatching(/^Warning: .*4\.0; versions below 5\.1 get no security fixes/),
      ]);
    },
  );
});

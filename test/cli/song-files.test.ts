import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distinctFiles, fileProblems, folderProblems } from '../../src/cli/song-files.ts';

/** Root reads and writes everything. */
const isRoot = process.getuid?.() === 0;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
  writeFileSync(join(folder, 'song.wav'), 'sound');
  writeFileSync(join(folder, 'empty.wav'), '');
  mkdirSync(join(folder, 'album.wav'));
  symlinkSync(join(folder, 'gone.wav'), join(folder, 'dangling.wav'));
  symlinkSync(join(folder, 'round.wav'), join(folder, 'round.wav'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const inside = (...names: string[]) => names.map((name) => join(folder, name));

describe('songs', () => {
  it('that are there are fine', async () => {
    expect(await fileProblems(inside('song.wav'))).toEqual([]);
  });

  it('that are not are all told, each with its reason', async () => {
    const names = [
      'nothing.wav',
      'album.wav',
      'song.wav',
      'empty.wav',
      'dangling.wav',
      'round.wav',
      'song.wav/x',
    ];
    const problems = await fileProblems([...inside(...names), '/dev/null', join(folder, 'x'.repeat(300))]);
    expect(problems.map((line) => line.replace(`${folder}/`, '').replace('x'.repeat(300), 'xxx'))).toEqual([
      'nothing.wav: there is no such file.',
      'album.wav: that is a folder; name the audio files in it.',
      'empty.wav: the file is empty.',
      'dangling.wav: there is no such file.',
      'round.wav: the link leads round in a circle.',
      'song.wav/x: a part of this path is a file and no folder.',
      '/dev/null: that is no ordinary file.',
      'xxx: the name is too long.',
    ]);
  });

  it.skipIf(isRoot)('that may not be read are told', async () => {
    const [locked] = inside('locked.wav');
    writeFileSync(locked, 'sound', { mode: 0 });
    expect(await fileProblems([locked])).toEqual([`${locked}: permission denied.`]);
  });

  it('that are named twice count once, where they were named first', () => {
    const [song, other] = inside('song.wav', 'empty.wav');
    expect(distinctFiles([song, other, relative(process.cwd(), song), song])).toEqual([song, other]);
  });
});

describe('a folder for results', () => {
  it('may be there, or not yet', async () => {
    expect(await folderProblems(folder, ['song'])).toEqual([]);
    expect(await folderProblems(join(folder, 'new', 'newer'), ['song'])).toEqual([]);
  });

  it('is no file, nor below one', async () => {
    const [file] = inside('song.wav');
    expect(await folderProblems(file, ['a'])).toEqual([
      `--out ${file}: that is a file, and a folder is needed.`,
    ]);
    expect((await folderProblems(join(file, 'x'), ['a']))[0]).toContain('is a file');
    expect(await folderProblems(folder, ['ok', 'song.wav'])).toEqual([
      `--out ${folder}: song.wav: that is a file, and a folder is needed.`,
    ]);
  });

  it.skipIf(isRoot)('may be written to', async () => {
    const [locked] = inside('locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    expect(await folderProblems(join(locked, 'out'), ['a'])).toEqual([
      `--out ${join(locked, 'out')}: permission denied.`,
    ]);
  });
});

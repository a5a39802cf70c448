import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderNames } from '../../src/cli/folder-names.ts';

describe('the folder of a song', () => {
  it.each([
    ['song.mp3', 'song'],
    ['/music/My Song.flac', 'My Song'],
    ['a.b.c.mp3', 'a.b.c'],
    ['Früh am Tag.ogg', 'Früh am Tag'],
    ['no ending', 'no ending'],
    ['...mp3', 'song'],
    ['..mp3', 'song'],
    ['....mp3', 'song'],
    ['. . .mp3', 'song'],
    [' .mp3', 'song'],
    ['.mp3', 'mp3'],
    ['.hidden.mp3', 'hidden'],
    ['dots....wav', 'dots'],
    ['spaces   .wav', 'spaces'],
    ['..\\..\\evil.mp3', '-..-evil'],
    ['a\\b:c*d?.mp3', 'a-b-c-d-'],
    ['line\nbreak\u0000.mp3', 'line-break-'],
    ['gpj\u202e3pm.mp3', 'gpj-3pm'],
    ['CON.mp3', '_CON'],
    ['nul.mp3', '_nul'],
    ['lpt1.live.mp3', '_lpt1.live'],
    ['COM¹.wav', '_COM¹'],
    ['console.mp3', 'console'],
  ])('of %j is %j', (file, name) => {
    expect(folderNames([file])).toEqual([name]);
    expect(join('out', name).startsWith(join('out', 'x').slice(0, -1))).toBe(true);
  });

  it('is short enough for every file system, also with a number', () => {
    const long = ['é'.repeat(300), `${'é'.repeat(300)}x`, '🎵'.repeat(80)].map((name) => `${name}.mp3`);
    const names = folderNames(long);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(110);
    expect(new Set(names).size).toBe(3);
    expect(names.join()).not.toContain('\ufffd');
  });
});

describe('the folders of several songs', () => {
  it.each([
    [
      ['a.mp3', 'a.flac', 'a-2.wav'],
      ['a', 'a-3', 'a-2'],
    ],
    [
      ['a-2.wav', 'a.mp3', 'a.flac'],
      ['a-2', 'a', 'a-3'],
    ],
    [
      ['x/a.mp3', 'y/a.mp3', 'z/a.mp3'],
      ['a', 'a-2', 'a-3'],
    ],
    [
      ['A.mp3', 'a.mp3'],
      ['A', 'a-2'],
    ],
    [
      ['Straße.mp3', 'STRASSE.mp3'],
      ['Straße', 'STRASSE-2'],
    ],
    [
      ['e\u0301.mp3', 'é.mp3'],
      ['é', 'é-2'],
    ],
    [
      ['...mp3', 'song.mp3', '..wav'],
      ['song', 'song-2', 'song-3'],
    ],
    [
      ['a:b.mp3', 'a*b.mp3', 'a-b.mp3'],
      ['a-b', 'a-b-2', 'a-b-3'],
    ],
    [
      ['a.mp3', 'a-2.mp3', 'a-2.flac', 'a.wav'],
      ['a', 'a-2', 'a-2-2', 'a-3'],
    ],
  ])('of %j are %j', (files, names) => {
    expect(folderNames(files)).toEqual(names);
  });
});

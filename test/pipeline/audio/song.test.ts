import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  blank,
  type Song,
  SongBuffer,
  SongFile,
  type StereoBlock,
} from '../../../src/pipeline/audio/song.ts';

const folder = mkdtempSync(join(tmpdir(), 'song-'));
const path = join(folder, 'song.f32');
writeFileSync(path, Float32Array.of(1, -1, 2, -2, 3, -3));
const mono = join(folder, 'mono.f32');
writeFileSync(mono, Float32Array.of(1, 2, 3));
const file = new SongFile(path);
afterAll(() => {
  file[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const plain = ([left, right]: StereoBlock) => [[...left], [...right]];

describe.each<[string, Song]>([
  ['a file', file],
  ['memory', new SongBuffer(Float32Array.of(1, 2, 3), Float32Array.of(-1, -2, -3))],
])('a song in %s', (_, song) => {
  it.each([
    [0, 3, [1, 2, 3]],
    [1, 1, [2]],
    [-2, 4, [0, 0, 1, 2]],
    [2, 3, [3, 0, 0]],
    [-1, 5, [0, 1, 2, 3, 0]],
    [5, 2, [0, 0]],
    [-4, 2, [0, 0]],
    [1, 0, []],
  ])('from frame %i, %i frames: silence before its start and behind its end', (start, count, left) => {
    const right = left.map((v) => (v ? -v : 0));
    expect(plain(song.read(start, count))).toEqual([left, right]);
    // The same into memory in which another stretch was.
    const block = blank(count);
    for (const samples of block) samples.fill(9);
    expect(song.read(start, count, block)).toBe(block);
    expect(plain(block)).toEqual([left, right]);
  });

  it('gives stretches of their own unless told otherwise', () => {
    const [first, second] = [song.read(0, 3), song.read(0, 3)];
    expect(first[0]).not.toBe(second[0]);
    expect(first[0]).toEqual(second[0]);
  });

  it('knows its length in frames', () => {
    expect(song.frames).toBe(3);
  });
});

it('a file of one channel reads as both', () => {
  using song = new SongFile(mono, 1);
  expect(plain(song.read(0, 3))).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

import { describe, expect, it } from 'vitest';
import { audioFileId } from '../../../src/pipeline/contracts.ts';
import { idOfBlob, idShownBy, isAudioName } from '../../../src/pipeline/storage/upload-id.ts';

const GUID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';

describe('the names of songs', () => {
  it.each([
    'song.mp3',
    'a1/song.WAV',
    'deep/er/song.flac',
    '.wav',
    'x/.mp3',
    'a.b/c.d.ogg',
    'b.tta',
    'b.flv',
    'x.TS',
  ])('%s is one', (name) => expect(isAudioName(name)).toBe(true));

  it.each(['notes.txt', 'mp3', 'x/wav', 'a.mp3/notes', 'song.mp3.part', 'song.', ''])('%j is none', (name) =>
    expect(isAudioName(name)).toBe(false),
  );
});

describe('the id of an upload', () => {
  it('is the guid that a file at the root is named by', () => {
    expect(idOfBlob(`${GUID}.mp3`)).toBe(GUID);
    expect(idOfBlob(`${GUID}/song.mp3`)).not.toBe(GUID);
    expect(idOfBlob(`x-${GUID}.mp3`)).not.toBe(`x-${GUID}`);
  });

  it('can be read, and stays the same', () => {
    expect(idOfBlob('album/01.mp3')).toBe(idOfBlob('album/01.mp3'));
    expect(idOfBlob('album/01.mp3')).toMatch(/^album-01-[0-9a-f]{10}$/);
    expect(idOfBlob('Café del Mar.flac')).toMatch(/^Cafe-del-Mar-[0-9a-f]{10}$/);
    expect(idOfBlob('日本.mp3')).toMatch(/^song-[0-9a-f]{10}$/);
    expect(idOfBlob('.wav')).toMatch(/^song-[0-9a-f]{10}$/);
  });

  it("is no other song's, also where letter case does not count, and is an id", () => {
    const names = [
      'song.mp3',
      'song.MP3',
      'song.flac',
      'Song.mp3',
      'album/01.mp3',
      'album/02.mp3',
      'album-01.mp3',
      'album/01/.mp3',
      'album-01/.mp3',
      'a b.mp3',
      'a-b.mp3',
      'a  b.mp3',
      'A.mp3',
      'a.mp3',
      'a/b/c.mp3',
      'a/b-c.mp3',
      'a-b/c.mp3',
      'Ünïcode söng.mp3',
      'Unicode song.mp3',
      '.hidden.mp3',
      '...mp3',
      '.mp3',
      '-.mp3',
      'x/.mp3',
      '日本.mp3',
      '中国.mp3',
      '🎵.mp3',
      `${GUID}.mp3`,
      `${GUID}/a.mp3`,
      `${'x'.repeat(300)}.mp3`,
      `${'x'.repeat(301)}.mp3`,
      `${'deep/'.repeat(60)}x.mp3`,
    ];
    const ids = names.map(idOfBlob);
    expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(names.length);
    for (const id of ids) expect(audioFileId.safeParse(id).success, id).toBe(true);
  });

  it('may be shown by the name itself', () => {
    expect(['a1/song.mp3', 'a1.mp3', 'a/b/c.mp3', '.mp3'].map(idShownBy)).toEqual([
      'a1',
      'a1',
      undefined,
      '',
    ]);
  });
});

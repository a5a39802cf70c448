import { describe, expect, it } from 'vitest';
import { audioFileId } from '../../../src/pipeline/contracts.ts';
import {
  idOfBlob,
  isSong,
  jamsBlob,
  resultBlob,
  stemBlob,
  workPrefix,
} from '../../../src/pipeline/storage/names.ts';

describe('blob names', () => {
  it.each(['song.mp3', 'a1/song.WAV', 'deep/er/song.flac'])('takes %s for a song', (name) =>
    expect(isSong(name)).toBe(true),
  );

  it.each([
    stemBlob('a1', 'vocals'),
    jamsBlob('a1'),
    resultBlob('a1'),
    `${workPrefix('a1')}x.jams`,
    'notes.txt',
  ])('takes %s for no song', (name) => expect(isSong(name)).toBe(false));

  it.each([
    ['song.mp3', 'song'],
    ['a1/song.mp3', 'a1'],
  ])('derives the id of %s', (name, id) => expect(idOfBlob(name)).toBe(id));

  it('keeps odd names apart and valid', () => {
    const ids = [
      'Ünïcode söng.mp3',
      'Ünïcode  söng.mp3',
      '../../x.mp3',
      '.hidden.mp3',
      `${'x'.repeat(300)}.mp3`,
    ].map(idOfBlob);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(audioFileId.safeParse(id).success, id).toBe(true);
  });
});

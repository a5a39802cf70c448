import { describe, expect, it } from 'vitest';
import { type Evidence, isDamaged } from '../../../src/pipeline/audio/damage.ts';

const WELL: Evidence = {
  words: '',
  succeeded: true,
  seconds: 6,
  promised: 6,
  isWhole: false,
  hasTrailer: false,
  otherCodecs: [],
};
const SEAM =
  '[mp3float @ 0xee38580] Header missing\nError while decoding: Invalid data found when processing input';
const FLAC_END =
  '[flac @ 0x1] invalid sync code\n[flac @ 0x1] invalid frame header\n[flac @ 0x1] decode_frame() failed';
const PCM_END =
  '[pcm_s16le @ 0x1] Invalid PCM packet, data has size 1 but at least a size of 4 was expected\n' +
  'Error while decoding: Invalid data found when processing input';

describe('damage', () => {
  it.each<[string, Partial<Evidence>, boolean]>([
    ['a file without a complaint', {}, false],
    ['a decoder that failed', { succeeded: false }, true],
    ['less than promised', { seconds: 5.5 }, true],
    ['a little less: an encoder’s padding', { seconds: 5.9 }, false],
    ['a complaint', { words: '[aac @ 0x1] channel element 2.1 is not allocated' }, true],
    [
      'a complaint of ffmpeg about what it writes',
      { words: '[framecrc @ 0x1] non monotonically increasing dts\n    Last message repeated 9 times' },
      false,
    ],
    ['a seam in a file that is frames throughout', { words: SEAM, isWhole: true }, false],
    ['the same in one that is not', { words: SEAM }, true],
    [
      'bits turned over in one that is',
      { words: `${SEAM}\n[mp3float @ 0x1] big_values too big`, isWhole: true },
      true,
    ],
    ['a tag behind all the sound', { words: FLAC_END, hasTrailer: true }, false],
    ['a tag behind sound that lacks a frame', { words: FLAC_END, hasTrailer: true, seconds: 5.9 }, true],
    ['no tag', { words: FLAC_END }, true],
    ['a broken picture', { words: '[mjpeg @ 0x1] dqt: invalid len 22213', otherCodecs: ['mjpeg'] }, false],
    ['a broken frame of sound', { words: '[mjpeg @ 0x1] a\n[aac @ 0x1] b', otherCodecs: ['mjpeg'] }, true],
    ['a frame of samples that is not whole', { words: PCM_END }, false],
    ['that, and more', { words: `${PCM_END}\n[pcm_s16le @ 0x1] more` }, true],
  ])('%s', (_, evidence, damaged) => {
    expect(isDamaged({ ...WELL, ...evidence })).toBe(damaged);
  });
});

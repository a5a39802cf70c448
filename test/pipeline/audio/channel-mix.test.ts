import { describe, expect, it } from 'vitest';
import { channelCount, mixFilter } from '../../../src/pipeline/audio/channel-mix.ts';

/** Gains of a filter: for each side, the channel's gain by its number. */
function gainsOf(filter: string): Record<string, number>[] {
  const alone = /^channelmap=(\d)\|(\d):stereo$/.exec(filter);
  if (alone) return alone.slice(1).map((channel) => ({ [`c${channel}`]: 1 }));
  const [, left, right] = /^pan=stereo\|c0=(.*)\|c1=(.*)$/.exec(filter)!;
  return [left, right].map((side) =>
    Object.fromEntries(
      side.split('+').map((term) => {
        const [gain, channel] = term.split('*');
        return [channel, Number(gain)];
      }),
    ),
  );
}
const mixed = (layout: string, codec = 'pcm_s16le', isDeclared = true) =>
  gainsOf(mixFilter(layout, codec, isDeclared));

describe('mixing to stereo', () => {
  it('doubles one channel and keeps two', () => {
    for (const layout of ['mono', '1 channels', '1 channels (FR)'])
      expect(mixed(layout)).toEqual([{ c0: 1 }, { c0: 1 }]);
    expect(mixFilter('stereo', 'mp3', true)).toBe('anull');
    for (const layout of ['2 channels', '2 channels (BL+BR)', 'downmix'])
      expect(mixed(layout)).toEqual([{ c0: 1 }, { c1: 1 }]);
  });

  it.each([3, 4, 5, 6, 7, 8, 9, 64])('gives %i channels of unknown places to both sides alike', (count) => {
    for (const side of mixed(`${count} channels`)) {
      expect(Object.keys(side)).toHaveLength(count);
      for (const gain of Object.values(side)) expect(gain).toBeCloseTo(1 / count, 6);
    }
  });

  it('follows ITU-R BS.775 where places are known', () => {
    const full = 1 / (1 + 2 * Math.SQRT1_2);
    const half = full * Math.SQRT1_2;
    for (const layout of ['5.1', '5.1(side)', '6 channels (FL+FR+FC+LFE+BL+BR)']) {
      const [left, right] = mixed(layout);
      expect(left).toEqual({
        c0: expect.closeTo(full, 6),
        c2: expect.closeTo(half, 6),
        c4: expect.closeTo(half, 6),
      });
      expect(right).toEqual({
        c1: expect.closeTo(full, 6),
        c2: expect.closeTo(half, 6),
        c5: expect.closeTo(half, 6),
      });
    }
  });

  it('leaves a declared LFE out, and keeps one that follows from the number of channels alone', () => {
    expect(mixed('2.1')).toEqual([{ c0: 1 }, { c1: 1 }]);
    expect(mixed('5.1', 'flac', true).flatMap(Object.keys)).not.toContain('c3');
    for (const side of mixed('5.1', 'flac', false)) expect(side.c3).toBeGreaterThan(0.1);
  });

  it.each([
    '3.0',
    'quad',
    '5.0',
    '7.1',
    '7.1(wide)',
    '6.1',
    '5.1.2',
    '7.1.4(back)',
    '6 channels',
    'ambisonic 1',
  ])('loses no channel of %s but the LFE, and gives no more than full scale', (layout) => {
    const sides = mixed(layout, 'vorbis', false);
    for (const side of sides)
      expect(Object.values(side).reduce((sum, gain) => sum + Math.abs(gain), 0)).toBeLessThan(1.00001);
    if (!layout.startsWith('ambisonic'))
      expect(new Set(sides.flatMap(Object.keys)).size).toBe(channelCount(layout));
  });

  it('keeps a lone LFE, for there is nothing else', () => {
    expect(mixed('1 channels (LFE)')).toEqual([{ c0: 1 }, { c0: 1 }]);
    expect(mixed('2 channels (LFE+LFE2)')).toEqual([{ c0: 1 }, { c1: 1 }]);
  });
});

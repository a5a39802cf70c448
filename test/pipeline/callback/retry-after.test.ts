import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/pipeline/callback/retry-after.ts';

const NOW = new Date('1994-11-06T08:49:00Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Wed Nov 16 08:49:00 1994', 864_000_000],
    ['Sun, 06 Nov 1994 08:48:59 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('%.40s is %d ms', (value, ms) => expect(retryAfterMs(value, NOW)).toBe(ms));

  it.each([
    undefined,
    '',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    'soon',
    '5 s',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0200',
    'Sun, 99 Foo 1994 08:49:37 GMT',
    'Infinity',
  ])('%j says nothing', (value) => expect(retryAfterMs(value, NOW)).toBeUndefined());
});

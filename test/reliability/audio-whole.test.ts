import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { SAMPLE_RATE } from '../../src/pipeline/audio/song.ts';
import { AudioFolder, flipBits, peakOf, samplesOf } from '../support/audio.ts';
import { apeTag, ID3V1, id3Picture, LYRICS3_V1, LYRICS3_V2, wavOf, withMask } from '../support/frames.ts';

const LIMITS = { maxDurationSeconds: 60, timeoutMs: 30_000 };
const SECONDS = 3;
const SONG = `aevalsrc='0.5*sin(2*PI*440*t)|0.4*sin(2*PI*660*t)':c=stereo:s=44100:d=${SECONDS}`;

const folder = new AudioFolder();
const files = new Map<string, Buffer>();
beforeAll(() => {
  for (const [name, output] of [
    ['a.mp3', []],
    ['a.aac', []],
    ['a.ac3', []],
    ['a.ogg', ['-c:a', 'libvorbis']],
    ['low.ogg', ['-c:a', 'libvorbis', '-ac', '1', '-ar', '22050']],
    ['a.opus', ['-c:a', 'libopus']],
    ['a.flac', []],
    ['a.tta', []],
    ['a.flv', ['-c:a', 'aac']],
    ['a.wav', []],
    ['a.aiff', []],
    ['a.w64', []],
    ['a.au', []],
    ['a.caf', []],
    ['other.mp3', ['-t', '1', '-ac', '1', '-ar', '22050']],
  ] as const)
    files.set(name, readFileSync(folder.make(name, SONG, output)));
});
afterAll(() => folder.remove());

const bytesOf = (name: string): Buffer => Buffer.from(files.get(name)!);
async function decoded(name: string, bytes: Buffer) {
  const { frames, damaged } = await decode(folder.write(name, bytes), folder.at('song.f32'), LIMITS);
  return { seconds: frames / SAMPLE_RATE, damaged };
}

/** The last page without its end-of-stream flag; its checksum is made anew. */
function withoutEnd(ogg: Buffer): Buffer {
  const page = ogg.subarray(ogg.lastIndexOf('OggS'));
  page[5] &= ~4;
  page.writeUInt32LE(0, 22);
  let sum = 0;
  for (const byte of page) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum < 0 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  page.writeInt32LE(sum | 0, 22);
  return ogg;
}

describe('what is whole is not told to be damaged', () => {
  it.each<[string, () => Buffer, number]>([
    ['lyrics, v2.mp3', () => Buffer.concat([bytesOf('a.mp3'), LYRICS3_V2, ID3V1]), SECONDS],
    ['lyrics, v1.mp3', () => Buffer.concat([bytesOf('a.mp3'), LYRICS3_V1, ID3V1]), SECONDS],
    ['APE tag.mp3', () => Buffer.concat([bytesOf('a.mp3'), apeTag(3000), ID3V1]), SECONDS],
    ['zeros.mp3', () => Buffer.concat([bytesOf('a.mp3'), Buffer.alloc(50_000)]), SECONDS],
    ['joined.mp3', () => Buffer.concat([bytesOf('a.mp3'), ID3V1, bytesOf('a.mp3'), ID3V1]), 2 * SECONDS],
    ['joined, another rate.mp3', () => Buffer.concat([bytesOf('a.mp3'), bytesOf('other.mp3')]), SECONDS + 1],
    ['joined.aac', () => Buffer.concat([bytesOf('a.aac'), bytesOf('a.aac')]), 2 * SECONDS],
    ['ID3v1.ac3', () => Buffer.concat([bytesOf('a.ac3'), ID3V1]), SECONDS],
    ['ID3v1.flac', () => Buffer.concat([bytesOf('a.flac'), ID3V1]), SECONDS],
    ['zeros.flac', () => Buffer.concat([bytesOf('a.flac'), Buffer.alloc(5000)]), SECONDS],
    ['no end flag.ogg', () => withoutEnd(bytesOf('a.ogg')), SECONDS],
    ['no end flag.opus', () => withoutEnd(bytesOf('a.opus')), SECONDS],
    ['ID3v1.ogg', () => Buffer.concat([bytesOf('a.ogg'), ID3V1]), SECONDS],
    ['chained, another rate.ogg', () => Buffer.concat([bytesOf('a.ogg'), bytesOf('low.ogg')]), 2 * SECONDS],
    ['chained, another codec.ogg', () => Buffer.concat([bytesOf('a.ogg'), bytesOf('a.opus')]), 2 * SECONDS],
    [
      'a header that ends within a frame.wav',
      () => wavOf(bytesOf('a.wav').subarray(44, 44 + 40_001), 2),
      40_000 / 176_400,
    ],
    ['a.tta', () => bytesOf('a.tta'), SECONDS],
    ['a.flv', () => bytesOf('a.flv'), SECONDS],
  ])('%s', async (name, make, seconds) => {
    const result = await decoded(name, make());
    expect(result.damaged).toBe(false);
    expect(Math.abs(result.seconds - seconds)).toBeLessThan(0.1);
  });

  it('mono behind stereo sounds on both sides', async () => {
    await decoded('mono-follows.mp3', Buffer.concat([bytesOf('a.mp3'), bytesOf('other.mp3')]));
    const end = samplesOf(folder.at('song.f32')).subarray(-2 * SAMPLE_RATE);
    for (const side of [0, 1]) expect(peakOf(end.filter((_, i) => i % 2 === side))).toBeGreaterThan(0.2);
  });

  it('an ogg file ends where its last page says, to the sample', async () => {
    const whole = folder.make('short.ogg', SONG, ['-t', '1.2345', '-c:a', 'libvorbis']);
    const { frames } = await decode(whole, folder.at('song.f32'), LIMITS);
    expect(frames).toBe(Math.round(1.2345 * SAMPLE_RATE));
    expect((await decoded('open.ogg', withoutEnd(readFileSync(whole)))).seconds).toBeCloseTo(1.2345, 3);
  });
});

describe('containers that hold audio too', () => {
  it.each([
    ['b.tta', []],
    ['b.dts', ['-strict', '-2', '-c:a', 'dca']],
    ['b.avi', ['-c:a', 'mp3']],
    ['b.ts', ['-c:a', 'mp2']],
    ['b.flv', ['-c:a', 'mp3']],
  ])('%s is decoded whole', async (name, output) => {
    const result = await decoded(name, readFileSync(folder.make(name, SONG, output)));
    expect(result.damaged).toBe(false);
    expect(Math.abs(result.seconds - SECONDS)).toBeLessThan(0.1);
    expect(peakOf(samplesOf(folder.at('song.f32')))).toBeGreaterThan(0.3);
  });
});

describe('other streams are not the sound', () => {
  const LONGER = ['-filter_complex', 'sine=f=880:r=44100:d=5[b]', '-map', '0', '-map', '[b]'];

  it.each(['mka', 'm4a'])('a second track that is longer is not missed (%s)', async (ending) => {
    const output = [...LONGER, '-c:a', 'aac', '-disposition:a:0', 'default', '-disposition:a:1', '0'];
    const file = readFileSync(folder.make(`two.${ending}`, SONG, output));
    const { seconds, damaged } = await decoded(`two.${ending}`, file);
    expect({ seconds, damaged }).toEqual({ seconds: expect.closeTo(SECONDS, 1), damaged: false });
  });

  it.each(['mka', 'm4a'])('a second track that is marked as the default is taken (%s)', async (ending) => {
    const output = [...LONGER, '-c:a', 'aac', '-disposition:a:0', '0', '-disposition:a:1', 'default'];
    const file = readFileSync(folder.make(`second.${ending}`, SONG, output));
    expect((await decoded(`second.${ending}`, file)).seconds).toBeCloseTo(5, 1);
  });

  it('a cover that is broken is no damage of the song', async () => {
    const jpeg = readFileSync(folder.make('cover.jpg', 'testsrc=s=64x48', ['-frames:v', '1']));
    jpeg.writeUInt16BE(0x1234, jpeg.indexOf(Buffer.from([0xff, 0xdb])) + 2);
    const song = Buffer.concat([id3Picture(jpeg), bytesOf('a.mp3')]);
    expect((await decoded('cover.mp3', song)).damaged).toBe(false);
  });
});

describe('what is damaged is told', () => {
  it.each<[string, () => Buffer]>([
    ['cut.mp3', () => bytesOf('a.mp3').subarray(0, 30_001)],
    ['cut.aac', () => bytesOf('a.aac').subarray(0, 20_001)],
    ['cut.ac3', () => bytesOf('a.ac3').subarray(0, 40_001)],
    ['cut, with a tag.flac', () => Buffer.concat([bytesOf('a.flac').subarray(0, 90_000), ID3V1])],
    [
      'a page missing.ogg',
      () => {
        const bytes = bytesOf('a.ogg');
        const page = bytes.indexOf('OggS', bytes.length >> 1);
        const next = bytes.indexOf('OggS', page + 4);
        return Buffer.concat([bytes.subarray(0, page), bytes.subarray(next > 0 ? next : page)]);
      },
    ],
    [
      'bits turned over, with lyrics.mp3',
      () => {
        const bytes = bytesOf('a.mp3');
        flipBits(bytes, 200, 1, 8000);
        return Buffer.concat([bytes, LYRICS3_V2, ID3V1]);
      },
    ],
  ])('%s', async (name, make) => {
    expect((await decoded(name, make())).damaged).toBe(true);
  });
});

describe('samples beyond the length that the header tells are taken', () => {
  const third = (bytes: Buffer, at: number, width: 4 | 8, isBig: boolean) => {
    const length = Math.floor(bytes.length / 3 / 8) * 8;
    if (width === 8) bytes[isBig ? 'writeBigInt64BE' : 'writeBigInt64LE'](BigInt(length), at);
    else bytes[isBig ? 'writeUInt32BE' : 'writeUInt32LE'](length, at);
    return bytes;
  };
  const samples = () => bytesOf('a.wav').subarray(bytesOf('a.wav').indexOf('data') + 8);
  const opened = (bytes: Buffer, ...lengths: (readonly [at: number, width: number])[]) => {
    for (const [at, width] of lengths) bytes.fill(0xff, at, at + width);
    return bytes;
  };
  const rf64Of = (told: bigint) => {
    const wav = wavOf(samples(), 2, 0xffff_ffff - 36);
    wav.write('RF64');
    opened(wav, [4, 4], [40, 4]);
    const long = Buffer.alloc(36);
    long.write('ds64');
    long.writeUInt32LE(28, 4);
    long.writeBigUInt64LE(told, 16);
    return Buffer.concat([wav.subarray(0, 12), long, wav.subarray(12)]);
  };
  const list = Buffer.from('LIST\x0c\0\0\0INFOISFT\0\0\0\0', 'latin1');

  it.each<[string, () => Buffer]>([
    ['a third.wav', () => wavOf(samples(), 2, samples().length / 3)],
    ['nothing.wav', () => wavOf(samples(), 2, 0)],
    ['open.wav', () => wavOf(samples(), 2, 0xffff_ffff - 36)],
    ['nothing.rf64', () => rf64Of(0n)],
    ['open.rf64', () => rf64Of(0xffff_ffff_ffff_ffffn)],
    ['open.w64', () => opened(bytesOf('a.w64'), [bytesOf('a.w64').indexOf('data') + 16, 8])],
    [
      'open.aiff',
      () => {
        const bytes = bytesOf('a.aiff');
        return opened(bytes, [4, 4], [bytes.indexOf('COMM') + 10, 4], [bytes.indexOf('SSND') + 4, 4]);
      },
    ],
    ['a third, chunks behind.wav', () => Buffer.concat([wavOf(samples(), 2, samples().length / 3), list])],
    ['a third.w64', () => third(bytesOf('a.w64'), bytesOf('a.w64').indexOf('data') + 16, 8, false)],
    ['a third.aiff', () => third(bytesOf('a.aiff'), bytesOf('a.aiff').indexOf('SSND') + 4, 4, true)],
    ['a third.au', () => third(bytesOf('a.au'), 8, 4, true)],
    ['a third.caf', () => third(bytesOf('a.caf'), bytesOf('a.caf').indexOf('data') + 4, 8, true)],
    ['right, chunks behind.wav', () => Buffer.concat([wavOf(samples(), 2), list])],
    ['right, zeros behind.wav', () => Buffer.concat([wavOf(samples(), 2), Buffer.alloc(90_000)])],
    ['right, a tag behind.wav', () => Buffer.concat([wavOf(samples(), 2), apeTag(4000)])],
  ])('%s', async (name, make) => {
    expect(await decoded(name, make())).toEqual({ seconds: SECONDS, damaged: false });
    expect(peakOf(samplesOf(folder.at('song.f32')))).toBeLessThan(0.51);
  });
});

describe('no channel is lost', () => {
  const FRAMES = SAMPLE_RATE / 10;
  const toneIn = (count: number, channel: number) => {
    const samples = Buffer.alloc(2 * count * FRAMES);
    for (let i = 0; i < FRAMES; i++)
      samples.writeInt16LE(Math.round(16_000 * Math.sin(i / 8)), 2 * (count * i + channel));
    return wavOf(samples, count);
  };
  const levelsOf = async (name: string, file: Buffer) => {
    await decoded(name, file);
    const song = samplesOf(folder.at('song.f32'));
    return [0, 1].map((side) => peakOf(song.filter((_, i) => i % 2 === side)));
  };

  it.each([
    [3, 2],
    [6, 3],
    [7, 3],
    [8, 3],
  ])('of %i without a mask, the one that a guess takes for something else', async (count, channel) => {
    const full = 16_000 / 32_768 / count;
    const levels = await levelsOf('alone.wav', toneIn(count, channel));
    expect(levels).toEqual([expect.closeTo(full, 3), expect.closeTo(full, 3)]);
  });

  it.each([
    [3, 2, 'tta'],
    [6, 3, 'tta'],
    [3, 2, 'wv'],
    [8, 3, 'wv'],
  ])('of %i, of which channel %i is an LFE by a guess alone, as a .%s', async (count, channel, ending) => {
    const wav = folder.write('many.wav', toneIn(count, channel));
    const name = `many.${ending}`;
    const file = folder.make(name, `amovie=${wav}`);
    for (const level of await levelsOf(name, readFileSync(file))) expect(level).toBeGreaterThan(0.05);
  });

  it.each([
    ['back', 0x30],
    ['side', 0x600],
    ['upper front', 0x5000],
  ])('of two that the mask puts to the %s, neither', async (_, mask) => {
    for (const channel of [0, 1]) {
      const levels = [0, 0].fill(16_000 / 32_768, channel, channel + 1);
      const file = withMask(toneIn(2, channel), mask);
      expect(await levelsOf('alone.wav', file)).toEqual(levels.map((level) => expect.closeTo(level, 3)));
    }
  });
});

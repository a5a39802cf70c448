import { expect, it, describe as suite } from 'vitest';
import { describe } from '../../../src/pipeline/audio/probe.ts';

const words = (stream: string, length = 'Duration: 00:01:02.50, start: 0.025057, bitrate: 96 kb/s') =>
  `Input #0, mp3, from 'file:song':\n  ${length}\n  Stream #0:0: Audio: ${stream}, 96 kb/s\n`;

suite("a decoder's description of a file", () => {
  it('tells format, codec, channels and times', () => {
    expect(describe(words('mp3 (mp3float), 44100 Hz, stereo, fltp'))).toEqual({
      format: 'mp3',
      codec: 'mp3',
      track: 0,
      otherCodecs: [],
      layout: 'stereo',
      start: 0.025057,
      duration: 62.5,
      promised: 62.5 - 0.025057,
    });
    expect(
      describe(words('flac, 48000 Hz, 6 channels, s16', 'Duration: N/A, start: 1.5, bitrate: N/A')),
    ).toMatchObject({
      layout: '6 channels',
      start: 1.5,
      duration: undefined,
      promised: undefined,
    });
  });

  const described = (...streams: string[]) =>
    describe(words('aac (LC), 44100 Hz, mono, fltp') + streams.map((text) => `  Stream ${text}\n`).join(''));

  it('takes the sound that is marked as the default, else the first', () => {
    const second = '#0:1[0x2](eng): Audio: flac, 48000 Hz, stereo, s16';
    expect(described(second)).toMatchObject({ track: 0, codec: 'aac' });
    expect(described(`${second} (default)`)).toMatchObject({ track: 1, codec: 'flac', layout: 'stereo' });
    expect(described(`${second} (default)`, '#0:2: Audio: none, 0 channels (default)').track).toBe(1);
  });

  it("keeps to the streams' order in the file, where programmes are told in another", () => {
    const programmes = `Program 2\n  Stream #0:1: Audio: mp2, 48000 Hz, stereo, fltp\n`;
    expect(
      describe(words('aac, 44100 Hz, mono, fltp').replace('  Stream', `${programmes}  Stream`)),
    ).toMatchObject({ track: 0, codec: 'aac' });
  });

  it('takes a length that may be that of another stream for no promise, and tells what those are in', () => {
    expect(described('#0:1: Video: mjpeg (Baseline), none(bt470bg), 90k tbr (attached pic)')).toMatchObject({
      promised: 62.5 - 0.025057,
      otherCodecs: ['mjpeg'],
    });
    expect(described('#0:1: Audio: aac (LC), 44100 Hz, mono, fltp')).toMatchObject({
      promised: undefined,
      otherCodecs: [],
    });
    expect(described('#0:1: Video: h264 (High), yuv420p', '#0:2: Subtitle: subrip')).toMatchObject({
      promised: undefined,
      otherCodecs: ['h264', 'subrip'],
    });
  });

  it.each([0, 1, 999, 2_822_401, 1_000_000_000])('refuses %i samples a second, and says so', (rate) => {
    expect(() => describe(words(`pcm_s16le, ${rate} Hz, mono, s16`))).toThrow(
      expect.objectContaining({
        code: 'unsupported_media',
        message: expect.stringContaining(`claims ${rate} samples`),
      }),
    );
  });

  it.each([1000, 4000, 8000, 192_000, 384_000, 768_000, 2_822_400])('takes %i', (rate) => {
    expect(describe(words(`pcm_s16le, ${rate} Hz, mono, s16`)).layout).toBe('mono');
  });

  it('refuses more than 64 channels', () => {
    expect(describe(words('pcm_s16le, 44100 Hz, 64 channels, s16')).layout).toBe('64 channels');
    expect(() => describe(words('pcm_s16le, 44100 Hz, 65 channels, s16'))).toThrow(/claims 65 channels/);
  });
});

/** Bytes of tags that stand behind the frames of mp3 files. */

export const ID3V1 = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125)]);
const LYRICS = Buffer.from(`LYRICSBEGININD0000210LYR00060[00:01]${'la '.repeat(17)}`);
export const LYRICS3_V2 = Buffer.concat([
  LYRICS,
  Buffer.from(`${String(LYRICS.length).padStart(6, '0')}LYRICS200`),
]);
export const LYRICS3_V1 = Buffer.from(`LYRICSBEGIN${'la la\r\n'.repeat(100)}LYRICSEND`);

/** APEv2, with header and footer. */
export function apeTag(characters: number): Buffer {
  const item = Buffer.concat([Buffer.alloc(8), Buffer.from(`Comment\0${'z'.repeat(characters)}`)]);
  item.writeUInt32LE(characters);
  const ends = [0xa000_0000, 0x8000_0000].map((flags) => {
    const bytes = Buffer.alloc(32);
    bytes.write('APETAGEX');
    for (const [i, value] of [2000, item.length + 32, 1, flags].entries())
      bytes.writeUInt32LE(value, 8 + 4 * i);
    return bytes;
  });
  return Buffer.concat([ends[0], item, ends[1]]);
}

/** A WAV file of 16-bit samples that tells `told` bytes of them. */
export function wavOf(samples: Buffer, channels: number, told = samples.length, rate = 44_100): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF');
  header.writeUInt32LE(36 + told, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE((rate * 2 * channels) % 2 ** 32, 28);
  header.writeUInt16LE((2 * channels) % 2 ** 16, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(told, 40);
  return Buffer.concat([header, samples]);
}

/** A WAV file of `wavOf` whose channels have the places of a `mask` (WAVE_FORMAT_EXTENSIBLE). */
export function withMask(wav: Buffer, mask: number): Buffer {
  const extension = Buffer.alloc(24);
  extension.writeUInt16LE(22, 0);
  extension.writeUInt16LE(16, 2);
  extension.writeUInt32LE(mask, 4);
  extension.write('0100000000001000800000aa00389b71', 8, 'hex');
  const long = Buffer.concat([wav.subarray(0, 36), extension, wav.subarray(36)]);
  long.writeUInt32LE(40, 16);
  long.writeUInt16LE(0xfffe, 20);
  return long;
}

/** An ID3v2.3 tag with a picture. */
export function id3Picture(jpeg: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('\0image/jpeg\0\x03\0', 'latin1'), jpeg]);
  const head = Buffer.alloc(20);
  head.write('ID3\x03', 'latin1');
  for (let i = 0; i < 4; i++) head[6 + i] = ((body.length + 10) >> (7 * (3 - i))) & 127;
  head.write('APIC', 10);
  head.writeUInt32BE(body.length, 14);
  return Buffer.concat([head, body]);
}

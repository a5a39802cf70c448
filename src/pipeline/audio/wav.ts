import { CHANNELS, SAMPLE_RATE, type StereoBlock } from './song.ts';

const BITS = 16;
const BYTES_PER_FRAME = (CHANNELS * BITS) / 8;
const FULL_SCALE = 32_767;
const HEADER_BYTES = 44;

/** Size in bytes of a 16-bit stereo WAV file of `frames` frames. */
export function wavBytes(frames: number): number {
  return HEADER_BYTES + frames * BYTES_PER_FRAME;
}

/** The 44-byte header of a 16-bit stereo WAV file at 44.1 kHz with `frames` frames. */
export function wavHeader(frames: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const dataBytes = frames * BYTES_PER_FRAME;
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(CHANNELS, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * BYTES_PER_FRAME, 28);
  header.writeUInt16LE(BYTES_PER_FRAME, 32);
  header.writeUInt16LE(BITS, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/** Interleaved 16-bit samples. What lies beyond full scale is clamped. */
export function toPcm16([left, right]: StereoBlock): Int16Array {
  const out = new Int16Array(left.length * CHANNELS);
  for (let i = 0; i < left.length; i++) {
    out[2 * i] = quantize(left[i]);
    out[2 * i + 1] = quantize(right[i]);
  }
  return out;
}

/** Little-endian 16-bit samples as float32. */
export function fromPcm16(bytes: Buffer): Float32Array {
  const out = new Float32Array(bytes.length / Int16Array.BYTES_PER_ELEMENT);
  for (let i = 0; i < out.length; i++)
    out[i] = bytes.readInt16LE(i * Int16Array.BYTES_PER_ELEMENT) / FULL_SCALE;
  return out;
}

function quantize(sample: number): number {
  return Math.round(Math.max(-1, Math.min(1, sample)) * FULL_SCALE);
}

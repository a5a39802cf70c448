import { describe, expect, it } from 'vitest';
import { toPcm16, wavBytes, wavHeader } from '../../../src/pipeline/audio/wav.ts';

describe('16-bit WAV', () => {
  it('describes its size in the header', () => {
    const header = wavHeader(1000);
    expect(header.length + 4000).toBe(wavBytes(1000));
    expect(header.readUInt32LE(4)).toBe(wavBytes(1000) - 8);
    expect(header.readUInt32LE(40)).toBe(4000);
    expect(header.readUInt32LE(24)).toBe(44_100);
  });

  it('interleaves the channels and clamps what lies beyond full scale', () => {
    expect([...toPcm16([Float32Array.of(0, 1.5), Float32Array.of(0.5, -1.5)])]).toEqual([
      0, 16_384, 32_767, -32_767,
    ]);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Precision } from '../../../../src/pipeline/config.ts';
import { importModel } from '../../../../src/pipeline/models/install.ts';
import type { InstalledModel } from '../../../../src/pipeline/models/store.ts';
import { DemucsSeparator } from '../../../../src/pipeline/separation/demucs/separator.ts';
import { NetworkSession } from '../../../../src/pipeline/separation/demucs/session.ts';
import {
  checkpointOf,
  expectedOf,
  REFERENCE_CASES,
  REFERENCE_NETWORKS,
  type ReferenceCase,
} from '../../../support/reference-cases.ts';
import { referenceSong } from '../../../support/reference-song.ts';

/**
 * Least signal-to-noise ratio in dB. In single precision 97 and more are met, and these networks are drawn so that any
 * tensor in reverse order leaves 65 at most. In 8 bits 34 are met, with VNNI and without.
 */
const LEAST_SNR: Readonly<Record<Precision, number>> = { fp32: 80, int8: 32 };

const networks = Object.keys(REFERENCE_NETWORKS);
const models = new Map<string, InstalledModel>();
let modelsDir: string;

beforeAll(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), 'parity-'));
  for (const name of networks) models.set(name, await importModel([checkpointOf(name)], name, { modelsDir }));
});
afterAll(() => rm(modelsDir, { recursive: true }));

describe.each(networks)('the network %s', (name) => {
  const cases = REFERENCE_CASES.filter(({ network }) => network === name);

  describe.each<Precision>(['fp32', 'int8'])('in %s', (precision) => {
    let session: NetworkSession;
    beforeAll(async () => {
      const [network] = models.get(name)!.networks;
      const settings = { precision, executionProvider: 'cpu', threads: 2 } as const;
      session = await NetworkSession.load(network.folder, network, settings);
    });
    afterAll(() => session[Symbol.asyncDispose]());

    it.each(cases)('separates $name as the reference does', async (each) => {
      const expected = expectedOf(each);
      const actual = await separate(session, each);
      expect(actual.length).toBe(expected.length);
      const least = LEAST_SNR[precision];
      expect(snr(expected, actual)).toBeGreaterThanOrEqual(least);
      for (const [stem, of] of perStem(each))
        expect(snr(of(expected), of(actual)), stem).toBeGreaterThanOrEqual(least);
    });
  });
});

it('segments by turns in fp32 and in int8, as two machines differ at most, fit together', async () => {
  const [network] = models.get('half_precision')!.networks;
  const each = REFERENCE_CASES.find(({ name }) => name === 'half precision')!;
  const settings = { executionProvider: 'cpu', threads: 2 } as const;
  await using exact = await NetworkSession.load(network.folder, network, { ...settings, precision: 'fp32' });
  await using rough = await NetworkSession.load(network.folder, network, { ...settings, precision: 'int8' });
  const whole = await separate(exact, each);
  const others = await separate(rough, each);
  const joined = await separate(exact, each, rough);
  const difference = (a: Float32Array, b: Float32Array) =>
    a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
  expect(joined).not.toEqual(whole);
  expect(joined).not.toEqual(others);
  expect(difference(joined, whole)).toBeLessThanOrEqual(difference(others, whole));
  expect(snr(whole, joined)).toBeGreaterThan(snr(whole, others));
});

/** What is kept of the stems that the network makes of the case's song; `other` makes every second segment where it is given. */
async function separate(
  session: NetworkSession,
  each: ReferenceCase,
  other = session,
): Promise<Float32Array> {
  const { frames, mono, sources, every, overlap } = each;
  const song = referenceSong(frames, mono);
  const output = new Float32Array(sources.length * 2 * frames);
  const machines = [session, other].map((network) => new DemucsSeparator(network, overlap));
  const segments = Math.ceil(frames / machines[0].strideFrames);
  for (let first = 0; first < segments; first++) {
    const range = { stems: sources, first, end: other === session ? Infinity : first + 1 };
    for await (const { start, stems } of machines[first % 2].separate(song, range))
      for (const [s, source] of sources.entries())
        for (const [c, samples] of stems[source].entries()) output.set(samples, (2 * s + c) * frames + start);
    if (other === session) break;
  }
  return Float32Array.from({ length: Math.ceil(output.length / every) }, (_, i) => output[i * every]);
}

/** What picks a stem's values out of those that are kept, by its name. */
function perStem({
  sources,
  frames,
  every,
}: ReferenceCase): [string, (kept: Float32Array) => Float32Array][] {
  const begin = (stem: number) => Math.ceil((stem * 2 * frames) / every);
  return sources.map((source, s) => [source, (kept) => kept.subarray(begin(s), begin(s + 1))]);
}

/** Signal-to-noise ratio in dB. */
function snr(expected: Float32Array, actual: Float32Array): number {
  let signal = 0;
  let noise = 0;
  for (const [i, value] of expected.entries()) {
    signal += value ** 2;
    noise += (actual[i] - value) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

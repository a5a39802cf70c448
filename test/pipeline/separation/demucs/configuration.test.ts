import { describe, expect, it } from 'vitest';
import { WorkerError } from '../../../../src/pipeline/errors.ts';
import { openCheckpoint } from '../../../../src/pipeline/separation/demucs/checkpoint/checkpoint.ts';
import {
  levelChannels,
  readConfiguration,
} from '../../../../src/pipeline/separation/demucs/configuration.ts';
import { checkpointOf } from '../../../support/reference-cases.ts';

const SOURCES = ['drums', 'bass', 'other', 'vocals'];
const fraction = (numerator: number | bigint, denominator: number | bigint) => ({ numerator, denominator });
/** What the released networks record, as far as it is not the class's default. */
const RELEASED = {
  sources: SOURCES,
  segment: fraction(39, 5),
  dconv_mode: 3,
  bottom_channels: 512,
  multi_freqs: [],
  t_dropout: 0.02,
};

describe('the configuration', () => {
  it.each([
    [{ sources: ['a', 'a'] }, /'sources' .*expected names that differ/],
    [{ segment: 1e9 }, /'segment' is 1000000000 \(expected at most 60 s\)/],
  ])('%o is refused', (parameters, message) => {
    expect(() => readConfiguration({ ...RELEASED, ...parameters })).toThrow(message);
  });

  it('of a released network has its segment and its spectra', () => {
    const configuration = readConfiguration(RELEASED);
    expect(configuration).toMatchObject({
      segmentFrames: 343_980,
      nfft: 4096,
      hop: 1024,
      bins: 2048,
      spectra: 336,
      t_heads: 8,
      t_layers: 5,
    });
    expect(levelChannels(configuration)).toEqual([48, 96, 192, 384]);
  });

  it('is what a checkpoint of every parameter says', async () => {
    await using checkpoint = await openCheckpoint(checkpointOf('half_precision'));
    const { segment, ...recorded } = checkpoint.kwargs;
    const { segmentFrames, hop, spectra, bins, ...parameters } = readConfiguration({ segment, ...recorded });
    expect({ segmentFrames, hop, spectra, bins }).toEqual({
      segmentFrames: 70_943,
      hop: 1024,
      spectra: 70,
      bins: 2048,
    });
    expect(recorded).toMatchObject(parameters);
  });

  it('has the defaults of the class', () => {
    expect(readConfiguration({ sources: ['vocals'] })).toMatchObject({
      segmentFrames: 441_000,
      channels: 48,
      growth: 2,
      depth: 4,
      freq_emb: 0.2,
      emb_scale: 10,
      context: 1,
      context_enc: 0,
      dconv_mode: 1,
      dconv_depth: 2,
      dconv_comp: 8,
      bottom_channels: 0,
      t_layers: 5,
      t_heads: 8,
      t_hidden_scale: 4,
      t_max_period: 10_000,
      t_weight_pos_embed: 1,
      t_layer_scale: true,
      t_gelu: true,
      t_cross_first: false,
    });
  });

  it.each([
    [10, 441_000],
    [1.49, 65_709],
    [fraction(37, 23), 70_943],
    [fraction(39n, 5n), 343_980],
  ])('takes a segment of %o seconds as %d whole frames', (segment, frames) => {
    expect(readConfiguration({ ...RELEASED, segment }).segmentFrames).toBe(frames);
  });

  it('takes numbers for flags, as Python does', () => {
    expect(readConfiguration({ ...RELEASED, t_gelu: 0, t_cross_first: 1 })).toMatchObject({
      t_gelu: false,
      t_cross_first: true,
    });
  });
});

describe('a network of another kind is refused by the parameter that makes it one', () => {
  it.each<[string, unknown, object?]>([
    ['sources', undefined],
    ['sources', []],
    ['sources', ['Lead Vocals']],
    ['audio_channels', 1],
    ['samplerate', 48_000],
    ['segment', 0],
    ['segment', 0.05],
    ['segment', fraction(1, 0)],
    ['use_train_segment', false],
    ['nfft', 3000],
    ['cac', false],
    ['rewrite', false],
    ['channels_time', 24],
    ['multi_freqs', [2, 4]],
    ['depth', 5, { norm_starts: 5 }],
    ['kernel_size', 4],
    ['stride', 2],
    ['norm_starts', 3],
    ['dconv_mode', 4],
    ['t_emb', 'cape'],
    ['t_heads', 7],
    ['t_norm_in', false],
    ['t_norm_in_group', true],
    ['t_group_norm', 1],
    ['t_norm_first', false],
    ['t_norm_out', false],
    ['t_sin_random_shift', 5],
    ['t_sparse_self_attn', true],
    ['t_sparse_cross_attn', true],
  ])('%s: %o', (name, value, others = {}) => {
    const error = thrownBy(() => readConfiguration({ ...RELEASED, ...others, [name]: value }));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringContaining(`its parameter '${name}' is `),
    });
  });

  it('with the value that came, cut where it is long', () => {
    const error = thrownBy(() => readConfiguration({ ...RELEASED, t_emb: 'x'.repeat(9999) }));
    expect((error as Error).message).toMatch(/'t_emb' is 'x{50,80} /);
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
}

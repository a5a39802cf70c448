import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/pipeline/config.ts';
import { chooseSeparator } from '../../../src/pipeline/separation/registry.ts';
import { installSmall } from '../../support/models.ts';

const STEMS = ['drums', 'bass', 'other', 'vocals'];

let modelsDir: string;
const choose = (model: string, stems?: readonly string[], settings: Record<string, string> = {}) =>
  chooseSeparator(model, stems, readConfig({ MODELS_DIR: modelsDir, ...settings }));

beforeAll(async () => {
  modelsDir = mkdtempSync(join(tmpdir(), 'models-'));
  await installSmall(modelsDir, 'htdemucs');
  await installSmall(modelsDir, 'htdemucs_ft', 'half_precision');
  await installSmall(modelsDir, 'mine', 'six_stems');
});
afterAll(() => rmSync(modelsDir, { recursive: true }));

describe('a separator is chosen', () => {
  it('with the precision, overlap and weights that the result will tell', () => {
    expect(choose('htdemucs', undefined, { DEMUCS_PRECISION: 'int8', DEMUCS_OVERLAP: '0.5' })).toMatchObject({
      model: 'htdemucs',
      requested: 'htdemucs',
      precision: 'int8',
      overlap: 0.5,
      weights: [expect.stringMatching(/^[0-9a-f]{64}$/)],
      stems: STEMS,
      passes: [STEMS],
    });
    expect(choose('spectral')).toMatchObject({ precision: null, overlap: null, weights: [], stems: STEMS });
  });

  it('with no more networks than the wanted stems need', () => {
    expect(choose('htdemucs_ft').passes).toEqual(STEMS.map((stem) => [stem]));
    const some = choose('htdemucs_ft', ['vocals', 'drums']);
    expect(some).toMatchObject({ passes: [['drums'], ['vocals']], stems: ['drums', 'vocals'] });
    expect(some.weights).toHaveLength(2);
    expect(choose('htdemucs', ['vocals', 'bass']).passes).toEqual([['bass', 'vocals']]);
  });

  it('with what the song is without it, where one stem alone is wanted', () => {
    for (const model of ['htdemucs', 'htdemucs_ft', 'spectral'])
      expect(choose(model, ['vocals']).passes, model).toEqual([['vocals', 'no_vocals']]);
  });

  it("from models of one's own", () => {
    expect(choose('mine', ['piano']).stems).toEqual(['piano', 'no_piano']);
  });

  it('with the stems that carry chords, where all of these that the model has are wanted', () => {
    expect(choose('htdemucs').chord_stems).toEqual(['bass', 'other']);
    expect(choose('htdemucs_ft', ['other', 'bass']).chord_stems).toEqual(['bass', 'other']);
    expect(choose('mine').chord_stems).toEqual(['bass', 'other', 'guitar', 'piano']);
    for (const [model, stems] of [
      ['spectral', ['vocals']],
      ['htdemucs', ['bass']],
      ['mine', ['bass', 'other']],
    ] as const)
      expect(choose(model, stems).chord_stems, `${stems} of ${model}`).toEqual([]);
  });

  it('in larger parts, the more segments a part works through twice', () => {
    const parts = ['0', '0.25', '0.75'].map(
      (DEMUCS_OVERLAP) => choose('htdemucs', undefined, { DEMUCS_OVERLAP }).part_segments,
    );
    expect(parts).toEqual([20, 20, 60]);
    expect(choose('htdemucs', undefined, { SEPARATION_PART_SEGMENTS: '3' }).part_segments).toBe(3);
  });
});

describe('what cannot be had is refused', () => {
  it.each([
    [
      'a model that nobody knows',
      'magic',
      undefined,
      /expected one of htdemucs, .*spectral, mine; got 'magic'/,
    ],
    ['a stem that the model lacks', 'htdemucs', ['oboe'], /gives drums, bass, other, vocals; got 'oboe'/],
    ["a stem that one's own model lacks", 'mine', ['vocals', 'oboe'], /got 'oboe'/],
  ])('%s', (_, model, stems, message) => {
    expect(() => choose(model, stems)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringMatching(message) }),
    );
  });

  it('a model that is not there, unless another may stand in', () => {
    expect(() => choose('htdemucs_6s')).toThrow(
      expect.objectContaining({
        code: 'model_unavailable',
        message: expect.stringContaining('models -- fetch'),
      }),
    );
    expect(choose('htdemucs_6s', undefined, { MODEL_FALLBACK: 'spectral' })).toMatchObject({
      model: 'spectral',
      requested: 'htdemucs_6s',
    });
    expect(() => choose('htdemucs_6s', ['piano'], { MODEL_FALLBACK: 'spectral' })).toThrow(
      expect.objectContaining({ code: 'model_unavailable' }),
    );
  });

  it('a model that is damaged, with the file that is', async () => {
    await installSmall(modelsDir, 'broken');
    writeFileSync(join(modelsDir, 'broken', '1', 'weights.bin'), 'short');
    expect(() => choose('broken')).toThrow(
      expect.objectContaining({ code: 'model_unavailable', message: expect.stringContaining('weights.bin') }),
    );
  });
});

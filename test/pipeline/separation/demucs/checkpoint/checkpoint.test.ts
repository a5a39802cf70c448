import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../../src/pipeline/separation/demucs/checkpoint/checkpoint.ts';
import { CheckpointFile, float32, saved } from '../../../../support/checkpoint.ts';
import {
  code,
  dict,
  global,
  int,
  list,
  reduce,
  storage,
  str,
  tensor,
  tuple,
} from '../../../../support/pickle.ts';
import { checkpointOf, REFERENCE_NETWORKS } from '../../../../support/reference-cases.ts';

const file = new CheckpointFile();

describe('a checkpoint', () => {
  it('has the class, the arguments, and tensors in the order of the file', async () => {
    const state = dict({
      b: tensor(storage('0', 2), [2], [1]),
      a: tensor(storage('1', 6), [2, 3], [3, 1]),
    });
    const kwargs = dict({ channels: int(48), segment: reduce(global('fractions', 'Fraction'), str('39/5')) });
    await file.write(saved({ args: tuple(list(str('drums'))), kwargs, state }), {
      '0': float32(1, 2),
      '1': float32(1, 2, 3, 4, 5, 6),
    });
    await file.opened(async ({ klass, args, kwargs, tensors }) => {
      expect(klass).toBe('demucs.htdemucs.HTDemucs');
      expect(args).toEqual([['drums']]);
      expect(kwargs).toEqual({ channels: 48, segment: { numerator: 39, denominator: 5 } });
      expect(Array.from(tensors.keys())).toEqual(['b', 'a']);
      expect(tensors.get('a')!.shape).toEqual([2, 3]);
      expect(await tensors.get('a')!.read()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    });
  });

  it('names other architectures, so that a caller can', async () => {
    await file.write(saved({ klass: global('demucs.hdemucs', 'HDemucs') }));
    expect(await file.opened(({ klass }) => klass)).toBe('demucs.hdemucs.HDemucs');
  });

  it('takes an OrderedDict with attributes as state', async () => {
    const ordered = reduce(global('collections', 'OrderedDict'));
    const item = code(str('w'), tensor(storage('0', 1), [], []), 's');
    const state = code(ordered, item, dict({ _metadata: dict({ '': int(1) }) }), 'b');
    await file.write(saved({ state }), { '0': float32(7) });
    expect(await file.read()).toEqual([7]);
  });

  it('drops what a training left, whatever was done to it', async () => {
    const config = code(global('omegaconf.dictconfig', 'DictConfig'), ')\x81', dict({ a: int(1) }), 'b');
    const mapping = code(
      reduce(global('collections', 'defaultdict'), global('__builtin__', 'long')),
      str('k'),
      int(1),
      's',
    );
    const path = code(reduce(global('pathlib', 'PosixPath'), str('/')), int(1), 'a(', int(2), 'e');
    await file.write(saved({ training_args: list(config, mapping, path, global('typing', 'Any')) }));
    expect(await file.opened(({ kwargs }) => kwargs)).toEqual({});
  });

  it('cannot be read after it was closed', async () => {
    await file.write(saved({ state: dict({ w: tensor(storage('0', 1), [1], [1]) }) }), { '0': float32(1) });
    const closed = await file.opened(({ tensors }) => tensors.get('w')!);
    await file.expectRefused(/closed/, () => closed.read());
  });
});

describe("a checkpoint of PyTorch's own making", () => {
  it.each(Object.entries(REFERENCE_NETWORKS))(
    '%s holds the tensors that it has there',
    async (name, there) => {
      await using checkpoint = await openCheckpoint(checkpointOf(name));
      const digest = createHash('sha256');
      for (const tensor of checkpoint.tensors.values()) digest.update(await tensor.read());
      expect({ tensors: checkpoint.tensors.size, sha256: digest.digest('hex') }).toEqual(there);
    },
  );

  it('holds the arguments, by place or by name', async () => {
    await using half = await openCheckpoint(checkpointOf('half_precision'));
    expect(half.klass).toBe('demucs.htdemucs.HTDemucs');
    expect(half.args).toEqual([]);
    expect(half.kwargs).toMatchObject({
      sources: ['drums', 'bass', 'other', 'vocals'],
      segment: { numerator: 37, denominator: 23 },
      channels_time: null,
      freq_emb: 0.2,
      t_gelu: true,
      t_cape_glob_loc_scale: [5000, 1, 1.4],
    });
    expect(half.tensors.get('freq_emb.embedding.weight')?.shape).toEqual([512, 6]);
    await using six = await openCheckpoint(checkpointOf('six_stems'));
    expect(six.args).toEqual([['drums', 'bass', 'other', 'vocals', 'guitar', 'piano']]);
    expect(six.kwargs).toMatchObject({ segment: 1.49, t_layer_scale: false });
  });
});

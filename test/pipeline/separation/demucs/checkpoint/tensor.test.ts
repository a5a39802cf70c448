import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { CheckpointFile, float32, saved } from '../../../../support/checkpoint.ts';
import { code, dict, global, int, long, reduce, storage, tensor } from '../../../../support/pickle.ts';

const file = new CheckpointFile();

describe('a tensor', () => {
  const write = (value: Buffer, storages: Record<string, Buffer>) =>
    file.write(saved({ state: dict({ w: value }) }), storages);

  it('may be transposed, a part, expanded or empty', async () => {
    const six = { '0': float32(0, 1, 2, 3, 4, 5) };
    const view = async (...args: [number[], number[], Buffer?]) => {
      await write(tensor(storage('0', 6), ...args), six);
      return file.read();
    };
    expect(await view([3, 2], [1, 3])).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await view([2, 2], [3, 1], int(1))).toEqual([1, 2, 4, 5]);
    expect(await view([2], [1], int(4))).toEqual([4, 5]);
    expect(await view([2, 3], [0, 1])).toEqual([0, 1, 2, 0, 1, 2]);
    expect(await view([1, 6], [99, 1])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await view([0, 9], [9, 1])).toEqual([]);
  });

  it('may be a parameter', async () => {
    const parameter = reduce(
      global('torch._utils', '_rebuild_parameter'),
      tensor(storage('0', 1), [1], [1]),
      code('\x88'),
      reduce(global('collections', 'OrderedDict')),
    );
    await write(parameter, { '0': float32(3) });
    expect(await file.read()).toEqual([3]);
  });

  it.each([
    ['HalfStorage', [0x3c00, 0xc100, 0x0001, 0x7bff], [1, -2.5, 2 ** -24, 65504]],
    ['BFloat16Storage', [0x3f80, 0xc020, 0x0001, 0x7f7f], [1, -2.5, 2 ** -133, 3.3895313892515355e38]],
  ])('of %s widens exactly', async (type, halves, values) => {
    await write(tensor(storage('0', 4, { type }), [4], [1]), {
      '0': Buffer.from(Uint16Array.from(halves).buffer),
    });
    expect(await file.read()).toEqual(values);
  });

  it('of float64 is rounded to float32', async () => {
    const bytes = Buffer.from(Float64Array.of(0.1, -2).buffer);
    await write(tensor(storage('0', 2, { type: 'DoubleStorage' }), [2], [1]), { '0': bytes });
    expect(await file.read()).toEqual([Math.fround(0.1), -2]);
  });

  it.each([
    ['beyond its storage', tensor(storage('0', 2), [3], [1]), /element 3 of a storage that has 2/],
    ['that starts beyond it', tensor(storage('0', 2), [0], [1], int(3)), /element 3/],
    ['whose stride leads beyond it', tensor(storage('0', 2), [2, 1], [2, 1]), /element 3/],
    ['of a negative offset', tensor(storage('0', 2), [1], [1], int(-1)), /not all counts/],
    ['of a negative stride', tensor(storage('0', 2), [2], [-1], int(1)), /not all counts/],
    ['of a huge offset', tensor(storage('0', 2), [1], [1], long(2n ** 62n, 8)), /not all counts/],
    ['of fewer strides than dimensions', tensor(storage('0', 2), [1, 2], [1]), /2 dimensions and 1 strides/],
    ['of ints', tensor(storage('0', 1, { type: 'LongStorage' }), [1], [1]), /int64, expected float/],
    [
      'that fills the memory',
      tensor(storage('0', 2), [2 ** 30, 2 ** 30], [0, 0]),
      /more than 1073741824 bytes/,
    ],
    ['whose storage is missing', tensor(storage('1', 2), [2], [1]), /storage 1 is missing/],
    ['whose storage is shorter', tensor(storage('0', 3), [2], [1]), /8 bytes, expected 12/],
    ['whose storage has less than nothing', tensor(storage('0', -2), [0], [1]), /invalid number/],
  ])('%s is refused', async (_, value, reason) => {
    await write(value, { '0': float32(1, 2) });
    await file.expectRefused(reason);
  });

  it('shares a storage with others only as one type', async () => {
    const half = tensor(storage('0', 4, { type: 'HalfStorage' }), [4], [1]);
    const state = dict({ a: tensor(storage('0', 2), [2], [1]), b: half });
    await file.refuses(/2 of float32 in one place and 4 of float16/, saved({ state }), {
      '0': float32(1, 2),
    });
  });

  it('whose bytes changed is refused when it is read', async () => {
    await write(tensor(storage('0', 2), [2], [1]), { '0': float32(1, 2) });
    const bytes = await readFile(file.path);
    bytes[bytes.indexOf(float32(1, 2))] ^= 1;
    await writeFile(file.path, bytes);
    await file.expectRefused(/damaged/, () => file.read());
  });
});

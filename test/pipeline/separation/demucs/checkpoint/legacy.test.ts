import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { CheckpointFile, float32, KLASS, saved } from '../../../../support/checkpoint.ts';
import {
  code,
  dict,
  int,
  list,
  long,
  none,
  pickle,
  storage,
  str,
  tensor,
  tuple,
} from '../../../../support/pickle.ts';

const file = new CheckpointFile();

describe('the form before PyTorch 1.6', () => {
  const MAGIC = pickle(long(0x1950a86a20f9469cfc6cn, 10));
  const VERSION = pickle(int(1001));
  const machine = (littleEndian: boolean) =>
    pickle(dict({ little_endian: code(littleEndian ? '\x88' : '\x89') }));
  const elements = (count: number, bytes: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeBigInt64LE(BigInt(count));
    return Buffer.concat([head, bytes]);
  };
  const legacy = { legacy: true };
  const object = saved({
    klass: code(tuple(str('module'), KLASS, str('/htdemucs.py'), str('class HTDemucs: ...')), 'Q'),
    state: dict({
      v: tensor(storage('70', 2, legacy), [2], [1]),
      w: tensor(storage('9', 3, { ...legacy, type: 'HalfStorage' }), [3], [1]),
    }),
  });
  const head = [MAGIC, VERSION, machine(true), pickle(object)];
  const w = elements(3, Buffer.from(Float16Array.of(1, 2, 3).buffer));
  const v = elements(2, float32(4, 5));
  const keys = (...names: string[]) => pickle(list(...names.map(str)));

  const write = (...parts: Buffer[]) => writeFile(file.path, Buffer.concat(parts));

  it('has its storages in the order of their keys', async () => {
    await write(...head, keys('9', '70'), w, v);
    expect(await file.opened(({ klass }) => klass)).toBe('demucs.htdemucs.HTDemucs');
    expect(await file.read('v')).toEqual([4, 5]);
    expect(await file.read('w')).toEqual([1, 2, 3]);
  });

  it('is refused when it lies about itself', async () => {
    await write(pickle(int(1)));
    await file.expectRefused(/magic number/);
    await write(MAGIC, pickle(int(1000)));
    await file.expectRefused(/version/);
    await write(MAGIC, VERSION, machine(false));
    await file.expectRefused(/little-endian/);
    await write(...head, keys('9'), w);
    await file.expectRefused(/storage 70 is missing/);
    await write(...head, keys('9', '70', '1'), w, v, v);
    await file.expectRefused(/nothing refers to/);
    await write(...head, keys('9', '9', '70'), w, w, v);
    await file.expectRefused(/twice/);
    await write(...head, keys('9', '70'), v, w);
    await file.expectRefused(/storage 9 has 2 elements, expected 3/);
  });

  it('refuses a persistent id that is neither a storage nor a class', async () => {
    const id = code(tuple(str('module'), str('os.system'), none, none), 'Q');
    await write(MAGIC, VERSION, machine(true), pickle(saved({ klass: id })), keys());
    await file.expectRefused(/persistent id/);
  });

  it('is refused when it is cut off, wherever', async () => {
    await write(...head, keys('9', '70'), w, v);
    const whole = await readFile(file.path);
    for (let length = whole.length - 1; length >= 0; length -= 5) {
      await writeFile(file.path, whole.subarray(0, length));
      await file.expectRefused(/cut off|expected PROTO/);
    }
  });
});

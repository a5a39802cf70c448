import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerError } from '../../../../src/pipeline/errors.ts';
import {
  type Checkpoint,
  openCheckpoint,
} from '../../../../src/pipeline/separation/demucs/checkpoint/checkpoint.ts';
import {
  code,
  dict,
  float,
  global,
  int,
  list,
  long,
  none,
  pickle,
  reduce,
  storage,
  str,
  tensor,
  tuple,
  writeZip,
  type ZipEntry,
} from '../../../support/pickle.ts';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  path = join(folder, 'model.th');
});
afterAll(() => rm(folder, { recursive: true }));

const KLASS = global('demucs.htdemucs', 'HTDemucs');
const float32 = (...values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer);

/** The parts of a saved network, each with a default. */
const saved = (parts: Readonly<Record<string, Buffer>> = {}) =>
  dict({ klass: KLASS, args: tuple(), kwargs: dict({}), state: dict({}), training_args: none, ...parts });

/** Writes a checkpoint in the zip form: the object, and the bytes of its storages by key. */
async function writeArchive(
  object: Buffer,
  storages: Readonly<Record<string, Buffer>> = {},
  more: readonly ZipEntry[] = [],
): Promise<void> {
  const entries = Object.entries(storages).map(([key, bytes]) => ({ name: `m/data/${key}`, bytes }));
  await writeZip(path, [
    { name: 'm/data.pkl', bytes: pickle(object) },
    { name: 'm/version', bytes: Buffer.from('3\n') },
    ...entries,
    ...more,
  ]);
}

async function opened<T>(look: (checkpoint: Checkpoint) => T | Promise<T>): Promise<T> {
  await using checkpoint = await openCheckpoint(path);
  return await look(checkpoint);
}

const kwargsOf = (kwargs: Buffer) =>
  writeArchive(saved({ kwargs })).then(() => opened((checkpoint) => checkpoint.kwargs));

const read = (name = 'w') => opened(async ({ tensors }) => Array.from(await tensors.get(name)!.read()));

/** Expects that the written file is refused for people: by its code, with the file's name and `reason`. */
async function expectRefused(reason: string | RegExp, look: () => Promise<unknown> = () => opened(() => {})) {
  const error = await look().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WorkerError);
  expect(error).toMatchObject({ code: 'model_unavailable', message: expect.stringContaining(path) });
  expect((error as WorkerError).message).toMatch(reason);
}

async function refuses(reason: string | RegExp, object: Buffer, storages?: Record<string, Buffer>) {
  await writeArchive(object, storages);
  await expectRefused(reason);
}

describe('a checkpoint', () => {
  it('has the class, the arguments, and tensors in the order of the file', async () => {
    const state = dict({
      b: tensor(storage('0', 2), [2], [1]),
      a: tensor(storage('1', 6), [2, 3], [3, 1]),
    });
    const kwargs = dict({ channels: int(48), segment: reduce(global('fractions', 'Fraction'), str('39/5')) });
    await writeArchive(saved({ args: tuple(list(str('drums'))), kwargs, state }), {
      '0': float32(1, 2),
      '1': float32(1, 2, 3, 4, 5, 6),
    });
    await opened(async ({ klass, args, kwargs, tensors }) => {
      expect(klass).toBe('demucs.htdemucs.HTDemucs');
      expect(args).toEqual([['drums']]);
      expect(kwargs).toEqual({ channels: 48, segment: { numerator: 39, denominator: 5 } });
      expect(Array.from(tensors.keys())).toEqual(['b', 'a']);
      expect(tensors.get('a')!.shape).toEqual([2, 3]);
      expect(await tensors.get('a')!.read()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    });
  });

  it('names other architectures, so that a caller can', async () => {
    await writeArchive(saved({ klass: global('demucs.hdemucs', 'HDemucs') }));
    expect(await opened(({ klass }) => klass)).toBe('demucs.hdemucs.HDemucs');
  });

  it('takes an OrderedDict with attributes as state', async () => {
    const ordered = reduce(global('collections', 'OrderedDict'));
    const item = code(str('w'), tensor(storage('0', 1), [], []), 's');
    const state = code(ordered, item, dict({ _metadata: dict({ '': int(1) }) }), 'b');
    await writeArchive(saved({ state }), { '0': float32(7) });
    expect(await read()).toEqual([7]);
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
    await writeArchive(saved({ training_args: list(config, mapping, path, global('typing', 'Any')) }));
    expect(await opened(({ kwargs }) => kwargs)).toEqual({});
  });

  it('cannot be read after it was closed', async () => {
    await writeArchive(saved({ state: dict({ w: tensor(storage('0', 1), [1], [1]) }) }), { '0': float32(1) });
    const closed = await opened(({ tensors }) => tensors.get('w')!);
    await expectRefused(/closed/, () => closed.read());
  });
});

describe('plain values', () => {
  it('are those of Python', async () => {
    const kwargs = dict({
      none,
      yes: code('\x88'),
      negative: int(-3),
      long: long(-5n, 2),
      huge: long(2n ** 70n, 9),
      float: float(0.25),
      bytes: code('C\x02\x00\xff'),
      text: str('Gläser'),
      tuple: tuple(int(1), list(int(2))),
      dict: dict({ a: none }),
      set: code('\x8f(', int(1), '\x90'),
      size: reduce(global('torch', 'Size'), tuple(int(4))),
    });
    expect(await kwargsOf(kwargs)).toEqual({
      none: null,
      yes: true,
      negative: -3,
      long: -5,
      huge: 2n ** 70n,
      float: 0.25,
      bytes: Buffer.of(0, 255),
      text: 'Gläser',
      tuple: [1, [2]],
      dict: new Map([['a', null]]),
      set: new Set([1]),
      size: [4],
    });
  });

  it('may come in frames, memoized and with globals from the stack (protocol 4)', async () => {
    const fraction = code('\x8c\x09fractions\x94\x8c\x08Fraction\x93\x94K\x03K\x02\x86R');
    const frame = code('\x95', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
    expect(await kwargsOf(code(frame, dict({ segment: fraction, again: code('h\x00') })))).toEqual({
      segment: { numerator: 3, denominator: 2 },
      again: 'fractions',
    });
  });

  it('may be numpy scalars, whose bytes protocol 2 writes as text', async () => {
    const dtype = (name: string, order: string) =>
      code(
        reduce(global('numpy', 'dtype'), str(name), code('\x89'), code('\x88')),
        tuple(int(3), str(order), none, none, none, int(-1), int(-1), int(0)),
        'b',
      );
    const bytes = reduce(global('_codecs', 'encode'), str('\0\0\0\0\0\0\xf8?'), str('latin1'));
    const scalar = (module: string, ...args: Buffer[]) => reduce(global(module, 'scalar'), ...args);
    const kwargs = dict({
      float: scalar('numpy.core.multiarray', dtype('f8', '<'), bytes),
      int: scalar('numpy._core.multiarray', dtype('i2', '<'), code('C\x02\xfe\xff')),
    });
    expect(await kwargsOf(kwargs)).toEqual({ float: 1.5, int: -2 });
    await refuses(/little-endian/, saved({ kwargs: dict({ float: dtype('f8', '>') }) }));
    await refuses(/dtype O/, saved({ kwargs: dict({ object: reduce(global('numpy', 'dtype'), str('O')) }) }));
  });

  it('are all that arguments may be', async () => {
    const any = global('typing', 'Any');
    await refuses('kwargs.x holds typing.Any', saved({ kwargs: dict({ x: list(any) }) }));
    await refuses('args holds typing.Any', saved({ args: tuple(any) }));
    await refuses(
      'kwargs.x holds a tensor',
      saved({ kwargs: dict({ x: tensor(storage('0', 0), [0], [1]) }) }),
      {
        '0': Buffer.alloc(0),
      },
    );
    await refuses('state.x is typing.Any', saved({ state: dict({ x: any }) }));
    await refuses('state is typing.Any', saved({ state: any }));
    await refuses('klass is a string', saved({ klass: str('HTDemucs') }));
    await refuses('the saved object is a list', list());
  });

  it('may be in many places, but not in themselves', async () => {
    const doubled = `]q\x01${'h\x01\x86q\x01'.repeat(30)}`;
    await writeArchive(saved({ kwargs: dict({ x: code(doubled) }) }));
    await opened(({ kwargs }) => expect(kwargs.x).toHaveLength(2));
    await refuses(/kwargs.x is nested/, saved({ kwargs: dict({ x: code(']q\x01h\x01a') }) }));
    await refuses(
      /kwargs.x is nested/,
      saved({ kwargs: dict({ x: code(']'.repeat(9999), 'a'.repeat(9998)) }) }),
    );
  });
});

describe('a global that no checkpoint needs is refused by its name', () => {
  it.each([
    ['GLOBAL', reduce(global('os', 'system'), str('true')), 'os.system'],
    ['STACK_GLOBAL', code(str('builtins'), str('eval'), '\x93'), 'builtins.eval'],
    ['INST', code('(iposix\nsystem\n'), 'posix.system'],
    ['OBJ', code('(', global('subprocess', 'Popen'), 'o'), 'subprocess.Popen'],
    [
      'a name that looks like an allowed one',
      global('torch.storage', 'FloatStorage'),
      'torch.storage.FloatStorage',
    ],
    ['an array of numpy', global('numpy.core.multiarray', '_reconstruct'), '_reconstruct'],
    ['a member of all objects', global('constructor', ''), 'constructor.'],
  ])('%s', async (_, body, name) => {
    await refuses(name, saved({ training_args: list(body) }));
    await refuses(name, saved({ kwargs: dict({ x: body }) }));
  });

  it.each([
    ['EXT1', '\x82\x01'],
    ['INST', '(icollections\nOrderedDict\n'],
    ['OBJ', '(ccollections\nOrderedDict\no'],
    ['PERSID', 'P0\n'],
    ['NEXT_BUFFER', '\x97'],
    ['number 255', '\xff'],
  ])('as is the opcode %s', (name, body) => refuses(name, saved({ training_args: code(body) })));

  it('classes are never called', async () => {
    await refuses('calls demucs.htdemucs.HTDemucs', reduce(KLASS));
    await refuses('calls a string', reduce(str('eval')));
  });
});

describe('a damaged pickle', () => {
  it.each([
    ['that ends early', 'X\x10\0\0\0short', /cut off/],
    ['with a line that does not end', 'cos', /cut off/],
    ['with bytes beyond the end', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f', /cut off/],
    ['with an int beyond the end', '\x8a\x20', /cut off/],
    ['with a long int', '\x8b\xff\xff\xff\x7f', /int of 2147483647 bytes/],
    ['with a frame beyond the end', '\x95\xff\xff\0\0\0\0\0\0', /cut off/],
    ['that recalls what it has not stored', 'h\x07', /object 7/],
    ['that stores nothing', 'q\x00', /stack/],
    ['that takes below the stack', ')R', /stack/],
    ['that takes below a mark', 'N(a', /stack/],
    ['without a mark', 'Nt', /stack/],
    ['that stops with nothing', '', /stack/],
    ['with a key alone', '}(Nu', /without a value/],
    ['that appends to a tuple', ')Na', /appends to a tuple/],
    ['that sets attributes of a list', ']Nb', /attributes of a list/],
    ['that is not UTF-8', 'X\x01\0\0\0\xff', /UTF-8/],
    ['of endless work', 'N0'.repeat(500_001), /operations/],
    ['with a fraction over zero', 'cfractions\nFraction\nK\x01K\x00\x86R', /fraction/],
    ['with a persistent id of another form', 'K\x01Q', /persistent id/],
  ])('%s is refused', (_, body, reason) => refuses(reason, code(body)));

  it('of another protocol is refused', async () => {
    for (const bytes of [code('\x80\x06N.'), code('(lp0\n.')]) {
      await writeZip(path, [{ name: 'm/data.pkl', bytes }]);
      await expectRefused(/protocol 6|expected PROTO/);
    }
  });
});

describe('a tensor', () => {
  const write = (value: Buffer, storages: Record<string, Buffer>) =>
    writeArchive(saved({ state: dict({ w: value }) }), storages);

  it('may be transposed, a part, expanded or empty', async () => {
    const six = { '0': float32(0, 1, 2, 3, 4, 5) };
    const view = async (...args: [number[], number[], Buffer?]) => {
      await write(tensor(storage('0', 6), ...args), six);
      return read();
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
    expect(await read()).toEqual([3]);
  });

  it.each([
    ['HalfStorage', [0x3c00, 0xc100, 0x0001, 0x7bff], [1, -2.5, 2 ** -24, 65504]],
    ['BFloat16Storage', [0x3f80, 0xc020, 0x0001, 0x7f7f], [1, -2.5, 2 ** -133, 3.3895313892515355e38]],
  ])('of %s widens exactly', async (type, halves, values) => {
    await write(tensor(storage('0', 4, { type }), [4], [1]), {
      '0': Buffer.from(Uint16Array.from(halves).buffer),
    });
    expect(await read()).toEqual(values);
  });

  it('of float64 is rounded to float32', async () => {
    const bytes = Buffer.from(Float64Array.of(0.1, -2).buffer);
    await write(tensor(storage('0', 2, { type: 'DoubleStorage' }), [2], [1]), { '0': bytes });
    expect(await read()).toEqual([Math.fround(0.1), -2]);
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
    await expectRefused(reason);
  });

  it('shares a storage with others only as one type', async () => {
    const half = tensor(storage('0', 4, { type: 'HalfStorage' }), [4], [1]);
    const state = dict({ a: tensor(storage('0', 2), [2], [1]), b: half });
    await refuses(/2 of float32 in one place and 4 of float16/, saved({ state }), { '0': float32(1, 2) });
  });

  it('whose bytes changed is refused when it is read', async () => {
    await write(tensor(storage('0', 2), [2], [1]), { '0': float32(1, 2) });
    const bytes = await readFile(path);
    bytes[bytes.indexOf(float32(1, 2))] ^= 1;
    await writeFile(path, bytes);
    await expectRefused(/damaged/, () => read());
  });
});

describe('the archive', () => {
  it('is refused with entries that PyTorch does not write', async () => {
    const byteorder = (text: string) => [{ name: 'm/byteorder', bytes: Buffer.from(text) }];
    await writeArchive(saved(), {}, byteorder('little'));
    await opened(() => {});
    await writeArchive(saved(), {}, byteorder('big'));
    await expectRefused(/byte order/);
    await writeArchive(saved(), {}, [{ name: 'm/x', bytes: Buffer.alloc(99), compress: true }]);
    await expectRefused('m/x is compressed');
    await writeArchive(saved(), {}, [{ name: 'm/version', bytes: Buffer.alloc(1) }]);
    await expectRefused('m/version is there twice');
    await writeArchive(saved(), {}, [{ name: 'n/data.pkl', bytes: pickle(saved()) }]);
    await expectRefused('2 entries data.pkl');
    await writeZip(path, [{ name: 'readme', bytes: Buffer.alloc(1) }]);
    await expectRefused('0 entries data.pkl');
  });

  it('is refused beyond bounds', async () => {
    await writeZip(path, [{ name: 'm/data.pkl', bytes: Buffer.alloc(16 * 2 ** 20 + 1) }]);
    await expectRefused(/data\.pkl has 16777217 bytes/);
    const many = Array.from({ length: 10_001 }, (_, i) => ({ name: `m/${i}`, bytes: Buffer.alloc(0) }));
    await writeZip(path, many);
    await expectRefused(/10001 entries/);
  });

  it('is refused when it names a place that no file can have', async () => {
    await writeZip(path, [{ name: 'm/data.pkl', bytes: pickle(saved()) }], true);
    await opened(() => {});
    const bytes = await readFile(path);
    const locator = bytes.indexOf('PK\x06\x07');
    bytes.writeBigUInt64LE(2n ** 58n, locator + 8);
    await writeFile(path, bytes);
    await expectRefused(/cut off/);
  });

  it('is refused when it is cut off, wherever', async () => {
    await writeArchive(saved({ state: dict({ w: tensor(storage('0', 2), [2], [1]) }) }), {
      '0': float32(1, 2),
    });
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(path, whole.subarray(0, length));
      await expectRefused(/cannot be used/);
    }
  });

  it('is refused when it is no checkpoint, or not there', async () => {
    await writeFile(path, '<html>Not found</html>');
    await expectRefused(/expected PROTO/);
    await rm(path);
    await expectRefused(/no such file/);
  });
});

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

  const write = (...parts: Buffer[]) => writeFile(path, Buffer.concat(parts));

  it('has its storages in the order of their keys', async () => {
    await write(...head, keys('9', '70'), w, v);
    expect(await opened(({ klass }) => klass)).toBe('demucs.htdemucs.HTDemucs');
    expect(await read('v')).toEqual([4, 5]);
    expect(await read('w')).toEqual([1, 2, 3]);
  });

  it('is refused when it lies about itself', async () => {
    await write(pickle(int(1)));
    await expectRefused(/magic number/);
    await write(MAGIC, pickle(int(1000)));
    await expectRefused(/version/);
    await write(MAGIC, VERSION, machine(false));
    await expectRefused(/little-endian/);
    await write(...head, keys('9'), w);
    await expectRefused(/storage 70 is missing/);
    await write(...head, keys('9', '70', '1'), w, v, v);
    await expectRefused(/nothing refers to/);
    await write(...head, keys('9', '9', '70'), w, w, v);
    await expectRefused(/twice/);
    await write(...head, keys('9', '70'), v, w);
    await expectRefused(/storage 9 has 2 elements, expected 3/);
  });

  it('refuses a persistent id that is neither a storage nor a class', async () => {
    const id = code(tuple(str('module'), str('os.system'), none, none), 'Q');
    await write(MAGIC, VERSION, machine(true), pickle(saved({ klass: id })), keys());
    await expectRefused(/persistent id/);
  });

  it('is refused when it is cut off, wherever', async () => {
    await write(...head, keys('9', '70'), w, v);
    const whole = await readFile(path);
    for (let length = whole.length - 1; length >= 0; length -= 5) {
      await writeFile(path, whole.subarray(0, length));
      await expectRefused(/cut off|expected PROTO/);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { CheckpointFile, saved } from '../../../../support/checkpoint.ts';
import {
  code,
  dict,
  float,
  global,
  int,
  list,
  long,
  none,
  reduce,
  storage,
  str,
  tensor,
  tuple,
} from '../../../../support/pickle.ts';

const file = new CheckpointFile();

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
    expect(await file.kwargsOf(kwargs)).toEqual({
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
    expect(await file.kwargsOf(code(frame, dict({ segment: fraction, again: code('h\x00') })))).toEqual({
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
    expect(await file.kwargsOf(kwargs)).toEqual({ float: 1.5, int: -2 });
    await file.refuses(/little-endian/, saved({ kwargs: dict({ float: dtype('f8', '>') }) }));
    await file.refuses(
      /dtype O/,
      saved({ kwargs: dict({ object: reduce(global('numpy', 'dtype'), str('O')) }) }),
    );
  });

  it('are all that arguments may be', async () => {
    const any = global('typing', 'Any');
    await file.refuses('kwargs.x holds typing.Any', saved({ kwargs: dict({ x: list(any) }) }));
    await file.refuses('args holds typing.Any', saved({ args: tuple(any) }));
    await file.refuses(
      'kwargs.x holds a tensor',
      saved({ kwargs: dict({ x: tensor(storage('0', 0), [0], [1]) }) }),
      {
        '0': Buffer.alloc(0),
      },
    );
    await file.refuses('state.x is typing.Any', saved({ state: dict({ x: any }) }));
    await file.refuses('state is typing.Any', saved({ state: any }));
    await file.refuses('klass is a string', saved({ klass: str('HTDemucs') }));
    await file.refuses('the saved object is a list', list());
  });

  it('may be in many places, but not in themselves', async () => {
    const doubled = `]q\x01${'h\x01\x86q\x01'.repeat(30)}`;
    await file.write(saved({ kwargs: dict({ x: code(doubled) }) }));
    await file.opened(({ kwargs }) => expect(kwargs.x).toHaveLength(2));
    await file.refuses(/kwargs.x is nested/, saved({ kwargs: dict({ x: code(']q\x01h\x01a') }) }));
    await file.refuses(
      /kwargs.x is nested/,
      saved({ kwargs: dict({ x: code(']'.repeat(9999), 'a'.repeat(9998)) }) }),
    );
  });
});

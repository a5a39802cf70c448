import { describe, it } from 'vitest';
import { CheckpointFile, KLASS, saved } from '../../../../support/checkpoint.ts';
import { code, dict, global, list, reduce, str, writeZip } from '../../../../support/pickle.ts';

const file = new CheckpointFile();

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
    await file.refuses(name, saved({ training_args: list(body) }));
    await file.refuses(name, saved({ kwargs: dict({ x: body }) }));
  });

  it.each([
    ['EXT1', '\x82\x01'],
    ['INST', '(icollections\nOrderedDict\n'],
    ['OBJ', '(ccollections\nOrderedDict\no'],
    ['PERSID', 'P0\n'],
    ['NEXT_BUFFER', '\x97'],
    ['number 255', '\xff'],
  ])('as is the opcode %s', (name, body) => file.refuses(name, saved({ training_args: code(body) })));

  it('classes are never called', async () => {
    await file.refuses('calls demucs.htdemucs.HTDemucs', reduce(KLASS));
    await file.refuses('calls a string', reduce(str('eval')));
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
  ])('%s is refused', (_, body, reason) => file.refuses(reason, code(body)));

  it('of another protocol is refused', async () => {
    for (const bytes of [code('\x80\x06N.'), code('(lp0\n.')]) {
      await writeZip(file.path, [{ name: 'm/data.pkl', bytes }]);
      await file.expectRefused(/protocol 6|expected PROTO/);
    }
  });
});

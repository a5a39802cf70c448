import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, it } from 'vitest';
import { CheckpointFile, float32, saved } from '../../../../support/checkpoint.ts';
import { dict, pickle, storage, tensor, writeZip } from '../../../../support/pickle.ts';

const file = new CheckpointFile();

describe('the archive', () => {
  it('is refused with entries that PyTorch does not write', async () => {
    const byteorder = (text: string) => [{ name: 'm/byteorder', bytes: Buffer.from(text) }];
    await file.write(saved(), {}, byteorder('little'));
    await file.opened(() => {});
    await file.write(saved(), {}, byteorder('big'));
    await file.expectRefused(/byte order/);
    await file.write(saved(), {}, [{ name: 'm/x', bytes: Buffer.alloc(99), compress: true }]);
    await file.expectRefused('m/x is compressed');
    await file.write(saved(), {}, [{ name: 'm/version', bytes: Buffer.alloc(1) }]);
    await file.expectRefused('m/version is there twice');
    await file.write(saved(), {}, [{ name: 'n/data.pkl', bytes: pickle(saved()) }]);
    await file.expectRefused('2 entries data.pkl');
    await writeZip(file.path, [{ name: 'readme', bytes: Buffer.alloc(1) }]);
    await file.expectRefused('0 entries data.pkl');
  });

  it('is refused beyond bounds', async () => {
    await writeZip(file.path, [{ name: 'm/data.pkl', bytes: Buffer.alloc(16 * 2 ** 20 + 1) }]);
    await file.expectRefused(/data\.pkl has 16777217 bytes/);
    const many = Array.from({ length: 10_001 }, (_, i) => ({ name: `m/${i}`, bytes: Buffer.alloc(0) }));
    await writeZip(file.path, many);
    await file.expectRefused(/10001 entries/);
  });

  it('is refused when it names a place that no file can have', async () => {
    await writeZip(file.path, [{ name: 'm/data.pkl', bytes: pickle(saved()) }], true);
    await file.opened(() => {});
    const bytes = await readFile(file.path);
    const locator = bytes.indexOf('PK\x06\x07');
    bytes.writeBigUInt64LE(2n ** 58n, locator + 8);
    await writeFile(file.path, bytes);
    await file.expectRefused(/cut off/);
  });

  it('is refused when it is cut off, wherever', async () => {
    await file.write(saved({ state: dict({ w: tensor(storage('0', 2), [2], [1]) }) }), {
      '0': float32(1, 2),
    });
    const whole = await readFile(file.path);
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(file.path, whole.subarray(0, length));
      await file.expectRefused(/cannot be used/);
    }
  });

  it('is refused when it is no checkpoint, or not there', async () => {
    await writeFile(file.path, '<html>Not found</html>');
    await file.expectRefused(/expected PROTO/);
    await rm(file.path);
    await file.expectRefused(/no such file/);
  });
});

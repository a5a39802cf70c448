import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HostSetupError } from '../../src/local/errors.ts';
import { lockFolder } from '../../src/local/lock.ts';

it('keeps a second host out of a folder until the first is done with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  {
    using _first = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(HostSetupError);
  }
  lockFolder(folder)[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});
